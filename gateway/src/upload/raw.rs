//! An upload whose body is nothing but the bytes.

use errors::Fault;
use transcoding::RouteMatch;

use super::source::{Opened, Source};
use crate::body::RequestBody;
use crate::failure::Failure;
use crate::pipeline::{Call, fault_of};

/// Reads what path and query say.
///
/// # Errors
/// Wrong fields.
pub(super) fn open(
    call: &Call,
    found: &RouteMatch,
    content_type: String,
    body: RequestBody,
) -> Result<Opened, Failure> {
    let head = found
        .bind_without_body(call.query.as_deref(), &[])
        .map_err(fault_of)?;
    let slot = found.takes_http_body();
    Ok(Opened {
        head,
        slot: slot.ok_or_else(|| Fault::internal("an upload without a place for its bytes"))?,
        content_type,
        source: Source::Raw(body),
    })
}
