//! Puts a text value at the end of a chain of fields.

use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::text;
use crate::json::oneof_rival;

/// Sets what the path says, over whatever the body said.
pub(super) fn path_value(
    message: &mut DynamicMessage,
    fields: &[FieldDescriptor],
    text: &str,
) -> Result<(), String> {
    let Some((last, _)) = fields.split_last() else {
        return Ok(());
    };
    let value = text::value(last, text)?;
    let holder = holder_of(message, fields)?;
    holder
        .try_set_field(last, value)
        .map_err(|_| "cannot take this value".to_owned())
}

/// Sets what a query pair says; a repeated field grows by one.
pub(super) fn query_value(
    message: &mut DynamicMessage,
    fields: &[FieldDescriptor],
    text: &str,
) -> Result<(), String> {
    let Some((last, _)) = fields.split_last() else {
        return Ok(());
    };
    if last.is_map() {
        return Err("is a map, which cannot be given as a parameter".to_owned());
    }
    let value = text::value(last, text)?;
    let holder = holder_of(message, fields)?;
    if last.is_list() {
        if let Some(list) = holder.get_field_mut(last).as_list_mut() {
            list.push(value);
        }
        return Ok(());
    }
    holder
        .try_set_field(last, value)
        .map_err(|_| "cannot take this value".to_owned())
}

/// The message the last field belongs to, made on the way where it is missing.
fn holder_of<'m>(
    message: &'m mut DynamicMessage,
    fields: &[FieldDescriptor],
) -> Result<&'m mut DynamicMessage, String> {
    let mut holder = message;
    for (index, field) in fields.iter().enumerate() {
        if let Some(other) = oneof_rival(holder, field) {
            return Err(format!(
                "cannot be given together with {}",
                other.json_name()
            ));
        }
        if index + 1 == fields.len() {
            break;
        }
        let Value::Message(inner) = holder.get_field_mut(field) else {
            return Err("goes into a field that is not a message".to_owned());
        };
        holder = inner;
    }
    Ok(holder)
}
