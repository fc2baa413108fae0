//! Counters, and the reservations that hold and spend their units.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, text, uuid};

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0001_reservations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(counters()).await?;
        manager.create_table(reservations()).await?;
        manager.create_table(items()).await?;
        manager.create_index(due()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["reservation_items", "reservations", "counters"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

// The checks are the last guard: a bug that would give units back twice is refused here.
fn counters() -> TableCreateStatement {
    Table::create()
        .table("counters")
        .col(text("subject"))
        .col(text("meter"))
        .col(text("window_kind"))
        .col(big_integer("window_start"))
        .col(big_integer("used"))
        .col(big_integer("held"))
        .primary_key(
            Index::create()
                .col("subject")
                .col("meter")
                .col("window_kind")
                .col("window_start"),
        )
        .check(("counters_used", Expr::cust("used >= 0")))
        .check(("counters_held", Expr::cust("held >= 0")))
        .to_owned()
}

fn reservations() -> TableCreateStatement {
    let states = "state IN ('held', 'confirmed', 'settled', 'released', 'expired')";
    let resolved = "(resolved_at IS NULL) = (state IN ('held', 'confirmed'))";
    Table::create()
        .table("reservations")
        .col(uuid("id").primary_key())
        .col(uuid("operation_id").unique_key())
        .col(text("request_hash"))
        .col(uuid("owner"))
        .col(text("tier"))
        .col(text("state"))
        .col(big_integer("expires_at"))
        .col(big_integer("created_at"))
        .col(big_integer_null("resolved_at"))
        .check(("reservations_state", Expr::cust(states)))
        .check(("reservations_resolved", Expr::cust(resolved)))
        .to_owned()
}

fn items() -> TableCreateStatement {
    Table::create()
        .table("reservation_items")
        .col(uuid("reservation_id"))
        .col(text("subject"))
        .col(text("meter"))
        .col(text("window_kind"))
        .col(big_integer("window_start"))
        .col(big_integer("amount"))
        .primary_key(
            Index::create()
                .col("reservation_id")
                .col("subject")
                .col("meter")
                .col("window_kind")
                .col("window_start"),
        )
        .foreign_key(
            ForeignKey::create()
                .from("reservation_items", "reservation_id")
                .to("reservations", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .check(("reservation_items_amount", Expr::cust("amount > 0")))
        .to_owned()
}

// What the sweeper asks for; almost every reservation is resolved and stays out of it.
fn due() -> IndexCreateStatement {
    Index::create()
        .name("reservations_due")
        .table("reservations")
        .col("expires_at")
        .and_where(Expr::cust("state = 'held'"))
        .to_owned()
}
