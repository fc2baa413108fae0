//! Replicate: a prediction created, asked about and fetched, or stopped, and every way that can go
//! wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::{Job, Polled, Spent, Stopped, Submitted};
use serde_json::{Value, json};
use types::Microusd;

use crate::order::{KEY, ignored, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Stub};

fn job(unit: Option<i64>) -> Job {
    Job {
        id: "p1".to_owned(),
        unit_microusd: unit,
        ..Job::default()
    }
}

fn prediction(status: &str) -> Value {
    json!({
        "id": "p1", "status": status, "output": null, "error": null, "logs": "", "new": [],
        "started_at": null, "metrics": {}, "urls": { "get": "http://169.254.169.254/", "cancel": "" },
    })
}

fn begun(status: &str) -> Value {
    let mut body = prediction(status);
    body["started_at"] = json!("2026-11-20T12:00:00Z");
    body["metrics"] = json!({ "predict_time": 2.5, "total_time": 9.0 });
    body
}

fn failed(error: &str) -> Value {
    let mut body = begun("failed");
    body["error"] = json!(error);
    body
}

#[tokio::test]
async fn a_prediction_is_created_asked_about_and_fetched() {
    for is_list in [true, false] {
        let polls = AtomicUsize::new(0);
        let stub = Stub::start(move |seen| {
            let url = format!("http://{}/files/a.png", seen.header("host").unwrap());
            match (seen.method.as_str(), seen.target.as_str()) {
                ("POST", _) => Reply::json(201, &prediction("starting")),
                (_, "/v1/predictions/p1") => {
                    let mut body = match polls.fetch_add(1, Ordering::SeqCst) {
                        0 => prediction("starting"),
                        1 => begun("processing"),
                        2 => begun("something new"),
                        _ => begun("succeeded"),
                    };
                    body["output"] = if is_list { json!([url]) } else { json!(url) };
                    Reply::json(200, &body)
                }
                _ => Reply::text(200, "image/png", "picture"),
            }
        })
        .await;
        let provider = provider("replicate", &format!("{}/v1", stub.url), &[]);
        let Submitted::Accepted(taken) = provider.submit(&order(&*provider)).await.unwrap() else {
            panic!("done at once");
        };
        assert_eq!(taken, job(None));
        for _ in 0..3 {
            let polled = provider.poll(&taken).await.unwrap();
            assert!(matches!(polled, Polled::Pending(None)), "{polled:?}");
        }
        let Polled::Done(image) = provider.poll(&taken).await.unwrap() else {
            panic!("not done");
        };
        assert_eq!(&image.bytes[..], b"picture");
        assert_eq!(image.spent, Spent::default(), "a picture costs its price");
        let seen = stub.seen();
        assert_eq!(seen[0].target, "/v1/predictions");
        let bearer = format!("Bearer {KEY}");
        assert_eq!(seen[0].header("authorization"), Some(bearer.as_str()));
        assert_eq!(seen[0].header("prefer"), None);
        assert_eq!(
            seen[0].json(),
            json!({
                "version": "black-forest-labs/flux-schnell",
                "input": {
                    "prompt": "a fox in the snow", "seed": 4_000_000_000_u32 & 0x7fff_ffff,
                    "aspect_ratio": "1:1", "output_format": "png", "num_outputs": 1,
                },
            })
        );
        let fetched = seen.last().unwrap();
        assert_eq!(fetched.target, "/files/a.png");
        assert!(!fetched.headers.values().any(|text| text.contains(KEY)));
    }
}

