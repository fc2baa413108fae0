//! Results that are given again: to the same owner, for the same order, with the same pictures to start
//! from.
//!
//! Who names a seed wants one certain picture, and is not to pay for it twice. Who names none wants
//! another picture each time, unless the order says that one from before will do. What is given again
//! counts as a generation and costs nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use errors::Reason;
use ring::digest::{Context, SHA256};
use types::{Microusd, UserId};

use crate::domain::bill::Charge;
use crate::domain::error::Error;
use crate::domain::generation::Output;
use crate::domain::hold::Work;
use crate::domain::order::Order;
use crate::domain::ports::{Files, Patron};
use crate::domain::settlement::{Actuals, Resolution};

/// Who is paid, nothing, for what is given again.
const PROVIDER: &str = "cache";

/// A hash of all that makes a result what it is.
pub type ResultKey = [u8; 32];

/// The results owners' generations brought.
#[async_trait]
pub trait Results: Send + Sync + 'static {
    /// What an owner has by this key, if it is no older than `age`.
    async fn find_result(
        &self,
        owner: UserId,
        key: &ResultKey,
        age: Duration,
    ) -> Result<Option<Vec<Output>>, Error>;

    /// It is not to be had any more.
    async fn forget_result(&self, owner: UserId, key: &ResultKey) -> Result<(), Error>;

    /// Forgets up to `limit` that are older than `age` or more than an owner may have; how many there
    /// were.
    async fn sweep_results(&self, age: Duration, limit: u64) -> Result<u64, Error>;
}

/// A result that is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reused {
    /// Its files.
    pub outputs: Vec<Output>,
    /// What the reservation becomes: a generation that costs nothing.
    pub resolution: Resolution,
}

/// Knows what can be given again.
#[derive(Clone)]
pub struct Shelf {
    /// What generations brought.
    pub results: Arc<dyn Results>,
    /// Where the files are.
    pub files: Arc<dyn Files>,
    /// For how long it is given again; not at all when that is nothing.
    pub age: Duration,
}

impl Shelf {
    /// What is given again for so long.
    #[must_use]
    pub fn new(results: Arc<dyn Results>, files: &Arc<dyn Files>, age: Duration) -> Self {
        let files = Arc::clone(files);
        Self {
            results,
            files,
            age,
        }
    }

    /// What can be given for this order. Whatever keeps us from knowing is no reason not to do the work.
    pub async fn find(&self, patron: &Patron, order: &Order) -> Option<Reused> {
        order.result_key.as_ref()?;
        let found = self.look(patron, order).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "a result from before could not be looked for");
            None
        });
        let outcome = if found.is_some() { "hit" } else { "miss" };
        metrics::counter!("generation_cache_total", "outcome" => outcome).increment(1);
        Some(Reused {
            outputs: found?,
            resolution: resolution(&order.route.model.name),
        })
    }

    /// The same, for whoever only asks.
    ///
    /// # Errors
    /// The store or the file service does not answer.
    pub async fn look(&self, patron: &Patron, order: &Order) -> Result<Option<Vec<Output>>, Error> {
        let Some(key) = order.result_key.as_ref().filter(|_| !self.age.is_zero()) else {
            return Ok(None);
        };
        let found = self.results.find_result(patron.id, key, self.age).await?;
        let Some(outputs) = found else {
            return Ok(None);
        };
        for output in &outputs {
            match self.files.describe(patron, output.file).await {
                Ok(_) => {}
                Err(fault) if fault.reason == Reason::NotFound => {
                    self.results.forget_result(patron.id, key).await?;
                    return Ok(None);
                }
                Err(fault) => return Err(Error::Peer(fault)),
            }
        }
        Ok(Some(outputs))
    }
}

/// What an order's result is known by. `seed` is the one the order named; `inputs` are the hashes of the
/// pictures it starts from.
#[must_use]
pub fn key(order: &Order, seed: Option<u32>, inputs: &[String]) -> ResultKey {
    let request = &order.request;
    let seed = seed.map_or_else(String::new, |seed| seed.to_string());
    let size = format!("{}x{}", request.width, request.height);
    let route = &order.route;
    let parts = [
        order.kind.as_str(),
        &request.prompt,
        &request.negative_prompt,
        &size,
        &seed,
        route.provider.name(),
        &route.model.name,
    ];
    // Said nothing, they leave the key as it was before there were any.
    let finish = request.finish;
    let quality = finish
        .quality
        .map(|one| format!("quality {}", one.as_str()));
    let background = finish
        .background
        .map(|one| format!("background {}", one.as_str()));
    let mask = request.mask.map(|_| "masked".to_owned());
    let said: Vec<String> = [quality, background, mask].into_iter().flatten().collect();
    let mut context = Context::new(&SHA256);
    // Each with its length, so that none runs into the next.
    let rest = said.iter().chain(inputs).map(String::as_str);
    for part in parts.into_iter().chain(rest) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// The work of giving a result again: a generation, and no money.
#[must_use]
pub fn for_nothing(work: Work) -> Work {
    Work {
        provider: PROVIDER.to_owned(),
        list_price: Microusd(0),
        permille: None,
        ..work
    }
}

fn resolution(model: &str) -> Resolution {
    Resolution::Settle(Actuals {
        charges: vec![Charge {
            attempt: 0,
            provider: PROVIDER.to_owned(),
            model: model.to_owned(),
            generations: 1,
            microusd: 0,
            tokens: None,
        }],
        ..Actuals::default()
    })
}
