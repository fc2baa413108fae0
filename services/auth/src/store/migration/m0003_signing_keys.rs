//! Signing keys.

use sea_orm_migration::prelude::*;

use crate::store::entity::signing_key::{Column, Entity};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut keys = Table::create();
        keys.table(Entity)
            .col(ColumnDef::new(Column::Kid).text().not_null().primary_key())
            .col(ColumnDef::new(Column::State).text().not_null())
            .col(ColumnDef::new(Column::PublicKey).blob().not_null())
            .col(ColumnDef::new(Column::SealedKey).blob().not_null())
            .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
            .col(ColumnDef::new(Column::RetiredAt).big_integer())
            .check(Expr::cust("length(public_key) = 32"))
            .check(Expr::cust(
                "(state IN ('signing', 'next') AND retired_at IS NULL) \
                 OR (state = 'retired' AND retired_at IS NOT NULL)",
            ));
        manager.create_table(keys).await?;
        // However many processes start together, one key signs.
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE UNIQUE INDEX signing_keys_one_signing_key \
                 ON signing_keys (state) WHERE state = 'signing'",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Entity).to_owned())
            .await
    }
}
