//! Wrong passwords per address.

use sea_orm_migration::prelude::*;

use crate::store::entity::login_failure::{Column, Entity};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut failures = Table::create();
        failures
            .table(Entity)
            .col(
                ColumnDef::new(Column::AddressDigest)
                    .blob()
                    .not_null()
                    .primary_key(),
            )
            .col(ColumnDef::new(Column::Failures).big_integer().not_null())
            .col(
                ColumnDef::new(Column::LastFailedAt)
                    .big_integer()
                    .not_null(),
            )
            .check(Expr::cust("length(address_digest) = 32"))
            .check(Expr::col(Column::Failures).gt(0));
        manager.create_table(failures).await?;
        // Old rows are found by it.
        let mut by_time = Index::create();
        by_time
            .name("login_failures_last_failed_at_idx")
            .table(Entity)
            .col(Column::LastFailedAt);
        manager.create_index(by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Entity).to_owned())
            .await
    }
}
