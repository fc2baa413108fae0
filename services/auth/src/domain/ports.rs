//! What the rules need kept, as traits the store implements.

use async_trait::async_trait;
use types::{ApiKeyId, PageRequest, Timestamp, UserId};

use super::{
    ApiKey, AuditEvent, Chain, Digest, DisplayName, Email, Failures, NewSession, PasswordHash,
    PlanName, Result, Step, User,
};

/// A user with what signs the user in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Of the password.
    pub password: PasswordHash,
}

/// An account about to be stored, signed in.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The account.
    pub account: Account,
    /// Its first session.
    pub session: NewSession,
}

/// Keeps users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Stores the account and its session, both or neither. `EmailTaken` when the address has one.
    async fn create(&self, new: NewAccount) -> Result<()>;
    /// The account of an address.
    async fn find_by_email(&self, email: &Email) -> Result<Option<Account>>;
    /// A user.
    async fn find(&self, id: UserId) -> Result<Option<User>>;
    /// Gives a user another name; the user as it is then, `None` when there is none.
    async fn rename(&self, id: UserId, name: &DisplayName, now: Timestamp) -> Result<Option<User>>;
    /// Replaces a hash, unless it was replaced meanwhile.
    async fn replace_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<()>;
}

/// What becomes of a user, with the record of it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The plan from now on.
    pub plan: PlanName,
    /// Who did it, when, and what.
    pub event: AuditEvent,
}

/// Decides what becomes of a user; `None` when nothing is to be changed.
pub type ChangeRule = Box<dyn FnOnce(&User) -> Option<Change> + Send>;

/// Keeps users for those who run the suite.
#[async_trait]
pub trait UserAdminStore: Send + Sync {
    /// Users, newest first, or the one with this address; one more than the page holds, if there
    /// are more.
    async fn list(&self, email: Option<&Email>, page: PageRequest) -> Result<Vec<User>>;
    /// In one transaction: finds the user, keeps others away, asks the rule, and stores what it
    /// says. The user as it is then, and whether it was changed; `None` when there is none.
    async fn change(&self, id: UserId, rule: ChangeRule) -> Result<Option<(User, bool)>>;
    /// What was done to a user, newest first; one more than the page holds, if there are more.
    async fn audit(&self, id: UserId, page: PageRequest) -> Result<Vec<AuditEvent>>;
}

/// Decides what presenting a token does to its session.
pub type RotationRule = Box<dyn FnOnce(&Chain) -> Step + Send>;

/// Keeps sessions.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a session with its first token; drops the user's sessions that expired.
    async fn open(&self, new: NewSession) -> Result<()>;
    /// In one transaction: finds the session of the token, keeps others away from it, asks the
    /// rule, and stores what it says. `None` when no session has such a token.
    async fn advance(
        &self,
        presented: Digest,
        rule: RotationRule,
        now: Timestamp,
    ) -> Result<Option<(Chain, Step)>>;
}

/// Keeps API keys.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Stores a key under its digest, with the record of it, and drops the oldest of those that are not
    /// good any more. `TooManyKeys` when its owner has as many good ones as may be, however many come
    /// at once; `AccountGone` when there is no owner.
    async fn create(&self, key: &ApiKey, digest: Digest, event: AuditEvent) -> Result<()>;
    /// A user's keys, newest first; one more than the page holds, if there are more.
    async fn list(&self, owner: UserId, page: PageRequest) -> Result<Vec<ApiKey>>;
    /// Ends a user's key when the record says, and stores that, unless it was ended before. The key as
    /// it is then, and whether it was changed; `None` when the user has none like it.
    async fn revoke(
        &self,
        owner: UserId,
        id: ApiKeyId,
        event: AuditEvent,
    ) -> Result<Option<(ApiKey, bool)>>;
    /// The key of a digest, with its owner's plan.
    async fn find(&self, digest: Digest) -> Result<Option<(ApiKey, PlanName)>>;
    /// Notes that a key was seen.
    async fn note_use(&self, id: ApiKeyId, now: Timestamp) -> Result<()>;
}

/// Counts wrong passwords.
#[async_trait]
pub trait FailureStore: Send + Sync {
    /// The failures of an address.
    async fn find(&self, address: Digest) -> Result<Option<Failures>>;
    /// Counts one more; the count begins anew when the last is older than the window.
    async fn add(&self, address: Digest, now: Timestamp) -> Result<()>;
    /// Forgets an address that signed in.
    async fn forget(&self, address: Digest) -> Result<()>;
}

/// What a key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Signs; exactly one does.
    Signing,
    /// Will sign; published ahead, so that every process knows it by then.
    Next,
    /// Signs no more, since then; published while tokens of it may be met.
    Retired(Timestamp),
}

/// A signing key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name, the `kid` of tokens: the RFC 7638 thumbprint.
    pub kid: String,
    /// The Ed25519 public key.
    pub public: [u8; 32],
    /// The private key, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is used for.
    pub state: KeyState,
}

/// Keeps signing keys.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Every key, newest first.
    async fn list(&self) -> Result<Vec<StoredKey>>;
    /// Stores a key that signs, unless there is one already.
    async fn add_first(&self, key: StoredKey) -> Result<()>;
}
