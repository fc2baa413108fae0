//! Messages to JSON text, written straight into bytes.

use std::borrow::Cow;
use std::collections::HashMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};

use crate::well_known::{WellKnown, base64};
use crate::{EncodeError, Options};

/// Replies nest no deeper than decoders read; only messages kept as bytes inside others could.
const MAX_DEPTH: usize = 400;

pub(super) struct Printer<'o> {
    pub(super) options: &'o Options,
    pub(super) out: Vec<u8>,
    depth: usize,
}

impl<'o> Printer<'o> {
    pub(super) fn new(options: &'o Options) -> Self {
        Self {
            options,
            out: Vec::with_capacity(256),
            depth: 0,
        }
    }

    pub(super) fn message(&mut self, message: &DynamicMessage) -> Result<(), EncodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(unprintable(message, "it nests too deep"));
        }
        self.depth += 1;
        match WellKnown::of(&message.descriptor()) {
            Some(kind) => self.well_known(kind, message)?,
            None => {
                self.out.push(b'{');
                self.fields(message, true)?;
                self.out.push(b'}');
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// The members of an object; `is_first` says whether none stands there yet.
    pub(super) fn fields(
        &mut self,
        message: &DynamicMessage,
        mut is_first: bool,
    ) -> Result<(), EncodeError> {
        for field in message.descriptor().fields() {
            let Some(value) = self.shown(message, &field) else {
                continue;
            };
            if !is_first {
                self.out.push(b',');
            }
            is_first = false;
            self.text(field.json_name());
            self.out.push(b':');
            self.field_value(&field, &value)?;
        }
        Ok(())
    }

    /// The value of a field that is to be printed.
    fn shown<'m>(
        &self,
        message: &'m DynamicMessage,
        field: &FieldDescriptor,
    ) -> Option<Cow<'m, Value>> {
        if message.has_field(field) {
            return Some(message.get_field(field));
        }
        if field.supports_presence() {
            return None;
        }
        if self.options.print_defaults {
            return Some(message.get_field(field));
        }
        // Reflection compares by ==, so it takes -0 for the default it is not.
        let value = match field.kind() {
            Kind::Float | Kind::Double => message.get_field(field),
            _ => return None,
        };
        let is_negative_zero = match value.as_ref() {
            Value::F32(number) => number.is_sign_negative(),
            Value::F64(number) => number.is_sign_negative(),
            _ => false,
        };
        is_negative_zero.then_some(value)
    }

    /// The value of a field: one, a list or a map.
    pub(super) fn field_value(
        &mut self,
        field: &FieldDescriptor,
        value: &Value,
    ) -> Result<(), EncodeError> {
        match value {
            Value::List(items) => {
                let kind = field.kind();
                self.sequence(items.iter(), |printer, item| printer.value(&kind, item))
            }
            Value::Map(entries) => self.map(&field.kind(), entries),
            value => self.value(&field.kind(), value),
        }
    }

    /// `[a,b]`.
    pub(super) fn sequence<'i, T: 'i>(
        &mut self,
        items: impl Iterator<Item = &'i T>,
        mut print: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            print(self, item)?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// Maps print in the order of their keys, so that the same reply is the same text.
    pub(super) fn map(
        &mut self,
        entry: &Kind,
        entries: &HashMap<MapKey, Value>,
    ) -> Result<(), EncodeError> {
        let value_kind = entry.as_message().filter(|entry| entry.is_map_entry());
        let value_kind = value_kind.map(|entry| entry.map_entry_value_field().kind());
        let mut sorted: Vec<(&MapKey, &Value)> = entries.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        self.out.push(b'{');
        for (index, (key, value)) in sorted.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.key(key);
            self.out.push(b':');
            self.value(value_kind.as_ref().unwrap_or(entry), value)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn key(&mut self, key: &MapKey) {
        match key {
            MapKey::String(text) => self.text(text),
            MapKey::Bool(value) => self.text(if *value { "true" } else { "false" }),
            MapKey::I32(value) => self.text(&value.to_string()),
            MapKey::I64(value) => self.text(&value.to_string()),
            MapKey::U32(value) => self.text(&value.to_string()),
            MapKey::U64(value) => self.text(&value.to_string()),
        }
    }

    pub(super) fn value(&mut self, kind: &Kind, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::I32(number) => self.json(number),
            Value::U32(number) => self.json(number),
            Value::I64(number) if self.options.json_numbers_for_64_bit => self.json(number),
            Value::U64(number) if self.options.json_numbers_for_64_bit => self.json(number),
            Value::I64(number) => self.text(&number.to_string()),
            Value::U64(number) => self.text(&number.to_string()),
            Value::F32(number) if number.is_finite() => self.json(number),
            Value::F32(number) => self.text(spelled(f64::from(*number))),
            Value::F64(number) if number.is_finite() => self.json(number),
            Value::F64(number) => self.text(spelled(*number)),
            Value::String(text) => self.text(text),
            Value::Bytes(bytes) => self.text(&base64::encode(bytes)),
            Value::EnumNumber(number) => self.enum_value(kind, *number),
            Value::Message(message) => self.message(message)?,
            Value::List(items) => {
                self.sequence(items.iter(), |printer, item| printer.value(kind, item))?;
            }
            Value::Map(entries) => self.map(kind, entries)?,
        }
        Ok(())
    }

    fn enum_value(&mut self, kind: &Kind, number: i32) {
        let Some(descriptor) = kind.as_enum() else {
            return self.json(&number);
        };
        if descriptor.full_name() == "google.protobuf.NullValue" {
            return self.out.extend_from_slice(b"null");
        }
        match descriptor.get_value(number) {
            Some(value) => self.text(value.name()),
            None => self.json(&number),
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.json(text);
    }

    /// Numbers and texts as serde_json writes them.
    pub(super) fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        // Writing a number or a text into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.out, value);
    }
}

fn spelled(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

pub(super) fn unprintable(message: &DynamicMessage, reason: impl Into<String>) -> EncodeError {
    EncodeError::Unprintable {
        message: message.descriptor().full_name().to_owned(),
        reason: reason.into(),
    }
}
