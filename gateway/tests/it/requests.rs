//! What is taken as a request, what is refused, and how it is said.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, refused};

#[tokio::test]
async fn routes_that_do_not_exist_or_not_so() {
    let house = House::open().await;
    refused(
        house.get("/v1/nothing").send().await.unwrap(),
        404,
        "UNKNOWN_ROUTE",
    )
    .await;
    let wrong = house
        .anonymous(Method::PUT, "/v1/files")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.headers()["allow"], "GET, HEAD, POST");
    refused(wrong, 405, "METHOD_NOT_ALLOWED").await;
    let wrong = house
        .anonymous(Method::POST, "/healthz")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.headers()["allow"], "GET, HEAD");
    refused(wrong, 405, "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn wrong_bodies_are_refused_with_the_field() {
    let house = House::open().await;
    let send = |body: &str| {
        let request = house
            .post("/v1/generations")
            .header("content-type", "application/json");
        request.body(body.to_owned()).send()
    };
    let unknown = send(r#"{"kind":"IMAGE","image":{"promt":"a fox"}}"#)
        .await
        .unwrap();
    let error = refused(unknown, 400, "INVALID_REQUEST").await;
    assert_eq!(
        error["details"][1]["fieldViolations"][0]["field"],
        "image.promt"
    );
    let wrong = send(r#"{"kind":"SONG","image":{"width":"wide"}}"#)
        .await
        .unwrap();
    let error = refused(wrong, 400, "INVALID_FIELD").await;
    let fields: Vec<&str> = error["details"][1]["fieldViolations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["kind", "image.width"]);
    for body in ["not JSON", "{\"kind\":", "[]", "null"] {
        refused(send(body).await.unwrap(), 400, "INVALID_REQUEST").await;
    }
    assert!(
        house.usage.reserved.lock().is_empty(),
        "nothing is reserved for what cannot be sent"
    );
}

#[tokio::test]
async fn bodies_of_other_kinds_or_sizes() {
    let house = House::open().await;
    let text = house
        .post("/v1/generations")
        .header("content-type", "text/plain")
        .body("{}");
    refused(text.send().await.unwrap(), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    let packed = house
        .post("/v1/generations")
        .header("content-encoding", "gzip")
        .body("{}");
    refused(packed.send().await.unwrap(), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    let body = house.get("/v1/files").body("{}");
    refused(body.send().await.unwrap(), 400, "INVALID_REQUEST").await;
    let large = " ".repeat(1024 * 1024 + 1);
    let announced = house.post("/v1/generations").body(large.clone());
    let error = refused(announced.send().await.unwrap(), 413, "TOO_LARGE").await;
    assert_eq!(error["details"][0]["metadata"]["limitBytes"], "1048576");
    let pieces = large
        .as_bytes()
        .chunks(65_536)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
    let pieces: Vec<_> = pieces.collect();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let counted = house
        .post("/v1/generations")
        .body(stream)
        .send()
        .await
        .unwrap();
    refused(counted, 413, "TOO_LARGE").await;
}

#[tokio::test]
async fn queries_bind_and_are_checked() {
    let house = House::open().await;
    let fine: Value = house
        .get("/v1/files?pageSize=7")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        fine["files"][0]["size"], 7,
        "64-bit integers are numbers: {fine}"
    );
    assert_eq!(fine["nextPageToken"], "", "defaults are printed: {fine}");
    let wrong = house.get("/v1/files?pageSize=many").send().await.unwrap();
    let error = refused(wrong, 400, "INVALID_FIELD").await;
    assert_eq!(
        error["details"][1]["fieldViolations"][0]["field"],
        "pageSize"
    );
    let unknown = house.get("/v1/files?size=7").send().await.unwrap();
    refused(unknown, 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn replies_have_the_status_of_their_policy() {
    let house = House::open().await;
    let made = house.anonymous(Method::POST, "/v1/auth/register");
    let made = made.json(&json!({"email": "a@b.c"})).send().await.unwrap();
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["cache-control"], "no-store");
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["user"]["tier"], "FREE");
    let cancelled = house
        .post("/v1/generations/g-9:cancel")
        .send()
        .await
        .unwrap();
    assert_eq!(cancelled.status(), 200);
    assert_eq!(cancelled.json::<Value>().await.unwrap()["id"], "g-9");
    let got = house.get("/v1/generations/g-9").send().await.unwrap();
    assert_eq!(
        got.json::<Value>().await.unwrap()["costMicrousd"],
        9_007_199_254_740_i64
    );
}

#[tokio::test]
async fn a_head_is_a_get_without_the_body() {
    let house = House::open().await;
    let get = house.get("/v1/files").send().await.unwrap();
    let head = house
        .anonymous(Method::HEAD, "/v1/files")
        .bearer_auth(house.token());
    let head = head.send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.headers()["content-length"],
        get.headers()["content-length"]
    );
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn deadlines_are_the_clients_to_shorten() {
    let house = House::open().await;
    let late = house
        .get("/v1/files/slow")
        .header("grpc-timeout", "100m")
        .send()
        .await
        .unwrap();
    let error = refused(late, 504, "DEADLINE_EXCEEDED").await;
    assert_eq!(error["status"], "DEADLINE_EXCEEDED");
    let malformed = house
        .get("/v1/files/slow")
        .header("grpc-timeout", "soon")
        .send()
        .await
        .unwrap();
    refused(malformed, 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn errors_of_services_are_passed_on_and_their_insides_are_not() {
    let house = House::open().await;
    let missing = house.get("/v1/files/missing").send().await.unwrap();
    let mut error = refused(missing, 404, "NOT_FOUND").await;
    error["requestId"] = "(id)".into();
    error["timestamp"] = "(time)".into();
    insta::assert_json_snapshot!(error, @r#"
    {
      "code": 404,
      "details": [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          "domain": "bottega",
          "reason": "NOT_FOUND"
        }
      ],
      "message": "no such file",
      "requestId": "(id)",
      "status": "NOT_FOUND",
      "timestamp": "(time)"
    }
    "#);
    let leaky = house.get("/v1/files/leaky").send().await.unwrap();
    let error = refused(leaky, 500, "INTERNAL").await;
    assert!(!error.to_string().contains("10.0.0.7"), "{error}");
    let bare = house.get("/v1/files/taken").send().await.unwrap();
    assert_eq!(bare.status(), 409);
}
