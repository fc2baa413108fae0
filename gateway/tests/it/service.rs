//! The pages that are no rpcs, and what happens when a service is away.

use reqwest::Method;
use serde_json::Value;

use crate::house::{House, refused};

async fn page(house: &House, path: &str) -> (u16, Value) {
    let response = house.anonymous(Method::GET, path).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn it_says_how_it_is() {
    let house = House::open().await;
    assert_eq!(page(&house, "/healthz").await.0, 200);
    let (status, report) = page(&house, "/readyz").await;
    assert_eq!(status, 200, "{report}");
    let names: Vec<&str> = report["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["auth", "file", "generation", "usage"]);
    assert_eq!(page(&house, "/").await.1["openapi"], "/openapi.json");
    assert_eq!(
        page(&house, "/.well-known/jwks.json").await.1["keys"][0]["kty"],
        "OKP"
    );
}

#[tokio::test]
async fn a_service_that_is_away_is_named() {
    // Nobody listens on port 1.
    let house = House::with(&[("BOTTEGA_FILE_ADDR", "127.0.0.1:1")]).await;
    let (status, report) = page(&house, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(report["dependencies"][1]["status"], "unhealthy", "{report}");
    assert_eq!(page(&house, "/healthz").await.0, 200);
    let away = house.get("/v1/files").send().await.unwrap();
    assert!(away.headers().contains_key("retry-after"));
    let error = refused(away, 503, "UNAVAILABLE").await;
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    assert_eq!(house.get("/v1/usage").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_document_says_what_policies_say() {
    let house = House::open().await;
    let (status, document) = page(&house, "/openapi.json").await;
    assert_eq!(status, 200);
    let create = &document["paths"]["/v1/generations"]["post"];
    assert_eq!(create["security"][0]["bearer"], serde_json::json!([]));
    assert!(create["responses"]["202"]["headers"]["RateLimit"].is_object());
    assert!(create["responses"]["200"].is_null());
    assert_eq!(
        create["responses"]["429"]["$ref"],
        "#/components/responses/TooManyRequests"
    );
    let login = &document["paths"]["/v1/auth/login"]["post"];
    assert_eq!(login["security"], serde_json::json!([]));
    let upload = &document["paths"]["/v1/files"]["post"]["requestBody"]["content"];
    assert!(upload["multipart/form-data"]["schema"]["properties"]["file"].is_object());
    assert!(
        !document.to_string().contains("Reserve"),
        "what services call is not there"
    );
    assert_every_reference_resolves(&document, &document);
}

fn assert_every_reference_resolves(document: &Value, value: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            fields
                .values()
                .for_each(|inner| assert_every_reference_resolves(document, inner));
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|inner| assert_every_reference_resolves(document, inner));
        }
        _ => {}
    }
}
