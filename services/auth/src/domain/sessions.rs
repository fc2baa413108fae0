//! Sign-ins: the tokens they begin with and the trading of refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use identity::Caller;
use ring::hmac;
use types::{Clock, IdSource, SessionId, Timestamp};

use super::refresh::random_bytes;
use super::{
    EndReason, Error, Keyring, Lineage, NewSession, RefreshToken, Result, Role, RotationSettings,
    SessionStore, Step, StoredToken, User, UserStore, events,
};

/// What a signed-in client holds.
#[derive(Debug)]
pub struct Tokens {
    /// A signed JWT.
    pub access: String,
    /// Trades once for new tokens.
    pub refresh: RefreshToken,
    /// How long the access token is good.
    pub expires_in: Duration,
}

/// Begins and continues sign-ins.
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    users: Arc<dyn UserStore>,
    keyring: Arc<Keyring>,
    derivation: hmac::Key,
    rotation: RotationSettings,
    access_ttl: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// A session that is drawn up but not stored.
pub struct Opening {
    /// What is to be stored.
    pub session: NewSession,
    token: RefreshToken,
}

impl Sessions {
    /// Sessions over these stores. Refresh tokens are derived with `derivation`.
    #[must_use]
    pub fn new(
        (store, users): (Arc<dyn SessionStore>, Arc<dyn UserStore>),
        (keyring, derivation): (Arc<Keyring>, hmac::Key),
        (rotation, access_ttl): (RotationSettings, Duration),
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
    ) -> Self {
        Self {
            store,
            users,
            keyring,
            derivation,
            rotation,
            access_ttl,
            clock,
            ids,
        }
    }

    /// Draws up a session, to be stored together with a new account.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn draw_up(&self, user: &User) -> Result<Opening> {
        let token = RefreshToken::random()?;
        let session = NewSession {
            id: SessionId(self.ids.next()),
            user: user.id,
            token: self.row(&token, None, self.clock.now()),
        };
        Ok(Opening { session, token })
    }

    /// Stores a session of its own.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(&self, user: &User) -> Result<Tokens> {
        let opening = self.draw_up(user)?;
        self.store.open(opening.session).await?;
        self.begin(opening, user).await
    }

    /// The tokens of a session that is stored now.
    ///
    /// # Errors
    /// Signing fails.
    pub async fn begin(&self, opening: Opening, user: &User) -> Result<Tokens> {
        self.tokens(user, opening.session.id, opening.token).await
    }

    /// Trades a refresh token for new tokens.
    ///
    /// # Errors
    /// `InvalidRefreshToken`, after which the session may have ended.
    pub async fn refresh(&self, presented: RefreshToken) -> Result<Tokens> {
        let now = self.clock.now();
        let seed = random_bytes()?;
        let lineage = Lineage {
            parent: presented.digest(),
            seed,
        };
        let child = presented.child(&self.derivation, &seed);
        let row = self.row(&child, Some(lineage), now);
        let rotation = self.rotation;
        let rule = Box::new(move |chain: &_| rotation.step(chain, row, now));
        let advanced = self.store.advance(presented.digest(), rule, now).await?;
        let Some((chain, step)) = advanced else {
            events::refreshed("refused");
            return Err(Error::InvalidRefreshToken);
        };
        let next = match step {
            Step::Rotate(_) => child,
            Step::Repeat(active) => self.derived_again(&presented, &active)?,
            Step::End(EndReason::TokenReused) => {
                events::token_reused(chain.user, chain.session);
                return Err(Error::InvalidRefreshToken);
            }
            Step::Refuse => {
                events::refreshed("refused");
                return Err(Error::InvalidRefreshToken);
            }
        };
        // The token tells what the account is now, not what it was at the sign-in.
        let user = self.users.find(chain.user).await?;
        let user = user.ok_or(Error::InvalidRefreshToken)?;
        events::refreshed(if matches!(step, Step::Rotate(_)) {
            "rotated"
        } else {
            "repeated"
        });
        self.tokens(&user, chain.session, next).await
    }

    // A child made under another suite secret cannot be derived again: the client signs in anew.
    fn derived_again(&self, parent: &RefreshToken, active: &StoredToken) -> Result<RefreshToken> {
        let lineage = active.lineage.ok_or(Error::InvalidRefreshToken)?;
        let child = parent.child(&self.derivation, &lineage.seed);
        if child.digest() == active.digest {
            Ok(child)
        } else {
            Err(Error::InvalidRefreshToken)
        }
    }

    fn row(&self, token: &RefreshToken, lineage: Option<Lineage>, now: Timestamp) -> StoredToken {
        StoredToken {
            digest: token.digest(),
            lineage,
            issued_at: now,
            expires_at: now.plus(self.rotation.ttl),
            used_at: None,
        }
    }

    async fn tokens(&self, user: &User, id: SessionId, refresh: RefreshToken) -> Result<Tokens> {
        let now = self.clock.now();
        let caller = Caller {
            role: match user.role {
                Role::User => identity::Role::User,
                Role::Admin => identity::Role::Admin,
            },
            subject: user.id.to_string(),
            owner: Some(user.id),
            tier: user.plan.as_str().to_owned(),
            session: Some(id),
            grant: None,
            expires_at: now.plus(self.access_ttl),
        };
        Ok(Tokens {
            access: self.keyring.sign(&caller, now).await?,
            refresh,
            expires_in: self.access_ttl,
        })
    }
}
