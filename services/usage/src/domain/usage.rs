//! The use cases of the people and services that use: set aside, spend, give back, look.

use std::sync::Arc;
use std::time::Duration;

use types::{Clock, UserId};

use super::clerk::{Done, Instruction};
use super::counter::{Check, Key, Standing, Subject};
use super::error::{Error, Refusal};
use super::meter::Meter;
use super::plan::Plan;
use super::ports::Book;
use super::price::{self, Quantity, Quote};
use super::rules::{Amounts, Order, Pause, Rules};
use super::scope::Purpose;

/// Keeps count of what owners use.
pub struct Usage {
    book: Arc<dyn Book>,
    hold: Duration,
    clock: Arc<dyn Clock>,
}

/// What would happen to an order now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Every limit it meets, the ones in the way first.
    pub standings: Vec<Standing>,
    /// The refusal it would get.
    pub refusal: Option<Refusal>,
    /// The pause it would run into.
    pub pause: Option<Pause>,
    /// What it would cost by the catalogue; none when a cost was given, or nothing is known of it.
    pub quote: Option<Quote>,
    /// What for: with the provider and model whose price that is.
    pub purpose: Purpose,
}

/// An order that is only thought of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thought {
    /// What for.
    pub purpose: Purpose,
    /// What it would cost; 0 to have the work priced.
    pub cost: i64,
    /// What it would come to; none for work of no kind in particular, which has no price.
    pub quantity: Option<Quantity>,
}

impl Usage {
    /// Keeps count in `book`; a reservation that does not say how long is held for `hold`.
    pub fn new(book: Arc<dyn Book>, hold: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { book, hold, clock }
    }

    /// The rules in force.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn rules(&self) -> Result<Arc<Rules>, Error> {
        self.book.rules().await
    }

    /// Does one instruction; repeating it changes nothing.
    ///
    /// # Errors
    /// What stands in the way, see [`Error`]; the books do not answer.
    pub async fn post(&self, mut instruction: Instruction) -> Result<Done, Error> {
        if let Instruction::Reserve(ask) = &mut instruction
            && ask.hold.is_zero()
        {
            ask.hold = self.hold;
        }
        let action = instruction.as_str();
        let outcome = self.book.post(instruction).await;
        let label = match &outcome {
            Ok(done) if done.is_repeat => "repeated",
            Ok(_) => "done",
            Err(Error::Unavailable(_) | Error::Broken(_)) => "failed",
            Err(_) => "refused",
        };
        metrics::counter!("usage_instructions_total", "action" => action, "outcome" => label)
            .increment(1);
        outcome
    }

    /// Every limit of an owner's plan, and every budget of its own, as it stands; the shortest
    /// window first.
    ///
    /// # Errors
    /// The plan is not known; the books do not answer.
    pub async fn look(&self, owner: UserId, tier: &str) -> Result<(Plan, Vec<Standing>), Error> {
        let rules = self.book.rules().await?;
        let plan = rules.plans.find(tier)?.clone();
        let amounts = Meter::ALL.into_iter().map(|meter| (meter, 0)).collect();
        let purpose = Purpose::default();
        let order = Order {
            owner,
            tier,
            purpose: &purpose,
            at: self.clock.now(),
        };
        let mut checks = rules.checks(order, &amounts)?;
        let own = Subject::user(owner);
        checks.retain(|check| check.key.subject == own);
        checks.sort_by(|left, right| left.key.cmp(&right.key));
        Ok((plan, self.standings(checks).await?))
    }

    /// What would happen to an order of one generation now. When it is not said what it would cost, the
    /// catalogue says it: of the cheapest that is asked for.
    ///
    /// # Errors
    /// The plan is not known; the books do not answer.
    pub async fn explain(
        &self,
        owner: UserId,
        tier: &str,
        thought: Thought,
    ) -> Result<Explained, Error> {
        let rules = self.book.rules().await?;
        let Thought {
            mut purpose,
            mut cost,
            quantity,
        } = thought;
        let quantity = quantity.filter(|_| cost == 0);
        let price = quantity.and_then(|quantity| {
            price::cheapest(&rules.prices, &purpose.provider, &purpose.model, &quantity)
        });
        if let Some(price) = price {
            cost = price.price.0;
            purpose.provider.clone_from(&price.provider);
            purpose.model.clone_from(&price.model);
        }
        let at = self.clock.now();
        let order = Order {
            owner,
            tier,
            purpose: &purpose,
            at,
        };
        let amounts = Amounts::from([(Meter::Generations, 1), (Meter::Microusd, cost)]);
        let mut standings = self.standings(rules.checks(order, &amounts)?).await?;
        standings.sort_by_key(Standing::fits);
        let refusal = Refusal::of(tier, standings.clone(), at);
        let pause = rules.pause.clone().filter(|_| cost > 0);
        Ok(Explained {
            standings,
            refusal,
            pause,
            quote: price.map(Quote::from),
            purpose,
        })
    }

    async fn standings(&self, checks: Vec<Check>) -> Result<Vec<Standing>, Error> {
        let keys: Vec<Key> = checks.iter().map(|check| check.key.clone()).collect();
        let tallies = self.book.tallies(&keys).await?;
        let looked = checks.into_iter().zip(tallies);
        let standing = |(check, tally)| Standing { check, tally };
        Ok(looked.map(standing).collect())
    }
}
