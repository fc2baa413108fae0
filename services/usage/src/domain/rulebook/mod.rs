//! The use cases of those who run the place: plans, budgets and prices are written and looked at.

mod corrections;

use std::sync::Arc;

use types::{Clock, IdSource, Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::audit::{AuditEvent, Signature};
use super::budget::{Budget, BudgetChange, NewBudget};
use super::counter::{Key, Standing};
use super::error::Error;
use super::forecast::{PaceStore, forecasts};
use super::plan::{Plan, Plans};
use super::ports::{Book, RuleLists, RuleStore};
use super::price::{NewPrice, Price};
use super::scope::Scope;

pub use corrections::{Correction, Corrector};

/// A rule somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The rule.
    pub rule: T,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Who first wrote it.
    pub created_by: String,
    /// Who last wrote it.
    pub updated_by: String,
}

/// A plan, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From the configuration.
    Configured(Plan),
    /// An operator wrote it.
    Written(Written<Plan>),
}

/// A budget as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStanding {
    /// The budget.
    pub budget: Budget,
    /// What stands on its counter now.
    pub standing: Standing,
    /// What will be used by the end of its window; 0 when too little is known.
    pub forecast: i64,
}

/// The rules, as operators see them.
pub struct Rulebook {
    store: Arc<dyn RuleStore>,
    lists: Arc<dyn RuleLists>,
    book: Arc<dyn Book>,
    pace: Arc<dyn PaceStore>,
    configured: Plans,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// Where rules are written and looked at.
pub struct Shelves {
    /// Writes them.
    pub store: Arc<dyn RuleStore>,
    /// Lists them.
    pub lists: Arc<dyn RuleLists>,
    /// Works by them.
    pub book: Arc<dyn Book>,
    /// Knows how use goes on.
    pub pace: Arc<dyn PaceStore>,
}

impl Origin {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        match self {
            Self::Configured(plan) => plan,
            Self::Written(written) => &written.rule,
        }
    }
}

impl Rulebook {
    /// Rules on these shelves over the configured plans.
    #[must_use]
    pub fn new(
        shelves: Shelves,
        configured: Plans,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let Shelves {
            store,
            lists,
            book,
            pace,
        } = shelves;
        Self {
            store,
            lists,
            book,
            pace,
            configured,
            clock,
            ids,
        }
    }

    fn signed(&self, actor: &str) -> Signature {
        Signature {
            actor: actor.to_owned(),
            at: self.clock.now(),
            ids: Arc::clone(&self.ids),
        }
    }

