//! Registering, signing in, looking at one's own account and changing it.

use std::sync::Arc;

use types::{Clock, IdSource, UserId};

use super::hashing::Place;
use super::{
    Account, DisplayName, Email, Error, FailureStore, Hasher, NewAccount, NewPassword, Password,
    Result, Sessions, Tokens, User, UserStore, events,
};

/// What a new account is made of.
#[derive(Debug)]
pub struct Registration {
    /// Not taken yet, or it fails.
    pub email: Email,
    /// Fit for an account.
    pub password: NewPassword,
    /// May be empty.
    pub display_name: DisplayName,
}

/// An account, signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// Its tokens.
    pub tokens: Tokens,
}

/// Accounts and how one gets into them.
pub struct Accounts {
    users: Arc<dyn UserStore>,
    failures: Arc<dyn FailureStore>,
    sessions: Arc<Sessions>,
    hasher: Hasher,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    admin: Option<Email>,
}

impl Accounts {
    /// Accounts over these stores; the one registered as `admin` runs the suite.
    #[must_use]
    pub fn new(
        (users, failures): (Arc<dyn UserStore>, Arc<dyn FailureStore>),
        sessions: Arc<Sessions>,
        hasher: Hasher,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
        admin: Option<Email>,
    ) -> Self {
        Self {
            users,
            failures,
            sessions,
            hasher,
            clock,
            ids,
            admin,
        }
    }

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// `EmailTaken`; of several at once exactly one succeeds.
    pub async fn register(&self, ask: Registration) -> Result<SignedIn> {
        // Spares the hash; the unique address decides below.
        if self.users.find_by_email(&ask.email).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let place = self.hasher.place().await?;
        let password = place.hash(ask.password.as_password()).await?;
        drop(place);
        let id = UserId(self.ids.next());
        let admin = self.admin.as_ref();
        let user = User::new(id, &ask.email, ask.display_name, admin, self.clock.now());
        let opening = self.sessions.draw_up(&user)?;
        let account = Account {
            user: user.clone(),
            password,
        };
        let session = opening.session;
        self.users.create(NewAccount { account, session }).await?;
        events::registered(user.id);
        let tokens = self.sessions.begin(opening, &user).await?;
        Ok(SignedIn { user, tokens })
    }

    /// Signs in.
    ///
    /// # Errors
    /// `InvalidCredentials`, the same and as late for an unknown address and a wrong password;
    /// `TooManyAttempts`; `Overloaded`.
    pub async fn login(&self, email: &Email, password: &Password) -> Result<SignedIn> {
        let address = email.digest();
        // Failures are read and counted while holding a place, so no more guesses than there are
        // places get past the count at once.
        let place = self.hasher.place().await?;
        let failures = self.failures.find(address).await?;
        let wait = failures.and_then(|failures| failures.wait(self.clock.now()));
        if let Some(wait) = wait {
            events::throttled();
            return Err(Error::TooManyAttempts(wait));
        }
        let account = self.users.find_by_email(email).await?;
        let stored = account.as_ref().map(|account| &account.password);
        let verdict = place.check(stored, password).await?;
        let Some(account) = account.as_ref().filter(|_| verdict.matches) else {
            events::refused_credentials(account.map(|account| account.user.id));
            self.failures.add(address, self.clock.now()).await?;
            return Err(Error::InvalidCredentials);
        };
        if verdict.outdated {
            self.hash_again(&place, account, password).await?;
        }
        drop(place);
        if failures.is_some() {
            self.failures.forget(address).await?;
        }
        let tokens = self.sessions.open(&account.user).await?;
        events::signed_in(account.user.id);
        Ok(SignedIn {
            user: account.user.clone(),
            tokens,
        })
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// `AccountGone` when it was deleted since the token was signed.
    pub async fn current(&self, id: UserId) -> Result<User> {
        self.users.find(id).await?.ok_or(Error::AccountGone)
    }

    /// Gives the caller another name.
    ///
    /// # Errors
    /// `AccountGone` when it was deleted since the token was signed.
    pub async fn rename(&self, id: UserId, name: &DisplayName) -> Result<User> {
        let renamed = self.users.rename(id, name, self.clock.now()).await?;
        renamed.ok_or(Error::AccountGone)
    }

    async fn hash_again(
        &self,
        place: &Place,
        account: &Account,
        password: &Password,
    ) -> Result<()> {
        let new = place.hash(password).await?;
        let now = self.clock.now();
        let id = account.user.id;
        self.users
            .replace_password(id, &account.password, &new, now)
            .await
    }
}
