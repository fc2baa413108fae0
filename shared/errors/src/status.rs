//! A fault on the wire: a `tonic::Status` with google.rpc details, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::errors::v1::{Error as WireError, Reason};
use contracts::google::rpc::{
    self, BadRequest, ErrorInfo, LocalizedMessage, QuotaFailure, RetryInfo, bad_request,
};
use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};

use crate::{
    Fault, FieldViolation, Language, QuotaViolation, code_name, grpc_code, http_status, sentence,
};

/// The `domain` of our ErrorInfo details.
pub const DOMAIN: &str = "bottega";

impl From<Fault> for Status {
    /// The wire form. An internal cause stays here: it is attached as the status' source, which
    /// never leaves the process, for the server's log.
    fn from(mut fault: Fault) -> Self {
        let code = grpc_code(fault.reason);
        let cause = fault.cause.take();
        let details = rpc::Status {
            code: code as i32,
            message: fault.message.clone(),
            details: details_of(&fault),
        };
        let mut status = Self::with_details(code, fault.message, details.encode_to_vec().into());
        if let Some(cause) = cause {
            status.set_source(std::sync::Arc::from(cause));
        }
        status
    }
}

/// A fault as it stands within an answer about several things: as the body of a failed call says it.
#[must_use]
pub fn within_answer(fault: Fault) -> WireError {
    WireError {
        code: i32::from(http_status(fault.reason).as_u16()),
        status: code_name(grpc_code(fault.reason)).to_owned(),
        details: details_of(&fault),
        message: fault.message,
    }
}

fn details_of(fault: &Fault) -> Vec<Any> {
    let mut details = vec![pack(&ErrorInfo {
        reason: fault.reason.as_str_name().to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: fault.metadata.clone().into_iter().collect(),
    })];
    if !fault.violations.is_empty() {
        let field_violations = fault
            .violations
            .iter()
            .map(|one| bad_request::FieldViolation {
                field: one.field.clone(),
                description: one.description.clone(),
                reason: Reason::InvalidField.as_str_name().to_owned(),
            });
        details.push(pack(&BadRequest {
            field_violations: field_violations.collect(),
        }));
    }
    if !fault.quota.is_empty() {
        let violations = fault.quota.iter().map(|one| rpc::quota_failure::Violation {
            subject: one.subject.clone(),
            description: one.description.clone(),
            quota_metric: one.metric.clone(),
            quota_id: one.id.clone(),
            quota_value: one.value,
        });
        details.push(pack(&QuotaFailure {
            violations: violations.collect(),
        }));
    }
    if let Some(wait) = fault.retry_after {
        let retry_delay = prost_types::Duration::try_from(wait).ok();
        details.push(pack(&RetryInfo { retry_delay }));
    }
    details
}

fn pack<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

fn unpack<M: Message + Name + Default>(details: &[Any]) -> Option<M> {
    let any = details
        .iter()
        .find(|any| any.type_url.ends_with(&format!("/{}", M::full_name())))?;
    M::decode(any.value.as_slice()).ok()
}

/// The google.rpc.Status a tonic status carries; made from code and message when it carries none
/// or one that disagrees.
#[must_use]
pub fn rpc_status(status: &Status) -> rpc::Status {
    match rpc::Status::decode(status.details()) {
        Ok(details) if !status.details().is_empty() && details.code == status.code() as i32 => {
            details
        }
        _ => rpc::Status {
            code: status.code() as i32,
            message: status.message().to_owned(),
            details: Vec::new(),
        },
    }
}

/// The reason a status carries, if it is one of ours.
#[must_use]
pub fn reason_of(status: &rpc::Status) -> Option<Reason> {
    let info: ErrorInfo = unpack(&status.details)?;
    if info.domain != DOMAIN {
        return None;
    }
    Reason::from_str_name(&info.reason)
}

