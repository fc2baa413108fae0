//! Who calls: tokens are verified here, and only here, in every process; what a caller may do is
//! a value that functions demand.

mod api_key;
mod caller;
mod claims;
mod credentials;
pub mod idempotency;
mod jws;
mod keys;
pub mod receipt;
mod remote;
mod signing;
mod verifier;

pub use api_key::ApiKey;
pub use caller::{Caller, Grant, Role, caller_of};
pub use claims::Claims;
pub use credentials::{Credentials, OWNER_METADATA, TIER_METADATA};
pub use keys::{FixedKeys, KeySource, PublicKey};
pub use remote::RemoteKeys;
pub use signing::{InvalidKey, SigningKey};
pub use verifier::Verifier;
