//! json_mapping_cases.json: the JSON part of protobuf's own conformance suite.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, Value as Proto};
use serde_json::{Value, json};
use transcoding::{Options, json as proto_json};

use crate::support::{compile_files, printed, read_cases, same_json};

#[test]
fn every_case_comes_out_as_the_suite_says() {
    let pool = compile_files(&["mapping.proto", "mapping2.proto"]);
    let cases = read_cases("json_mapping_cases.json");
    assert_eq!(cases.len(), 371);
    let mut differing = Vec::new();
    for case in &cases {
        let outcome = match case["direction"].as_str() {
            Some("to_json") => check_print(&pool, case),
            _ => check_parse(&pool, case),
        };
        if let Err(reason) = outcome {
            differing.push(format!("{}: {reason}\n    {case}", case["id"]));
        }
    }
    assert!(
        differing.is_empty(),
        "{} differ:\n{}",
        differing.len(),
        differing.join("\n")
    );
}

fn check_parse(pool: &DescriptorPool, case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let descriptor = pool
        .get_message_by_name(case["message"].as_str().unwrap_or_default())
        .ok_or("unknown message")?;
    let ignore_unknown_body = case["options"]["ignore_unknown"] == json!(true);
    let options = Options {
        ignore_unknown_body,
        ..Options::default()
    };
    let text = case["json"].as_str().ok_or("no json")?;
    let message = match proto_json::parse(&descriptor, text.as_bytes(), &options) {
        Err(_) if expect["error"] == json!(true) || expect["or_error"] == json!(true) => {
            return Ok(());
        }
        Err(invalid) => return Err(format!("is refused: {invalid:?}")),
        Ok(message) if expect["error"] == json!(true) => {
            return Err(format!("is taken as {}", printed(&message)));
        }
        Ok(message) => message,
    };
    let received = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| format!("does not decode: {error}"))?;
    let (got, expected) = (printed(&received), &expect["canonical_json"]);
    if same_json(&got, expected) {
        Ok(())
    } else {
        Err(format!("{got} instead of {expected}"))
    }
}

fn check_print(pool: &DescriptorPool, case: &Value) -> Result<(), String> {
    let text = case["textproto"].as_str().ok_or("no textproto")?;
    let message = message_of(pool, case["message"].as_str().unwrap_or_default(), text)?;
    match proto_json::print(&message, &Options::default()) {
        Err(_) => Ok(()),
        Ok(printed) => Err(format!("prints {}", String::from_utf8_lossy(&printed))),
    }
}

/// Reads as much of the text format as the cases use: `field: {name: value name: value}`.
fn message_of(pool: &DescriptorPool, name: &str, text: &str) -> Result<DynamicMessage, String> {
    let descriptor = pool.get_message_by_name(name).ok_or("unknown message")?;
    let (field, inner) = text.split_once(": {").ok_or("no message field")?;
    let field = descriptor
        .get_field_by_name(field.trim())
        .ok_or("unknown field")?;
    let kind = field.kind();
    let mut value = DynamicMessage::new(kind.as_message().ok_or("not a message")?.clone());
    let mut words = inner.trim().trim_end_matches('}').split_whitespace();
    while let (Some(name), Some(word)) = (words.next(), words.next()) {
        let name = name.trim_end_matches(':');
        let part = kind
            .as_message()
            .and_then(|one| one.get_field_by_name(name))
            .ok_or("field")?;
        let scalar = match part.kind() {
            Kind::Int64 => Proto::I64(word.parse().map_err(|_| "int64")?),
            Kind::Int32 => Proto::I32(word.parse().map_err(|_| "int32")?),
            Kind::Double => Proto::F64(word.parse().map_err(|_| "double")?),
            Kind::String => Proto::List(vec![Proto::String(word.trim_matches('"').to_owned())]),
            other => return Err(format!("no reader for {other:?}")),
        };
        value.set_field(&part, scalar);
    }
    let mut message = DynamicMessage::new(descriptor);
    message.set_field(&field, Proto::Message(value));
    Ok(message)
}
