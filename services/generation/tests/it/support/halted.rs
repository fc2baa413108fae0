//! A worker that stands still at a chosen moment, over the real store, until it is halted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use errors::Fault;
use generation::domain::attempt::Attempt;
use generation::domain::bill::Billed;
use generation::domain::cooling::Cooling;
use generation::domain::error::Error;
use generation::domain::events::Step;
use generation::domain::hold::{Hold, Quote, Work as PricedWork};
use generation::domain::pause::Pause;
use generation::domain::ports::{
    Advance, Claim, Claimed, Ending, FileInfo, Files, NewFile, Patron, PlannedAttempt, PutBack,
    Quota, Work,
};
use generation::domain::provider::InputImage;
use generation::domain::queue::Bounds;
use generation::domain::quote::Explained;
use generation::domain::retry::Retry;
use generation::domain::routing::{Catalog, Entry};
use generation::domain::safety::{Guard, Rules, WhenAway};
use generation::domain::settlement::Call;
use generation::domain::signals::Signals;
use generation::domain::studio::Studio;
use generation::store::Store;
use generation::worker::{Pool, WorkSettings};
use server::Shutdown;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use types::{Clock, FileId, GenerationId, OperationId, ReservationId, SystemClock, SystemIds};

/// Where the worker stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Its attempt is planned; it has not heard so.
    Planned,
    /// It is about to have its order written down as sent.
    Sending,
    /// Its order is written down as sent; it has not heard so.
    Sent,
    /// It has the result, and is about to write down that it keeps it.
    Made,
}

/// A worker that stands still.
pub struct Halted {
    shutdown: Shutdown,
    gated: Arc<Gated>,
    running: JoinHandle<()>,
}

struct Gated {
    store: Store,
    at: At,
    renews: bool,
    has_one: AtomicBool,
    reached: Semaphore,
}

impl Halted {
    /// One that takes a task over this store and stands still. One that does not renew hears nothing of
    /// the database when it extends its lease.
    pub fn start(store: Store, entry: Entry, at: At, lease: Duration, renews: bool) -> Self {
        let gated = Arc::new(Gated {
            store: store.clone(),
            at,
            renews,
            has_one: AtomicBool::new(false),
            reached: Semaphore::new(0),
        });
        let store = Arc::new(store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let studio = Studio {
            work: gated.clone(),
            strays: store.clone(),
            files: Arc::new(Nobody),
            guard: Guard {
                rules: Rules::default(),
                moderator: None,
                when_away: WhenAway::Refuse,
                sees_results: false,
                decisions: store.clone(),
                clock: Arc::clone(&clock),
                ids: Arc::new(SystemIds),
            },
            quota: Arc::new(Nobody),
            pause: Pause::default(),
            catalog: Catalog::new(vec![entry]),
            cooling: Arc::new(Cooling::new(Arc::clone(&clock), store)),
            signals: Arc::new(Signals::default()),
            clock,
            retry: Retry::default(),
            decoders: Arc::new(Semaphore::new(1)),
        };
        let settings = WorkSettings {
            workers: 1,
            max_running: 0,
            lease,
            poll: Duration::from_millis(20),
        };
        let pool = Pool::new(Arc::new(studio), settings, None, "halted".to_owned());
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let running = tokio::spawn(pool.run(shutdown.clone()));
        Self {
            shutdown,
            gated,
            running,
        }
    }

    /// Waits until it stands still.
    pub async fn stands(&self) {
        self.gated.reached.acquire().await.unwrap().forget();
    }

    /// Its process stops.
    pub async fn stop(&mut self) {
        self.shutdown.trigger();
        (&mut self.running).await.unwrap();
    }
}

impl Gated {
    async fn pass(&self, at: At) {
        if at == self.at {
            self.reached.add_permits(1);
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Work for Gated {
    async fn claim(
        &self,
        worker: &str,
        limit: u64,
        lease: Duration,
        bounds: &Bounds,
    ) -> Result<Vec<Claimed>, Error> {
        // One task, once.
        if self.has_one.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        let claimed = self.store.claim(worker, limit, lease, bounds).await?;
        self.has_one.store(!claimed.is_empty(), Ordering::SeqCst);
        Ok(claimed)
    }

    async fn renew(&self, claim: Claim, lease: Duration) -> Result<(), Error> {
        match self.renews {
            true => self.store.renew(claim, lease).await,
            false => Err(Error::Store(Fault::unavailable("database", "cut off"))),
        }
    }

    async fn last_attempt(&self, task: GenerationId) -> Result<Option<Attempt>, Error> {
        self.store.last_attempt(task).await
    }

    async fn billed(&self, task: GenerationId) -> Result<Vec<Billed>, Error> {
        self.store.billed(task).await
    }

    async fn plan(&self, claim: Claim, attempt: &PlannedAttempt) -> Result<Option<i64>, Error> {
        let number = self.store.plan(claim, attempt).await;
        self.pass(At::Planned).await;
        number
    }

    async fn advance(
        &self,
        claim: Claim,
        number: i64,
        advance: &Advance,
        step: &Step,
    ) -> Result<(), Error> {
        self.pass(At::Sending).await;
        let written = self.store.advance(claim, number, advance, step).await;
        self.pass(At::Sent).await;
        written
    }

    async fn note(&self, claim: Claim, step: &Step) -> Result<(), Error> {
        self.pass(At::Made).await;
        self.store.note(claim, step).await
    }

    async fn put_back(&self, claim: Claim, back: &PutBack) -> Result<(), Error> {
        self.store.put_back(claim, back).await
    }

    async fn finish(&self, claim: Claim, ending: &Ending) -> Result<(), Error> {
        self.store.finish(claim, ending).await
    }
}

// Other services, as far as they are met on the way there: orders may leave.
struct Nobody;

fn not_met<T>() -> Result<T, Fault> {
    Err(Fault::internal("nobody comes this far"))
}

#[async_trait]
impl Files for Nobody {
    async fn describe(&self, _: &Patron, _: FileId) -> Result<FileInfo, Fault> {
        not_met()
    }

    async fn fetch(&self, _: &Patron, _: FileId) -> Result<InputImage, Fault> {
        not_met()
    }

    async fn store(&self, _: &Patron, _: &NewFile) -> Result<FileId, Fault> {
        not_met()
    }
}

#[async_trait]
impl Quota for Nobody {
    async fn reserve(&self, _: &Patron, _: OperationId, _: &PricedWork) -> Result<Hold, Fault> {
        not_met()
    }

    async fn amend(&self, _: &Patron, _: ReservationId, _: &PricedWork) -> Result<Quote, Fault> {
        not_met()
    }

    async fn explain(&self, _: &Patron, _: &PricedWork) -> Result<Explained, Fault> {
        not_met()
    }

    async fn begin(&self, _: ReservationId) -> Result<(), Fault> {
        Ok(())
    }

    async fn deliver(&self, _: &Call, _: ReservationId) -> Result<(), Fault> {
        not_met()
    }
}
