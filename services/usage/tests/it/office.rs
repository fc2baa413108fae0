//! What the tests of looking at the books share: a history of every kind, and the office.

use std::sync::Arc;

use database::Backend;
use sea_orm::{ConnectionTrait, Statement};
use types::{ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::meter::Meter;
use usage::domain::reservation::{Adjustment, Ask};
use usage::domain::rules::Amounts;
use usage::domain::scope::Purpose;
use usage::domain::window::Calendar;
use usage::store::SqlOffice;

use crate::books::{Books, fresh};
use crate::charges::{charge, charging};

impl Books {
    pub fn office(&self) -> Arc<SqlOffice> {
        Arc::new(SqlOffice::new(self.db.clone()))
    }

    /// Sets a generation and money aside for pictures by a provider.
    pub async fn held_for(&self, owner: UserId, provider: &str, money: i64) -> ReservationId {
        let ask = Ask {
            purpose: Purpose {
                kind: "IMAGE".to_owned(),
                provider: provider.to_owned(),
                model: format!("{provider}-1"),
                project: "atlas".to_owned(),
                ..Purpose::default()
            },
            ..self.ask_for(owner, [(Meter::Generations, 1), (Meter::Microusd, money)])
        };
        self.reserve(&ask).await.unwrap().reservation.id
    }

    /// Charges that much for a picture.
    pub async fn charge(&self, owner: UserId, provider: &str, money: i64) -> ReservationId {
        let id = self.held_for(owner, provider, money).await;
        self.settle(id).await.unwrap();
        id
    }

    /// Settles at another cost than was held.
    pub async fn settle_at(&self, id: ReservationId, cost: i64) {
        let actuals = Amounts::from([(Meter::Microusd, cost)]);
        let done = self.post(Instruction::Settle(id, actuals.into())).await;
        done.unwrap();
    }

    /// A new id, in SQL.
    pub fn fresh_id_sql(&self) -> &'static str {
        match self.db.backend() {
            Backend::Postgres => "gen_random_uuid()",
            Backend::Sqlite => "randomblob(16)",
        }
    }

    /// The lines that SQL answers, as one text.
    pub async fn text(&self, sql: &str) -> String {
        let statement = Statement::from_string(self.db.read().get_database_backend(), sql);
        let rows = self.db.read().query_all_raw(statement).await.unwrap();
        let lines = rows
            .iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Gives or takes by hand.
    pub async fn adjust(&self, owner: UserId, meter: Meter, amount: i64, note: &str) {
        let adjustment = Adjustment {
            id: fresh(),
            owner,
            tier: "free".to_owned(),
            meter,
            amount,
            note: note.to_owned(),
            actor: "olga".to_owned(),
        };
        self.post(Instruction::Adjust(adjustment)).await.unwrap();
    }

    /// Something of every kind: charges, losses, suspense that lasts and that ended, corrections,
    /// reservations in every state.
    pub async fn history(&self, owners: &[UserId]) {
        for (owner, provider) in owners.iter().zip(["gemini", "flux"].into_iter().cycle()) {
            self.charge(*owner, provider, 39_000).await;
            let dear = self.held_for(*owner, provider, 40_000).await;
            self.settle_at(dear, 55_000).await;
            let cheap = self.held_for(*owner, provider, 40_000).await;
            self.settle_at(cheap, 0).await;
            let unknown = self.held_for(*owner, provider, 40_000).await;
            self.post(Instruction::Suspend(unknown)).await.unwrap();
            for end in [Instruction::Release as fn(_) -> _, |id| {
                Instruction::Settle(id, Amounts::new().into())
            }] {
                let known = self.held_for(*owner, provider, 40_000).await;
                self.post(Instruction::Suspend(known)).await.unwrap();
                self.post(end(known)).await.unwrap();
            }
            let shared = self.held_for(*owner, provider, 40_000).await;
            let parts = [charge(1, "gemini", 0, 9_000), charge(2, "flux", 1, 32_000)];
            self.post(charging(shared, parts)).await.unwrap();
            let back = self.held_for(*owner, provider, 40_000).await;
            self.post(Instruction::Release(back)).await.unwrap();
            let open = self.held_for(*owner, provider, 40_000).await;
            self.post(Instruction::Confirm(open)).await.unwrap();
            self.held_for(*owner, provider, 40_000).await;
            self.adjust(*owner, Meter::Microusd, -1_000, "sorry").await;
            self.adjust(*owner, Meter::Generations, 1, "oops").await;
        }
    }
}

pub fn utc() -> Calendar {
    Calendar::utc()
}
