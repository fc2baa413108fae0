//! Connect's errors, and the envelope that ends its streams.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use prost_types::Any;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::envelope::seal;
use crate::failure::detail;

/// The flag of the envelope that ends a stream.
const END: u8 = 2;

/// How a call failed.
pub(super) fn error(status: &Status) -> Value {
    let wire = errors::rpc_status(status);
    let details: Vec<Value> = wire.details.iter().map(detail_of).collect();
    json!({
        "code": name_of(status.code()),
        "message": wire.message,
        "details": details,
    })
}

/// What ends a stream: whole, or with an error.
pub(super) fn end(outcome: Result<(), &Status>) -> Bytes {
    let last = match outcome {
        Ok(()) => json!({}),
        Err(status) => json!({ "error": error(status) }),
    };
    seal(END, last.to_string().as_bytes())
}

fn detail_of(any: &Any) -> Value {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    json!({
        "type": name,
        "value": STANDARD_NO_PAD.encode(&any.value),
        "debug": detail(any),
    })
}

const fn name_of(code: Code) -> &'static str {
    match code {
        // An error that is none has no better name.
        Code::Ok | Code::Unknown => "unknown",
        Code::Cancelled => "canceled",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use errors::Fault;

    use super::*;

    #[test]
    fn errors_name_their_code_and_carry_their_details() {
        let status = Status::from(Fault::field("id", "must be there"));
        let error = error(&status);
        assert_eq!(error["code"], "invalid_argument");
        assert_eq!(error["details"][0]["type"], "google.rpc.ErrorInfo");
        assert_eq!(error["details"][0]["debug"]["reason"], "INVALID_FIELD");
        let value = error["details"][1]["value"].as_str().unwrap();
        assert!(!value.is_empty() && !value.contains('='));
    }

    #[test]
    fn streams_end_with_an_object() {
        assert_eq!(&end(Ok(()))[..], b"\x02\0\0\0\x02{}");
        let cut = end(Err(&Status::unavailable("gone")));
        let last: Value = serde_json::from_slice(&cut[5..]).unwrap();
        assert_eq!(last["error"]["code"], "unavailable");
    }
}
