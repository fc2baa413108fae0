//! Access tokens for the services of the suite, in return for the secret they share.

use std::sync::Arc;
use std::time::Duration;

use identity::Caller;
use ring::hmac;
use ring::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};
use types::Clock;

use super::{Error, Keyring, Result, events};

/// A service of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceName {
    /// The HTTP gateway.
    Gateway,
    /// This service.
    Auth,
    /// The file service.
    File,
    /// The generation service.
    Generation,
    /// The usage service.
    Usage,
}

/// The text names no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be gateway, auth, file, generation or usage")]
pub struct UnknownService;

impl ServiceName {
    const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Auth,
        Self::File,
        Self::Generation,
        Self::Usage,
    ];

    /// The `sub` of its tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
            Self::File => "file",
            Self::Generation => "generation",
            Self::Usage => "usage",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// The text names no service.
    pub fn parse(text: &str) -> std::result::Result<Self, UnknownService> {
        let named = Self::ALL.into_iter().find(|name| name.as_str() == text);
        named.ok_or(UnknownService)
    }
}

/// Issues the services' tokens.
pub struct ServiceTokens {
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    // Tags under a key of this process compare in constant time, whatever the lengths.
    comparing: hmac::Key,
    expected: hmac::Tag,
}

impl ServiceTokens {
    /// How long a service's token is good.
    pub const TTL: Duration = Duration::from_secs(60 * 60);

    /// Issues tokens in return for this secret.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn new(
        secret: &SecretString,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let comparing = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| Error::internal("no random bytes"))?;
        let expected = hmac::sign(&comparing, secret.expose_secret().as_bytes());
        Ok(Self {
            keyring,
            clock,
            comparing,
            expected,
        })
    }

    /// The service's access token.
    ///
    /// # Errors
    /// `InvalidCredentials` when the secret is not the suite's.
    pub async fn issue(&self, service: ServiceName, secret: &SecretString) -> Result<String> {
        let presented = secret.expose_secret().as_bytes();
        if hmac::verify(&self.comparing, presented, self.expected.as_ref()).is_err() {
            events::refused_service(service.as_str());
            return Err(Error::InvalidCredentials);
        }
        let now = self.clock.now();
        let caller = Caller {
            role: identity::Role::Service,
            subject: service.as_str().to_owned(),
            owner: None,
            tier: String::new(),
            session: None,
            grant: None,
            expires_at: now.plus(Self::TTL),
        };
        self.keyring.sign(&caller, now).await
    }
}
