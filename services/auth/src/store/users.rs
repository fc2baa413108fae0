//! Accounts.

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter};
use types::{Timestamp, UserId};

use super::entity::user::{ActiveModel, Column, Entity, Model};
use super::error::corrupt;
use super::{Store, sessions};
use crate::domain::{
    Account, DisplayName, Email, Error, NewAccount, PasswordHash, PlanName, Result, Role, User,
    UserStore,
};

use database::DatabaseError;

#[async_trait]
impl UserStore for Store {
    async fn create(&self, new: NewAccount) -> Result<()> {
        let transaction = self.database.begin().await?;
        let inserted = Entity::insert(row(&new.account))
            .exec_without_returning(&*transaction)
            .await;
        if let Err(error) = inserted {
            transaction.rollback().await?;
            return Err(taken_or_fault(error));
        }
        sessions::insert(&transaction, &new.session).await?;
        Ok(transaction.commit().await?)
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<Account>> {
        let found = Entity::find()
            .filter(Column::Email.eq(email.as_str()))
            .one(self.database.read())
            .await?;
        found.map(account).transpose()
    }

    async fn find(&self, id: UserId) -> Result<Option<User>> {
        let found = Entity::find_by_id(id.uuid())
            .one(self.database.read())
            .await?;
        found.map(user).transpose()
    }

    async fn rename(&self, id: UserId, name: &DisplayName, now: Timestamp) -> Result<Option<User>> {
        let renamed = Entity::update_many()
            .col_expr(Column::DisplayName, Expr::value(name.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
            .col_expr(Column::UpdatedBy, Expr::value(id.to_string()))
            .filter(Column::Id.eq(id.uuid()))
            .exec_with_returning(self.database.write())
            .await?;
        renamed.into_iter().next().map(user).transpose()
    }

    async fn replace_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::PasswordHash, Expr::value(new.0.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
            .col_expr(Column::UpdatedBy, Expr::value(id.to_string()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::PasswordHash.eq(old.0.as_str()))
            .exec(self.database.write())
            .await?;
        Ok(())
    }
}

// SQLite names the column, PostgreSQL the index; both have the word.
fn taken_or_fault(error: DbErr) -> Error {
    match DatabaseError::from(error) {
        DatabaseError::Duplicate(constraint) if constraint.contains("email") => Error::EmailTaken,
        other => other.into(),
    }
}

fn row(account: &Account) -> ActiveModel {
    let user = &account.user;
    ActiveModel {
        id: Set(user.id.uuid()),
        email: Set(user.email.clone()),
        display_name: Set(user.display_name.as_str().to_owned()),
        password_hash: Set(account.password.0.clone()),
        role: Set(user.role.as_str().to_owned()),
        tier: Set(user.plan.as_str().to_owned()),
        created_at: Set(user.created_at.micros()),
        updated_at: Set(user.created_at.micros()),
        created_by: Set(user.id.to_string()),
        updated_by: Set(user.id.to_string()),
    }
}

fn account(row: Model) -> Result<Account> {
    let password = PasswordHash(row.password_hash.clone());
    let user = user(row)?;
    Ok(Account { user, password })
}

/// The user of a row.
pub fn user(row: Model) -> Result<User> {
    Ok(User {
        id: UserId(row.id),
        email: row.email,
        display_name: DisplayName::stored(row.display_name),
        plan: PlanName::parse(&row.tier).map_err(|_| corrupt("users.tier"))?,
        role: Role::from_name(&row.role).ok_or_else(|| corrupt("users.role"))?,
        created_at: Timestamp(row.created_at),
    })
}
