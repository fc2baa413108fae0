//! Checks a rule's names against the rpc's descriptors, so that a mistake fails at start.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::Body;
use crate::well_known::WellKnown;

pub(crate) const HTTP_BODY: &str = "google.api.HttpBody";

/// Whether a field of this kind holds raw HTTP bytes.
pub(crate) fn is_http_body(kind: &Kind) -> bool {
    kind.as_message()
        .is_some_and(|message| message.full_name() == HTTP_BODY)
}

/// The descriptors of a variable's field path: singular messages, then a value that text can be.
pub(super) fn variable_path(
    input: &MessageDescriptor,
    names: &[String],
) -> Result<Vec<FieldDescriptor>, String> {
    let mut path = Vec::with_capacity(names.len());
    let mut holder = input.clone();
    for (index, name) in names.iter().enumerate() {
        let field = field_of(&holder, name)?;
        if field.is_list() || field.is_map() {
            return Err(format!(
                "{} is repeated; a path variable must not be",
                names.join(".")
            ));
        }
        let is_last = index + 1 == names.len();
        match field.kind() {
            Kind::Message(message) if !is_last => holder = message,
            _ if !is_last => return Err(format!("{name} is not a message")),
            Kind::Message(message) if !WellKnown::of(&message).is_some_and(WellKnown::is_text) => {
                return Err(format!(
                    "{} is a message, not a text value",
                    names.join(".")
                ));
            }
            _ => {}
        }
        path.push(field);
    }
    Ok(path)
}

/// What the rule's `body` names.
pub(super) fn body(input: &MessageDescriptor, name: &str) -> Result<Body, String> {
    match name {
        "" => Ok(Body::None),
        "*" => Ok(Body::All),
        field => field_of(input, field)
            .map(Body::Field)
            .map_err(|reason| format!("body: {reason}")),
    }
}

/// What the rule's `response_body` names.
pub(super) fn response_body(
    output: &MessageDescriptor,
    name: &str,
) -> Result<Option<FieldDescriptor>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    field_of(output, name)
        .map(Some)
        .map_err(|reason| format!("response_body: {reason}"))
}

fn field_of(message: &MessageDescriptor, name: &str) -> Result<FieldDescriptor, String> {
    message
        .get_field_by_name(name)
        .ok_or_else(|| format!("{} has no field {name}", message.full_name()))
}
