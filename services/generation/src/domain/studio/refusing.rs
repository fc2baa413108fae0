//! What becomes of a task whose provider did not deliver: somebody else is asked, the same one later, or
//! nobody any more.

use std::time::Duration;

use types::Microusd;

use super::{Sitting, Studio};
use crate::domain::attempt::{AttemptEnd, class_name};
use crate::domain::error::Error;
use crate::domain::events::{EventKind, Step};
use crate::domain::generation::Failure;
use crate::domain::ports::{Claimed, PutBack};
use crate::domain::provider::{ErrorClass, ProviderError};
use crate::domain::route::Candidate;

impl Studio {
    pub(super) async fn refused(
        &self,
        sitting: &Sitting<'_>,
        number: i64,
        sends: u32,
        error: &ProviderError,
    ) -> Result<(), Error> {
        let (task, lease) = (sitting.task, sitting.lease);
        self.cooling.failed(&task.provider, error).await;
        metrics::counter!(
            "generation_provider_errors_total",
            "provider" => task.provider.clone(),
            "class" => class_name(error.class),
        )
        .increment(1);
        tracing::warn!(
            task.id = %task.claim.task,
            provider.name = %task.provider,
            attempt.number = number,
            error.class = class_name(error.class),
            error.detail = %error.detail,
            "a provider did not deliver"
        );
        let end = AttemptEnd::of(number, error, sitting.price());
        if let Some(next) = self.fallback(task, error, &end) {
            let message = format!("{}; {} is asked instead", error.message, next.provider);
            let back = PutBack {
                rest: Duration::ZERO,
                step: Step::saying(EventKind::Retrying, message),
                attempt: Some(end),
                onto: Some(next),
            };
            return self.put_back(task, lease, &back).await;
        }
        match self.retry.rest(error, sends) {
            Some(rest) => {
                let back = PutBack {
                    rest,
                    step: Step::saying(EventKind::Retrying, error.message.clone()),
                    attempt: Some(end),
                    onto: None,
                };
                self.put_back(task, lease, &back).await
            }
            None => {
                let failure = Failure {
                    reason: error.class.reason(),
                    message: error.message.clone(),
                };
                self.fail(task, lease, Some(end), failure).await
            }
        }
    }

    // Who is asked instead: only when it is known that nothing was paid, and never to find somebody who
    // minds less what is shown.
    fn fallback(
        &self,
        task: &Claimed,
        error: &ProviderError,
        end: &AttemptEnd,
    ) -> Option<Candidate> {
        let is_the_providers = matches!(
            error.class,
            ErrorClass::Account | ErrorClass::Unavailable | ErrorClass::RateLimited
        );
        if !is_the_providers || end.cost != Some(Microusd(0)) {
            return None;
        }
        let mut next = task.itinerary.as_ref()?.after(&task.provider, &task.model);
        let found = next.find(|one| {
            let is_paid_for = task.price.is_some_and(|held| one.price_microusd <= held.0);
            let is_there = is_paid_for && self.catalog.provider(&one.provider).is_some();
            is_there && one.provider != task.provider && self.cooling.until(&one.provider).is_none()
        });
        if let Some(next) = found {
            metrics::counter!("generation_fallbacks_total", "provider" => next.provider.clone())
                .increment(1);
        }
        found.cloned()
    }
}
