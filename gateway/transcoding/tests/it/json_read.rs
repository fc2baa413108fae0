//! JSON bodies: what is refused, with which path and in which words.

use serde_json::json;
use transcoding::{InvalidKind, Options, json as proto_json};

use crate::support::{bind_body, compile_text, echo_request, lines, printed};

/// The one violation of a body.
fn fault(body: &str) -> String {
    let invalid = bind_body(body).expect_err(body);
    assert_eq!(invalid.violations.len(), 1, "{invalid:?}");
    lines(&invalid).remove(0)
}

#[test]
fn unknown_fields_and_wrong_types_are_named_by_their_path() {
    let invalid = bind_body(
        r#"{"inner":{"b":"x","c":1,"child":{"a":2}},"tags":["a",1,null],"inners":[{},{"z":1}],
            "labels":{"k":1},"colors":["COLOR_RED","GREEN"]}"#,
    )
    .unwrap_err();
    assert_eq!(
        lines(&invalid),
        [
            "inner.b: must be a whole number from -9223372036854775808 to 9223372036854775807",
            "inner.c: is not a known field",
            "inner.child.a: must be a string",
            "tags[1]: must be a string",
            "tags[2]: must not be null",
            "inners[1].z: is not a known field",
            "labels[k]: must be a string",
            "colors[1]: must be one of COLOR_RED, COLOR_BLUE",
        ]
    );
    assert_eq!(invalid.kind, InvalidKind::UnknownField);
    assert!(
        invalid.message.ends_with("(and 7 more)"),
        "{}",
        invalid.message
    );
}

#[test]
fn what_is_not_json_is_a_syntax_fault_with_its_place() {
    for body in [
        "{\"id\":\"a\"}x",
        "\u{feff}{}",
        "{",
        "hello",
        " ",
        "{\"id\":'a'}",
        "{\"i32\":01}",
    ] {
        let invalid = bind_body(body).unwrap_err();
        assert_eq!(invalid.kind, InvalidKind::Syntax, "{body}");
        assert_eq!(invalid.violations[0].field, "");
    }
    assert!(fault("{\"id\":}").contains("line 1 column 7"));
    let invalid = proto_json::parse(&echo_request(), b"{\"id\":\"\xff\"}", &Options::default());
    assert_eq!(
        invalid.unwrap_err().violations[0].description,
        "the body is not valid UTF-8"
    );
}

