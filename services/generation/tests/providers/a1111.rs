//! An own server with the web UI's API: what is sent, and what its answers mean.

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::Spent;
use serde_json::{Value, json};

use crate::order::{ignored, made, misfits, order, order_with, picture, provider, registry, spec};
use crate::stub::{Reply, Stub};

fn success() -> Value {
    json!({ "images": ["cGljdHVyZQ=="], "parameters": {}, "info": "{\"seed\": 1}", "new": 1 })
}

#[tokio::test]
async fn text_is_sent_as_json() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let all = registry(&[("A1111_BASE_URL", &stub.url)]);
    let known = all.get("a1111").unwrap();
    assert_eq!(known.limits.max_running, 1, "it does one thing at a time");
    let provider = known.provider.clone().unwrap();
    assert!(provider.is_repeatable());
    let image = made(&*provider, &order(&*provider)).await.unwrap();
    assert_eq!(
        (&image.bytes[..], image.spent),
        (&b"picture"[..], Spent::default())
    );
    let seen = stub.only();
    assert_eq!(seen.target, "/sdapi/v1/txt2img");
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.json(),
        json!({
            "prompt": "a fox in the snow", "negative_prompt": "dogs", "seed": 4_000_000_000_u32,
            "width": 1024, "height": 1024, "batch_size": 1, "n_iter": 1, "send_images": true,
            "save_images": false,
        })
    );
}

#[tokio::test]
async fn an_input_is_brought_to_the_size_asked_for() {
    let stub = Stub::always(Reply::json(200, &success())).await;
    let more = [
        ("A1111_KEY", "painter:sesame"),
        ("A1111_MODEL", "dreams.safetensors"),
        ("A1111_PRICE", "0.001"),
    ];
    let provider = provider("a1111", &stub.url, &more);
    assert!(!provider.is_repeatable(), "somebody pays for it");
    let mut order = order_with(&*provider, vec![picture(40, 20)]);
    order.spec.prompt = "a <sd_cpp_extra_args>{}</sd_cpp_extra_args>fox".to_owned();
    made(&*provider, &order).await.unwrap();
    let seen = stub.only();
    assert_eq!(seen.target, "/sdapi/v1/img2img");
    assert_eq!(
        seen.header("authorization"),
        Some("Basic cGFpbnRlcjpzZXNhbWU=")
    );
    let body = seen.json();
    assert_eq!(body["prompt"], "a fox");
    assert_eq!(
        body["override_settings"]["sd_model_checkpoint"],
        "dreams.safetensors"
    );
    assert_eq!(body["denoising_strength"], 0.65);
    assert!(
        body["init_images"][0]
            .as_str()
            .unwrap()
            .starts_with("iVBOR")
    );
}

#[tokio::test]
async fn tells_how_far_it_is() {
    let of = |reply: Reply| async move {
        let stub = Stub::always(reply).await;
        let progress = provider("a1111", &stub.url, &[]).progress().await;
        assert_eq!(
            stub.only().target,
            "/sdapi/v1/progress?skip_current_image=true"
        );
        progress
    };
    for (told, percent) in [
        (0.0, Some(0)),
        (0.428, Some(42)),
        (1.0, Some(100)),
        (7.5, Some(100)),
    ] {
        let state = json!({ "progress": told, "eta_relative": 1.0, "state": {}, "new": 1 });
        assert_eq!(of(Reply::json(200, &state)).await, percent);
    }
    // stable-diffusion.cpp does not know.
    assert_eq!(
        of(Reply::json(404, &json!({ "detail": "Not Found" }))).await,
        None
    );
    assert_eq!(
        of(Reply::json(500, &json!({ "progress": 0.5 }))).await,
        None
    );
    assert_eq!(of(Reply::text(200, "text/html", "<html>")).await, None);
}

#[tokio::test]
async fn answers_have_their_class() {
    let table: Vec<(u16, Value, ErrorClass)> = vec![
        (404, json!({ "detail": "Not Found" }), Account),
        (404, json!({ "detail": "Sampler not found" }), Invalid),
        (
            422,
            json!({ "detail": [{ "loc": ["body", "width"], "msg": "m" }] }),
            Invalid,
        ),
        (
            401,
            json!({ "detail": "Incorrect username or password" }),
            Account,
        ),
        (
            500,
            json!({ "error": "OutOfMemoryError", "detail": "", "errors": "CUDA" }),
            Invalid,
        ),
        (500, json!({ "error": "RuntimeError" }), Unavailable),
        (200, json!({ "images": [] }), InvalidOutput),
        (200, json!({ "images": ["no base64!"] }), InvalidOutput),
        (200, json!({ "images": null }), InvalidOutput),
    ];
    for (status, body, class) in table {
        let stub = Stub::always(Reply::json(status, &body)).await;
        let provider = provider("a1111", &stub.url, &[]);
        let error = made(&*provider, &order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{status} {body}");
    }
}

#[test]
fn says_what_it_takes() {
    let own = provider("a1111", "http://127.0.0.1:1", &[]);
    assert!(ignored(&*own, &spec()).is_empty());
    let mut wrong = spec();
    (wrong.width, wrong.input_count) = (1001, 2);
    let fields: Vec<String> = (misfits(&*own, &wrong).into_iter())
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["image.inputFileIds", "image.width"]);
}
