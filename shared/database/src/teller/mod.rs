//! Group commit: whoever wants something written hands it to a teller, who takes everything that
//! waits, does it in one transaction and answers all. The more there is to do, the less each costs.
//!
//! What belongs to one line is seen to by one teller, in the order it was asked for. A caller that goes
//! away leaves nothing half done: tellers are tasks of their own.

mod batch;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use batch::Slip;

const BATCH: usize = 256;
const QUEUE: usize = 4_096;
// So many answered together are a crowd; a crowd's transactions begin so far apart.
const CROWD: usize = 4;
const PACE: Duration = Duration::from_millis(3);

/// What a teller does with what waited together.
pub trait Round: Send + Sync + 'static {
    /// What one caller wants.
    type Wish: Send + Sync + 'static;
    /// What becomes of it.
    type Outcome: Send + 'static;
    /// Why none could be done.
    type Error: Send + Sync + 'static;

    /// Does them in their order, durably: an outcome for each, in the same order.
    fn post(
        &self,
        wishes: &[Self::Wish],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Self::Error>> + Send;

    /// Whether one of several spoils the others, which without it can be done.
    fn is_fault(error: &Self::Error) -> bool;

    /// The outcome of each when none could be done.
    fn undone(error: &Arc<Self::Error>) -> Self::Outcome;
}

/// No teller takes what is handed in, or one was lost while it worked at it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0}")]
pub struct Gone(&'static str);

/// The tellers of a process.
pub struct Tellers<R: Round> {
    queues: Vec<mpsc::Sender<Slip<R>>>,
    closing: watch::Sender<bool>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl<R: Round> Tellers<R> {
    /// Starts a teller for each of these.
    pub fn start(rounds: impl IntoIterator<Item = R>) -> Self {
        let (closing, closed) = watch::channel(false);
        let mut queues = Vec::new();
        let mut running = Vec::new();
        for round in rounds {
            let (queue, slips) = mpsc::channel(QUEUE);
            queues.push(queue);
            running.push(tokio::spawn(serve(round, slips, closed.clone())));
        }
        let running = Arc::new(Mutex::new(running));
        Self {
            queues,
            closing,
            running,
        }
    }

    /// Does one thing. What has the same line is done by the same teller.
    ///
    /// # Errors
    /// [`Gone`]: it was not done, or nobody knows.
    pub async fn post(&self, line: usize, wish: R::Wish) -> Result<R::Outcome, Gone> {
        let (slip, outcome) = Slip::new(wish);
        let queue = self.queues.get(line % self.queues.len().max(1));
        let queue = queue.ok_or(Gone("there is no teller"))?;
        let taken = queue.send(slip).await;
        taken.map_err(|_| Gone("the books are being closed"))?;
        outcome.await.map_err(|_| Gone("a teller stopped"))
    }

    /// Takes nothing more, and waits until everything that was taken is done.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        let running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *running)
        };
        for teller in running {
            // A teller that panicked has said so.
            let _ = teller.await;
        }
    }
}

impl<R: Round> Clone for Tellers<R> {
    fn clone(&self) -> Self {
        Self {
            queues: self.queues.clone(),
            closing: self.closing.clone(),
            running: Arc::clone(&self.running),
        }
    }
}

async fn serve<R: Round>(
    round: R,
    mut slips: mpsc::Receiver<Slip<R>>,
    mut closing: watch::Receiver<bool>,
) {
    let round = Arc::new(round);
    let mut batch = Vec::with_capacity(BATCH);
    let mut answered = 0;
    let mut begun = Instant::now();
    loop {
        // Whoever was just answered often has something more to ask. A crowd is waited for, so that it
        // shares a transaction with those who came meanwhile; otherwise two crowds take turns, and each
        // waits through the other's.
        if answered >= CROWD {
            tokio::time::sleep_until((begun + PACE).into()).await;
        }
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            count = slips.recv_many(&mut batch, BATCH) => if count == 0 { break },
        }
        answered = batch.len();
        begun = Instant::now();
        work(&round, std::mem::take(&mut batch)).await;
    }
    // What was handed in before the door closed is still done.
    slips.close();
    while slips.recv_many(&mut batch, BATCH).await > 0 {
        work(&round, std::mem::take(&mut batch)).await;
    }
}

// In a task of its own: should a batch panic, its callers are told that nobody answered, and the
// teller goes on.
async fn work<R: Round>(round: &Arc<R>, slips: Vec<Slip<R>>) {
    let round = Arc::clone(round);
    let work = tokio::spawn(async move { batch::work(&*round, slips).await });
    if let Err(error) = work.await {
        tracing::error!(error = &error as &dyn std::error::Error, "a batch was lost");
    }
}
