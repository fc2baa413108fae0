//! The front desk: takes orders, and answers their owners about them.

use std::sync::Arc;

use identity::receipt::Receipt;
use types::{Clock, GenerationId, IdSource, Page, PageRequest, Timestamp, UserId};

use crate::domain::cooling::Cooling;
use crate::domain::error::Error;
use crate::domain::generation::{Filter, Generation};
use crate::domain::order::{self, OrderForm};
use crate::domain::ports::{Adoptions, Files, NewTask, Patron, Quota, Tasks};
use crate::domain::prices::{Looks, PriceBoard};
use crate::domain::provider::{Extras, Model};
use crate::domain::queue::{Place, QueueRules};
use crate::domain::quote::{Quotation, queue_full};
use crate::domain::repeats::{Keyed, Placed, Repeats};
use crate::domain::reuse::{self, Shelf};
use crate::domain::routing::{Catalog, Entry};
use crate::domain::safety::Guard;
use crate::domain::signals::Signals;
use crate::domain::speed::{Speed, SpeedBoard};

/// The meter an order counts in, as receipts name it.
pub const METER: &str = "GENERATIONS";

/// How a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderState {
    /// Takes work.
    Available,
    /// Failed lately; left alone until then.
    Cooling(Timestamp),
    /// No key or address is set.
    Unconfigured,
}

/// A provider as customers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderCard {
    /// The name orders pin.
    pub name: String,
    /// What it can run, and how that went of late.
    pub models: Vec<(Model, Speed, Extras)>,
    /// How it is.
    pub state: ProviderState,
    /// Whether its pictures are drawn by rule.
    pub is_procedural: bool,
}

/// Takes orders and answers about them.
pub struct Desk {
    /// Where tasks are kept.
    pub tasks: Arc<dyn Tasks>,
    /// Where input files are.
    pub files: Arc<dyn Files>,
    /// Who counts.
    pub quota: Arc<dyn Quota>,
    /// Who does the work.
    pub catalog: Catalog,
    /// Who is left alone just now.
    pub cooling: Arc<Cooling>,
    /// What pictures cost today.
    pub prices: Arc<PriceBoard>,
    /// How long they take.
    pub speeds: Arc<SpeedBoard>,
    /// Which reservations have a task.
    pub adoptions: Arc<dyn Adoptions>,
    /// Who looks at what is asked for.
    pub guard: Guard,
    /// What was made before.
    pub shelf: Shelf,
    /// Which calls were made before.
    pub repeats: Repeats,
    /// How orders wait.
    pub queue: QueueRules,
    /// Whether the cheapest does what does not fit into a soft budget.
    pub saves: bool,
    /// Wakes workers and watchers.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

impl Desk {
    /// Accepts an order: durable when this answers, and its money is set aside before. A receipt
    /// proves that the gateway set the generation aside; without one that is done here as well. Of all
    /// orders of an owner with one key, one is accepted.
    ///
    /// # Errors
    /// A wrong order, words that are refused, no provider, no such input file; too many that wait; no quota, no money, no price,
    /// as the usage service says it; a receipt that is not for this call; a key that names another order,
    /// or one that is just being placed; a store or peer that does not answer.
    pub async fn create(
        &self,
        patron: Patron,
        form: OrderForm,
        receipt: Option<Receipt>,
        keyed: Option<Keyed>,
    ) -> Result<Placed<Generation>, Error> {
        let Some(keyed) = keyed else {
            let placed = self.place(patron, form, receipt, None).await;
            return placed.map(Placed::New);
        };
        let owner = patron.id;
        let make = self.place(patron, form, receipt, Some(&keyed));
        let find = |id| self.find(owner, GenerationId(id));
        self.repeats.once(owner, &keyed, make, find).await
    }

    async fn place(
        &self,
        patron: Patron,
        form: OrderForm,
        receipt: Option<Receipt>,
        keyed: Option<&Keyed>,
    ) -> Result<Generation, Error> {
        let (id, order) = self.read(&patron, form).await?;
        let mut task = self.prepare(&patron, id, order, receipt).await?;
        task.key = keyed.map(|keyed| self.repeats.name(keyed, id.uuid(), task.created_at));
        let reservation = task.hold.reservation;
        let stored = self.store(task).await;
        if let Err(refused) = &stored
            && refused.frees_the_unit()
        {
            self.let_go(reservation).await;
        }
        Ok(stored?)
    }

