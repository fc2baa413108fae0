//! Follows a generation: replays its events from a number on, then sends each as it happens.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::WatchGenerationResponse;
use errors::{Fault, Reason};
use server::Shutdown;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use types::{GenerationId, UserId};

use super::convert;
use crate::domain::error::Error;
use crate::domain::ports::Tasks;
use crate::domain::signals::Signals;

// Steps made in another process ring no bell here.
const POLL: Duration = Duration::from_millis(500);
// A client that reads slowly makes the reading of rows slow, not the queue long.
const QUEUE: usize = 8;
const BATCH: u64 = 64;

pub(super) type EventStream = ReceiverStream<Result<WatchGenerationResponse, Status>>;

type Sender = mpsc::Sender<Result<WatchGenerationResponse, Status>>;

/// What following takes.
#[derive(Clone)]
pub(super) struct Watcher {
    pub(super) tasks: Arc<dyn Tasks>,
    pub(super) signals: Arc<Signals>,
    pub(super) shutdown: Shutdown,
}

impl Watcher {
    /// Begins to follow an owner's generation after event number `after`.
    pub(super) async fn watch(
        self,
        owner: UserId,
        id: GenerationId,
        after: i64,
    ) -> Result<EventStream, Error> {
        self.tasks.tail(owner, id).await?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let stopped = self.shutdown.triggered();
            let left = sender.clone();
            let outcome = tokio::select! {
                // Whoever left is not worked for.
                () = left.closed() => return,
                () = stopped => Err(Error::Peer(stopping())),
                outcome = self.follow(owner, id, after, &sender) => outcome,
            };
            if let Err(error) = outcome {
                // A cut stream is an error, never a clean end.
                let _ = sender.send(Err(Fault::from(error).into())).await;
            }
        });
        Ok(ReceiverStream::new(receiver))
    }

    async fn follow(
        &self,
        owner: UserId,
        id: GenerationId,
        after: i64,
        sender: &Sender,
    ) -> Result<(), Error> {
        let mut bell = self.signals.subscribe(id);
        let mut seen = after;
        loop {
            let tail = self.tasks.tail(owner, id).await?;
            while seen < tail.last_sequence {
                let events = self.tasks.events(id, seen, BATCH).await?;
                let Some(last) = events.last() else {
                    break;
                };
                seen = last.sequence;
                for event in events {
                    if sender.send(Ok(convert::event(event))).await.is_err() {
                        return Ok(());
                    }
                }
            }
            // All was told that is there: of what ended long ago nothing may be.
            if tail.is_final {
                return Ok(());
            }
            tokio::select! {
                () = bell.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

fn stopping() -> Fault {
    Fault::new(
        Reason::Unavailable,
        "the service is stopping; watch again from the last event",
    )
    .retry_in(Duration::from_secs(1))
}
