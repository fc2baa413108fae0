//! The page that shows the OpenAPI document.

use std::collections::BTreeSet;

use prost_reflect::MessageDescriptor;
use reqwest::Method;
use serde_json::Value;
use transcoding::{Options, json};

use crate::house::{House, refused};

/// What a text says between each `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|rest| rest.split(after).next()).collect()
}

#[tokio::test]
async fn it_is_whole_and_leads_nowhere_else() {
    let house = House::open().await;
    let get = |path: String| house.anonymous(Method::GET, &path).send();
    let mut waiting = vec!["/docs".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = get(path.clone()).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = answer.text().await.unwrap();
        for foreign in ["http://", "https://", "//cdn", "innerHTML", "eval("] {
            assert!(!text.contains(foreign), "{path} says {foreign}");
        }
        match kind.as_str() {
            "text/html; charset=utf-8" => {
                assert!(
                    !text.contains("<style") && !text.contains("style="),
                    "{path}"
                );
                for name in [
                    between(&text, "src=\"", "\""),
                    between(&text, "href=\"/", "\""),
                ]
                .concat()
                {
                    waiting.push(format!("/{}", name.trim_start_matches('/')));
                }
                waiting.retain(|one| one.starts_with("/docs"));
            }
            "text/javascript; charset=utf-8" => {
                for name in between(&text, " from './", "'") {
                    waiting.push(format!("/docs/{name}"));
                }
            }
            other => assert_eq!(other, "text/css; charset=utf-8"),
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[tokio::test]
async fn it_has_the_manners_of_any_page() {
    let house = House::open().await;
    let root: serde_json::Value = (house.anonymous(Method::GET, "/").send().await.unwrap())
        .json()
        .await
        .unwrap();
    assert_eq!(root["docs"], "/docs");
    let page = house.anonymous(Method::GET, "/docs/").send().await.unwrap();
    let tag = page.headers()["etag"].clone();
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let again = house
        .anonymous(Method::GET, "/docs")
        .header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let packed = house.anonymous(Method::GET, "/docs/style.css");
    let packed = packed.header("accept-encoding", "br").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "br");
    let posted = house.anonymous(Method::POST, "/docs").send().await.unwrap();
    refused(posted, 405, "METHOD_NOT_ALLOWED").await;
    for path in ["/docs/other.js", "/docs/../Cargo.toml", "/docs/%6dain.js"] {
        let nothing = house.anonymous(Method::GET, path).send().await.unwrap();
        refused(nothing, 404, "UNKNOWN_ROUTE").await;
    }
}

#[tokio::test]
async fn the_document_explains_every_reason_of_a_call() {
    let house = House::open().await;
    let document: serde_json::Value = (house.anonymous(Method::GET, "/openapi.json"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let schema = &document["components"]["schemas"]["Reason"];
    let names = schema["enum"].as_array().unwrap();
    assert!(names.contains(&"QUOTA_EXCEEDED".into()) && !names.contains(&"CANCELLED".into()));
    let explained = schema["x-reasons"].as_array().unwrap();
    assert_eq!(explained.len(), names.len());
    for one in explained {
        assert!(one["status"].as_u64().unwrap() >= 400, "{one}");
        assert!(!one["when"].as_str().unwrap().is_empty(), "{one}");
        assert!(!one["advice"].as_str().unwrap().is_empty(), "{one}");
    }
}

/// The messages that may be meant by the name of a schema.
fn messages(schema: &Value) -> Vec<MessageDescriptor> {
    let name = schema["$ref"].as_str().unwrap_or_default();
    let name = name.trim_start_matches("#/components/schemas/");
    let all = contracts::pool().all_messages();
    all.filter(|one| one.full_name() == name || one.full_name().ends_with(&format!(".{name}")))
        .collect()
}

#[track_caller]
fn is_one(example: &Value, schema: &Value) {
    let text = example.to_string();
    let read = |one: MessageDescriptor| json::parse(&one, text.as_bytes(), &Options::default());
    let read: Vec<_> = messages(schema).into_iter().map(read).collect();
    assert!(
        read.iter().any(Result::is_ok),
        "{schema} is no {text}: {read:?}"
    );
}

#[tokio::test]
async fn every_body_has_an_example_that_is_one() {
    let house = House::open().await;
    let document = house.anonymous(Method::GET, "/openapi.json");
    let document: Value = document.send().await.unwrap().json().await.unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let (mut asked, mut answered) = (0, 0);
    for operation in items.flat_map(|item| item.as_object().unwrap().values()) {
        let body = &operation["requestBody"]["content"]["application/json"];
        if let Some(example) = body.get("example") {
            // Fields of the path are no part of it, and then the schema has no name.
            if body["schema"]["$ref"].is_string() {
                is_one(example, &body["schema"]);
            }
            let named = body["schema"]["$ref"].as_str();
            let named = named.and_then(|name| document.pointer(name.trim_start_matches('#')));
            let has_fields = named.unwrap_or(&body["schema"])["properties"].is_object();
            assert_eq!(*example != serde_json::json!({}), has_fields, "{operation}");
            asked += 1;
        }
        let responses = operation["responses"].as_object().unwrap();
        for (_, response) in responses
            .iter()
            .filter(|(status, _)| status.starts_with('2'))
        {
            let body = &response["content"]["application/json"];
            if body["schema"]["$ref"].is_string() {
                is_one(&body["example"], &body["schema"]);
            } else if body.is_object() {
                is_one(&body["example"][0], &body["schema"]["items"]["anyOf"][0]);
            }
            answered += usize::from(body.is_object());
        }
    }
    assert!(asked > 20 && answered > 60, "{asked}, {answered}");
}
