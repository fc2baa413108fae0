//! Users.

use sea_orm_migration::prelude::*;

use crate::store::entity::user::{Column, Entity};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut users = Table::create();
        users
            .table(Entity)
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Email).text().not_null())
            .col(ColumnDef::new(Column::DisplayName).text().not_null())
            .col(ColumnDef::new(Column::PasswordHash).text().not_null())
            .col(ColumnDef::new(Column::Role).text().not_null())
            .col(ColumnDef::new(Column::Tier).text().not_null())
            .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
            .col(ColumnDef::new(Column::UpdatedAt).big_integer().not_null())
            .check(Expr::col(Column::Role).is_in(["user", "admin"]))
            .check(Expr::col(Column::Tier).is_in(["free", "basic", "pro"]));
        manager.create_table(users).await?;
        let mut by_email = Index::create();
        by_email
            .name("users_email_key")
            .table(Entity)
            .col(Column::Email)
            .unique();
        manager.create_index(by_email).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Entity).to_owned())
            .await
    }
}
