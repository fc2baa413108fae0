//! Prints `google.protobuf.Any` details as JSON, with the types this process knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, SerializeOptions};
use prost_types::Any;
use serde_json::{Value, json};

/// One detail: `@type` and the message's fields, or `@type` and base64 for a type of which only
/// the name is known.
pub(crate) fn detail(any: &Any) -> Value {
    let mut printed = known(any).unwrap_or_else(|| json!({ "value": STANDARD.encode(&any.value) }));
    if let Value::Object(fields) = &mut printed {
        fields.insert("@type".to_owned(), Value::String(any.type_url.clone()));
    }
    printed
}

fn known(any: &Any) -> Option<Value> {
    let name = any.type_url.rsplit('/').next()?;
    let descriptor = contracts::pool().get_message_by_name(name)?;
    let message = DynamicMessage::decode(descriptor, any.value.as_slice()).ok()?;
    let options = SerializeOptions::new().stringify_64_bit_integers(false);
    let value = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .ok()?;
    value.is_object().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_keep_their_bytes() {
        let any = Any {
            type_url: "example.com/what.Ever".into(),
            value: vec![1, 2, 3],
        };
        let expected = json!({ "@type": "example.com/what.Ever", "value": "AQID" });
        assert_eq!(detail(&any), expected);
    }
}
