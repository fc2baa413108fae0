//! Finds the fields a query name means: `image.width` by proto or JSON names at every level.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::InvalidKind;
use crate::well_known::WellKnown;

/// No message in a query goes deeper, whatever the options allow for bodies.
const MAX_DEPTH: usize = 64;
/// Longer names are cut where they are reported.
const MAX_SHOWN: usize = 128;

/// Why a name means no field that a query can set.
type NameFault = (InvalidKind, String);

/// The chain of fields from the request message down to the one the name means.
pub(super) fn resolve(
    input: &MessageDescriptor,
    name: &str,
    max_depth: usize,
) -> Result<Vec<FieldDescriptor>, NameFault> {
    let mut fields: Vec<FieldDescriptor> = Vec::with_capacity(2);
    let mut holder = input.clone();
    let mut parts = name.split('.').peekable();
    while let Some(part) = parts.next() {
        let found = holder
            .get_field_by_json_name(part)
            .or_else(|| holder.get_field_by_name(part));
        let Some(field) = found else {
            return Err((InvalidKind::UnknownField, hint(part).to_owned()));
        };
        if fields.len() >= max_depth.min(MAX_DEPTH) {
            return Err((InvalidKind::BadValue, "nests too deep".to_owned()));
        }
        if parts.peek().is_some() {
            holder = inner_message(&field)?;
        }
        fields.push(field);
    }
    Ok(fields)
}

/// A name, cut to what is worth showing.
pub(super) fn shown(name: &str) -> &str {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}

fn hint(part: &str) -> &'static str {
    if part.contains('[') {
        "is not a known parameter; lists repeat the name without brackets, maps cannot be given"
    } else {
        "is not a known parameter"
    }
}

fn inner_message(field: &FieldDescriptor) -> Result<MessageDescriptor, NameFault> {
    let refused = |reason: &str| Err((InvalidKind::BadValue, reason.to_owned()));
    if field.is_map() {
        return refused("goes into a map, which cannot be given as a parameter");
    }
    if field.is_list() {
        return refused("goes into a list, which has no fields");
    }
    match field.kind() {
        Kind::Message(message) => match WellKnown::of(&message) {
            Some(kind) if !kind.opens_in_query() => {
                refused("goes into a value that cannot be given as a parameter")
            }
            _ => Ok(message),
        },
        _ => refused("goes into a field that is not a message"),
    }
}
