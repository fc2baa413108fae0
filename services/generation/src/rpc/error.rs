//! What went wrong, as the caller may read it.

use std::time::Duration;

use errors::{Fault, Reason, Violations};

use crate::domain::error::{Error, KeyRefusal, TooLate};
use crate::domain::order::{MASK_FIELD, input_field};
use crate::domain::safety;
use crate::domain::webhook::MOST;
use crate::domain::webhook::error::Error as WebhookError;

const EXPIRED_ON_THE_WAY: &str = "what was set aside for the generation expired before it was stored; \
                                  nothing was done, try again";
// Nobody knows when the next one begins; asked so often, an order waits no longer than it must.
const QUEUE_FULL_REST: Duration = Duration::from_secs(5);

fn no_such_file(field: &str) -> Fault {
    Fault::new(Reason::NotFound, format!("no such file: {field}")).with("field", field)
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(found) => {
                let mut violations = Violations::new();
                violations.extend(found);
                violations.into_fault()
            }
            Error::NoProvider(said) => Self::new(Reason::NoProvider, said),
            Error::NotFound => Self::not_found("generation"),
            Error::InputNotFound(place) => no_such_file(&input_field(place)),
            Error::MaskNotFound => no_such_file(MASK_FIELD),
            Error::Ended(status) => Self::new(
                Reason::WrongState,
                format!("the generation has {} already", status.as_str()),
            )
            .with("status", status.as_str().to_uppercase()),
            Error::TooLate(late) => too_late(late),
            Error::QueueFull(limit) => Self::new(
                Reason::QueueFull,
                format!(
                    "{limit} of your generations wait already, which is as many as may; order \
                     again when one has begun"
                ),
            )
            .with("limit", limit)
            .retry_in(QUEUE_FULL_REST),
            Error::ReservationUsed => Self::new(
                Reason::OperationMismatch,
                "the reservation was used for another generation",
            ),
            Error::ReservationExpired => {
                Self::new(Reason::Unavailable, EXPIRED_ON_THE_WAY).retry_in(Duration::from_secs(1))
            }
            Error::ReceiptRefused => Self::new(
                Reason::PermissionDenied,
                "the reservation receipt is not valid for this call",
            ),
            Error::Key(KeyRefusal::Mismatch) => Self::new(
                Reason::IdempotencyMismatch,
                "this idempotency key was used for something else; take a new one",
            ),
            Error::Key(KeyRefusal::UnderWay) => Self::new(
                Reason::IdempotencyInFlight,
                "a call with this idempotency key is under way; ask again for its answer",
            )
            .retry_in(Duration::from_secs(1)),
            Error::ContentRefused(rule) => content_refused(rule),
            Error::InBatch(place, error) => Self::from(*error).with("request", place),
            // Only workers lose a claim, and they tell nobody.
            Error::Lost => Self::internal(Error::Lost),
            Error::Peer(fault) | Error::Store(fault) => fault,
        }
    }
}

fn content_refused(rule: String) -> Fault {
    let rest = match safety::is_final(&rule) {
        true => ", which nobody may allow",
        false => "; an admin may allow it",
    };
    let message = format!("the prompt breaks the rule {rule}{rest}");
    Fault::new(Reason::ContentRefused, message).with("rule", rule)
}

fn too_late(late: TooLate) -> Fault {
    match late {
        TooLate::Keeping => Fault::new(
            Reason::WrongState,
            "the generation is made and being stored: it is too late to cancel it",
        )
        .with("status", "PROCESSING"),
        TooLate::Known => Fault::new(
            Reason::WrongState,
            "nothing of this generation is in suspense: what it cost is known already",
        ),
    }
}

impl From<WebhookError> for Fault {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Invalid(field, problem) => Self::field(field, problem),
            WebhookError::NotFound(what) => Self::not_found(what),
            WebhookError::TooMany => Self::new(
                Reason::WrongState,
                format!("there are {MOST} webhooks already; delete one first"),
            ),
            WebhookError::Disabled => Self::new(
                Reason::WrongState,
                "the webhook is disabled; enable it first",
            ),
            WebhookError::NoSecret => Self::internal(WebhookError::NoSecret),
            WebhookError::Base(error) => error.into(),
        }
    }
}
