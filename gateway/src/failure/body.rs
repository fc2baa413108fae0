//! The one error body (AIP-193, with request id and time), and the HTTP status that goes with it.

use std::time::Duration;

use contracts::google::rpc::RetryInfo;
use errors::{Language, code_name, describes_a_call, http_status_of_code, reason_of, rpc_status};
use http::StatusCode;
use prost::{Message, Name};
use serde_json::{Value, json};
use tonic::Status;
use types::{Clock, SystemClock};

use super::details::detail;

/// The HTTP status of a failure: `finer` where HTTP is finer than gRPC, else the table's.
pub(crate) fn http_status(status: &Status, finer: Option<StatusCode>) -> StatusCode {
    let by_reason = reason_of(&rpc_status(status))
        .filter(|reason| describes_a_call(*reason))
        .map(errors::http_status);
    finer
        .or(by_reason)
        .unwrap_or_else(|| http_status_of_code(status.code()))
}

/// The name of the reason, or of the code when there is no reason of ours.
pub(crate) fn reason_name(status: &Status) -> &'static str {
    let reason = reason_of(&rpc_status(status));
    reason.map_or_else(|| code_name(status.code()), |reason| reason.as_str_name())
}

/// What a status says to whoever asked in a language, and in which it does. Our own sentences are English.
pub(super) fn sentence_of(status: &Status, language: Option<Language>) -> (String, Language) {
    let wire = rpc_status(status);
    let other = language.filter(|language| *language != Language::English);
    let said = other.and_then(|other| Some((errors::sentence(other, &wire)?, other)));
    said.unwrap_or((wire.message, Language::English))
}

/// Prints a status with a sentence that says it.
pub(super) fn body_of(
    status: &Status,
    http: StatusCode,
    message: &str,
    request_id: &str,
) -> Vec<u8> {
    let wire = rpc_status(status);
    let details: Vec<Value> = wire.details.iter().map(detail).collect();
    let body = json!({
        "error": {
            "code": http.as_u16(),
            "message": message,
            "status": code_name(status.code()),
            "details": details,
            "requestId": request_id,
            "timestamp": SystemClock.now().to_string(),
        }
    });
    body.to_string().into_bytes()
}

/// How long to wait, in whole seconds, from RetryInfo.
pub(super) fn retry_after(status: &Status) -> Option<u64> {
    let details = rpc_status(status).details;
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
    use errors::{Fault, Reason};

    fn printed(status: &Status) -> (StatusCode, Value) {
        let http = http_status(status, None);
        let (message, _) = sentence_of(status, None);
        let body = body_of(status, http, &message, "r-1");
        (http, serde_json::from_slice(&body).unwrap())
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
        assert_eq!(retry_after(&status), Some(2));
    }
}
