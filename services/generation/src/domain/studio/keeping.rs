//! Checks a made picture, has it looked at, stores it as a file, and completes the task.

use std::time::Duration;

use errors::{Fault, Reason};
use tokio::time::Instant;
use types::{Microusd, OperationId};
use uuid::Uuid;

use super::judging::Judged;
use super::{Made, Sitting, Studio};
use crate::domain::attempt::{AttemptEnd, AttemptState};
use crate::domain::bill::{Billed, believed, counted};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::{Failure, Output};
use crate::domain::picture::{self, Picture};
use crate::domain::ports::{Ending, NewFile};
use crate::domain::provider::{ErrorClass, ProviderError, Spent};
use crate::domain::retry::backoff;

const STORING: u8 = 90;
// A result that was paid for is worth waiting for the file service this long.
pub(super) const STORE_PATIENCE: Duration = Duration::from_secs(600);

enum Kept {
    Stored(Output),
    // It is no picture, or the file service says so.
    Refused(String),
    // It breaks this rule of the house.
    Unfit(String),
    // Somebody did not answer for as long as we wait.
    OutOfPatience,
}

impl Studio {
    pub(super) async fn keep(&self, sitting: &Sitting<'_>, made: Made) -> Result<(), Error> {
        let (task, lease) = (sitting.task, sitting.lease);
        let Made {
            attempt: number,
            raw,
            unwritten,
        } = made;
        let spent = raw.spent;
        let cost = cost_of(sitting, spent);
        let step = Step::new(EventKind::Storing, STORING);
        // Decoding need not wait for the note. Storing must: until that is written the generation may be
        // cancelled, and its owner would have a picture that nobody counted.
        let noted = async {
            let note = || self.work.note(task.claim, &step);
            let noted = self.persist(task, lease, note).await;
            noted.map(|()| unwritten.settle())
        };
        let seen = async { Ok(self.inspect(raw.bytes).await) };
        let ((), seen) = tokio::try_join!(noted, seen)?;
        let kept = match seen {
            Ok(picture) => self.put_away(sitting, &picture).await,
            Err(detail) => Kept::Refused(detail),
        };
        match kept {
            Kept::Stored(output) => self.complete(sitting, number, (cost, spent), output).await,
            // What is no picture is no generation; its provider may bill it all the same.
            Kept::Refused(detail) => self.reject(sitting, number, spent, detail).await,
            Kept::Unfit(rule) => {
                self.refuse_result(sitting, number, (cost, spent), rule)
                    .await
            }
            Kept::OutOfPatience => self.give_back(task, lease).await,
        }
    }

    async fn put_away(&self, sitting: &Sitting<'_>, picture: &Picture) -> Kept {
        match self.judge(sitting, picture).await {
            Judged::Fine => self.store(sitting, picture).await,
            Judged::Refused(rule) => Kept::Unfit(rule),
            Judged::OutOfPatience => Kept::OutOfPatience,
        }
    }

    async fn complete(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        (cost, spent): (Microusd, Spent),
        output: Output,
    ) -> Result<(), Error> {
        let (task, lease) = (sitting.task, sitting.lease);
        let tokens = counted(spent.tokens);
        let made = Billed {
            number,
            provider: task.provider.clone(),
            model: task.model.clone(),
            state: AttemptState::Succeeded,
            cost: Some(cost),
            tokens,
        };
        let ending = Ending::Completed {
            attempt: number,
            cost,
            tokens,
            resolution: self.resolution(task, lease, Some(made)).await?,
            outputs: vec![output],
        };
        self.finish(task, lease, &ending).await?;
        metrics::counter!("generation_tasks_total", "outcome" => "completed", "reason" => "")
            .increment(1);
        Ok(())
    }

    async fn inspect(&self, bytes: bytes::Bytes) -> Result<Picture, String> {
        let permit = self.decoders.clone().acquire_owned().await;
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            picture::inspect(bytes)
        });
        // A decoder that panics has met no picture.
        looked.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn reject(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        spent: Spent,
        detail: String,
    ) -> Result<(), Error> {
        let error = ProviderError {
            class: ErrorClass::InvalidOutput,
            message: "the provider answered with something that is not a picture".to_owned(),
            detail,
            retry_after: None,
            spent,
        };
        tracing::warn!(
            task.id = %sitting.task.claim.task,
            provider.name = %sitting.task.provider,
            error.detail = %error.detail,
            "a result is no picture"
        );
        let failure = Failure {
            reason: error.class.reason(),
            message: error.message.clone(),
        };
        let end = AttemptEnd::of(number, &error, sitting.price());
        self.fail(sitting.task, sitting.lease, Some(end), failure)
            .await
    }

    async fn store(&self, sitting: &Sitting<'_>, picture: &Picture) -> Kept {
        let task = sitting.task;
        let file = NewFile {
            operation: output_operation(task.claim.task.uuid(), 0),
            name: picture::file_name(&task.request.prompt, picture.extension),
            session: task.session,
            content_type: picture.content_type,
            bytes: picture.bytes.clone(),
        };
        let begun = Instant::now();
        for tries in 1.. {
            let fault = match self.files.store(&task.patron, &file).await {
                Ok(file) => {
                    return Kept::Stored(Output {
                        file,
                        content_type: picture.content_type.to_owned(),
                        width: picture.width,
                        height: picture.height,
                    });
                }
                Err(fault) => fault,
            };
            if is_final(&fault) {
                return Kept::Refused(fault.to_string());
            }
            tracing::warn!(
                task.id = %task.claim.task,
                error = %fault,
                tries,
                "could not store a result"
            );
            if begun.elapsed() > STORE_PATIENCE {
                break;
            }
            tokio::time::sleep(backoff(Duration::from_millis(200), tries)).await;
        }
        Kept::OutOfPatience
    }
}

// The same task and place give the same operation, so storing again makes no second file.
fn output_operation(task: Uuid, index: u32) -> OperationId {
    OperationId(Uuid::new_v5(&task, &index.to_be_bytes()))
}

fn is_final(fault: &Fault) -> bool {
    matches!(
        fault.reason,
        Reason::UnreadableFile
            | Reason::UnsupportedMediaType
            | Reason::TooLarge
            | Reason::InvalidField
            | Reason::OperationMismatch
    )
}

fn cost_of(sitting: &Sitting<'_>, spent: Spent) -> Microusd {
    let price = sitting.price();
    let cost = believed(spent.cost, price);
    if cost > price {
        tracing::warn!(
            task.id = %sitting.task.claim.task,
            provider.name = %sitting.task.provider,
            cost_microusd = cost.0,
            price_microusd = price.0,
            "a picture cost more than it was accepted at"
        );
    }
    cost
}
