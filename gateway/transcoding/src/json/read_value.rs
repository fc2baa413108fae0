//! Scalars and enums: what each takes in JSON, and how that is said.

use prost_reflect::{EnumDescriptor, Kind, MapKey, Value};

use super::number::{float, integer, narrow};
use super::read::Reader;
use super::tree::Node;
use crate::well_known::{WellKnown, base64};

/// More names than this are not listed in a message.
const MAX_NAMES: usize = 20;

impl Reader<'_> {
    pub(super) fn scalar(&mut self, kind: &Kind, node: &Node<'_>) -> Option<Value> {
        if let Kind::Enum(descriptor) = kind {
            return self.enum_value(descriptor, node);
        }
        let value = match (kind, node) {
            (Kind::Bool, Node::Bool(value)) => Some(Value::Bool(*value)),
            (Kind::String, Node::Text(text)) => Some(Value::String(text.clone().into_owned())),
            (Kind::Bytes, Node::Text(text)) => {
                base64::decode(text).map(|bytes| Value::Bytes(bytes.into()))
            }
            (Kind::Double, node) => float(node).map(Value::F64),
            (Kind::Float, node) => float(node).and_then(narrow).map(Value::F32),
            (kind, node) => integer(node).and_then(|number| integer_value(kind, number)),
        };
        match value {
            Some(value) => Some(value),
            None => self.bad(format!("must be {}", describe_kind(kind))),
        }
    }

    fn enum_value(&mut self, descriptor: &EnumDescriptor, node: &Node<'_>) -> Option<Value> {
        match node {
            Node::Null => return Some(Value::EnumNumber(0)),
            Node::Text(name) => {
                if let Some(value) = descriptor.get_value_by_name(name) {
                    return Some(Value::EnumNumber(value.number()));
                }
                if self.options.ignore_unknown_body {
                    return None;
                }
            }
            Node::Unsigned(_) | Node::Signed(_) | Node::Float(_) => {
                if let Some(number) = integer(node).and_then(|number| i32::try_from(number).ok()) {
                    return Some(Value::EnumNumber(number));
                }
            }
            _ => {}
        }
        self.bad(format!("must be {}", enum_names(descriptor)))
    }
}

/// An integer as the value of a field of this kind, if it is in its range.
pub(crate) fn integer_value(kind: &Kind, number: i128) -> Option<Value> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number.try_into().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number.try_into().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => number.try_into().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => number.try_into().ok().map(Value::U64),
        _ => None,
    }
}

/// A map's key, from its text.
pub(super) fn map_key(kind: &Kind, text: &str) -> Option<MapKey> {
    match kind {
        Kind::String => Some(MapKey::String(text.to_owned())),
        Kind::Bool => text.parse().ok().map(MapKey::Bool),
        _ => {
            let number = integer(&Node::Text(text.into()))?;
            integer_value(kind, number)?.into_map_key()
        }
    }
}

/// What a value of this kind must be, e.g. "a whole number from 0 to 4294967295".
pub(crate) fn describe_kind(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Bytes => "a base64 string".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Enum(descriptor) => enum_names(descriptor),
        Kind::Message(message) => match WellKnown::of(message) {
            None | Some(WellKnown::Any | WellKnown::Struct | WellKnown::Empty) => {
                "an object".into()
            }
            Some(WellKnown::Timestamp) => "an RFC 3339 time".to_owned(),
            Some(_) => "a value".to_owned(),
        },
        integer => match integer_range(integer) {
            Some((least, most)) => format!("a whole number from {least} to {most}"),
            None => "a whole number".to_owned(),
        },
    }
}

/// The least and the greatest value of an integer kind.
pub(crate) fn integer_range(kind: &Kind) -> Option<(i128, i128)> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Some((i32::MIN.into(), i32::MAX.into())),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Some((i64::MIN.into(), i64::MAX.into())),
        Kind::Uint32 | Kind::Fixed32 => Some((0, u32::MAX.into())),
        Kind::Uint64 | Kind::Fixed64 => Some((0, u64::MAX.into())),
        _ => None,
    }
}

/// "one of A, B, C", without the value that stands for none.
pub(crate) fn enum_names(descriptor: &EnumDescriptor) -> String {
    let names: Vec<String> = descriptor
        .values()
        .filter(|value| value.number() != 0 || !value.name().ends_with("_UNSPECIFIED"))
        .map(|value| value.name().to_owned())
        .collect();
    match names.as_slice() {
        [] => "a number".to_owned(),
        [only] => only.clone(),
        names if names.len() > MAX_NAMES => format!("a name of {}", descriptor.full_name()),
        names => format!("one of {}", names.join(", ")),
    }
}
