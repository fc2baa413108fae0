//! Gemini: what is sent, and what its answers mean.

use generation::domain::provider::ErrorClass::{self, *};
use serde_json::{Value, json};
use types::Microusd;

use crate::order::{KEY, ignored, made, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Stub};

fn success(parts: &Value) -> Value {
    json!({
        "candidates": [{ "index": 0, "content": { "role": "model", "parts": parts }, "finishReason": "STOP", "new": 1 }],
        "usageMetadata": {
            "promptTokenCount": 15, "candidatesTokenCount": 1290, "totalTokenCount": 1305,
            "candidatesTokensDetails": [{ "modality": "IMAGE", "tokenCount": 1290 }],
            "serviceTier": "standard",
        },
        "modelVersion": "gemini-2.5-flash-image",
    })
}

fn inline(data: &str) -> Value {
    json!({ "inlineData": { "mimeType": "image/png", "data": data } })
}

#[tokio::test]
async fn sends_the_order_and_reads_the_picture() {
    let reply = success(&json!([{ "text": "here" }, inline("cGljdHVyZQ==")]));
    let stub = Stub::always(Reply::json(200, &reply)).await;
    let provider = provider("gemini", &stub.url, &[]);
    let mut order = order_with(&*provider, vec![picture(16, 8)]);
    (order.spec.width, order.spec.height) = (1920, 1080);
    let image = made(&*provider, &order).await.unwrap();
    assert_eq!(&image.bytes[..], b"picture");
    assert_eq!(image.spent.cost, Some(Microusd(38_705)));
    let seen = stub.only();
    assert_eq!(seen.method, "POST");
    assert_eq!(
        seen.target,
        "/v1beta/models/gemini-2.5-flash-image:generateContent"
    );
    assert_eq!(seen.header("x-goog-api-key"), Some(KEY));
    let body = seen.json();
    let parts = &body["contents"][0]["parts"];
    assert_eq!(body["contents"][0]["role"], "user");
    let text = parts[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("a fox in the snow") && text.ends_with("dogs"),
        "{text}"
    );
    assert_eq!(parts[1]["inlineData"]["mimeType"], "image/png");
    assert!(
        parts[1]["inlineData"]["data"]
            .as_str()
            .unwrap()
            .starts_with("iVBORw0KGgo")
    );
    let settings = &body["generationConfig"];
    assert_eq!(settings["responseModalities"], json!(["IMAGE"]));
    assert_eq!(settings["imageConfig"], json!({ "aspectRatio": "16:9" }));
    assert_eq!(settings["seed"], json!(4_000_000_000_u32 & 0x7fff_ffff));
}

#[tokio::test]
async fn a_draft_is_not_the_picture() {
    let mut thought = inline("ZHJhZnQ=");
    thought["thought"] = json!(true);
    let reply = success(&json!([
        thought,
        inline("data:image/png;base64,cGljdHVyZQ==")
    ]));
    let stub = Stub::always(Reply::json(200, &reply)).await;
    let provider = provider(
        "gemini",
        &stub.url,
        &[("GEMINI_MODEL", "gemini-3-pro-image")],
    );
    let image = made(&*provider, &order(&*provider)).await.unwrap();
    assert_eq!(&image.bytes[..], b"picture");
    assert_eq!(image.spent.cost, Some(Microusd(30 + 154_800)));
}

async fn check(status: u16, body: &Value, class: ErrorClass, wait: Option<u64>) {
    let stub = Stub::always(Reply::json(status, body)).await;
    let provider = provider("gemini", &stub.url, &[]);
    let error = made(&*provider, &order(&*provider)).await.unwrap_err();
    assert_eq!(error.class, class, "{status} {body}");
    assert_eq!(
        error.retry_after.map(|wait| wait.as_secs()),
        wait,
        "{status} {body}"
    );
}

