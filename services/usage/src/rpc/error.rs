//! What a use case came to, as the fault the caller reads.

use errors::{Fault, QuotaViolation, Reason};

use crate::domain::counter::Standing;
use crate::domain::error::{Error, Refusal};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::OverLimit(refusal) => quota_exceeded(&refusal),
            Error::OperationMismatch => Self::new(
                Reason::OperationMismatch,
                "this operationId was used before, for another request; choose a new one",
            ),
            Error::NotFound => Self::not_found("reservation"),
            Error::WrongState(wrong) => {
                let message = format!("{wrong} already, this comes too late");
                Self::new(Reason::WrongState, message).with("state", wrong.0.as_str())
            }
            Error::UnknownTier(unknown) => Self::field("tier", unknown.to_string()),
            Error::Unavailable(cause) => Self::unavailable("the database", cause),
            Error::Broken(cause) => Self::internal(cause),
        }
    }
}

fn quota_exceeded(refusal: &Refusal) -> Fault {
    let sentences = refusal.over.iter();
    let sentences = sentences.map(|(standing, asked)| sentence(&refusal.tier, standing, *asked));
    let mut fault = Fault::new(
        Reason::QuotaExceeded,
        sentences.collect::<Vec<_>>().join("; "),
    );
    fault.quota = (refusal.over.iter())
        .map(|(standing, asked)| violation(refusal, standing, *asked))
        .collect();
    let Some((binding, _)) = refusal.over.first() else {
        return fault;
    };
    fault.retry_after = refusal.retry_after();
    fault
        .with("meter", binding.meter.as_str())
        .with("window", binding.window.kind.as_str())
        .with("limit", binding.limit)
        .with("used", binding.tally.used)
        .with("reserved", binding.tally.held)
        .with("remaining", binding.remaining())
        .with("resetAt", binding.window.reset)
}

fn violation(refusal: &Refusal, standing: &Standing, asked: i64) -> QuotaViolation {
    let (meter, window) = (standing.meter.as_str(), standing.window.kind.as_str());
    QuotaViolation {
        subject: refusal.subject.to_string(),
        description: sentence(&refusal.tier, standing, asked),
        metric: meter.to_owned(),
        id: format!("{meter}/{window}"),
        value: standing.limit,
    }
}

fn sentence(tier: &str, standing: &Standing, asked: i64) -> String {
    let (limit, window) = (standing.limit, standing.window.kind.word());
    let (used, held) = (standing.tally.used, standing.tally.held);
    let (meter, reset) = (standing.meter.word(limit), standing.window.reset);
    let what_to_do = if asked > limit {
        "change to a larger plan".to_owned()
    } else {
        format!("wait until {reset}, or change to a larger plan")
    };
    format!(
        "the plan '{tier}' gives {limit} {meter} a {window}; {used} used and {held} set aside for \
         work under way leave no room for {asked} more: {what_to_do}"
    )
}
