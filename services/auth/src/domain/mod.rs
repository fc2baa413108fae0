//! The quiet room: what an account, a sign-in and a key are, and the rules they follow.

mod accounts;
mod api_key;
mod api_keys;
mod audit;
mod common_passwords;
mod email;
mod error;
mod events;
mod hashing;
mod keyring;
mod password;
mod plan;
mod ports;
mod refresh;
mod rotation;
mod sealing;
mod service_tokens;
mod sessions;
mod throttle;
mod user;
mod user_admin;

pub use accounts::{Accounts, Registration};
pub use api_key::{ApiKey, Scopes};
pub use api_keys::{ApiKeys, Exchanged, NewApiKey};
pub use audit::AuditEvent;
pub use email::Email;
pub use error::Error;
pub use hashing::Hasher;
pub use keyring::Keyring;
pub use password::{NewPassword, Password, PasswordHash};
pub use plan::PlanName;
pub use ports::{
    Account, ApiKeyStore, Change, ChangeRule, FailureStore, KeyState, KeyStore, NewAccount,
    RotationRule, SessionStore, StoredKey, UserAdminStore, UserStore,
};
pub use refresh::{Digest, Lineage, RefreshToken, StoredToken};
pub use rotation::{Chain, EndReason, NewSession, RotationSettings, Step};
pub use sealing::Sealer;
pub use service_tokens::{ServiceName, ServiceTokens};
pub use sessions::{Sessions, Tokens};
pub use throttle::{Failures, WINDOW};
pub use user::{DisplayName, Role, User};
pub use user_admin::UserAdmin;

/// What a rule or use case comes to.
pub type Result<T> = std::result::Result<T, Error>;
