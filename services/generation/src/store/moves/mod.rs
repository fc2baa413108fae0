//! What workers write down about their tasks: writes that come at the same moment share a transaction, and
//! each is done or refused by itself (decision 0029).
//!
//! The tasks' rows are locked, by their fences, and then their attempts are read; what is to be done is
//! done to these in memory ([`card`]), and everything that changed is written at once ([`writes`]).

mod card;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use database::Backend;
use database::row_set::{Column, Kind, Rows, make};
use database::teller::Round;
use errors::Fault;
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::entity::{attempts, tasks};
use super::{Hindrance, Store, failed, gone, is_broken, share};
use crate::domain::error::Error;
use crate::domain::events::Step;
use crate::domain::ports::{Advance, Claim, Ending, PlannedAttempt};
use card::Card;

/// What a worker writes down.
#[derive(Debug)]
pub enum Move {
    /// The intention to ask a provider.
    Plan(PlannedAttempt),
    /// How far an attempt got.
    Advance {
        /// The attempt's number.
        number: i64,
        /// How far.
        advance: Advance,
        /// What its watcher sees.
        step: Step,
    },
    /// A step that changes nothing else.
    Note(Step),
    /// The end.
    Finish(Ending),
}

/// A move of whoever has this claim.
#[derive(Debug)]
pub struct Wish {
    claim: Claim,
    what: Move,
}

/// The number of an attempt that was planned; [`Error::Lost`] when the claim does not hold any more.
type Outcome = Result<Option<i64>, Error>;

/// Makes moves in a store.
#[derive(Clone)]
pub struct Moves(pub(super) Store);

impl Round for Moves {
    type Wish = Wish;
    type Outcome = Outcome;
    type Error = Error;

    async fn post(&self, wishes: &[Wish]) -> Result<Vec<Outcome>, Error> {
        let made = async { self.0.make_all(wishes).await.map_err(Hindrance) };
        let made = self.0.db.within_patience(made).await;
        made.map_err(|Hindrance(error)| error)
    }

    fn is_fault(error: &Error) -> bool {
        is_broken(error)
    }

    fn undone(error: &Arc<Error>) -> Outcome {
        Err(share(error))
    }
}

impl Store {
    /// Makes a move, with those that are made at the same moment. Those of one task are made in their
    /// order.
    pub(super) async fn make_move(&self, claim: Claim, what: Move) -> Outcome {
        let [.., line] = claim.task.uuid().into_bytes();
        let wish = Wish { claim, what };
        let made = self.desks()?.moves.post(usize::from(line), wish).await;
        made.map_err(gone)?
    }

    async fn make_all(&self, wishes: &[Wish]) -> Result<Vec<Outcome>, Error> {
        let tx = self.db.begin().await.map_err(failed)?;
        let mut cards = self.cards(&*tx, wishes).await?;
        let now = self.clock.now().micros();
        let outcomes = wishes.iter().map(|wish| {
            let card = cards.get_mut(&wish.claim.task.uuid());
            let card = card.filter(|card| card.is_held(wish.claim));
            card.ok_or(Error::Lost)?.make(&wish.what, now)
        });
        let outcomes = outcomes.collect();
        let cards: Vec<Card> = cards.into_values().collect();
        let is_whole = make(&*tx, writes::all(&cards, &self.now_sql())?).await;
        if !is_whole.map_err(failed)? {
            return Err(Error::Store(Fault::internal("a move was made in part")));
        }
        self.announce_ends(&*tx, &cards).await?;
        tx.commit().await.map_err(failed)?;
        Ok(outcomes)
    }

    // The tasks whose claims hold, with their attempts. Tasks are locked before their attempts are read:
    // whoever cancels locks in the same order.
    async fn cards(
        &self,
        db: &impl ConnectionTrait,
        wishes: &[Wish],
    ) -> Result<BTreeMap<Uuid, Card>, Error> {
        const CLAIMS: [Column; 2] = [("id", Kind::Id), ("fence", Kind::Number)];
        const TASKS: [Column; 1] = [("id", Kind::Id)];
        let for_update = match self.db.backend() {
            Backend::Postgres => "FOR UPDATE",
            // There is one writer.
            Backend::Sqlite => "",
        };
        let claims = wishes.iter().map(|wish| wish.claim);
        let claims = claims.map(|claim| [claim.task.uuid().into(), claim.fence.into()]);
        let sql = format!(
            "SELECT * FROM tasks WHERE (id, fence) IN (SELECT id, fence FROM {{given}})
                AND status = 'processing' ORDER BY id {for_update}"
        );
        let statement = Rows::new(&CLAIMS, claims).statement(db, &sql);
        let held = tasks::Entity::find().from_raw_sql(statement.map_err(failed)?);
        let held = held.all(db).await.map_err(failed)?;
        let mut cards: BTreeMap<Uuid, Card> = (held.into_iter())
            .map(|row| (row.id, Card::of(row)))
            .collect();
        let asking = wishes.iter().filter(|wish| wish.what.is_of_an_attempt());
        let asking = asking.map(|wish| [wish.claim.task.uuid().into()]);
        let asking = Rows::new(&TASKS, asking);
        if asking.is_empty() {
            return Ok(cards);
        }
        let sql = "SELECT * FROM attempts WHERE task_id IN (SELECT id FROM {given})";
        let statement = asking.statement(db, sql).map_err(failed)?;
        let found = attempts::Entity::find().from_raw_sql(statement);
        for row in found.all(db).await.map_err(failed)? {
            if let Some(card) = cards.get_mut(&row.task_id) {
                card.add(row);
            }
        }
        Ok(cards)
    }

    // Batches are counted in one order, whoever does it.
    async fn announce_ends(&self, db: &impl ConnectionTrait, cards: &[Card]) -> Result<(), Error> {
        let mut ended: Vec<&Card> = cards.iter().collect();
        ended.sort_by_key(|card| card.row().batch_id);
        let ended: Vec<_> = (ended.into_iter())
            .filter_map(|card| Some((card.row(), card.end()?.outputs.as_slice())))
            .collect();
        self.announce_all(db, &ended).await
    }
}

impl Move {
    const fn is_of_an_attempt(&self) -> bool {
        !matches!(self, Self::Note(_))
    }
}
