//! ProtoJSON: JSON text to messages, with every fault named by its path, and messages to JSON text.

mod number;
mod print;
mod print_well_known;
mod read;
mod read_value;
mod read_well_known;
mod tree;

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

use crate::error::Faults;
use crate::{EncodeError, Invalid, InvalidKind, Options};

pub(crate) use number::{float_text, narrow};
pub(crate) use read::oneof_rival;
pub(crate) use read_value::{describe_kind, integer_value};

/// Reads a JSON text as a message. An empty text is an empty message.
///
/// # Errors
/// Everything wrong with it at once; text that is not JSON is one violation with an empty field.
pub fn parse(
    descriptor: &MessageDescriptor,
    text: &[u8],
    options: &Options,
) -> Result<DynamicMessage, Invalid> {
    let mut faults = Faults::new(options.max_violations);
    let message = parse_body(descriptor, text, options, &[], &mut faults);
    faults.into_result()?;
    Ok(message)
}

/// Prints a message as JSON.
///
/// # Errors
/// When a value has no JSON form.
pub fn print(message: &DynamicMessage, options: &Options) -> Result<Vec<u8>, EncodeError> {
    let mut printer = print::Printer::new(options);
    printer.message(message)?;
    Ok(printer.out)
}

/// Prints the value of one field: what `response_body` answers.
pub(crate) fn print_field(
    field: &FieldDescriptor,
    value: &Value,
    options: &Options,
) -> Result<Vec<u8>, EncodeError> {
    let mut printer = print::Printer::new(options);
    printer.field_value(field, value)?;
    Ok(printer.out)
}

/// Reads a body that is the whole message, but for the fields given elsewhere.
pub(crate) fn parse_body(
    descriptor: &MessageDescriptor,
    text: &[u8],
    options: &Options,
    elsewhere: &[String],
    faults: &mut Faults,
) -> DynamicMessage {
    let empty = DynamicMessage::new(descriptor.clone());
    if text.is_empty() {
        return empty;
    }
    let Some(tree) = tree_of(text, options, faults) else {
        return empty;
    };
    read::Reader::new(options, faults)
        .beside(elsewhere)
        .message(descriptor, &tree)
        .unwrap_or(empty)
}

/// Reads a body that is one field of the message. `null` leaves it unset.
pub(crate) fn parse_field(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    text: &[u8],
    options: &Options,
    faults: &mut Faults,
) {
    if text.is_empty() {
        return;
    }
    if let Some(tree) = tree_of(text, options, faults) {
        read::Reader::new(options, faults).field_into(message, field, &tree);
    }
}

fn tree_of<'t>(text: &'t [u8], options: &Options, faults: &mut Faults) -> Option<tree::Node<'t>> {
    match tree::parse(text, options.max_depth) {
        Ok(tree) => Some(tree),
        Err(reason) => {
            faults.add(InvalidKind::Syntax, "", reason);
            None
        }
    }
}
