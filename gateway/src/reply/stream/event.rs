//! Server-sent events as text (the HTML standard, "Server-sent events").

use std::borrow::Cow;

use bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

/// Asks the browser to come back after a second when the connection is lost.
pub(super) const RETRY: &[u8] = b"retry: 1000\n\n";
/// Shows proxies and clients that a silent stream lives.
pub(super) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
/// Says that the stream is whole; without it a browser would come back for ever.
pub(super) const END: &[u8] = b"event: end\ndata: {}\n\n";

/// One event. `data` is JSON on one line.
pub(super) fn event(id: Option<&str>, name: Option<&str>, data: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(data.len() + 64);
    for (field, value) in [("id", id), ("event", name)] {
        if let Some(value) = value {
            text.extend_from_slice(field.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(on_one_line(value).as_bytes());
            text.push(b'\n');
        }
    }
    text.extend_from_slice(b"data: ");
    text.extend_from_slice(data);
    text.extend_from_slice(b"\n\n");
    text.into()
}

/// The text of the field at the end of a path; none when the path is empty or leads through a
/// message that is not set.
pub(super) fn text_at(message: &DynamicMessage, path: &[FieldDescriptor]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let value = message.get_field(first);
    if rest.is_empty() {
        return text_of(first, &value);
    }
    if !message.has_field(first) {
        return None;
    }
    text_at(value.as_message()?, rest)
}

fn text_of(field: &FieldDescriptor, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::I32(number) => Some(number.to_string()),
        Value::I64(number) => Some(number.to_string()),
        Value::U32(number) => Some(number.to_string()),
        Value::U64(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::EnumNumber(number) => Some(match field.kind() {
            Kind::Enum(kind) => kind.get_value(*number).map(|one| one.name().to_owned()),
            _ => None,
        })
        .map(|name| name.unwrap_or_else(|| number.to_string())),
        _ => None,
    }
}

// A line break would begin a field of its own.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\r', '\n', '\0']) {
        Cow::Owned(text.replace(['\r', '\n', '\0'], " "))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_three_lines_and_an_empty_one() {
        let text = event(Some("7"), Some("STARTED"), b"{\"a\":1}");
        assert_eq!(text, "id: 7\nevent: STARTED\ndata: {\"a\":1}\n\n");
        assert_eq!(event(None, None, b"{}"), "data: {}\n\n");
    }

    #[test]
    fn a_line_break_cannot_forge_a_field() {
        let text = event(Some("1\ndata: {\"forged\":true}"), None, b"{}");
        assert_eq!(text, "id: 1 data: {\"forged\":true}\ndata: {}\n\n");
    }
}
