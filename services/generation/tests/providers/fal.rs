//! fal: an order queued, asked about and fetched, or stopped, and every way that can go wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::{Job, Polled, ProviderError, Spent, Submitted};
use serde_json::{Value, json};
use types::Microusd;

use crate::order::{KEY, ignored, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Seen, Stub};

const PATH: &str = "/fal-ai/flux/requests/r-1";

pub fn job() -> Job {
    Job {
        id: "r-1".to_owned(),
        poll_url: Some(PATH.to_owned()),
        unit_microusd: Some(3_000),
        ..Job::default()
    }
}

pub fn status(word: &str) -> Reply {
    let code = if word == "COMPLETED" { 200 } else { 202 };
    let measured = json!({ "inference_time": 1.5 });
    Reply::json(
        code,
        &json!({ "status": word, "queue_position": 3, "metrics": measured, "new": [] }),
    )
}

fn output(seen: &Seen) -> Value {
    let url = format!("http://{}/files/a.png", seen.header("host").unwrap());
    let picture = json!({ "url": url, "width": 1024, "height": 1024, "content_type": "image/png" });
    json!({ "images": [picture], "seed": 1, "has_nsfw_concepts": [false], "timings": {} })
}

// A server whose requests are over, with this result.
async fn over(result: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Stub {
    Stub::start(move |seen| match seen.target.as_str() {
        "/fal-ai/flux/requests/r-1/status" => status("COMPLETED"),
        "/files/a.png" => Reply::text(200, "image/png", "picture"),
        _ => result(seen),
    })
    .await
}

async fn failed(stub: &Stub) -> ProviderError {
    let provider = provider("fal", &stub.url, &[("FAL_TIMEOUT", "600ms")]);
    provider.poll(&job()).await.unwrap_err()
}

#[tokio::test]
async fn an_order_is_queued_asked_about_and_fetched() {
    let polls = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| match seen.target.as_str() {
        "/fal-ai/flux/schnell" => Reply::json(
            200,
            &json!({ "request_id": "r-1", "status_url": "http://169.254.169.254/", "status": "IN_QUEUE" }),
        ),
        "/fal-ai/flux/requests/r-1/status" => match polls.fetch_add(1, Ordering::SeqCst) {
            0 => status("IN_QUEUE"),
            1 => status("IN_PROGRESS"),
            2 => status("SOMETHING_NEW"),
            _ => status("COMPLETED"),
        },
        PATH => Reply::json(200, &output(seen)).with("x-fal-billable-units", "2"),
        _ => Reply::text(200, "image/png", "picture"),
    })
    .await;
    let provider = provider("fal", &stub.url, &[]);
    let Submitted::Accepted(taken) = provider.submit(&order(&*provider)).await.unwrap() else {
        panic!("done at once");
    };
    assert_eq!(taken, job());
    for _ in 0..3 {
        let polled = provider.poll(&taken).await.unwrap();
        assert!(matches!(polled, Polled::Pending(None)), "{polled:?}");
    }
    let Polled::Done(image) = provider.poll(&taken).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(&image.bytes[..], b"picture");
    assert_eq!(image.spent, Spent::money(Microusd(6_000)));
    let seen = stub.seen();
    assert_eq!(
        seen[0].header("authorization"),
        Some("Key sk-very-secret-key")
    );
    assert_eq!(
        seen[0].json(),
        json!({
            "prompt": "a fox in the snow", "seed": 4_000_000_000_u32, "output_format": "png",
            "enable_safety_checker": true, "image_size": { "width": 1024, "height": 1024 },
            "num_images": 1,
        })
    );
    let fetched = seen.last().unwrap();
    assert_eq!(fetched.target, "/files/a.png");
    assert!(!fetched.headers.values().any(|text| text.contains(KEY)));
}

#[tokio::test]
async fn inputs_have_an_address_of_their_own() {
    let taken = || Reply::json(200, &json!({ "request_id": "r-1" }));
    let more = [
        ("FAL_MODEL", "fal-ai/flux/dev,fal-ai/flux-2-pro"),
        ("FAL_PRICE", "0.1"),
    ];
    let stub = Stub::in_turn(vec![taken(), taken()]).await;
    let provider = provider("fal", &stub.url, &more);
    let mut one = order_with(&*provider, vec![picture(40, 20)]);
    provider.submit(&one).await.unwrap();
    one.model = "fal-ai/flux-2-pro".to_owned();
    one.inputs.push(picture(8, 8));
    provider.submit(&one).await.unwrap();
    let seen = stub.seen();
    assert_eq!(seen[0].target, "/fal-ai/flux/dev/image-to-image");
    let url = seen[0].json()["image_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("data:image/png;base64,iVBOR"), "{url}");
    assert!(seen[0].json()["image_size"].is_null());
    assert_eq!(seen[1].target, "/fal-ai/flux-2-pro/edit");
    assert_eq!(seen[1].json()["image_urls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_id_is_no_way_out_of_its_path() {
    for id in ["", "../../x", "a/b", "a?b", "a b"] {
        let stub = Stub::always(Reply::json(200, &json!({ "request_id": id }))).await;
        let provider = provider("fal", &stub.url, &[]);
        let error = provider.submit(&order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, InvalidOutput, "{id}");
    }
}

#[tokio::test]
async fn a_refused_order_has_its_class() {
    let said =
        |kind: &str| json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "m", "type": kind }] });
    for (code, body, class) in [
        (422, said("content_policy_violation"), Policy),
        (422, said("value_error"), Invalid),
        (
            403,
            json!({ "detail": "User is locked. Reason: Exhausted balance." }),
            Account,
        ),
        (
            504,
            json!({ "detail": "x", "error_type": "request_timeout" }),
            Ambiguous,
        ),
    ] {
        let stub = Stub::always(Reply::json(code, &body)).await;
        let provider = provider("fal", &stub.url, &[]);
        let error = provider.submit(&order(&*provider)).await.unwrap_err();
        assert_eq!(error.class, class, "{body}");
    }
}

