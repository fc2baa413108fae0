//! A batch: what waited together, done together; when it cannot be, what spoils it is found, so that
//! nobody else suffers for it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::round::Round;
use crate::domain::clerk::{Instruction, Outcome};
use crate::domain::error::Error;
use crate::store::error::StoreError;

/// An instruction, and who waits for its outcome.
pub struct Slip {
    instruction: Instruction,
    answer: oneshot::Sender<Outcome>,
}

impl Slip {
    /// With the end where its outcome comes out.
    pub fn new(instruction: Instruction) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, outcome) = oneshot::channel();
        let slip = Self {
            instruction,
            answer,
        };
        (slip, outcome)
    }

    /// At which of so many tellers it lines up: always the same for one reservation.
    pub fn line(&self, tellers: usize) -> usize {
        let [.., low] = self.instruction.id().uuid().into_bytes();
        usize::from(low) % tellers.max(1)
    }
}

/// Does and answers all of them. Those whose callers left before it began are not begun.
pub async fn work(round: &Round, mut slips: Vec<Slip>) {
    slips.retain(|slip| !slip.answer.is_closed());
    let mut waiting = vec![slips];
    while let Some(slips) = waiting.pop() {
        let unzip = |slip: Slip| (slip.instruction, slip.answer);
        let (instructions, answers): (Vec<_>, Vec<_>) = slips.into_iter().map(unzip).unzip();
        if instructions.is_empty() {
            continue;
        }
        match round.post(&instructions).await {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever left by now finds it done when it asks again.
                    let _ = answer.send(outcome);
                }
            }
            // One of them is at fault: halves, until it stands alone. The first half goes first.
            Err(error) if error.is_fault() && instructions.len() > 1 => {
                let zip = |(instruction, answer)| Slip {
                    instruction,
                    answer,
                };
                let pairs = instructions.into_iter().zip(answers);
                let mut first: Vec<Slip> = pairs.map(zip).collect();
                let second = first.split_off(first.len() / 2);
                waiting.extend([second, first]);
            }
            Err(error) => fail(error, answers),
        }
    }
}

fn fail(error: StoreError, answers: Vec<oneshot::Sender<Outcome>>) {
    let is_fault = error.is_fault();
    let shared = Arc::new(error);
    for answer in answers {
        let reason = Arc::clone(&shared).into();
        let error = match is_fault {
            true => Error::Broken(reason),
            false => Error::Unavailable(reason),
        };
        let _ = answer.send(Err(error));
    }
}
