//! Group commit: whoever wants something of the books hands it to a teller, who takes everything that
//! waits, does it in one transaction and answers all. The more there is to do, the less each costs.
//!
//! A reservation is always seen to by the same teller of a process, in the order it was asked for. A
//! caller that goes away leaves nothing half done: tellers are tasks of their own.

mod batch;
mod round;
mod writes;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use database::{Backend, Database};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use types::{Clock, IdSource};

use super::rules::Shelf;
use crate::domain::clerk::{Instruction, Outcome};
use crate::domain::error::Error;
use batch::Slip;
use round::Round;

const BATCH: usize = 256;
const QUEUE: usize = 4_096;
// So many answered together are a crowd; a transaction takes ten times as long as it is waited for.
const CROWD: usize = 8;
const LINGER: Duration = Duration::from_micros(400);

/// The tellers of a process.
#[derive(Clone)]
pub struct Tellers {
    queues: Vec<mpsc::Sender<Slip>>,
    closing: watch::Sender<bool>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Tellers {
    /// Starts `count` tellers. SQLite has one writer, so one teller is all that can work there.
    pub fn start(
        db: &Database,
        shelf: &Arc<Shelf>,
        clock: &Arc<dyn Clock>,
        ids: &Arc<dyn IdSource>,
        count: usize,
    ) -> Self {
        let count = match db.backend() {
            Backend::Postgres => count.max(1),
            Backend::Sqlite => 1,
        };
        let (closing, closed) = watch::channel(false);
        let first = first_shard();
        let mut queues = Vec::with_capacity(count);
        let mut running = Vec::with_capacity(count);
        for shard in (first..).take(count) {
            let round = Round {
                db: db.clone(),
                shelf: Arc::clone(shelf),
                clock: Arc::clone(clock),
                ids: Arc::clone(ids),
                shard: shard % SHARDS,
            };
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

    /// Does one instruction.
    pub async fn post(&self, instruction: Instruction) -> Outcome {
        let (slip, outcome) = Slip::new(instruction);
        let line = slip.line(self.queues.len());
        let queue = self.queues.get(line);
        let queue = queue.ok_or_else(|| gone("there is no teller"))?;
        let taken = queue.send(slip).await;
        taken.map_err(|_| gone("the books are being closed"))?;
        outcome.await.map_err(|_| gone("a teller stopped"))?
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

// Accounts and minutes that everybody moves have a row for each shard. Processes begin at different
// ones, so that they seldom wait for each other.
const SHARDS: u32 = 64;

fn first_shard() -> u32 {
    let [low, high, ..] = uuid::Uuid::new_v4().into_bytes();
    u32::from(u16::from_le_bytes([low, high])) % SHARDS
}

fn gone(why: &'static str) -> Error {
    Error::Unavailable(why.into())
}

async fn serve(round: Round, mut slips: mpsc::Receiver<Slip>, mut closing: watch::Receiver<bool>) {
    let round = Arc::new(round);
    let mut batch = Vec::with_capacity(BATCH);
    let mut answered = 0;
    loop {
        linger(&slips, answered).await;
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            count = slips.recv_many(&mut batch, BATCH) => if count == 0 { break },
        }
        answered = batch.len();
        work(&round, std::mem::take(&mut batch)).await;
    }
    // What was handed in before the door closed is still done.
    slips.close();
    while slips.recv_many(&mut batch, BATCH).await > 0 {
        work(&round, std::mem::take(&mut batch)).await;
    }
}

// Whoever was just answered often has something more to ask. While there is a crowd it is waited for,
// a moment only, so that it shares a transaction with those who came meanwhile: otherwise two crowds
// take turns, and each waits through the other's transaction. Timers are too coarse for that.
async fn linger(slips: &mpsc::Receiver<Slip>, answered: usize) {
    if answered < CROWD {
        return;
    }
    let whole = BATCH.min(answered + slips.len());
    let begun = Instant::now();
    while slips.len() < whole && begun.elapsed() < LINGER {
        tokio::task::yield_now().await;
    }
}

// In a task of its own: should a batch panic, its callers are told that nobody answered, and the
// teller goes on.
async fn work(round: &Arc<Round>, slips: Vec<Slip>) {
    let round = Arc::clone(round);
    let work = tokio::spawn(async move { batch::work(&round, slips).await });
    if let Err(error) = work.await {
        tracing::error!(error = &error as &dyn std::error::Error, "a batch was lost");
    }
}
