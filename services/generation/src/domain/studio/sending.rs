//! An order on its way. Where jobs can be stopped, its answer is awaited even when nobody waits for the
//! picture any more: what was taken is stopped then, and what was not is known to be free.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use types::{GenerationId, Microusd};

use super::asking::silence;
use crate::domain::attempt::AttemptEnd;
use crate::domain::bill::{believed, counted};
use crate::domain::provider::{ImageOrder, ImageProvider, Job, ProviderError, Submitted};
use crate::domain::retry::backoff;
use crate::domain::strays::{Learned, Strays};

// Whoever ended the task writes that down at about the same time.
const NOTE_TRIES: u32 = 6;

/// An order about to leave.
pub(super) struct Sending {
    pub provider: Arc<dyn ImageProvider>,
    pub order: ImageOrder,
    pub task: GenerationId,
    pub number: i64,
    pub price: Microusd,
    pub strays: Arc<dyn Strays>,
}

type Answer = Result<Submitted, ProviderError>;

/// What a provider answered. Dropped before somebody heard it, it is written down for the attempt.
pub(super) struct Heard {
    answer: Option<Answer>,
    note: Option<Note>,
}

/// What was answered, until it is written down. Dropped before, as when the task was cancelled at that
/// moment, it is written down for the attempt.
#[derive(Default)]
pub(super) struct Unwritten(Option<(Learned, Note)>);

/// What there is to write down about an order nobody waits for any more.
#[derive(Clone)]
pub(super) struct Note {
    pub task: GenerationId,
    pub number: i64,
    pub price: Microusd,
    pub strays: Arc<dyn Strays>,
}

impl Sending {
    /// Sends it.
    pub(super) async fn send(self) -> Heard {
        let note = Note {
            task: self.task,
            number: self.number,
            price: self.price,
            strays: Arc::clone(&self.strays),
        };
        if self.provider.stops().is_none() {
            return Heard {
                answer: Some(self.answer().await),
                note: None,
            };
        }
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let heard = Heard {
                answer: Some(self.answer().await),
                note: Some(note),
            };
            // Handed back when nobody waits, and dropped.
            drop(tell.send(heard));
        });
        told.await.unwrap_or_else(|_| Heard {
            answer: Some(Err(silence("the adapter broke down"))),
            note: None,
        })
    }

    async fn answer(&self) -> Answer {
        let within = self.provider.timeout();
        let answer = tokio::time::timeout(within, self.provider.submit(&self.order)).await;
        answer.unwrap_or_else(|_| Err(silence("no answer in time")))
    }
}

impl Heard {
    /// The job, when the order became one; it stays unheard until [`Heard::take`].
    pub(super) fn job(&self) -> Option<&Job> {
        match &self.answer {
            Some(Ok(Submitted::Accepted(job))) => Some(job),
            _ => None,
        }
    }

    /// The answer, and what of it is still to be written down.
    pub(super) fn take(mut self) -> (Answer, Unwritten) {
        let answer = self.answer.take();
        let answer = answer.unwrap_or_else(|| Err(silence("the answer was heard before")));
        let unwritten = Unwritten::of(self.note.take(), &answer);
        (answer, unwritten)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            drop(Unwritten::of(self.note.take(), &answer));
        }
    }
}

impl Unwritten {
    fn of(note: Option<Note>, answer: &Answer) -> Self {
        Self(note.and_then(|note| Some((note.learned(answer)?, note))))
    }

    /// It stands in the ledger now.
    pub(super) fn settle(mut self) {
        self.0 = None;
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        if let (Some((learned, note)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(note.learn(learned));
        }
    }
}

impl Note {
    fn learned(&self, answer: &Answer) -> Option<Learned> {
        match answer {
            Ok(Submitted::Accepted(job)) => Some(Learned::Taken(job.clone())),
            Ok(Submitted::Done(raw)) => {
                let cost = believed(raw.spent.cost, self.price);
                Some(Learned::Cost(cost, counted(raw.spent.tokens)))
            }
            // None where nobody knows: that is what is written there.
            Err(error) => {
                let end = AttemptEnd::of(self.number, error, self.price);
                end.cost.map(|cost| Learned::Cost(cost, end.tokens))
            }
        }
    }

    /// It has not left.
    pub(super) async fn cost_nothing(self) {
        self.learn(Learned::Cost(Microusd(0), None)).await;
    }

    async fn learn(self, learned: Learned) {
        for tries in 1..=NOTE_TRIES {
            match self.strays.learn(self.task, self.number, &learned).await {
                Ok(true) => return,
                Ok(false) | Err(_) => {
                    tokio::time::sleep(backoff(Duration::from_millis(50), tries)).await;
                }
            }
        }
        tracing::warn!(
            task.id = %self.task,
            attempt.number = self.number,
            "what is known of an order that nobody waits for could not be written down"
        );
    }
}