#[tokio::test]
async fn failures_have_their_class_and_cost() {
    let said = |kind: &str| json!({ "detail": [{ "loc": [], "msg": "m", "type": kind }] });
    let runner = |kind: &str| json!({ "detail": "m", "error_type": kind });
    let free = Some(Microusd(0));
    let table: Vec<(u16, Value, ErrorClass, Option<Microusd>)> = vec![
        (422, said("content_policy_violation"), Policy, None),
        (422, said("image_too_large"), Invalid, None),
        (422, said("file_download_error"), Invalid, None),
        (422, json!({ "detail": "plain words" }), Invalid, None),
        (400, runner("bad_request"), Invalid, None),
        (422, said("no_media_generated"), InvalidOutput, None),
        (504, said("generation_timeout"), InvalidOutput, free),
        (500, said("internal_server_error"), InvalidOutput, free),
        (503, runner("runner_disconnected"), InvalidOutput, free),
        // Stopped by somebody else after it began: not free, and nobody says how much.
        (499, runner("client_cancelled"), InvalidOutput, None),
        // Asking failed, and says nothing about the request.
        (502, json!({}), Unavailable, None),
        (401, json!({ "detail": "no" }), Account, None),
        (404, json!({ "detail": "no" }), Ambiguous, None),
        (429, json!({ "detail": "no" }), RateLimited, None),
    ];
    for (code, body, class, cost) in table {
        let answer = body.clone();
        let stub = over(move |_| Reply::json(code, &answer)).await;
        let error = failed(&stub).await;
        assert_eq!(
            (error.class, error.spent.cost),
            (class, cost),
            "{code} {body}"
        );
    }
    // Refused or not: what is counted is paid.
    let policy = said("content_policy_violation");
    let stub = over(move |_| Reply::json(422, &policy).with("x-fal-billable-units", "1")).await;
    assert_eq!(failed(&stub).await.spent.cost, Some(Microusd(3_000)));
}

#[tokio::test]
async fn a_result_may_hold_no_picture() {
    let black = |seen: &Seen| {
        let mut body = output(seen);
        body["has_nsfw_concepts"] = json!([true]);
        Reply::json(200, &body).with("x-fal-billable-units", "1")
    };
    let error = failed(&over(black).await).await;
    assert_eq!(
        (error.class, error.spent.cost),
        (Policy, Some(Microusd(3_000)))
    );
    for body in [
        json!({}),
        json!({ "images": [] }),
        json!({ "images": "what" }),
        json!({ "images": [{ "url": "http://169.254.169.254/latest/meta-data" }] }),
        json!({ "images": [{ "url": "https://fal.media.example.org/x.png" }] }),
        json!({ "images": [{ "url": "https://127.0.0.1/x.png" }] }),
        json!({ "image": { "url": "file:///etc/passwd" } }),
    ] {
        let answer = body.clone();
        let error = failed(&over(move |_| Reply::json(200, &answer)).await).await;
        assert_eq!(error.class, InvalidOutput, "{body}");
    }
}

#[tokio::test]
async fn asking_that_fails_says_nothing() {
    for (reply, class) in [
        (Reply::json(404, &json!({})), Ambiguous),
        (Reply::json(400, &json!({})), Unavailable),
        (Reply::json(401, &json!({})), Account),
        (
            Reply::json(429, &json!({})).with("retry-after", "3"),
            RateLimited,
        ),
        (Reply::json(504, &json!({})), Unavailable),
        (Reply::text(200, "text/html", "<html>"), Unavailable),
        (Reply::Cut(b"{".to_vec()), Unavailable),
        (Reply::Silent, Unavailable),
        (Reply::HangUp, Unavailable),
    ] {
        let stub = Stub::always(reply.clone()).await;
        let error = failed(&stub).await;
        assert_eq!(error.class, class, "{reply:?}");
        let wait = error.retry_after.map(|wait| wait.as_secs());
        assert_eq!(wait, (class == RateLimited).then_some(3), "{reply:?}");
    }
}

#[tokio::test]
async fn says_what_it_takes() {
    let schnell = provider("fal", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*schnell, &spec()), ["negativePrompt"]);
    let mut wrong = spec();
    (wrong.width, wrong.height, wrong.input_count) = (250, 2064, 1);
    let fields: Vec<String> = (misfits(&*schnell, &wrong).into_iter())
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        ["image.inputFileIds", "image.width", "image.height"]
    );
    let mut large = spec();
    (large.width, large.height) = (2048, 2048);
    assert!(misfits(&*schnell, &large)[0].1.contains("2 megapixels"));
}