    /// Every plan, by name.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn plans(&self) -> Result<Vec<Origin>, Error> {
        let written = self.lists.plans().await?;
        let is_written = |plan: &&Plan| written.iter().any(|one| one.rule.name() == plan.name());
        let configured = self.configured.iter().filter(|plan| !is_written(plan));
        let mut plans: Vec<Origin> = configured.cloned().map(Origin::Configured).collect();
        plans.extend(written.iter().cloned().map(Origin::Written));
        plans.sort_by(|left, right| left.plan().name().cmp(right.plan().name()));
        Ok(plans)
    }

    /// One plan.
    ///
    /// # Errors
    /// There is none of this name; the books do not answer.
    pub async fn plan(&self, name: &str) -> Result<Origin, Error> {
        let plans = self.plans().await?;
        let found = plans.into_iter().find(|one| one.plan().name() == name);
        found.ok_or(Error::NotFound("plan"))
    }

    /// Writes a plan.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn put_plan(&self, plan: &Plan, actor: &str) -> Result<Origin, Error> {
        let written = self.store.put_plan(plan, &self.signed(actor)).await?;
        Ok(Origin::Written(written))
    }

    /// Forgets what was written of a plan.
    ///
    /// # Errors
    /// Nothing was; it would be gone while it is in use, and that is not forced; the books do not
    /// answer.
    pub async fn delete_plan(&self, name: &str, force: bool, actor: &str) -> Result<(), Error> {
        let by = self.signed(actor);
        self.store.delete_plan(name, force, &by).await
    }

    /// Makes a budget.
    ///
    /// # Errors
    /// There is one for the same, or there are too many; nothing has named its plan, API key or
    /// project yet; the books do not answer.
    pub async fn create_budget(
        &self,
        new: NewBudget,
        actor: &str,
    ) -> Result<BudgetStanding, Error> {
        if let Scope::Plan(name) = &new.scope {
            let rules = self.book.rules().await?;
            let known = rules.plans.find(name);
            known.map_err(|unknown| Error::invalid("scope.value", &unknown))?;
        }
        let by = self.signed(actor);
        let budget = new.made(&by);
        self.store.create_budget(&budget, &by).await?;
        self.standing(budget).await
    }

    /// Budgets as they stand, newest first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn budgets(&self, page: PageRequest) -> Result<Page<BudgetStanding>, Error> {
        let Page { items, next_token } = self.lists.budgets(page).await?;
        let items = self.standings(items).await?;
        Ok(Page { items, next_token })
    }

    /// One budget as it stands.
    ///
    /// # Errors
    /// There is none with this id; the books do not answer.
    pub async fn budget(&self, id: Uuid) -> Result<BudgetStanding, Error> {
        self.standing(self.lists.budget(id).await?).await
    }

    /// Changes a budget.
    ///
    /// # Errors
    /// There is none with this id; the books do not answer.
    pub async fn update_budget(
        &self,
        id: Uuid,
        change: &BudgetChange,
        actor: &str,
    ) -> Result<BudgetStanding, Error> {
        let by = self.signed(actor);
        let budget = self.store.update_budget(id, change, &by).await?;
        self.standing(budget).await
    }

    /// Removes a budget.
    ///
    /// # Errors
    /// There is none with this id; the books do not answer.
    pub async fn delete_budget(&self, id: Uuid, actor: &str) -> Result<(), Error> {
        self.store.delete_budget(id, &self.signed(actor)).await
    }

    /// Brings a price into force.
    ///
    /// # Errors
    /// There are too many; the books do not answer.
    pub async fn create_price(&self, new: NewPrice, actor: &str) -> Result<Price, Error> {
        let by = self.signed(actor);
        let as_of = match new.as_of {
            Some(date) => date,
            None => self.book.rules().await?.calendar().date_text(by.at),
        };
        let price = Price {
            id: self.ids.next(),
            version: 0,
            provider: new.provider,
            model: new.model,
            unit: new.unit,
            size: new.size,
            quality: new.quality,
            price: new.price,
            as_of,
            created_at: by.at,
            retired_at: None,
            created_by: by.actor.clone(),
        };
        self.store.create_price(&price, &by).await
    }

    /// Takes a price out of force.
    ///
    /// # Errors
    /// None with this id is in force; the books do not answer.
    pub async fn retire_price(&self, id: Uuid, actor: &str) -> Result<(), Error> {
        self.store.retire_price(id, &self.signed(actor)).await
    }

    /// Prices, newest first: of one provider or of all, retired ones too or not.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn prices(
        &self,
        provider: Option<&str>,
        retired_too: bool,
        page: PageRequest,
    ) -> Result<Page<Price>, Error> {
        self.lists.prices(provider, retired_too, page).await
    }

    /// Changes of the rules, newest first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn audit(&self, page: PageRequest) -> Result<Page<AuditEvent>, Error> {
        self.lists.audit(page).await
    }

    async fn standing(&self, budget: Budget) -> Result<BudgetStanding, Error> {
        let standings = self.standings(vec![budget]).await?;
        standings
            .into_iter()
            .next()
            .ok_or(Error::NotFound("budget"))
    }

    async fn standings(&self, budgets: Vec<Budget>) -> Result<Vec<BudgetStanding>, Error> {
        let rules = self.book.rules().await?;
        let now = self.clock.now();
        let checks = budgets.iter().map(|one| rules.budget_check(one, 0, now));
        let checks: Vec<_> = checks.collect();
        let keys: Vec<Key> = checks.iter().map(|check| check.key.clone()).collect();
        let tallies = self.book.tallies(&keys).await?;
        let used: Vec<(&Budget, i64)> = (budgets.iter().zip(&tallies))
            .map(|(budget, tally)| (budget, tally.used))
            .collect();
        let forecasts = forecasts(self.pace.as_ref(), &used, rules.calendar(), now).await?;
        let looked = checks.into_iter().zip(tallies).zip(forecasts);
        let standing = |(budget, ((check, tally), forecast))| BudgetStanding {
            budget,
            standing: Standing { check, tally },
            forecast,
        };
        Ok(budgets.into_iter().zip(looked).map(standing).collect())
    }
}
