//! What a use case came to, as the fault the caller reads.

use errors::{Fault, QuotaViolation, Reason, Violations};

use crate::domain::counter::{Rule, Standing};
use crate::domain::error::{Error, Refusal};
use crate::domain::meter::Meter;
use crate::domain::scope::Scope;
use types::{Microusd, Timestamp};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::OverLimit(refusal) => over_limit(&refusal),
            Error::Paused(pause) => {
                let why = match pause.reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {reason}"),
                };
                let since = pause.since;
                let message =
                    format!("paid work is paused since {since}{why}; an operator resumes it");
                Self::new(Reason::SpendingPaused, message).with("since", pause.since)
            }
            Error::PriceUnknown(provider, model) => {
                let message = format!(
                    "no price of '{model}' by '{provider}' is known, and nothing without one is bought"
                );
                Self::new(Reason::PriceUnknown, message)
                    .with("provider", provider)
                    .with("model", model)
            }
            Error::OperationMismatch => Self::new(
                Reason::OperationMismatch,
                "this id was used before, for another request; choose a new one",
            ),
            Error::NotFound(what) => Self::not_found(what),
            Error::AlreadyExists(what) => Self::new(
                Reason::AlreadyExists,
                format!("there is such a {what} already; change that one"),
            ),
            Error::WrongState(wrong) => {
                let message = format!("{wrong} already, this comes too late");
                Self::new(Reason::WrongState, message).with("state", wrong.0.as_str())
            }
            Error::InUse(by) => Self::new(Reason::WrongState, by),
            Error::Kept { is_silent: true } => Self::new(
                Reason::Unavailable,
                "the service that keeps the record of this work does not answer; ask again",
            ),
            Error::Kept { is_silent: false } => Self::new(
                Reason::WrongState,
                "the generation service keeps the record of this work: end it there, with \
                 POST /v1/admin/attempts/{generationId}:resolve",
            ),
            Error::UnknownTier(unknown) => without_plan(unknown.tier),
            Error::Invalid(fields) => {
                let mut violations = Violations::new();
                for one in fields {
                    violations.add(one.field, one.description);
                }
                violations.into_fault()
            }
            Error::Unavailable(cause) => Self::unavailable("the database", cause),
            Error::Broken(cause) => Self::internal(cause),
        }
    }
}

// The owner did nothing wrong, and cannot put it right.
fn without_plan(tier: String) -> Fault {
    let message = format!(
        "there is no plan '{tier}' (any more); an operator moves the account to another one"
    );
    Fault::new(Reason::WrongState, message).with("tier", tier)
}

fn over_limit(refusal: &Refusal) -> Fault {
    let reason = if refusal.is_money() {
        Reason::BudgetExceeded
    } else {
        Reason::QuotaExceeded
    };
    let sentences = refusal.over.iter();
    let sentences = sentences.map(|standing| sentence(&refusal.tier, standing));
    let mut fault = Fault::new(reason, sentences.collect::<Vec<_>>().join("; "));
    fault.quota = (refusal.over.iter())
        .map(|standing| violation(refusal, standing))
        .collect();
    // What is metered by the same reason stands in the metadata: a client that reads only those must
    // not be told of money when a plan is used up.
    let binding =
        (refusal.over.iter()).find(|one| one.check.key.meter.is_money() == refusal.is_money());
    let Some(binding) = binding else {
        return fault;
    };
    fault.retry_after = refusal.retry_after();
    let key = &binding.check.key;
    let mut fault = fault
        .with("scope", key.subject.as_str())
        .with("meter", key.meter.as_str())
        .with("window", key.window.as_str())
        .with("limit", binding.limit())
        .with("used", binding.tally.used)
        .with("reserved", binding.tally.held)
        .with("remaining", binding.remaining());
    if binding.check.reset < Timestamp(i64::MAX) {
        fault = fault.with("resetAt", binding.check.reset);
    }
    fault
}

fn violation(refusal: &Refusal, standing: &Standing) -> QuotaViolation {
    let key = &standing.check.key;
    let (meter, window) = (key.meter.as_str(), key.window.as_str());
    QuotaViolation {
        subject: key.subject.to_string(),
        description: sentence(&refusal.tier, standing),
        metric: meter.to_owned(),
        id: format!("{meter}/{window}"),
        value: standing.limit(),
    }
}

fn sentence(tier: &str, standing: &Standing) -> String {
    let check = &standing.check;
    let meter = check.key.meter;
    let words = |count: i64| match meter {
        Meter::Microusd => Microusd(count).to_string(),
        _ => format!("{count}"),
    };
    let limit = standing.limit();
    let whose = match &check.rule {
        Rule::Plan => format!("the plan '{tier}'"),
        Rule::Budget(_, scope) => budget(scope),
    };
    let what = match meter {
        Meter::Microusd => words(limit),
        _ => format!("{limit} {}", meter.word(limit)),
    };
    let span = match check.reset < Timestamp(i64::MAX) {
        true => format!("a {}", check.key.window.word()),
        false => "for ever".to_owned(),
    };
    format!(
        "{whose} gives {what} {span}; {} used and {} set aside for work under way leave no room \
         for {} more: {}",
        words(standing.tally.used),
        words(standing.tally.held),
        words(check.amount),
        what_to_do(standing)
    )
}

fn budget(scope: &Scope) -> String {
    match scope {
        Scope::Global => "the budget for everything".to_owned(),
        Scope::User(_) => "your budget".to_owned(),
        Scope::ApiKey(_) => "the budget of this API key".to_owned(),
        Scope::Project(_) => "the budget of this project".to_owned(),
        Scope::Plan(name) => format!("the budget of everybody on the plan '{name}'"),
        Scope::Provider(name) => format!("the budget for work by '{name}'"),
        Scope::Kind(name) => format!("the budget for work of the kind {name}"),
    }
}

fn what_to_do(standing: &Standing) -> String {
    let check = &standing.check;
    let raise = match check.rule {
        Rule::Plan => "change to a larger plan",
        Rule::Budget(..) => "ask the operator for a larger budget",
    };
    if check.amount > check.limit || check.reset == Timestamp(i64::MAX) {
        return raise.to_owned();
    }
    format!("wait until {}, or {raise}", check.reset)
}
