//! Errors in the language their reader asks for.

use contracts::google::rpc::{LocalizedMessage, Status as RpcStatus};
use errors::rpc_status;
use prost::{Message, Name};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use contracts::file::v1::GetFileRequest;
use contracts::file::v1::file_service_client::FileServiceClient;

use crate::house::{House, refused};
use crate::rpc::{GET_FILE, call, channel, signed};

async fn missing(house: &House, accepted: &str) -> Response {
    let request = house.anonymous(Method::GET, "/v1/nothing");
    let request = request.header("accept-language", accepted);
    request.send().await.unwrap()
}

#[tokio::test]
async fn each_language_says_the_same_thing() {
    let house = House::open().await;
    let mut bodies = Vec::new();
    for (accepted, language, message) in [
        (
            "fr",
            "en",
            "there is no such route; /openapi.json lists those there are",
        ),
        (
            "de-AT,de;q=0.9,en;q=0.5",
            "de",
            "Unter dieser Adresse gibt es nichts.",
        ),
        ("es", "es", "No hay nada en esta dirección."),
        ("en;q=0.1, zh-Hans-CN", "zh", "该地址没有任何内容。"),
    ] {
        let answer = missing(&house, accepted).await;
        assert_eq!(answer.headers()["content-language"], language);
        assert_eq!(answer.headers()["vary"], "accept-language");
        let mut error = refused(answer, 404, "UNKNOWN_ROUTE").await;
        assert_eq!(error["message"], message);
        for own in ["message", "requestId", "timestamp"] {
            error[own] = Value::Null;
        }
        bodies.push(error);
    }
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{bodies:?}");
}

#[tokio::test]
async fn what_a_service_refuses_is_told_with_its_facts() {
    let house = House::open().await;
    let wrong = json!({"kind": "IMAGE", "image": {"prompt": "a fox", "colour": 1}});
    let request = house.post("/v1/generations").json(&wrong);
    let answer = request.header("accept-language", "de").send().await;
    let error = refused(answer.unwrap(), 400, "INVALID_REQUEST").await;
    let expected =
        "Die Anfrage ist nicht, was diese Adresse annimmt (image.colour is not a known field).";
    assert_eq!(error["message"], expected);
    // What programs read stays as it is.
    let violation = &error["details"][1]["fieldViolations"][0];
    assert_eq!(violation["field"], "image.colour");
    let request = house
        .get("/v1/generations/g-1/events")
        .header("last-event-id", "two");
    let answer = request.header("accept-language", "de").send().await;
    let error = refused(answer.unwrap(), 400, "INVALID_FIELD").await;
    let expected = "Manche Angaben fehlen oder sind nicht gültig: Last-Event-ID.";
    assert_eq!(error["message"], expected);
    let request = house.anonymous(Method::DELETE, "/v1/generations");
    let answer = request
        .header("accept-language", "es")
        .send()
        .await
        .unwrap();
    let error = refused(answer, 405, "METHOD_NOT_ALLOWED").await;
    let said = error["message"].as_str().unwrap();
    assert!(
        said.contains("admite GET") && said.contains("POST"),
        "{said}"
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_says_so_in_it() {
    let house = House::open().await;
    let request = house.get("/v1/generations/broken/events");
    let request = request.header("accept-language", "zh");
    let text = request.send().await.unwrap().text().await.unwrap();
    let (_, last) = text.rsplit_once("event: error\ndata: ").unwrap();
    let body: Value = serde_json::from_str(last.trim()).unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains('。'), "{message}");
}

fn localized(status: &RpcStatus) -> Option<LocalizedMessage> {
    let name = LocalizedMessage::full_name();
    let mut details = status.details.iter();
    let detail = details.find(|any| any.type_url.ends_with(&name))?;
    LocalizedMessage::decode(detail.value.as_slice()).ok()
}

#[tokio::test]
async fn rpc_protocols_add_the_sentence_to_their_own() {
    let house = House::open().await;
    let mut files = FileServiceClient::new(channel(&house).await);
    let ask = |language: Option<&str>| {
        let file_id = "missing".to_owned();
        let mut request = signed(&house, GetFileRequest { id: file_id });
        if let Some(language) = language {
            let value = language.parse().unwrap();
            request.metadata_mut().insert("accept-language", value);
        }
        request
    };
    let plain = files.get_file(ask(None)).await.unwrap_err();
    assert_eq!(localized(&rpc_status(&plain)), None);
    for (language, message) in [
        ("de", "Das gibt es nicht, oder es gehört Ihnen nicht."),
        ("en-GB", "It does not exist, or it is not yours."),
    ] {
        let refused = files.get_file(ask(Some(language))).await.unwrap_err();
        assert_eq!(refused.message(), plain.message());
        let said = localized(&rpc_status(&refused)).unwrap();
        assert_eq!(said.locale, language[..2]);
        assert_eq!(said.message, message);
    }
    let request = call(&house, GET_FILE, "application/json", r#"{"id":"missing"}"#);
    let request = request.header("accept-language", "es");
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    let details = body["details"].as_array().unwrap();
    let said = details.last().unwrap();
    assert_eq!(said["type"], "google.rpc.LocalizedMessage");
    assert_eq!(said["debug"]["message"], "No existe o no es suyo.");
}
