//! What the checks ask of books, and the service's own as such.

use std::time::Duration;

use async_trait::async_trait;
use testkit::TestDb;
use types::{ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::rules::Amounts;
use uuid::Uuid;

use crate::books::{Books, user};

/// Books of one scope, whoever keeps them.
#[async_trait]
pub trait Kept: Send + Sync + 'static {
    /// From now on so many may be taken in a month.
    async fn limit(&self, units: i64);

    /// Sets one unit aside, unless none is left.
    async fn hold(&self, id: Uuid) -> bool;

    /// Spends it.
    async fn settle(&self, id: Uuid);

    /// Gives it back, when its time is over and nobody came for it.
    async fn expire(&self, id: Uuid);

    /// Time passes.
    fn pass(&self, span: Duration);

    /// What is used and held in the month it is by now.
    async fn standing(&self) -> (i64, i64);

    /// How often somebody was charged.
    async fn charges(&self) -> i64;

    /// How many sums do not agree.
    async fn disagreements(&self) -> i64;
}

/// The service's books, in one process or several.
pub struct Ours {
    processes: Vec<Books>,
    owner: UserId,
}

impl Ours {
    pub async fn open(test: &TestDb) -> Self {
        Self {
            processes: vec![Books::open(test, "free:1000000").await],
            owner: user(),
        }
    }

    pub async fn open_twice(test: &TestDb) -> Self {
        let mut ours = Self::open(test).await;
        ours.processes.push(Books::open(test, "free:1000000").await);
        ours
    }

    // Any of them, so that those who race meet over processes too.
    fn any(&self) -> &Books {
        let [.., low] = Uuid::new_v4().into_bytes();
        &self.processes[usize::from(low) % self.processes.len()]
    }

    async fn post(&self, instruction: Instruction) {
        self.any().post(instruction).await.unwrap();
    }
}

#[async_trait]
impl Kept for Ours {
    async fn limit(&self, units: i64) {
        let global = ("global", "");
        self.any().budget(global, Meter::Generations, units).await;
    }

    async fn hold(&self, id: Uuid) -> bool {
        let books = self.any();
        let mut ask = books.ask(self.owner, 1);
        ask.id = ReservationId(id);
        match books.reserve(&ask).await {
            Ok(_) => true,
            Err(Error::OverLimit(_)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn settle(&self, id: Uuid) {
        let whole = Amounts::new().into();
        self.post(Instruction::Settle(ReservationId(id), whole))
            .await;
    }

    async fn expire(&self, id: Uuid) {
        self.post(Instruction::Expire(ReservationId(id))).await;
    }

    fn pass(&self, span: Duration) {
        for books in &self.processes {
            books.clock.advance(span);
        }
    }

    async fn standing(&self) -> (i64, i64) {
        let (used, held, _) = self.any().standing(self.owner).await;
        (used, held)
    }

    async fn charges(&self) -> i64 {
        self.any().recorded("1").await
    }

    async fn disagreements(&self) -> i64 {
        self.any().disagreements().await
    }
}
