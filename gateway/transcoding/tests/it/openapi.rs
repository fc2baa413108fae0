//! The OpenAPI document of the echo service and of what it does not have.

use std::collections::HashSet;

use serde_json::{Value, json};
use transcoding::{Options, openapi};

use crate::support::{compile_text, echo_pool, router_of};

fn document_of(text: &str, options: Options) -> Value {
    let router = router_of(&compile_text(text), options);
    openapi::document(&router, &json!({"title": "T", "version": "1"}), &|_, _| {})
}

fn echo_document() -> Value {
    let router = router_of(echo_pool(), Options::default());
    let info = json!({"title": "Echo", "version": "1.2", "servers": [{"url": "https://x"}]});
    openapi::document(&router, &info, &|route, operation| {
        operation["x-rpc"] = route.method.full_name().into();
    })
}

fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("an item")
                .iter()
                .map(move |(method, one)| (path, method, one))
        })
        .collect()
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_route_is_an_operation_of_its_own() {
    let document = echo_document();
    let router = router_of(echo_pool(), Options::default());
    let operations = operations(&document);
    assert_eq!(operations.len(), router.routes().len());
    let ids: HashSet<&str> = operations
        .iter()
        .filter_map(|(_, _, one)| one["operationId"].as_str())
        .collect();
    assert_eq!(ids.len(), operations.len());
    assert!(
        ids.contains("Echo_Get") && ids.contains("Echo_Get_2"),
        "{ids:?}"
    );
    assert!(
        operations
            .iter()
            .all(|(_, _, one)| one["x-rpc"].is_string()),
        "extend sees each"
    );
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"], json!({"title": "Echo", "version": "1.2"}));
    assert_eq!(document["servers"][0]["url"], "https://x");
}

#[test]
fn references_lead_somewhere_and_path_parameters_are_declared() {
    let document = echo_document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(
            document.pointer(pointer).is_some_and(Value::is_object),
            "{reference}"
        );
    }
    for (path, _, operation) in operations(&document) {
        let in_text: Vec<&str> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        let declared: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["in"] == "path")
            .filter_map(|one| one["name"].as_str())
            .collect();
        assert_eq!(in_text, declared, "{path}");
    }
}

#[test]
fn templates_open_up_and_queries_stop_at_cycles() {
    let document = echo_document();
    let read = &document["paths"]["/v1/shelves/{shelf}/books/{book}:read"]["get"];
    assert_eq!(read["parameters"][0]["name"], "shelf");
    let files = &document["paths"]["/v1/files/{name}"]["get"]["parameters"][0];
    assert!(
        files["description"]
            .as_str()
            .unwrap()
            .starts_with("The rest of the path")
    );

    let get = &document["paths"]["/v1/echo/{id}"]["get"]["parameters"];
    let names: Vec<&str> = get
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    for shown in [
        "id",
        "inner.a",
        "tags",
        "ts",
        "wI64",
        "optStr",
        "customName",
        "chMsg.b",
    ] {
        assert!(names.contains(&shown), "{shown} in {names:?}");
    }
    for hidden in ["inner.child.a", "labels", "inners", "st", "any", "empty"] {
        assert!(!names.contains(&hidden), "{hidden}");
    }
    assert_eq!(
        document["paths"]["/v1/echo"]["post"].get("parameters"),
        None
    );
}

#[test]
fn schemas_follow_the_json_mapping() {
    let document = echo_document();
    let properties = &document["components"]["schemas"]["EchoRequest"]["properties"];
    assert_eq!(properties["i64"]["type"], "string");
    assert_eq!(
        properties["raw"],
        json!({"type": "string", "format": "byte"})
    );
    assert_eq!(properties["ts"]["format"], "date-time");
    assert_eq!(properties["wBool"]["type"], json!(["boolean", "null"]));
    assert_eq!(
        properties["inners"]["items"]["$ref"],
        "#/components/schemas/Inner"
    );
    assert_eq!(
        properties["isMap"]["additionalProperties"]["type"],
        "string"
    );
    let color = &document["components"]["schemas"]["Color"];
    assert_eq!(
        color["enum"],
        json!(["COLOR_UNSPECIFIED", "COLOR_RED", "COLOR_BLUE"])
    );
    let description = document["components"]["schemas"]["EchoRequest"]["description"].as_str();
    assert!(
        description
            .unwrap()
            .contains("At most one of `chStr`, `chInt`, `chMsg` is set.")
    );

    let numbers = Options {
        json_numbers_for_64_bit: true,
        ..Options::default()
    };
    let router = router_of(echo_pool(), numbers);
    let document = openapi::document(&router, &json!({}), &|_, _| {});
    let integer = &document["components"]["schemas"]["Inner"]["properties"]["b"];
    assert_eq!(*integer, json!({"type": "integer", "format": "int64"}));
}

