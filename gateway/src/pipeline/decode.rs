//! Step 4: the request message, of path, query and body.

use bytes::Bytes;
use errors::{Fault, FieldViolation, Reason};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use transcoding::{Invalid, InvalidKind, RouteMatch, media};

use super::Call;
use crate::body::RequestBody;
use crate::endpoint::EventRule;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::upload::{fill_slot, media_type};

/// Reads the body and makes the message.
///
/// # Errors
/// Every wrong field at once; `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, `INCOMPLETE_BODY`.
pub(super) async fn message(
    gateway: &Gateway,
    call: &Call,
    found: &RouteMatch,
    body: RequestBody,
) -> Result<DynamicMessage, Failure> {
    let slot = found.takes_http_body();
    let limit = if slot.is_some() {
        gateway.limits.upload_bytes
    } else {
        gateway.limits.json_bytes
    };
    let bytes = body.limited(&call.headers, limit)?.collect().await?;
    let query = call.query.as_deref();
    if let Some(slot) = slot {
        let mut message = found.bind_without_body(query, &[]).map_err(fault_of)?;
        fill_slot(&mut message, &slot, &media_type(&call.headers), bytes);
        return Ok(message);
    }
    if !bytes.is_empty() {
        check_media_type(&call.headers)?;
    }
    let json = (!bytes.is_empty()).then_some(bytes.as_ref());
    Ok(found.bind(query, json).map_err(fault_of)?)
}

/// The message as it goes over the wire.
pub(super) fn bytes_of(message: &DynamicMessage) -> Bytes {
    message.encode_to_vec().into()
}

/// Puts `Last-Event-ID` into the field it fills. It beats the query: a browser that connects again
/// repeats the address it began with.
///
/// # Errors
/// `INVALID_FIELD` for what no event of the stream has as its id.
pub(super) fn resume(
    rule: &EventRule,
    headers: &HeaderMap,
    message: &mut DynamicMessage,
) -> Result<(), Failure> {
    let (Some(field), Some(id)) = (&rule.resume, headers.get("last-event-id")) else {
        return Ok(());
    };
    let id = id.to_str().ok().map(str::trim);
    if id == Some("") {
        return Ok(());
    }
    let value = id.and_then(|id| value_of(field, id)).ok_or_else(|| {
        Fault::field("Last-Event-ID", "must be the id of an event of this stream")
    })?;
    message.set_field(field, value);
    Ok(())
}

fn value_of(field: &FieldDescriptor, text: &str) -> Option<Value> {
    match field.kind() {
        Kind::String => Some(Value::String(text.to_owned())),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => text.parse().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(Value::U64),
        _ => None,
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Failure> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or("?"));
    if media::accepts_json_body(content_type) {
        return Ok(());
    }
    let message = "this route takes JSON: send 'content-type: application/json'";
    Err(Fault::new(Reason::UnsupportedMediaType, message).into())
}

/// What the transcoder found wrong, as our error.
pub(crate) fn fault_of(invalid: Invalid) -> Fault {
    let reason = match invalid.kind {
        InvalidKind::BadValue => Reason::InvalidField,
        InvalidKind::UnknownField
        | InvalidKind::UnexpectedBody
        | InvalidKind::TooLarge
        | InvalidKind::Syntax => Reason::InvalidRequest,
    };
    let is_whole = invalid
        .violations
        .first()
        .is_some_and(|one| one.field.is_empty());
    let mut fault = match reason {
        // A value that is wrong as a whole is no field's fault.
        Reason::InvalidField if is_whole => Fault::new(
            Reason::InvalidRequest,
            format!("the body {}", invalid.message),
        ),
        _ => Fault::new(reason, invalid.message),
    };
    let named = invalid
        .violations
        .into_iter()
        .filter(|one| !one.field.is_empty());
    fault.violations = named
        .map(|one| FieldViolation {
            field: one.field,
            description: one.description,
        })
        .collect();
    fault
}
