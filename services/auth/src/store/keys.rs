//! Signing keys.

use async_trait::async_trait;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder, TryInsertResult};
use types::Timestamp;

use super::Store;
use super::entity::signing_key::{ActiveModel, Column, Entity, Model};
use super::error::corrupt;
use crate::domain::{KeyState, KeyStore, Result, StoredKey};

const SIGNING: &str = "signing";
const NEXT: &str = "next";
const RETIRED: &str = "retired";

#[async_trait]
impl KeyStore for Store {
    async fn list(&self) -> Result<Vec<StoredKey>> {
        let rows = Entity::find()
            .order_by_desc(Column::CreatedAt)
            .all(self.database.read())
            .await?;
        rows.into_iter().map(stored).collect()
    }

    async fn add_first(&self, key: StoredKey) -> Result<()> {
        let row = ActiveModel {
            kid: Set(key.kid),
            state: Set(SIGNING.to_owned()),
            public_key: Set(key.public.to_vec()),
            sealed_key: Set(key.sealed),
            created_at: Set(key.created_at.micros()),
            retired_at: Set(None),
        };
        // A process that was faster left one already; whichever stands is everyone's.
        let added: TryInsertResult<u64> = Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(self.database.write())
            .await?;
        if matches!(added, TryInsertResult::Inserted(1)) {
            tracing::info!("first signing key made");
        }
        Ok(())
    }
}

fn stored(row: Model) -> Result<StoredKey> {
    let state = match (row.state.as_str(), row.retired_at) {
        (SIGNING, None) => KeyState::Signing,
        (NEXT, None) => KeyState::Next,
        (RETIRED, Some(since)) => KeyState::Retired(Timestamp(since)),
        _ => return Err(corrupt("signing_keys.state")),
    };
    let public = row.public_key.try_into();
    Ok(StoredKey {
        kid: row.kid,
        public: public.map_err(|_| corrupt("signing_keys.public_key"))?,
        sealed: row.sealed_key,
        created_at: Timestamp(row.created_at),
        state,
    })
}
