//! The messages of google.protobuf that have a JSON form of their own, and the texts they use.

pub(crate) mod base64;
pub(crate) mod duration;
pub(crate) mod mask;
pub(crate) mod timestamp;

use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

/// A message with a JSON form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WellKnown {
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Empty,
    /// `StringValue` and its like: the scalar itself.
    Wrapper,
}

impl WellKnown {
    /// Which one a message is, if it is one.
    pub(crate) fn of(message: &MessageDescriptor) -> Option<Self> {
        Some(
            match message.full_name().strip_prefix("google.protobuf.")? {
                "Any" => Self::Any,
                "Timestamp" => Self::Timestamp,
                "Duration" => Self::Duration,
                "FieldMask" => Self::FieldMask,
                "Struct" => Self::Struct,
                "Value" => Self::Value,
                "ListValue" => Self::ListValue,
                "Empty" => Self::Empty,
                "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
                | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
                _ => return None,
            },
        )
    }

    /// Whether one text can be the whole value, as in a path or a query.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Timestamp | Self::Duration | Self::FieldMask | Self::Wrapper
        )
    }

    /// Whether a query name may go on into its fields (`ts.seconds`, `size.value`).
    pub(crate) fn opens_in_query(self) -> bool {
        self.is_text()
    }
}

/// A Timestamp or Duration of its two parts.
pub(crate) fn of_parts(kind: &MessageDescriptor, seconds: i64, nanos: i32) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    // A definition with other fields than Google's keeps what fits.
    let _ = message.try_set_field_by_number(1, Value::I64(seconds));
    let _ = message.try_set_field_by_number(2, Value::I32(nanos));
    message
}

/// The two parts of a Timestamp or Duration.
pub(crate) fn parts_of(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message
        .get_field_by_number(1)
        .and_then(|value| value.as_i64());
    let nanos = message
        .get_field_by_number(2)
        .and_then(|value| value.as_i32());
    (seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Reads a fraction of a second, 1 to 9 digits, as nanoseconds.
fn read_nanos(digits: &str) -> Option<i32> {
    let count = u32::try_from(digits.len()).ok()?;
    if !(1..=9).contains(&count) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<i32>().ok()? * 10_i32.pow(9 - count))
}

/// Writes nanoseconds as nothing, or a point and 3, 6 or 9 digits.
fn push_nanos(text: &mut String, nanos: u32) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match nanos {
        0 => Ok(()),
        _ if nanos.is_multiple_of(1_000_000) => write!(text, ".{:03}", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => write!(text, ".{:06}", nanos / 1_000),
        _ => write!(text, ".{nanos:09}"),
    };
}
