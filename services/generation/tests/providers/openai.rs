//! OpenAI's images API and servers like it: what is sent, and what their answers mean.

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::{Background, Finish, Quality};
use serde_json::{Value, json};
use types::Microusd;

use crate::order::{
    KEY, ignored, made, misfits, order, order_with, picture, provider, registry, spec,
};
use crate::stub::{Reply, Stub};

fn success() -> Value {
    json!({
        "created": 1, "size": "1024x1024", "data": [{ "b64_json": "cGljdHVyZQ==" }],
        "usage": { "input_tokens": 110, "output_tokens": 1000, "total_tokens": 1110,
            "input_tokens_details": { "text_tokens": 10, "image_tokens": 100 } },
    })
}

#[tokio::test]
async fn text_is_sent_as_json() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("openai", &format!("{}/v1/", stub.url), &[]);
    let image = made(&*provider, &order(&*provider)).await.unwrap();
    assert_eq!(&image.bytes[..], b"picture");
    assert_eq!(
        image.spent.cost,
        Some(Microusd(10 * 5 + 100 * 8 + 1000 * 30))
    );
    let seen = stub.only();
    assert_eq!(seen.target, "/v1/images/generations");
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    let want = json!({ "model": "gpt-image-2", "prompt": "a fox in the snow", "n": 1, "size": "1024x1024" });
    assert_eq!(seen.json(), want);
}

#[tokio::test]
async fn inputs_are_sent_as_a_form() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("openai", &stub.url, &[("OPENAI_RATES", "0,0,0,1")]);
    let (first, second) = (picture(16, 16), picture(24, 8));
    let order = order_with(&*provider, vec![first.clone(), second.clone()]);
    assert_eq!(
        made(&*provider, &order).await.unwrap().spent.cost,
        Some(Microusd(1000))
    );
    let seen = stub.only();
    assert_eq!(seen.target, "/images/edits");
    let fields = seen.fields();
    assert_eq!(fields["model"], "gpt-image-2");
    assert_eq!(fields["size"], "1024x1024");
    assert!(!fields.contains_key("response_format"));
    let png = "image/png".to_owned();
    assert_eq!(
        seen.files(),
        [
            ("image[]".to_owned(), png.clone(), first.bytes.to_vec()),
            ("image[]".to_owned(), png, second.bytes.to_vec()),
        ]
    );
}

#[tokio::test]
async fn quality_background_and_masks_are_sent() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("openai", &stub.url, &[]);
    let extras = provider.extras(&provider.models()[0]);
    assert!(extras.finish && extras.masks);
    let finish = Finish {
        quality: Some(Quality::High),
        background: Some(Background::Transparent),
    };
    let mut plain = order(&*provider);
    plain.spec.finish = finish;
    made(&*provider, &plain).await.unwrap();
    let mask = picture(16, 16);
    let mut masked = order_with(&*provider, vec![picture(16, 16)]);
    (masked.spec.finish, masked.mask) = (finish, Some(mask.clone()));
    made(&*provider, &masked).await.unwrap();
    let seen = stub.seen();
    let body = seen[0].json();
    assert_eq!(body["quality"], "high");
    assert_eq!(body["background"], "transparent");
    let fields = seen[1].fields();
    assert_eq!(
        (fields["quality"].as_str(), fields["background"].as_str()),
        ("high", "transparent")
    );
    let files = seen[1].files();
    assert_eq!(files[0].0, "image");
    let sent = (
        "mask".to_owned(),
        "image/png".to_owned(),
        mask.bytes.to_vec(),
    );
    assert_eq!(files[1], sent);
}

