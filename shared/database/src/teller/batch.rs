//! A batch: what waited together, done together; when it cannot be, what spoils it is found, so that
//! nobody else suffers for it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Round;

/// What was handed in, and who waits for its outcome.
pub struct Slip<R: Round> {
    wish: R::Wish,
    answer: oneshot::Sender<R::Outcome>,
}

impl<R: Round> Slip<R> {
    /// With the end where its outcome comes out.
    pub fn new(wish: R::Wish) -> (Self, oneshot::Receiver<R::Outcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { wish, answer }, outcome)
    }
}

/// Does and answers all of them. Those whose callers left before it began are not begun.
pub async fn work<R: Round>(round: &R, slips: Vec<Slip<R>>) {
    let mut waiting = vec![slips];
    while let Some(mut slips) = waiting.pop() {
        slips.retain(|slip| !slip.answer.is_closed());
        let unzip = |slip: Slip<R>| (slip.wish, slip.answer);
        let (wishes, answers): (Vec<_>, Vec<_>) = slips.into_iter().map(unzip).unzip();
        if wishes.is_empty() {
            continue;
        }
        match round.post(&wishes).await {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever left by now finds it done when it asks again.
                    let _ = answer.send(outcome);
                }
            }
            // One of them is at fault: halves, until it stands alone. The first half goes first.
            Err(error) if R::is_fault(&error) && wishes.len() > 1 => {
                let pairs = wishes.into_iter().zip(answers);
                let mut first: Vec<Slip<R>> =
                    pairs.map(|(wish, answer)| Slip { wish, answer }).collect();
                let second = first.split_off(first.len() / 2);
                waiting.extend([second, first]);
            }
            Err(error) => {
                let shared = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(R::undone(&shared));
                }
            }
        }
    }
}