#[test]
fn nothing_may_stand_twice() {
    assert_eq!(
        fault(r#"{"id":"a","id":"b"}"#),
        "id: must be given only once"
    );
    assert_eq!(
        fault(r#"{"optStr":"a","opt_str":"b"}"#),
        "optStr: must be given only once"
    );
    assert_eq!(
        fault(r#"{"labels":{"a":"1","a":"2"}}"#),
        "labels[a]: must be given only once"
    );
    assert_eq!(
        fault(r#"{"isMap":{"1":"a","1.0":"b"}}"#),
        "isMap[1.0]: must be given only once"
    );
    assert_eq!(
        fault(r#"{"st":{"a":1,"a":2}}"#),
        "st[a]: must be given only once"
    );
    assert_eq!(
        fault(r#"{"chStr":"a","chInt":1}"#),
        "chInt: cannot be given together with chStr"
    );
}

#[test]
fn shapes_are_checked() {
    assert_eq!(fault("null"), ": must be an object");
    assert_eq!(fault("[]"), ": must be an object");
    assert_eq!(
        fault(r#"{"tags":"a"}"#),
        "tags: must be a list, each item a string"
    );
    assert_eq!(
        fault(r#"{"inners":{}}"#),
        "inners: must be a list, each item an object"
    );
    assert_eq!(fault(r#"{"labels":[]}"#), "labels: must be an object");
    assert_eq!(fault(r#"{"inner":"x"}"#), "inner: must be an object");
    assert_eq!(fault(r#"{"flag":"true"}"#), "flag: must be true or false");
    assert_eq!(fault(r#"{"raw":"a b"}"#), "raw: must be a base64 string");
    assert_eq!(fault(r#"{"f32":3.5e38}"#), "f32: must be a number");
    assert_eq!(fault(r#"{"lv":{}}"#), "lv: must be a list");
    assert_eq!(
        fault(r#"{"empty":{"a":1}}"#),
        "empty.a: is not a known field"
    );
    assert!(fault(r#"{"isMap":{"x":"a"}}"#).starts_with("isMap[x]: must have a whole number"));
    assert!(fault(r#"{"ts":"yesterday"}"#).starts_with("ts: must be an RFC 3339 time"));
    assert!(fault(r#"{"dur":"1.5"}"#).starts_with("dur: must be a number of seconds"));
    assert!(fault(r#"{"mask":"a_b"}"#).starts_with("mask: must be field paths in lowerCamelCase"));
}

#[test]
fn quoted_exponents_are_integers_of_64_exact_bits() {
    let bound = bind_body(r#"{"i32":"1e5","u64":"18446744073709551615","i64":"1.0","s32":-0}"#);
    let expected = json!({"i32": 100_000, "i64": "1", "u64": "18446744073709551615"});
    assert_eq!(bound.unwrap(), expected);
    assert!(bind_body(r#"{"i64":18446744073709551616}"#).is_err());
}

#[test]
fn null_is_absence_but_for_values() {
    let bound = bind_body(r#"{"id":null,"tags":null,"inner":null,"val":null,"wI64":null}"#);
    assert_eq!(bound.unwrap(), json!({"val": null}));
    assert_eq!(fault(r#"{"inners":[null]}"#), "inners[0]: must not be null");
    assert_eq!(
        fault(r#"{"labels":{"a":null}}"#),
        "labels[a]: must not be null"
    );
    assert_eq!(
        bind_body(r#"{"lv":[null]}"#).unwrap(),
        json!({"lv": [null]})
    );
}

#[test]
fn an_any_is_empty_or_of_a_known_type() {
    assert_eq!(bind_body(r#"{"any":{}}"#).unwrap(), json!({"any": {}}));
    let inner = json!({"any": {"@type": "t/peer.v1.Inner", "a": "x", "b": "1"}});
    assert_eq!(bind_body(&inner.to_string()).unwrap(), inner);
    let time = json!({"any": {"@type": "t/google.protobuf.Duration", "value": "1.500s"}});
    assert_eq!(bind_body(&time.to_string()).unwrap(), time);
    let empty = r#"{"any":{"@type":"t/google.protobuf.Empty","value":{}}}"#;
    assert_eq!(
        bind_body(empty).unwrap(),
        json!({"any": {"@type": "t/google.protobuf.Empty"}})
    );

    assert_eq!(
        fault(r#"{"any":{"a":1}}"#),
        "any: must have one \"@type\", a type URL"
    );
    let unknown = "any.@type: is not the URL of a known type";
    assert_eq!(fault(r#"{"any":{"@type":"t/no.Such"}}"#), unknown);
    assert_eq!(fault(r#"{"any":{"@type":"peer.v1.Inner"}}"#), unknown);
    let nested = r#"{"any":{"b":"x","@type":"t/peer.v1.Inner"}}"#;
    assert!(fault(nested).starts_with("any.b: must be a whole number"));
}

#[test]
fn unknown_values_are_passed_over_where_asked() {
    let options = Options {
        ignore_unknown_body: true,
        ..Options::default()
    };
    let body =
        br#"{"nope":{"deep":[1]},"inner":{"x":1,"a":"y"},"color":"GREEN","colors":["GREEN",1]}"#;
    let message = proto_json::parse(&echo_request(), body, &options).unwrap();
    assert_eq!(
        printed(&message),
        json!({"inner": {"a": "y"}, "colors": ["COLOR_RED"]})
    );
    assert!(proto_json::parse(&echo_request(), br#"{"i32":"x"}"#, &options).is_err());
}

#[test]
fn what_is_taken_can_be_decoded_however_deep() {
    use prost::Message as _;
    use prost_reflect::DynamicMessage;

    let inner = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let mut taken = 0;
    for depth in 1..99 {
        let body = format!("{{\"st\":{}}}", inner(depth));
        if let Ok(message) =
            proto_json::parse(&echo_request(), body.as_bytes(), &Options::default())
        {
            taken = depth;
            let bytes = message.encode_to_vec();
            DynamicMessage::decode(echo_request(), bytes.as_slice()).expect("a backend reads it");
        }
    }
    assert_eq!(
        taken, 33,
        "three messages on the wire per level of a Struct"
    );
}

#[test]
fn violations_are_capped() {
    let items = vec!["1"; 10_000].join(",");
    let invalid = bind_body(&format!("{{\"tags\":[{items}]}}")).unwrap_err();
    assert_eq!(invalid.violations.len(), 50);
}

#[test]
fn what_the_contract_requires_must_be_given_even_when_it_is_zero() {
    let pool = compile_text(
        r#"syntax = "proto3";
        package case.v1;
        import "google/api/field_behavior.proto";
        message Price {
          string name = 1;
          int64 limit = 2 [(google.api.field_behavior) = REQUIRED];
          repeated Price parts = 3;
        }"#,
    );
    let price = pool.get_message_by_name("case.v1.Price").unwrap();
    let read = |text: &str| proto_json::parse(&price, text.as_bytes(), &Options::default());
    for fine in [
        r#"{"limit": 0}"#,
        r#"{"limit": "7", "parts": [{"limit": 0}]}"#,
    ] {
        assert!(read(fine).is_ok(), "{fine}");
    }
    for (text, expected) in [
        ("{}", vec!["limit: must be given"]),
        (r#"{"limit": null}"#, vec!["limit: must be given"]),
        (
            r#"{"name": "x", "parts": [{"limit": 1}, {}]}"#,
            vec!["parts[1].limit: must be given", "limit: must be given"],
        ),
    ] {
        assert_eq!(lines(&read(text).unwrap_err()), expected, "{text}");
    }
}
