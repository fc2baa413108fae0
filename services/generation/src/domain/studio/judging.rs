//! What came of an order is looked at before it is stored, and refused like a prompt would be: it is not shown,
//! its provider is paid all the same.

use std::time::Duration;

use errors::Reason;
use tokio::time::Instant;
use types::Microusd;

use super::keeping::STORE_PATIENCE;
use super::{Sitting, Studio};
use crate::domain::attempt::{AttemptEnd, AttemptState};
use crate::domain::bill::counted;
use crate::domain::error::Error;
use crate::domain::generation::Failure;
use crate::domain::picture::Picture;
use crate::domain::provider::Spent;
use crate::domain::retry::backoff;

const FIRST_REST: Duration = Duration::from_millis(200);

/// What was found.
pub(super) enum Judged {
    Fine,
    /// It breaks this rule.
    Refused(String),
    /// Nobody said so for as long as we wait.
    OutOfPatience,
}

impl Studio {
    /// Has the result looked at. A result that was paid for is worth some waiting.
    pub(super) async fn judge(&self, sitting: &Sitting<'_>, picture: &Picture) -> Judged {
        let task = sitting.task;
        let (id, prompt) = (task.claim.task, task.request.prompt.as_str());
        let begun = Instant::now();
        for tries in 1.. {
            let checked = self.guard.check_result(&task.patron, id, prompt, picture);
            let error = match checked.await {
                Ok(()) => return Judged::Fine,
                Err(Error::ContentRefused(rule)) => return Judged::Refused(rule),
                Err(error) => error,
            };
            tracing::warn!(task.id = %id, error = %error, tries, "could not have a result looked at");
            if begun.elapsed() > STORE_PATIENCE {
                break;
            }
            tokio::time::sleep(backoff(FIRST_REST, tries)).await;
        }
        Judged::OutOfPatience
    }

    /// Ends the task: what was made is gone, and paid for.
    pub(super) async fn refuse_result(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        (cost, spent): (Microusd, Spent),
        rule: String,
    ) -> Result<(), Error> {
        let failure = Failure {
            reason: Reason::ResultRefused,
            message: format!("what was made breaks the rule {rule}; it is not shown"),
        };
        let end = AttemptEnd {
            number,
            state: AttemptState::Failed,
            class: "refused_result",
            detail: rule,
            cost: Some(cost),
            tokens: counted(spent.tokens),
        };
        self.fail(sitting.task, sitting.lease, Some(end), failure)
            .await
    }
}
