//! Raw bytes in and out: which routes take and give them, and what else fills their messages.

use http::Method;
use serde_json::json;
use transcoding::{HttpBodySlot, Options, RouteMatch};

use crate::support::{compile_text, printed, router_of};

const FILES: &str = r#"
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
message Upload { string name = 1; google.api.HttpBody content = 2; repeated string tags = 3; }
message Stored { string id = 1; google.api.HttpBody content = 2; }
service Files {
  rpc Raw(google.api.HttpBody) returns (google.api.HttpBody) {
    option (google.api.http) = {post: "/raw" body: "*"}; }
  rpc Put(stream Upload) returns (Stored) {
    option (google.api.http) = {put: "/files/{name}" body: "content" response_body: "content"}; }
  rpc Get(Upload) returns (Stored) { option (google.api.http) = {get: "/files/{name}"}; }
}"#;

fn find(method: &Method, path: &str) -> RouteMatch {
    router_of(&compile_text(FILES), Options::default())
        .find(method, path)
        .unwrap()
}

#[test]
fn the_slot_is_the_message_or_its_body_field() {
    assert_eq!(
        find(&Method::POST, "/raw").takes_http_body(),
        Some(HttpBodySlot::Whole)
    );
    let slot = find(&Method::PUT, "/files/a").takes_http_body();
    assert!(matches!(slot, Some(HttpBodySlot::Field(field)) if field.name() == "content"));
    assert_eq!(find(&Method::GET, "/files/a").takes_http_body(), None);
}

#[test]
fn replies_of_bytes_are_told_apart() {
    assert!(find(&Method::POST, "/raw").route.returns_http_body());
    assert!(find(&Method::PUT, "/files/a").route.returns_http_body());
    assert!(!find(&Method::GET, "/files/a").route.returns_http_body());
}

#[test]
fn path_query_and_form_fill_the_rest() {
    let matched = find(&Method::PUT, "/files/a%2Fb.png");
    let extra = [("tags".to_owned(), "y".to_owned())];
    let bound = matched.bind_without_body(Some("tags=x"), &extra).unwrap();
    assert_eq!(
        printed(&bound),
        json!({"name": "a/b.png", "tags": ["x", "y"]})
    );
    let stray = [("content".to_owned(), "bytes".to_owned())];
    let invalid = matched.bind_without_body(None, &stray).unwrap_err();
    assert_eq!(invalid.violations[0].field, "content");
    assert!(matched.bind_without_body(Some("nope=1"), &[]).is_err());
}
