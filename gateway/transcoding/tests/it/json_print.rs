//! Replies as JSON: options, defaults, what fails to print, and the parts of a reply.

use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use serde_json::json;
use transcoding::{EncodeError, Options, json as proto_json};

use crate::support::{bind_body, compile_text, echo_pool, echo_request, matched, router_of};

fn text(message: &DynamicMessage, options: &Options) -> String {
    String::from_utf8(proto_json::print(message, options).expect("it prints")).expect("UTF-8")
}

fn parsed(body: &str) -> DynamicMessage {
    proto_json::parse(&echo_request(), body.as_bytes(), &Options::default()).expect(body)
}

#[test]
fn sixty_four_bits_print_as_asked() {
    let message = parsed(r#"{"i64":"-9007199254740993","wU64":"7","i32":1}"#);
    let numbers = Options {
        json_numbers_for_64_bit: true,
        ..Options::default()
    };
    assert_eq!(
        text(&message, &numbers),
        r#"{"i32":1,"i64":-9007199254740993,"wU64":7}"#
    );
    let strings = r#"{"i32":1,"i64":"-9007199254740993","wU64":"7"}"#;
    assert_eq!(text(&message, &Options::default()), strings);
}

#[test]
fn defaults_print_only_for_fields_without_presence() {
    let pool = compile_text(
        "syntax = \"proto3\"; package t; message Sub { int32 a = 1; }
         enum Mood { MOOD_UNSPECIFIED = 0; GOOD = 1; }
         message M { string s = 1; int64 n = 2; repeated string l = 3; map<string, Sub> m = 4;
           Mood e = 5; Sub sub = 6; optional string o = 7; oneof one { string x = 8; Sub y = 9; } }",
    );
    let descriptor = pool.get_message_by_name("t.M").unwrap();
    let mut message = DynamicMessage::new(descriptor);
    let options = Options {
        print_defaults: true,
        ..Options::default()
    };
    let expected = r#"{"s":"","n":"0","l":[],"m":{},"e":"MOOD_UNSPECIFIED"}"#;
    assert_eq!(text(&message, &options), expected);
    assert_eq!(text(&message, &Options::default()), "{}");
    message.set_field_by_name("o", Value::String(String::new()));
    message.set_field_by_name("x", Value::String(String::new()));
    assert_eq!(text(&message, &Options::default()), r#"{"o":"","x":""}"#);
}

#[test]
fn values_print_in_their_canonical_form() {
    let body = r#"{"f64":"-Infinity","f32":1.5,"raw":"_-8","color":9,"labels":{"b":"2","a":"1"},
        "bsMap":{"true":"t","false":"f"},"ts":"2021-01-01T01:00:00+01:00","dur":"1.5s",
        "st":{"x":[1,{"y":null}]},"nul":null,"wStr":"w","empty":{},"name":"\"\n\u0001é"}"#;
    let expected = concat!(
        "{\"name\":\"\\\"\\n\\u0001é\",\"f32\":1.5,\"f64\":\"-Infinity\",\"raw\":\"/+8=\",",
        "\"color\":9,\"ts\":\"2021-01-01T00:00:00Z\",\"dur\":\"1.500s\",\"wStr\":\"w\",",
        "\"st\":{\"x\":[1.0,{\"y\":null}]},\"labels\":{\"a\":\"1\",\"b\":\"2\"},",
        "\"bsMap\":{\"false\":\"f\",\"true\":\"t\"},\"empty\":{}}",
    );
    assert_eq!(text(&parsed(body), &Options::default()), expected);
}

#[test]
fn what_has_no_json_form_fails_to_print() {
    for (query, nanos) in [("ts", -1), ("ts", 1_000_000_000), ("dur", 1_000_000_000)] {
        let echo = matched("GET", "/v1/echo/ID");
        let bound = echo
            .bind(Some(&format!("{query}.nanos={nanos}")), None)
            .unwrap();
        let error = proto_json::print(&bound, &Options::default()).unwrap_err();
        assert!(matches!(error, EncodeError::Unprintable { .. }), "{error}");
        assert!(error.to_string().contains("out of range"), "{error}");
    }
    let bound = matched("GET", "/v1/echo/ID")
        .bind(Some("mask.paths=fooBar"), None)
        .unwrap();
    assert!(proto_json::print(&bound, &Options::default()).is_err());
}

#[test]
fn an_any_of_an_unknown_type_fails_or_falls_back() {
    let any = echo_pool()
        .get_message_by_name("google.protobuf.Any")
        .unwrap();
    let mut message = DynamicMessage::new(any);
    message.set_field_by_name("type_url", Value::String("t/no.Such".to_owned()));
    message.set_field_by_name("value", Value::Bytes(vec![1, 2].into()));
    let error = proto_json::print(&message, &Options::default()).unwrap_err();
    assert!(
        error.to_string().contains("not the URL of a known type"),
        "{error}"
    );
    let options = Options {
        unknown_any_as_base64: true,
        ..Options::default()
    };
    assert_eq!(
        text(&message, &options),
        r#"{"@type":"t/no.Such","value":"AQI="}"#
    );
}

#[test]
fn anys_in_anys_end_somewhere() {
    let any = echo_pool()
        .get_message_by_name("google.protobuf.Any")
        .unwrap();
    let mut bytes = Vec::new();
    for _ in 0..500 {
        let mut outer = DynamicMessage::new(any.clone());
        let url = "t/google.protobuf.Any".to_owned();
        outer.set_field_by_name("type_url", Value::String(url));
        outer.set_field_by_name("value", Value::Bytes(bytes.into()));
        bytes = outer.encode_to_vec();
    }
    let message = DynamicMessage::decode(any, bytes.as_slice()).unwrap();
    let error = proto_json::print(&message, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("nests too deep"), "{error}");
}

#[test]
fn a_route_prints_its_response_body() {
    let router = router_of(echo_pool(), Options::default());
    let project = router
        .find(&http::Method::GET, "/v1/project/5")
        .unwrap()
        .route;
    let reply = json!({"req": {"id": "5"}, "note": "n"}).to_string();
    let reply = proto_json::parse(
        &project.method.output(),
        reply.as_bytes(),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(project.encode(&reply).unwrap(), br#"{"id":"5"}"#);
    let decoded = project.decode_reply(&reply.encode_to_vec()).unwrap();
    assert_eq!(decoded, reply);
    let empty = DynamicMessage::new(project.method.output());
    assert_eq!(project.encode(&empty).unwrap(), b"{}");
    let error = project.decode_reply(b"\xff\xff").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not decode as peer.v1.EchoReply"),
        "{error}"
    );
}

#[test]
fn what_is_printed_is_read_back() {
    let body = r#"{"i64":"5","inners":[{"a":"x"},{}],"isMap":{"-1":"a"},"optI32":0,"val":[1.5,"x"],
        "any":{"@type":"t/peer.v1.Inner","child":{"a":"y"}},"mask":"a.bC","tss":["2020-02-29T00:00:00Z"]}"#;
    let once = parsed(body);
    let again = parsed(&text(&once, &Options::default()));
    assert_eq!(once, again);
    assert_eq!(
        bind_body(body).unwrap(),
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    );
}
