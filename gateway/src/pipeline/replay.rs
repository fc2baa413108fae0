//! A call that is repeated under its key: it is answered whatever is left of the quota, and what was
//! reserved for it goes back.

use axum::response::Response;
use bytes::Bytes;
use errors::Reason;
use identity::idempotency;
use tonic::Status;
use tonic::metadata::MetadataValue;

use super::Call;
use crate::failure::Failure;
use crate::reply;

/// Whether a reply was given before: nothing was done for this call.
pub(super) fn is_one<T>(replied: &tonic::Response<T>) -> bool {
    replied.metadata().contains_key(idempotency::REPLAYED)
}

/// The answer the call was given before, if its key names one; else it stays refused.
///
/// # Errors
/// The refusal, or what is wrong with the key.
pub(super) async fn or_refuse(
    call: &Call,
    message: Bytes,
    refused: Failure,
) -> Result<Response, Failure> {
    if call.key.is_none() {
        return Err(refused);
    }
    let mut upstream = call.upstream();
    let only = MetadataValue::from_static("true");
    upstream.metadata.insert(idempotency::REPLAY_ONLY, only);
    match upstream.unary(message).await {
        Ok(replied) => reply::unary(call, replied),
        Err(status) if is_about_the_key(&status) => Err(status.into()),
        Err(_) => Err(refused),
    }
}

fn is_about_the_key(status: &Status) -> bool {
    let reason = errors::reason_of(&errors::rpc_status(status));
    matches!(
        reason,
        Some(Reason::IdempotencyMismatch | Reason::IdempotencyInFlight)
    )
}
