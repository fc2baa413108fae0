//! Stability v2beta: what is sent, and what its answers mean.

use generation::domain::provider::ErrorClass::{self, *};
use serde_json::{Value, json};

use crate::order::{KEY, ignored, made, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Stub};

fn success() -> Value {
    json!({ "image": "cGljdHVyZQ==", "finish_reason": "SUCCESS", "seed": 7 })
}

#[tokio::test]
async fn text_is_sent_as_a_form() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider("stability", &stub.url, &[]);
    let mut order = order(&*provider);
    (order.spec.width, order.spec.height, order.spec.seed) = (768, 1344, u32::MAX);
    assert_eq!(
        &made(&*provider, &order).await.unwrap().bytes[..],
        b"picture"
    );
    let seen = stub.only();
    assert_eq!(seen.target, "/v2beta/stable-image/generate/core");
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    let fields: Vec<(String, String)> = seen.fields().into_iter().collect();
    let want = [
        ("aspect_ratio", "9:16"),
        ("negative_prompt", "dogs"),
        ("output_format", "png"),
        ("prompt", "a fox in the snow"),
        ("seed", "4294967294"),
    ];
    assert_eq!(
        fields,
        want.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
}

#[tokio::test]
async fn an_input_is_sent_as_it_is() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let provider = provider(
        "stability",
        &stub.url,
        &[("STABILITY_MODEL", "sd3.5-large")],
    );
    let input = picture(80, 80);
    let order = order_with(&*provider, vec![input.clone()]);
    made(&*provider, &order).await.unwrap();
    let seen = stub.only();
    assert_eq!(seen.target, "/v2beta/stable-image/generate/sd3");
    let fields = seen.fields();
    assert_eq!(fields["mode"], "image-to-image");
    assert_eq!(fields["model"], "sd3.5-large");
    assert_eq!(fields["strength"], "0.65");
    assert!(!fields.contains_key("aspect_ratio"));
    assert_eq!(
        seen.files(),
        [(
            "image".to_owned(),
            "image/png".to_owned(),
            input.bytes.to_vec()
        )]
    );
}

#[tokio::test]
async fn answers_have_their_class() {
    let table: Vec<(u16, Value, ErrorClass)> = vec![
        (
            200,
            json!({ "image": "cGljdHVyZQ==", "finish_reason": "CONTENT_FILTERED" }),
            Policy,
        ),
        (200, json!({ "image": "***" }), InvalidOutput),
        (200, json!({ "image": null }), InvalidOutput),
        (
            403,
            json!({ "name": "content_moderation", "errors": ["flagged"] }),
            Policy,
        ),
        (
            403,
            json!({ "name": "forbidden", "errors": ["no"] }),
            Account,
        ),
        (402, json!({ "name": "payment_required" }), Account),
        (
            400,
            json!({ "name": "bad_request", "error": "one text" }),
            Invalid,
        ),
    ];
    for (status, body, class) in table {
        let stub = Stub::always(Reply::json(status, &body)).await;
        let provider = provider("stability", &stub.url, &[]);
        let error = made(&*provider, &order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{status} {body}");
    }
}

#[tokio::test]
async fn a_picture_without_json_is_taken_too() {
    let plain = Reply::text(200, "image/png", "picture");
    for (reply, want) in [
        (plain.clone(), Ok(b"picture".to_vec())),
        (plain.with("finish-reason", "CONTENT_FILTERED"), Err(Policy)),
        (Reply::text(200, "image/png", ""), Err(InvalidOutput)),
    ] {
        let stub = Stub::always(reply).await;
        let provider = provider("stability", &stub.url, &[]);
        let got = made(&*provider, &order(&*provider)).await;
        assert_eq!(
            got.map(|image| image.bytes.to_vec())
                .map_err(|error| error.class),
            want
        );
    }
}

#[tokio::test]
async fn says_what_it_takes() {
    let core = provider("stability", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*core, &spec()), ["width", "height"]);
    let mut wrong = spec();
    (wrong.negative_prompt, wrong.input_count) = ("x".repeat(10_001), 1);
    let fields: Vec<String> = misfits(&*core, &wrong)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["image.negativePrompt", "image.inputFileIds"]);
    let ultra = provider(
        "stability",
        "http://127.0.0.1:1",
        &[("STABILITY_MODEL", "ultra")],
    );
    assert_eq!(ignored(&*ultra, &spec()), Vec::<String>::new());
    let mut big = picture(8, 8);
    big.bytes = vec![0; 11_000_000].into();
    let error = made(&*ultra, &order_with(&*ultra, vec![big]))
        .await
        .unwrap_err();
    assert_eq!(error.class, Invalid);
}
