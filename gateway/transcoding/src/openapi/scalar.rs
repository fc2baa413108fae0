//! Schemas of scalars and of the well-known messages, which need no component.

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};

use crate::well_known::WellKnown;

/// The schema of a scalar; `None` for enums and messages.
pub(super) fn of_kind(kind: &Kind, json_numbers_for_64_bit: bool) -> Option<Value> {
    Some(match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "format": "byte"}),
        Kind::Double => json!({"type": "number", "format": "double"}),
        Kind::Float => json!({"type": "number", "format": "float"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({"type": "integer", "format": "int32"})
        }
        Kind::Uint32 | Kind::Fixed32 => {
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 if json_numbers_for_64_bit => {
            json!({"type": "integer", "format": "int64"})
        }
        Kind::Uint64 | Kind::Fixed64 if json_numbers_for_64_bit => {
            json!({"type": "integer", "format": "int64", "minimum": 0})
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"})
        }
        Kind::Enum(_) | Kind::Message(_) => return None,
    })
}

/// The schema of a message that has a JSON form of its own.
pub(super) fn of_well_known(
    message: &MessageDescriptor,
    json_numbers_for_64_bit: bool,
) -> Option<Value> {
    Some(match WellKnown::of(message)? {
        WellKnown::Timestamp => json!({"type": "string", "format": "date-time"}),
        WellKnown::Duration => {
            json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"})
        }
        WellKnown::FieldMask => json!({
            "type": "string",
            "description": "Field paths in lowerCamelCase, joined by commas.",
        }),
        WellKnown::Struct => json!({"type": "object", "additionalProperties": true}),
        WellKnown::Value => json!({"description": "Any JSON value."}),
        WellKnown::ListValue => json!({"type": "array", "items": {}}),
        WellKnown::Empty => json!({"type": "object"}),
        WellKnown::Any => json!({
            "type": "object",
            "properties": {"@type": {"type": "string"}},
            "additionalProperties": true,
        }),
        WellKnown::Wrapper => {
            let inner = message.get_field(1)?;
            let mut schema = of_kind(&inner.kind(), json_numbers_for_64_bit)?;
            let kind = schema["type"].take();
            schema["type"] = json!([kind, "null"]);
            schema
        }
    })
}