#[tokio::test]
async fn seconds_have_their_price() {
    let stub = Stub::start(|seen| {
        let url = format!("http://{}/a.png", seen.header("host").unwrap());
        let mut body = begun("succeeded");
        body["output"] = json!([url]);
        match seen.target.as_str() {
            "/a.png" => Reply::text(200, "image/png", "picture"),
            _ => Reply::json(200, &body),
        }
    })
    .await;
    let more = [
        ("REPLICATE_MODEL", "stability-ai/sdxl:39ed52f2a78e"),
        ("REPLICATE_PRICE", "0.02"),
        ("REPLICATE_UNIT_PRICE", "0.000975"),
    ];
    let provider = provider("replicate", &stub.url, &more);
    let order = order_with(&*provider, vec![picture(8, 8)]);
    let Submitted::Accepted(taken) = provider.submit(&order).await.unwrap() else {
        panic!("done at once");
    };
    assert_eq!(taken.unit_microusd, Some(975));
    let input = stub.only().json()["input"].clone();
    assert_eq!(input["negative_prompt"], "dogs");
    assert_eq!(
        (&input["width"], &input["height"]),
        (&json!(1024), &json!(1024))
    );
    let image = input["image"].as_str().unwrap();
    assert!(image.starts_with("data:image/png;base64,iVBOR"));
    let Polled::Done(image) = provider.poll(&taken).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(image.spent.cost, Some(Microusd(2_438)));
}

#[tokio::test]
async fn families_take_their_own_fields() {
    for (model, field) in [
        ("black-forest-labs/flux-dev", "image"),
        ("black-forest-labs/flux-1.1-pro", "image_prompt"),
    ] {
        let stub = Stub::always(Reply::json(202, &prediction("starting"))).await;
        let provider = provider("replicate", &stub.url, &[("REPLICATE_MODEL", model)]);
        let order = order_with(&*provider, vec![picture(8, 8)]);
        provider.submit(&order).await.unwrap();
        let input = stub.only().json()["input"].clone();
        assert!(input[field].is_string(), "{model}: {input}");
        let by_size = model.ends_with("pro");
        assert_eq!(input["width"].is_number(), by_size, "{model}");
        assert_eq!(input["aspect_ratio"] == "custom", by_size, "{model}");
    }
}

