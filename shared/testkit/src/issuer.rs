//! Tokens for tests: signed as `auth` signs them, verified as every service does.
#![expect(
    clippy::expect_used,
    reason = "a test without its token must stop at once"
)]

use std::sync::Arc;
use std::time::Duration;

use identity::{Caller, FixedKeys, Grant, Role, SigningKey, Verifier};
use types::{Clock, SystemClock, UserId};

/// Signs tokens that its own verifier takes.
#[derive(Clone)]
pub struct TestIssuer {
    key: Arc<SigningKey>,
}

impl TestIssuer {
    /// With a fresh key.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a random key is no default value"
    )]
    pub fn new() -> Self {
        let (key, _) = SigningKey::generate();
        Self { key: Arc::new(key) }
    }

    /// A verifier that takes these tokens.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier::new(FixedKeys(vec![self.key.public()]))
    }

    /// The key, for a test's own auth service.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A user's token, good for an hour.
    #[must_use]
    pub fn user_token(&self, user: UserId, tier: &str) -> String {
        let caller = caller(Role::User, &user.to_string(), Some(user), tier);
        self.sign(&caller)
    }

    /// An operator's token, good for an hour.
    #[must_use]
    pub fn admin_token(&self, user: UserId) -> String {
        let caller = caller(Role::Admin, &user.to_string(), Some(user), "pro");
        self.sign(&caller)
    }

    /// A service's token, good for an hour.
    #[must_use]
    pub fn service_token(&self, name: &str) -> String {
        self.sign(&caller(Role::Service, name, None, ""))
    }

    /// What stands for an API key of a user's, good for `life`.
    #[must_use]
    pub fn key_token(&self, user: UserId, grant: Grant, life: Duration) -> String {
        self.sign(&Caller {
            grant: Some(Arc::new(grant)),
            expires_at: SystemClock.now().plus(life),
            ..caller(Role::User, &user.to_string(), Some(user), "free")
        })
    }

    fn sign(&self, caller: &Caller) -> String {
        let token = self.key.sign(caller, SystemClock.now());
        token.expect("a token is signed")
    }
}

fn caller(role: Role, subject: &str, owner: Option<UserId>, tier: &str) -> Caller {
    Caller {
        role,
        subject: subject.to_owned(),
        owner,
        tier: tier.to_owned(),
        session: None,
        grant: None,
        expires_at: SystemClock.now().plus(Duration::from_secs(3600)),
    }
}
