//! The books as the place where rules are written and looked at.

use async_trait::async_trait;
use types::{Page, PageRequest};
use uuid::Uuid;

use super::{audit, budgets, plans, prices};
use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::budget::{Budget, BudgetChange};
use crate::domain::error::Error;
use crate::domain::plan::Plan;
use crate::domain::ports::{RuleLists, RuleStore};
use crate::domain::price::Price;
use crate::domain::rulebook::Written;
use crate::store::SqlBook;
use crate::store::retry::repeat_on_conflict;

#[async_trait]
impl RuleStore for SqlBook {
    async fn put_plan(&self, plan: &Plan, by: &Signature) -> Result<Written<Plan>, Error> {
        Ok(repeat_on_conflict(|| plans::put(self, plan, by)).await?)
    }

    async fn delete_plan(&self, name: &str, force: bool, by: &Signature) -> Result<(), Error> {
        Ok(repeat_on_conflict(|| plans::delete(self, name, force, by)).await?)
    }

    async fn create_budget(&self, budget: &Budget, by: &Signature) -> Result<(), Error> {
        Ok(repeat_on_conflict(|| budgets::create(self, budget, by)).await?)
    }

    async fn update_budget(
        &self,
        id: Uuid,
        change: &BudgetChange,
        by: &Signature,
    ) -> Result<Budget, Error> {
        Ok(repeat_on_conflict(|| budgets::update(self, id, change, by)).await?)
    }

    async fn delete_budget(&self, id: Uuid, by: &Signature) -> Result<(), Error> {
        Ok(repeat_on_conflict(|| budgets::delete(self, id, by)).await?)
    }

    async fn create_price(&self, price: &Price, by: &Signature) -> Result<Price, Error> {
        Ok(repeat_on_conflict(|| prices::create(self, price, by)).await?)
    }

    async fn retire_price(&self, id: Uuid, by: &Signature) -> Result<(), Error> {
        Ok(repeat_on_conflict(|| prices::retire(self, id, by)).await?)
    }
}

#[async_trait]
impl RuleLists for SqlBook {
    async fn plans(&self) -> Result<Vec<Written<Plan>>, Error> {
        Ok(plans::list(self.db.read()).await?)
    }

    async fn budgets(&self, page: PageRequest) -> Result<Page<Budget>, Error> {
        Ok(budgets::list(self.db.read(), page).await?)
    }

    async fn budget(&self, id: Uuid) -> Result<Budget, Error> {
        let found = budgets::find(self.db.read(), id).await?;
        found.ok_or(Error::NotFound("budget"))
    }

    async fn prices(
        &self,
        provider: Option<&str>,
        retired_too: bool,
        page: PageRequest,
    ) -> Result<Page<Price>, Error> {
        Ok(prices::list(self.db.read(), provider, retired_too, page).await?)
    }

    async fn audit(&self, page: PageRequest) -> Result<Page<AuditEvent>, Error> {
        Ok(audit::list(self.db.read(), page).await?)
    }
}
