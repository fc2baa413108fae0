//! Text of a path or query as a value: decimal numbers, names of enums, the texts of well-known
//! messages. Stricter than JSON where all gateways are: no `1.0` for an integer, no empty number.

use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

use crate::json::{describe_kind, float_text, integer_value, narrow};
use crate::well_known::{WellKnown, base64, duration, mask, of_parts, timestamp};

/// The value of a field (or of one element of it) that a text stands for, or what it must be.
pub(super) fn value(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    match field.kind() {
        Kind::Message(message) => message_value(&message, text).map(Value::Message),
        kind => scalar(&kind, text),
    }
}

fn scalar(kind: &Kind, text: &str) -> Result<Value, String> {
    let value = match kind {
        Kind::String => return Ok(Value::String(text.to_owned())),
        Kind::Bool => boolean(text).map(Value::Bool),
        Kind::Bytes => base64::decode(text).map(|bytes| Value::Bytes(bytes.into())),
        Kind::Double => float_text(text).map(Value::F64),
        Kind::Float => float_text(text).and_then(narrow).map(Value::F32),
        Kind::Enum(descriptor) => enum_number(descriptor, text).map(Value::EnumNumber),
        integer => decimal(text).and_then(|number| integer_value(integer, number)),
    };
    value.ok_or_else(|| match kind {
        Kind::Bytes => with_plus_hint(base64::EXPECTED, text),
        kind => format!("must be {}", describe_kind(kind)),
    })
}

fn message_value(message: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    match WellKnown::of(message) {
        Some(WellKnown::Timestamp) => timestamp::parse(text)
            .map(|(seconds, nanos)| of_parts(message, seconds, nanos))
            .ok_or_else(|| with_plus_hint(timestamp::EXPECTED, text)),
        Some(WellKnown::Duration) => duration::parse(text)
            .map(|(seconds, nanos)| of_parts(message, seconds, nanos))
            .ok_or_else(|| duration::EXPECTED.to_owned()),
        Some(WellKnown::FieldMask) => {
            let paths = mask::parse(text, true).ok_or(mask::EXPECTED)?;
            of_field(
                message,
                Value::List(paths.into_iter().map(Value::String).collect()),
            )
        }
        Some(WellKnown::Wrapper) => {
            let inner = message.get_field(1).ok_or("cannot take this value")?;
            of_field(message, scalar(&inner.kind(), text)?)
        }
        _ => Err("is an object and cannot be given as one parameter".to_owned()),
    }
}

fn of_field(message: &MessageDescriptor, value: Value) -> Result<DynamicMessage, String> {
    let mut made = DynamicMessage::new(message.clone());
    made.try_set_field_by_number(1, value)
        .map_err(|_| "cannot take this value")?;
    Ok(made)
}

/// As Go's ParseBool, which clients of other gateways rely on (Python sends `True`).
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_sound = (1..=24).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
    if is_sound { text.parse().ok() } else { None }
}

/// A name, or a number that has one: an unknown number in a URL is a mistake, not the future.
fn enum_number(descriptor: &EnumDescriptor, text: &str) -> Option<i32> {
    if let Some(value) = descriptor.get_value_by_name(text) {
        return Some(value.number());
    }
    let number = decimal(text).and_then(|number| i32::try_from(number).ok())?;
    descriptor.get_value(number).map(|value| value.number())
}

/// An unescaped `+` has become a space, and nobody would guess.
fn with_plus_hint(expected: &str, text: &str) -> String {
    if text.contains(' ') {
        format!("{expected}; a + must be written %2B")
    } else {
        expected.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_parse_bool() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(scalar(&Kind::Bool, text), Ok(Value::Bool(true)));
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(scalar(&Kind::Bool, text), Ok(Value::Bool(false)));
        }
        for text in ["", "yes", "tRUE", "on", "2"] {
            assert_eq!(
                scalar(&Kind::Bool, text).unwrap_err(),
                "must be true or false"
            );
        }
    }

    #[test]
    fn integers_are_plain_decimals_in_range() {
        assert_eq!(scalar(&Kind::Int32, "-5"), Ok(Value::I32(-5)));
        assert_eq!(scalar(&Kind::Uint32, "-0"), Ok(Value::U32(0)));
        assert_eq!(
            scalar(&Kind::Uint64, "18446744073709551615"),
            Ok(Value::U64(u64::MAX))
        );
        for text in ["", "-", "1.0", "1e2", "0x10", "+1", " 1", "2147483648", "٣"] {
            let expected = "must be a whole number from -2147483648 to 2147483647";
            assert_eq!(scalar(&Kind::Int32, text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_plus_that_became_a_space_is_explained() {
        let reason = scalar(&Kind::Bytes, "/ 8=").unwrap_err();
        assert_eq!(reason, "must be base64; a + must be written %2B");
    }
}