/// The same status with what it says to people in a language, as a detail; without a reason of ours
/// it stays as it is.
#[must_use]
pub fn localized(status: Status, language: Language) -> Status {
    let mut wire = rpc_status(&status);
    let Some(message) = sentence(language, &wire) else {
        return status;
    };
    wire.details.push(pack(&LocalizedMessage {
        locale: language.tag().to_owned(),
        message,
    }));
    Status::with_details(status.code(), status.message(), wire.encode_to_vec().into())
}

/// Reads a fault back from the wire. A status without a reason of ours becomes the reason its
/// code says, with the status as the cause.
#[must_use]
pub fn from_status(status: Status) -> Fault {
    fault_of(&rpc_status(&status)).unwrap_or_else(|| from_bare(status))
}

/// The fault of a status with a reason of ours.
pub(crate) fn fault_of(wire: &rpc::Status) -> Option<Fault> {
    let reason = reason_of(wire)?;
    let info: ErrorInfo = unpack(&wire.details).unwrap_or_default();
    let bad: BadRequest = unpack(&wire.details).unwrap_or_default();
    let quota: QuotaFailure = unpack(&wire.details).unwrap_or_default();
    let retry: Option<RetryInfo> = unpack(&wire.details);
    Some(Fault {
        reason,
        message: wire.message.clone(),
        violations: bad.field_violations.into_iter().map(violation).collect(),
        metadata: info.metadata.into_iter().collect::<BTreeMap<_, _>>(),
        quota: quota.violations.into_iter().map(quota_violation).collect(),
        retry_after: retry
            .and_then(|info| info.retry_delay)
            .and_then(|delay| Duration::try_from(delay).ok()),
        cause: None,
    })
}

fn violation(wire: bad_request::FieldViolation) -> FieldViolation {
    FieldViolation {
        field: wire.field,
        description: wire.description,
    }
}

fn quota_violation(wire: rpc::quota_failure::Violation) -> QuotaViolation {
    QuotaViolation {
        subject: wire.subject,
        description: wire.description,
        metric: wire.quota_metric,
        id: wire.quota_id,
        value: wire.quota_value,
    }
}

// The message of a foreign status may tell about hosts and sockets, so only its code is passed on.
fn from_bare(status: Status) -> Fault {
    match status.code() {
        Code::Cancelled if timed_out(&status) => late(status),
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::ResourceExhausted => {
            Fault::unavailable("a service", status)
        }
        Code::DeadlineExceeded => late(status),
        Code::Unauthenticated => Fault::new(
            Reason::Unauthenticated,
            "an access token is needed: send 'authorization: Bearer <accessToken>'",
        ),
        Code::OutOfRange => Fault::new(Reason::TooLarge, "the message is larger than allowed"),
        _ => Fault::internal(status),
    }
}

fn late(status: Status) -> Fault {
    let sentence = "the call took longer than its deadline";
    Fault::new(Reason::DeadlineExceeded, sentence).with_cause(status)
}

// tonic's client calls its own expired timer CANCELLED.
fn timed_out(status: &Status) -> bool {
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_the_wire() {
        let mut fault = Fault::field("image.width", "must be 64 to 2048").with("limit", 5);
        fault.retry_after = Some(Duration::from_secs(3));
        let status = Status::from(fault);
        assert_eq!(status.code(), Code::InvalidArgument);
        let back = from_status(status);
        assert_eq!(back.reason, Reason::InvalidField);
        assert_eq!(back.violations[0].field, "image.width");
        assert_eq!(back.metadata["limit"], "5");
        assert_eq!(back.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_clients_expired_timer_is_a_deadline() {
        let expired = Status::from_error(Box::new(tonic::TimeoutExpired(())));
        assert_eq!(expired.code(), Code::Cancelled);
        assert_eq!(from_status(expired).reason, Reason::DeadlineExceeded);
        let cancelled = Status::cancelled("somebody left");
        assert_eq!(from_status(cancelled).reason, Reason::Unavailable);
    }

    #[test]
    fn an_internal_cause_stays_inside() {
        let status = Status::from(Fault::internal("password of the database is hunter2"));
        assert!(!format!("{}{:?}", status.message(), status.details()).contains("hunter2"));
        assert!(std::error::Error::source(&status).is_some());
    }
}