#[tokio::test]
async fn another_server_stands_beside_openai() {
    let reply = json!({ "data": [{ "b64_json": "cGljdHVyZQ==" }] });
    let stub = Stub::always(Reply::json(200, &reply)).await;
    let all = registry(&[("COMPATIBLE_BASE_URL", &stub.url), ("OPENAI_KEY", KEY)]);
    let own = all.get("compatible").unwrap().provider.clone().unwrap();
    assert_eq!(
        (own.name(), own.models()[0].price_per_image),
        ("compatible", Microusd(0))
    );
    assert!(
        own.is_repeatable()
            && !all
                .get("openai")
                .unwrap()
                .provider
                .as_ref()
                .unwrap()
                .is_repeatable()
    );
    let extras = own.extras(&own.models()[0]);
    assert!(!extras.finish && !extras.masks);
    made(&*own, &order(&*own)).await.unwrap();
    let seen = stub.only();
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.json()["model"], "default");
    assert_eq!(seen.json()["response_format"], "b64_json");
}

#[tokio::test]
async fn an_own_server_is_asked_without_a_key() {
    let stub = Stub::always(Reply::json(
        200,
        &json!({ "data": [{ "url": "data:image/png;base64,cGljdHVyZQ==" }] }),
    ))
    .await;
    let all = registry(&[
        ("OPENAI_BASE_URL", &stub.url),
        ("OPENAI_MODEL", "stablediffusion"),
        ("OPENAI_PRICE", "0"),
    ]);
    let provider = all.get("openai").unwrap().provider.clone().unwrap();
    let image = made(&*provider, &order(&*provider)).await.unwrap();
    assert_eq!(
        (&image.bytes[..], image.spent.cost),
        (&b"picture"[..], None)
    );
    let seen = stub.only();
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.json()["response_format"], "b64_json");
}

#[tokio::test]
async fn answers_have_their_class() {
    let error = |kind: &str, code: &str| json!({ "error": { "message": "m", "type": kind, "param": null, "code": code } });
    let table: Vec<(u16, Value, ErrorClass)> = vec![
        (
            400,
            error("image_generation_user_error", "moderation_blocked"),
            Policy,
        ),
        (
            400,
            error("invalid_request_error", "content_policy_violation"),
            Policy,
        ),
        (451, json!({}), Policy),
        (
            400,
            error("invalid_request_error", "unknown_parameter"),
            Invalid,
        ),
        (
            401,
            error("invalid_request_error", "invalid_api_key"),
            Account,
        ),
        (
            404,
            error("invalid_request_error", "model_not_found"),
            Invalid,
        ),
        (429, error("requests", "rate_limit_exceeded"), RateLimited),
        (
            429,
            error("insufficient_quota", "insufficient_quota"),
            Account,
        ),
        (400, error("x", "billing_hard_limit_reached"), Account),
        (503, error("server_error", "overloaded"), Unavailable),
        (200, json!({ "data": [] }), InvalidOutput),
        (200, json!({ "data": [{}] }), InvalidOutput),
        (
            200,
            json!({ "data": [{ "b64_json": "no base64!" }] }),
            InvalidOutput,
        ),
        (
            200,
            json!({ "data": [{ "url": "http://169.254.169.254/x.png" }] }),
            InvalidOutput,
        ),
    ];
    for (status, body, class) in table {
        let stub = Stub::always(Reply::json(status, &body)).await;
        let provider = provider("openai", &stub.url, &[]);
        let error = made(&*provider, &order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{status} {body}");
    }
}

#[tokio::test]
async fn says_what_it_takes() {
    let free = provider("openai", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*free, &spec()), ["negativePrompt", "seed"]);
    let mut wrong = spec();
    (wrong.width, wrong.height) = (1000, 3848);
    let fields: Vec<String> = misfits(&*free, &wrong)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        ["image.width", "image.height", "image.width", "image.height"]
    );
    let fixed = provider(
        "openai",
        "http://127.0.0.1:1",
        &[("OPENAI_MODEL", "gpt-image-1.5")],
    );
    let mut wide = spec();
    wide.width = 1280;
    assert!(misfits(&*fixed, &wide)[0].1.contains("1536x1024"));
}
