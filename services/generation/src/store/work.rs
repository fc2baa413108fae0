//! The workers' side of the store; each write stands in the file of its table.

use std::time::Duration;

use async_trait::async_trait;
use types::GenerationId;

use super::moves::Move;
use super::{Store, attempts};
use crate::domain::attempt::Attempt;
use crate::domain::bill::Billed;
use crate::domain::error::Error;
use crate::domain::events::Step;
use crate::domain::ports::{Advance, Claim, Claimed, Ending, PlannedAttempt, PutBack, Work};
use crate::domain::queue::Bounds;

#[async_trait]
impl Work for Store {
    async fn claim(
        &self,
        worker: &str,
        limit: u64,
        lease: Duration,
        bounds: &Bounds,
    ) -> Result<Vec<Claimed>, Error> {
        self.claim_due(worker, limit, lease, bounds).await
    }

    async fn renew(&self, claim: Claim, lease: Duration) -> Result<(), Error> {
        self.renew_lease(claim, lease).await
    }

    async fn last_attempt(&self, task: GenerationId) -> Result<Option<Attempt>, Error> {
        self.read_last_attempt(task).await
    }

    async fn billed(&self, task: GenerationId) -> Result<Vec<Billed>, Error> {
        attempts::billed(self.db.write(), task.uuid()).await
    }

    async fn plan(&self, claim: Claim, attempt: &PlannedAttempt) -> Result<Option<i64>, Error> {
        self.make_move(claim, Move::Plan(attempt.clone())).await
    }

    async fn advance(
        &self,
        claim: Claim,
        number: i64,
        advance: &Advance,
        step: &Step,
    ) -> Result<(), Error> {
        let what = Move::Advance {
            number,
            advance: advance.clone(),
            step: step.clone(),
        };
        self.make_move(claim, what).await.map(|_| ())
    }

    async fn note(&self, claim: Claim, step: &Step) -> Result<(), Error> {
        self.make_move(claim, Move::Note(step.clone()))
            .await
            .map(|_| ())
    }

    async fn put_back(&self, claim: Claim, back: &PutBack) -> Result<(), Error> {
        self.return_to_queue(claim, back).await
    }

    async fn finish(&self, claim: Claim, ending: &Ending) -> Result<(), Error> {
        self.make_move(claim, Move::Finish(ending.clone()))
            .await
            .map(|_| ())
    }
}
