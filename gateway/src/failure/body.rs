//! The one error body (AIP-193, with request id and time), and the HTTP status that goes with it.

use std::time::Duration;

use contracts::google::rpc::RetryInfo;
use errors::{Reason, code_name, http_status, http_status_of_code, reason_of, rpc_status};
use http::StatusCode;
use prost::{Message, Name};
use serde_json::{Value, json};
use tonic::Status;
use types::{Clock, SystemClock};

use super::details::detail;

/// An error as HTTP shows it.
pub(crate) struct ErrorBody {
    pub(crate) http: StatusCode,
    pub(crate) json: Vec<u8>,
    /// In whole seconds, from RetryInfo.
    pub(crate) retry_after: Option<u64>,
    /// The reason's name, or the code's when there is no reason of ours.
    pub(crate) reason: &'static str,
}

/// Prints a status. `http` stands in for the table's status where HTTP is finer than gRPC.
pub(crate) fn body_of(status: &Status, http: Option<StatusCode>, request_id: &str) -> ErrorBody {
    let wire = rpc_status(status);
    let reason = reason_of(&wire);
    let by_reason = reason
        .filter(|reason| describes_a_call(*reason))
        .map(http_status);
    let http = http
        .or(by_reason)
        .unwrap_or_else(|| http_status_of_code(status.code()));
    let details: Vec<Value> = wire.details.iter().map(detail).collect();
    let body = json!({
        "error": {
            "code": http.as_u16(),
            "message": wire.message,
            "status": code_name(status.code()),
            "details": details,
            "requestId": request_id,
            "timestamp": SystemClock.now().to_string(),
        }
    });
    ErrorBody {
        http,
        json: body.to_string().into_bytes(),
        retry_after: retry_after(&wire.details),
        reason: reason.map_or_else(|| code_name(status.code()), |reason| reason.as_str_name()),
    }
}

/// Reasons from 40 on describe failed work, not failed calls: the table knows no status for them.
const fn describes_a_call(reason: Reason) -> bool {
    (reason as i32) < Reason::ContentPolicy as i32
}

fn retry_after(details: &[prost_types::Any]) -> Option<u64> {
    let any = details
        .iter()
        .find(|any| any.type_url.ends_with(&RetryInfo::full_name()))?;
    let delay = RetryInfo::decode(any.value.as_slice()).ok()?.retry_delay?;
    let delay = Duration::try_from(delay).ok()?;
    // Rounded up: a client that comes a moment early is refused again.
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    Some(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use errors::Fault;

    fn printed(status: &Status) -> (StatusCode, Value) {
        let body = body_of(status, None, "r-1");
        (body.http, serde_json::from_slice(&body.json).unwrap())
    }

    #[test]
    fn a_fault_prints_its_reason_and_every_field() {
        let fault = Fault::field("image.width", "must be 64 to 2048");
        let (http, body) = printed(&Status::from(fault));
        assert_eq!(http, StatusCode::BAD_REQUEST);
        let error = &body["error"];
        assert_eq!(error["status"], "INVALID_ARGUMENT");
        assert_eq!(error["requestId"], "r-1");
        assert_eq!(
            error["details"][0]["@type"],
            "type.googleapis.com/google.rpc.ErrorInfo"
        );
        assert_eq!(error["details"][0]["reason"], "INVALID_FIELD");
        assert_eq!(
            error["details"][1]["fieldViolations"][0]["field"],
            "image.width"
        );
    }

    #[test]
    fn a_bare_status_goes_by_its_code() {
        let (http, body) = printed(&Status::already_exists("taken"));
        assert_eq!(http, StatusCode::CONFLICT);
        assert_eq!(body["error"]["details"], json!([]));
    }

    #[test]
    fn waits_are_rounded_up() {
        let fault = Fault::new(Reason::RateLimited, "slow down");
        let status = Status::from(fault.retry_in(Duration::from_millis(1_200)));
        assert_eq!(body_of(&status, None, "r").retry_after, Some(2));
    }
}
