//! Stable Diffusion XL over v1: what is sent, and what its answers mean.

use generation::domain::provider::ErrorClass::{self, *};
use serde_json::{Value, json};

use crate::order::{KEY, ignored, made, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Stub};

const ENGINE: &str = "/v1/generation/stable-diffusion-xl-1024-v1-0";

fn success() -> Value {
    json!({ "artifacts": [{ "base64": "cGljdHVyZQ==", "seed": 5, "finishReason": "SUCCESS" }] })
}

#[tokio::test]
async fn text_is_sent_as_json() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("sdxl", &stub.url, &[]);
    let image = made(&*provider, &order(&*provider)).await.unwrap();
    assert_eq!(
        (&image.bytes[..], image.spent.cost),
        (&b"picture"[..], None)
    );
    let seen = stub.only();
    assert_eq!(seen.target, format!("{ENGINE}/text-to-image"));
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(seen.header("accept"), Some("application/json"));
    let body = seen.json();
    assert_eq!(
        body["text_prompts"],
        json!([
            { "text": "a fox in the snow", "weight": 1 }, { "text": "dogs", "weight": -1 },
        ])
    );
    assert_eq!(body["width"], 1024);
    assert_eq!(body["samples"], 1);
    assert_eq!(body["seed"], 4_000_000_000_u32);
}

#[tokio::test]
async fn an_input_is_sent_in_the_size_asked_for() {
    let stub = Stub::always(Reply::json(200, &json!([{ "base64": "cGljdHVyZQ==" }]))).await;
    let provider = provider("sdxl", &stub.url, &[]);
    let mut order = order_with(&*provider, vec![picture(50, 70)]);
    (order.spec.width, order.spec.height, order.spec.seed) = (1344, 768, 0);
    assert_eq!(
        &made(&*provider, &order).await.unwrap().bytes[..],
        b"picture"
    );
    let seen = stub.only();
    assert_eq!(seen.target, format!("{ENGINE}/image-to-image"));
    let fields = seen.fields();
    assert_eq!(fields["text_prompts[0][text]"], "a fox in the snow");
    assert_eq!(fields["text_prompts[1][weight]"], "-1");
    assert_eq!(fields["init_image_mode"], "IMAGE_STRENGTH");
    assert_eq!(fields["image_strength"], "0.35");
    assert_eq!(fields["seed"], "1", "0 would be random");
    assert!(!fields.contains_key("width"));
    let files = seen.files();
    assert_eq!(
        (files[0].0.as_str(), files[0].1.as_str()),
        ("init_image", "image/png")
    );
    let sent = image::load_from_memory(&files[0].2).unwrap();
    assert_eq!((sent.width(), sent.height()), (1344, 768));
}

#[tokio::test]
async fn answers_have_their_class() {
    let finished = |reason: &str| json!({ "artifacts": [{ "base64": "cGljdHVyZQ==", "finishReason": reason }] });
    let named = |name: &str| json!({ "id": "1", "name": name, "message": "m" });
    let table: Vec<(u16, Value, ErrorClass)> = vec![
        (200, finished("CONTENT_FILTERED"), Policy),
        (200, finished("ERROR"), InvalidOutput),
        (200, json!({ "artifacts": [] }), InvalidOutput),
        (200, json!([]), InvalidOutput),
        (
            200,
            json!({ "artifacts": [{ "base64": "%%%" }] }),
            InvalidOutput,
        ),
        (200, json!({ "artifacts": [{ "seed": 1 }] }), InvalidOutput),
        (400, named("invalid_prompts"), Policy),
        (400, named("invalid_height_or_width"), Invalid),
        (401, named("unauthorized"), Account),
        (403, named("permission_denied"), Account),
        (404, named("not_found"), Invalid),
        (500, named("server_error"), Unavailable),
    ];
    for (status, body, class) in table {
        let stub = Stub::always(Reply::json(status, &body)).await;
        let provider = provider("sdxl", &stub.url, &[]);
        let error = made(&*provider, &order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{status} {body}");
    }
    let stub = Stub::always(Reply::json(429, &json!({}))).await;
    let provider = provider("sdxl", &stub.url, &[]);
    let error = made(&*provider, &order(&*provider)).await.unwrap_err();
    assert_eq!(error.retry_after.unwrap().as_secs(), 60, "the lock-out");
}

#[tokio::test]
async fn says_what_it_takes() {
    let provider = provider("sdxl", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*provider, &spec()), Vec::<String>::new());
    let mut wrong = spec();
    (wrong.width, wrong.prompt, wrong.input_count) = (1000, "x".repeat(2001), 2);
    let found = misfits(&*provider, &wrong);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "image.width",
            "image.height",
            "image.prompt",
            "image.inputFileIds"
        ]
    );
    assert!(
        found[0].1.contains("1024x1024") && found[0].1.contains("640x1536"),
        "{}",
        found[0].1
    );
}

#[tokio::test]
async fn an_input_that_is_no_picture_is_never_sent() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("sdxl", &stub.url, &[]);
    let mut text = picture(8, 8);
    text.bytes = b"<html>".to_vec().into();
    let order = order_with(&*provider, vec![text]);
    assert_eq!(made(&*provider, &order).await.unwrap_err().class, Invalid);
    assert!(stub.seen().is_empty());
}