    /// What would come of an order now; it is read as if it were placed.
    ///
    /// # Errors
    /// A wrong order, words that are refused, no provider, no such input file; a store or peer that does not
    /// answer.
    pub async fn quote(&self, patron: &Patron, form: OrderForm) -> Result<Quotation, Error> {
        let (id, order) = self.read(patron, form).await?;
        // Whatever keeps us from knowing is no reason not to answer.
        let is_cached = matches!(self.shelf.look(patron, &order).await, Ok(Some(_)));
        let work = match is_cached {
            true => reuse::for_nothing(order.work(id)),
            false => order.priced(id),
        };
        let explained = self.quota.explain(patron, &work).await;
        let explained = explained.map_err(Error::Peer)?;
        let spot = self.queue.spot(&patron.tier, order.schedule);
        let prospect = self.tasks.prospect(patron.id, &spot).await?;
        let full = prospect.is_full.then(queue_full);
        let place = match order.schedule.not_before {
            _ if is_cached => Place::NOWHERE,
            Some(at) => Place::later(at),
            None => prospect.place,
        };
        Ok(Quotation {
            itinerary: order.route.itinerary,
            price: work.list_price,
            refusal: explained.refusal.or(full),
            limits: explained.limits,
            place,
            is_cached,
        })
    }

    /// One generation of an owner.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a store that does not answer.
    pub async fn find(&self, owner: UserId, id: GenerationId) -> Result<Generation, Error> {
        self.tasks.find(owner, id).await
    }

    /// An owner's generations, newest first.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn list(
        &self,
        owner: UserId,
        filter: Filter,
        page: PageRequest,
    ) -> Result<Page<Generation>, Error> {
        self.tasks.list(owner, filter, page).await
    }

    /// Ends a generation; one that is cancelled already is answered as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Ended`] when it completed or failed.
    pub async fn cancel(&self, owner: UserId, id: GenerationId) -> Result<Generation, Error> {
        let stoppable: Vec<String> = self.catalog.stoppable().collect();
        let now = self.clock.now();
        let (generation, is_ours) = self.tasks.cancel(owner, id, &stoppable, now).await?;
        if is_ours {
            self.signals.cancelled(id);
            self.signals.ended(id);
        }
        Ok(generation)
    }

    /// Every provider Bottega knows, by name.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderCard> {
        let state_of = |entry: &Entry| match self.cooling.until(&entry.name) {
            _ if entry.provider.is_none() => ProviderState::Unconfigured,
            Some(until) => ProviderState::Cooling(until),
            None => ProviderState::Available,
        };
        // Prices are shown for what an order gives that says nothing.
        let usual = Looks::sized(order::DEFAULT_SIDE, order::DEFAULT_SIDE, None);
        let priced = |entry: &Entry, model: &Model| {
            let tag = self.prices.of(&entry.name, model, &usual);
            let model = Model {
                price_per_image: tag.price,
                price_as_of: tag.as_of,
                ..model.clone()
            };
            let speed = self.speeds.of(&entry.name, &model.name);
            let provider = entry.provider.as_ref();
            let extras = provider.map_or_else(Extras::default, |one| one.extras(&model));
            (model, speed, extras)
        };
        let cards = self.catalog.entries().map(|entry| ProviderCard {
            name: entry.name.clone(),
            models: (entry.models.iter())
                .map(|model| priced(entry, model))
                .collect(),
            state: state_of(entry),
            is_procedural: entry.is_procedural,
        });
        cards.collect()
    }

    async fn store(&self, task: NewTask) -> Result<Generation, NotStored> {
        let (owner, id) = (task.patron.id, task.id);
        let stored = match self.tasks.create(task).await {
            Ok(generation) => generation,
            // The commit's answer may be lost, not the commit: look before saying no.
            Err(error) if error.is_passing() => {
                let found = self.tasks.find(owner, id).await;
                let is_sure = matches!(found, Err(Error::NotFound));
                found.map_err(|_| NotStored { error, is_sure })?
            }
            Err(error) => {
                return Err(NotStored {
                    error,
                    is_sure: true,
                });
            }
        };
        self.signals.work();
        // What was made before is resolved at once.
        if stored.status.is_terminal() {
            self.signals.outbox();
        }
        Ok(stored)
    }
}

// Why an order is not stored, and whether that is certain.
struct NotStored {
    error: Error,
    is_sure: bool,
}

impl NotStored {
    // A reservation that was used before is another task's.
    fn frees_the_unit(&self) -> bool {
        self.is_sure && !matches!(self.error, Error::ReservationUsed)
    }
}

impl From<NotStored> for Error {
    fn from(not: NotStored) -> Self {
        not.error
    }
}
