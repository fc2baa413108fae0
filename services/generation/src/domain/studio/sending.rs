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

#[derive(Clone)]
struct Note {
    task: GenerationId,
    number: i64,
    price: Microusd,
    strays: Arc<dyn Strays>,
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

    /// The answer: from here on whoever has it sees to it.
    pub(super) fn take(mut self) -> Answer {
        let answer = self.answer.take();
        answer.unwrap_or_else(|| Err(silence("the answer was heard before")))
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let unheard = (self.answer.take(), self.note.take());
        if let ((Some(answer), Some(note)), Ok(runtime)) = (unheard, Handle::try_current()) {
            runtime.spawn(note.write(answer));
        }
    }
}

impl Note {
    async fn write(self, answer: Answer) {
        let learned = match answer {
            Ok(Submitted::Accepted(job)) => Learned::Taken(job),
            Ok(Submitted::Done(raw)) => {
                let cost = believed(raw.spent.cost, self.price);
                Learned::Cost(cost, counted(raw.spent.tokens))
            }
            Err(error) => {
                let end = AttemptEnd::of(self.number, &error, self.price);
                match end.cost {
                    Some(cost) => Learned::Cost(cost, end.tokens),
                    // Nobody knows, and that is what is written there.
                    None => return,
                }
            }
        };
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
            "an answer came that nobody waited for, and could not be written down"
        );
    }
}
