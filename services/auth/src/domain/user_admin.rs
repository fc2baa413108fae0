//! Accounts as an operator sees and changes them.

use std::sync::Arc;

use types::{Clock, IdSource, Page, PageRequest, UserId};

use super::{
    AuditEvent, Change, Email, Error, PlanName, Result, User, UserAdminStore, UserStore, events,
};

/// Looks at anybody's account and changes it.
pub struct UserAdmin {
    users: Arc<dyn UserStore>,
    store: Arc<dyn UserAdminStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl UserAdmin {
    /// Over these stores.
    #[must_use]
    pub fn new(
        (users, store): (Arc<dyn UserStore>, Arc<dyn UserAdminStore>),
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
    ) -> Self {
        Self {
            users,
            store,
            clock,
            ids,
        }
    }

    /// A page of users, newest first; of those with this address when one is given.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self, email: Option<&Email>, request: PageRequest) -> Result<Page<User>> {
        let rows = self.store.list(email, request).await?;
        Ok(Page::from_rows(rows, request, |user| user.id.uuid()))
    }

    /// One user.
    ///
    /// # Errors
    /// `NoSuchUser`.
    pub async fn get(&self, id: UserId) -> Result<User> {
        self.users.find(id).await?.ok_or(Error::NoSuchUser)
    }

    /// Moves a user to a plan, which the next access token says. The plan the user is on already
    /// is no change and leaves no record.
    ///
    /// # Errors
    /// `NoSuchUser`.
    pub async fn move_to(&self, actor: UserId, id: UserId, plan: PlanName) -> Result<User> {
        let (ids, clock) = (Arc::clone(&self.ids), Arc::clone(&self.clock));
        let rule = Box::new(move |user: &User| {
            if user.plan == plan {
                return None;
            }
            // Made while others are kept away, so that records sort as the changes happened.
            let (event, now) = (ids.next(), clock.now());
            let event = AuditEvent::of_plan(event, (actor, user.id), (&user.plan, &plan), now);
            Some(Change { plan, event })
        });
        let done = self.store.change(id, rule).await?;
        let (user, changed) = done.ok_or(Error::NoSuchUser)?;
        if changed {
            events::plan_changed(actor, id, user.plan.as_str());
        }
        Ok(user)
    }

    /// A page of what was done to a user, newest first. What was done to one who is gone is still
    /// known.
    ///
    /// # Errors
    /// `NoSuchUser` when there is neither such a user nor a record of one.
    pub async fn audit(&self, id: UserId, request: PageRequest) -> Result<Page<AuditEvent>> {
        let rows = self.store.audit(id, request).await?;
        if rows.is_empty() {
            self.get(id).await?;
        }
        Ok(Page::from_rows(rows, request, |event| event.id))
    }
}