#[tokio::test]
async fn a_refused_order_says_how_long_to_wait() {
    let throttled = json!({
        "detail": "Request was throttled. Your rate limit resets in ~30s.", "status": 429,
    });
    for (code, body, class, wait) in [
        (429, throttled, RateLimited, Some(30)),
        (
            402,
            json!({ "title": "Insufficient credit" }),
            Account,
            None,
        ),
        (
            422,
            json!({ "detail": "x", "invalid_fields": [] }),
            Invalid,
            None,
        ),
        (
            201,
            json!({ "id": "../x", "status": "starting" }),
            InvalidOutput,
            None,
        ),
    ] {
        let stub = Stub::always(Reply::json(code, &body)).await;
        let provider = provider("replicate", &stub.url, &[]);
        let error = provider.submit(&order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{body}");
        let told = error.retry_after.map(|wait| wait.as_secs());
        assert_eq!(told, wait, "{body}");
    }
    let stub = Stub::always(Reply::HangUp).await;
    let provider = provider(
        "replicate",
        &stub.url,
        &[("REPLICATE_MODEL", "black-forest-labs/flux-dev")],
    );
    let mut large = picture(8, 8);
    large.bytes = vec![0; 7_000_001].into();
    let order = order_with(&*provider, vec![large]);
    let error = provider.submit(&order).await.unwrap_err();
    assert_eq!(error.class, Invalid);
    assert!(error.message.contains("7 MB"), "{}", error.message);
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn ends_have_their_class_and_cost() {
    let free = Some(0);
    let mut elsewhere = begun("succeeded");
    elsewhere["output"] = json!(["https://replicate.delivery.example.org/x.png"]);
    let mut inside = begun("succeeded");
    inside["output"] = json!("http://169.254.169.254/x");
    // The body, its class, and what it cost per picture and per second.
    let table: Vec<(Value, ErrorClass, Option<i64>, Option<i64>)> = vec![
        (
            failed("NSFW content detected. Try running it again"),
            Policy,
            free,
            Some(2_500),
        ),
        (
            failed("The input or output was flagged as sensitive. (E005)"),
            Policy,
            free,
            Some(2_500),
        ),
        (
            failed("CUDA out of memory (E1001)"),
            InvalidOutput,
            free,
            Some(2_500),
        ),
        (prediction("failed"), InvalidOutput, free, free),
        (prediction("canceled"), InvalidOutput, free, free),
        (begun("canceled"), InvalidOutput, None, Some(2_500)),
        (prediction("aborted"), InvalidOutput, free, free),
        // Deleted after an hour.
        (begun("succeeded"), InvalidOutput, None, Some(2_500)),
        (elsewhere, InvalidOutput, None, Some(2_500)),
        (inside, InvalidOutput, None, Some(2_500)),
    ];
    for (body, class, per_picture, per_second) in table {
        let stub = Stub::always(Reply::json(200, &body)).await;
        let provider = provider("replicate", &stub.url, &[]);
        for (unit, cost) in [(None, per_picture), (Some(1_000), per_second)] {
            let error = provider.poll(&job(unit)).await.unwrap_err();
            let told = error.spent.cost.map(|cost| cost.0);
            assert_eq!((error.class, told), (class, cost), "{body}");
        }
    }
}

#[tokio::test]
async fn asking_that_fails_says_nothing() {
    for (reply, class) in [
        (Reply::json(404, &json!({})), Ambiguous),
        (Reply::json(400, &json!({})), Unavailable),
        (Reply::json(401, &json!({})), Account),
        (Reply::json(429, &json!({})), RateLimited),
        (Reply::json(504, &json!({})), Unavailable),
        (Reply::text(200, "text/html", "<html>"), Unavailable),
        (Reply::Cut(b"{".to_vec()), Unavailable),
        (Reply::Silent, Unavailable),
        (Reply::HangUp, Unavailable),
    ] {
        let stub = Stub::always(reply.clone()).await;
        let provider = provider("replicate", &stub.url, &[("REPLICATE_TIMEOUT", "400ms")]);
        let polled = provider.poll(&job(None)).await.unwrap_err();
        assert_eq!(polled.class, class, "{reply:?}");
        let stopped = provider
            .stops()
            .unwrap()
            .stop(&job(None))
            .await
            .unwrap_err();
        assert_eq!(stopped.class, class, "{reply:?}");
    }
}

#[tokio::test]
async fn a_prediction_is_stopped() {
    let cost = |cost| Stopped::Over(Spent::money(Microusd(cost)));
    let price = Stopped::Over(Spent::default());
    // The body, and what that means per picture and per second.
    for (body, per_picture, per_second) in [
        (prediction("starting"), Stopped::NotYet, Stopped::NotYet),
        (begun("processing"), Stopped::NotYet, Stopped::NotYet),
        (prediction("canceled"), cost(0), cost(0)),
        (prediction("aborted"), cost(0), cost(0)),
        (begun("canceled"), price, cost(2_500)),
        (begun("succeeded"), price, cost(2_500)),
        (begun("failed"), cost(0), cost(2_500)),
    ] {
        let stub = Stub::always(Reply::json(200, &body)).await;
        let provider = provider("replicate", &stub.url, &[]);
        for (unit, want) in [(None, per_picture), (Some(1_000), per_second)] {
            let got = provider.stops().unwrap().stop(&job(unit)).await.unwrap();
            assert_eq!(got, want, "{body}");
        }
        let seen = &stub.seen()[0];
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            ("POST", "/predictions/p1/cancel")
        );
    }
}

#[tokio::test]
async fn says_what_it_takes() {
    let schnell = provider("replicate", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*schnell, &spec()), ["negativePrompt"]);
    let mut wide = spec();
    wide.width = 1920;
    assert_eq!(
        ignored(&*schnell, &wide),
        ["width", "height", "negativePrompt"]
    );
    wide.input_count = 1;
    assert_eq!(misfits(&*schnell, &wide)[0].0, "image.inputFileIds");
    let model = [("REPLICATE_MODEL", "black-forest-labs/flux-1.1-pro")];
    let pro = provider("replicate", "http://127.0.0.1:1", &model);
    assert!(misfits(&*pro, &wide)[0].1.contains("256 to 1440"));
}