#[test]
fn components_that_are_given_keep_their_names() {
    let given = json!({"schemas": {"Inner": {"type": "null"}}, "headers": {"A": {"schema": {}}}});
    let router = router_of(echo_pool(), Options::default());
    let info = json!({"components": given});
    let document = openapi::document(&router, &info, &|_, _| {});
    let components = &document["components"];
    assert_eq!(components["headers"], given["headers"]);
    assert_eq!(components["schemas"]["Inner"], given["schemas"]["Inner"]);
    let holder = &components["schemas"]["EchoRequest"]["properties"]["inners"];
    let other = holder["items"]["$ref"].as_str().unwrap();
    let name = other.strip_prefix("#/components/schemas/").unwrap();
    assert!(name.ends_with(".Inner"), "{name}");
    assert_eq!(components["schemas"][name]["type"], "object");
}

/// Comments, marks, bytes and streams.
const GREETER: &str = r#"
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
// Whom to greet.
message Request {
  // A name. Any will do.
  string name = 1;
  string old = 2 [deprecated = true];
  string id = 3;
}
message One { string id = 1; }
message Upload { string name = 1; google.api.HttpBody content = 2; }
// Greets.
service Greeter {
  // Greets once. Fails never.
  //
  // Politely.
  rpc Greet(Request) returns (Request) {
    option (google.api.http) = {post: "/v1/{id}" body: "*"}; }
  rpc Watch(Request) returns (stream Request) {
    option deprecated = true;
    option (google.api.http) = {get: "/v1/{name}/watch"}; }
  rpc Put(Upload) returns (google.api.HttpBody) {
    option (google.api.http) = {put: "/v1/{name}" body: "content"}; }
  rpc Poke(One) returns (One) {
    option (google.api.http) = {post: "/v1/{id}:poke" body: "*"}; }
  rpc Own(Request) returns (Request) {
    option (google.api.http) = {custom: {kind: "PURGE" path: "/v1/{id}"}}; }
}
"#;

#[test]
fn bytes_streams_comments_and_marks_are_told() {
    let document = document_of(GREETER, Options::default());
    // One path, one spelling of its parameter.
    let item = &document["paths"]["/v1/{id}"];
    let greet = &item["post"];
    assert_eq!(greet["summary"], "Greets once");
    assert_eq!(
        greet["description"],
        "Greets once. Fails never.\n\nPolitely."
    );
    let body = &greet["requestBody"]["content"]["application/json"]["schema"]["properties"];
    assert_eq!(body["name"]["description"], "A name. Any will do.");
    assert_eq!(body["old"]["deprecated"], true);
    assert_eq!(body.get("id"), None, "the path has it");
    assert_eq!(greet["requestBody"]["required"], true);
    let poke = &document["paths"]["/v1/{id}:poke"]["post"]["requestBody"];
    assert_eq!(poke["required"], false, "nothing is left for the body");

    let put = &item["put"];
    let binary = json!({"*/*": {"schema": {"type": "string", "format": "binary"}}});
    assert_eq!(put["requestBody"]["content"], binary);
    assert_eq!(put["responses"]["200"]["content"], binary);
    assert_eq!(put["parameters"][0]["name"], "id");
    assert_eq!(
        item.as_object().unwrap().len(),
        2,
        "PURGE has no place in OpenAPI"
    );

    let watch = &document["paths"]["/v1/{name}/watch"]["get"];
    let content = &watch["responses"]["200"]["content"];
    for one_by_one in [
        "text/event-stream",
        "application/x-ndjson",
        "application/jsonl",
    ] {
        assert_eq!(content[one_by_one], content["text/event-stream"]);
        assert!(content[one_by_one]["schema"].is_object());
    }
    let array = &content["application/json"]["schema"];
    assert_eq!(array["items"], content["text/event-stream"]["schema"]);
    assert_eq!(watch["deprecated"], true);
    assert_eq!(
        document["tags"],
        json!([{"name": "Greeter", "description": "Greets."}])
    );
}

#[test]
fn a_message_of_many_recursive_fields_stays_small() {
    let fields: Vec<String> = (1..40).map(|n| format!("R f{n} = {n};")).collect();
    let document = document_of(
        &format!(
            "syntax = \"proto3\"; package t; import \"google/api/annotations.proto\";
             message R {{ {} string s = 99; }}
             service S {{ rpc G(R) returns (R) {{ option (google.api.http) = {{get: \"/r\"}}; }} }}",
            fields.join(" ")
        ),
        Options::default(),
    );
    assert!(document.to_string().len() < 20_000);
}
