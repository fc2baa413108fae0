//! Sessions and their refresh tokens.

use sea_orm_migration::prelude::*;

use crate::store::entity::{refresh_token, session, user};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sessions()).await?;
        let mut by_user = Index::create();
        by_user
            .name("sessions_user_id_idx")
            .table(session::Entity)
            .col(session::Column::UserId);
        manager.create_index(by_user).await?;
        manager.create_table(refresh_tokens()).await?;
        let mut by_session = Index::create();
        by_session
            .name("refresh_tokens_session_id_idx")
            .table(refresh_token::Entity)
            .col(refresh_token::Column::SessionId);
        manager.create_index(by_session).await?;
        // No chain can fork: the database itself refuses a second unused token.
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE UNIQUE INDEX refresh_tokens_one_active_key \
                 ON refresh_tokens (session_id) WHERE used_at IS NULL",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tokens = Table::drop().table(refresh_token::Entity).to_owned();
        manager.drop_table(tokens).await?;
        let sessions = Table::drop().table(session::Entity).to_owned();
        manager.drop_table(sessions).await
    }
}

fn sessions() -> TableCreateStatement {
    use session::Column;
    let mut user = ForeignKey::create();
    user.name("sessions_user_id_fkey")
        .from(session::Entity, Column::UserId)
        .to(user::Entity, user::Column::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let mut table = Table::create();
    table
        .table(session::Entity)
        .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Column::UserId).uuid().not_null())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .col(ColumnDef::new(Column::EndedAt).big_integer())
        .col(ColumnDef::new(Column::EndReason).text())
        .check(Expr::col(Column::EndReason).is_in(["token_reused", "signed_out", "revoked"]))
        .check(Expr::cust("(ended_at IS NULL) = (end_reason IS NULL)"))
        .foreign_key(&mut user);
    table
}

fn refresh_tokens() -> TableCreateStatement {
    use refresh_token::Column;
    let mut session = ForeignKey::create();
    session
        .name("refresh_tokens_session_id_fkey")
        .from(refresh_token::Entity, Column::SessionId)
        .to(session::Entity, session::Column::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let mut table = Table::create();
    table
        .table(refresh_token::Entity)
        .col(
            ColumnDef::new(Column::Digest)
                .blob()
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::SessionId).uuid().not_null())
        .col(ColumnDef::new(Column::ParentDigest).blob())
        .col(ColumnDef::new(Column::Seed).blob())
        .col(ColumnDef::new(Column::IssuedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .col(ColumnDef::new(Column::UsedAt).big_integer())
        .check(Expr::cust("length(digest) = 32"))
        .check(Expr::cust("(parent_digest IS NULL) = (seed IS NULL)"))
        .foreign_key(&mut session);
    table
}