#[tokio::test]
async fn refusals_come_with_status_200() {
    for reason in [
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "IMAGE_SAFETY",
        "OTHER",
        "A_NEW_ONE",
    ] {
        let feedback = json!({ "blockReason": reason });
        check(200, &json!({ "promptFeedback": feedback }), Policy, None).await;
        check(
            200,
            &json!({ "candidates": [], "promptFeedback": feedback }),
            Policy,
            None,
        )
        .await;
    }
    for reason in [
        "SAFETY",
        "IMAGE_SAFETY",
        "PROHIBITED_CONTENT",
        "IMAGE_PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "RECITATION",
        "IMAGE_RECITATION",
    ] {
        check(
            200,
            &json!({ "candidates": [{ "finishReason": reason }] }),
            Policy,
            None,
        )
        .await;
    }
}

#[tokio::test]
async fn an_answer_without_a_picture_is_no_output() {
    for reason in [
        "NO_IMAGE",
        "IMAGE_OTHER",
        "OTHER",
        "MAX_TOKENS",
        "NEVER_HEARD_OF",
    ] {
        check(
            200,
            &json!({ "candidates": [{ "finishReason": reason }] }),
            InvalidOutput,
            None,
        )
        .await;
    }
    for parts in [
        json!([{ "text": "I cannot create that" }]),
        json!([]),
        json!([inline("!!!not base64!!!")]),
        json!([inline("")]),
    ] {
        check(200, &success(&parts), InvalidOutput, None).await;
    }
}

#[tokio::test]
async fn tokens_cost_money_without_a_picture_too() {
    let used = json!({ "promptTokenCount": 10, "candidatesTokenCount": 1290 });
    let text = json!({ "content": { "parts": [{ "text": "no" }] }, "finishReason": "STOP" });
    for (candidate, class) in [
        (json!({ "finishReason": "IMAGE_SAFETY" }), Policy),
        (text, InvalidOutput),
    ] {
        let body = json!({ "candidates": [candidate], "usageMetadata": used });
        let stub = Stub::always(Reply::json(200, &body)).await;
        let provider = provider("gemini", &stub.url, &[]);
        let error = made(&*provider, &order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class);
        assert_eq!(error.spent.cost, Some(Microusd(38_703)));
        assert_eq!(error.spent.tokens, Some(1_300));
    }
}

#[tokio::test]
async fn errors_have_their_class() {
    let error = |status: &str, reason: &str| json!({ "error": { "status": status, "details": [{ "reason": reason }] } });
    check(400, &error("INVALID_ARGUMENT", "BAD"), Invalid, None).await;
    check(
        400,
        &error("INVALID_ARGUMENT", "API_KEY_INVALID"),
        Account,
        None,
    )
    .await;
    check(400, &error("FAILED_PRECONDITION", ""), Account, None).await;
    check(403, &error("PERMISSION_DENIED", ""), Account, None).await;
    check(503, &error("UNAVAILABLE", ""), Unavailable, None).await;
    let spent = |quota: &str| {
        json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{ "quotaId": quota }] },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "42s" },
        ] } })
    };
    let minute = spent("GenerateRequestsPerMinutePerProject");
    check(429, &minute, RateLimited, Some(42)).await;
    check(429, &json!([minute]), RateLimited, Some(42)).await;
    check(
        429,
        &spent("GenerateRequestsPerDayPerProject"),
        Account,
        None,
    )
    .await;
}

#[tokio::test]
async fn says_what_it_takes() {
    let provider = provider("gemini", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*provider, &spec()), Vec::<String>::new());
    let mut wide = spec();
    wide.width = 1344;
    assert_eq!(ignored(&*provider, &wide), ["width", "height"]);
    wide.input_count = 4;
    assert_eq!(misfits(&*provider, &wide)[0].0, "image.inputFileIds");
    let mut big = picture(8, 8);
    big.bytes = vec![0; 15_000_000].into();
    let order = order_with(&*provider, vec![big]);
    let error = made(&*provider, &order).await.unwrap_err();
    assert_eq!(error.class, Invalid);
    assert!(error.message.contains("14 MB"), "{}", error.message);
}
