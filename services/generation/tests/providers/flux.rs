//! Flux: an order taken, asked about and fetched, and every way that can go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use generation::domain::provider::ErrorClass::{self, *};
use generation::domain::provider::{ImageProvider, Job, Polled, ProviderError, Submitted};
use serde_json::{Value, json};
use types::Microusd;

use crate::order::{KEY, ignored, misfits, order, order_with, picture, provider, spec};
use crate::stub::{Reply, Seen, Stub};

async fn accepted(provider: &dyn ImageProvider) -> Result<Job, ProviderError> {
    match provider.submit(&order(provider)).await? {
        Submitted::Accepted(job) => Ok(job),
        Submitted::Done(_) => panic!("done at once"),
    }
}

fn job(poll_url: Option<String>) -> Job {
    Job {
        id: "a b&c".to_owned(),
        poll_url,
        cost_microusd: Some(14_000),
        ..Job::default()
    }
}

fn status(status: &str) -> Value {
    json!({ "id": "1", "status": status, "result": null, "progress": null, "details": { "Moderation Reasons": ["x"] } })
}

fn host(seen: &Seen) -> String {
    format!("http://{}", seen.header("host").unwrap())
}

// Takes an order, is not ready twice, then is; the picture lies on the same server.
fn whole_life() -> impl Fn(&Seen) -> Reply + Send + Sync {
    let polls = AtomicUsize::new(0);
    move |seen| match seen.target.split('?').next().unwrap() {
        "/poll" if polls.fetch_add(1, Ordering::SeqCst) < 2 => {
            Reply::json(200, &json!({ "status": "Pending", "progress": 0.5 }))
        }
        "/poll" => {
            let sample = format!("{}/sample.png?sig=1", host(seen));
            Reply::json(
                200,
                &json!({ "status": "Ready", "result": { "sample": sample, "seed": 1 }, "new": [] }),
            )
        }
        "/sample.png" => Reply::text(200, "image/png", "picture"),
        _ => {
            let url = format!("{}/poll?id=1", host(seen));
            Reply::json(
                200,
                &json!({ "id": "task-1", "polling_url": url, "cost": 1.4, "input_mp": 0, "output_mp": 1 }),
            )
        }
    }
}

#[tokio::test]
async fn an_order_is_taken_asked_about_and_fetched() {
    let stub = Stub::start(whole_life()).await;
    let provider = provider("flux", &stub.url, &[]);
    let job = accepted(&*provider).await.unwrap();
    assert_eq!(job.id, "task-1");
    assert_eq!(job.cost_microusd, Some(14_000));
    assert!(matches!(
        provider.poll(&job).await.unwrap(),
        Polled::Pending(Some(50))
    ));
    assert!(matches!(
        provider.poll(&job).await.unwrap(),
        Polled::Pending(Some(50))
    ));
    let Polled::Done(image) = provider.poll(&job).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(
        (&image.bytes[..], image.spent.cost),
        (&b"picture"[..], Some(Microusd(14_000)))
    );
    let seen = stub.seen();
    assert_eq!(seen[0].target, "/v1/flux-2-klein-4b");
    assert_eq!(seen[0].header("x-key"), Some(KEY));
    assert_eq!(
        seen[0].json(),
        json!({
            "prompt": "a fox in the snow", "seed": 4_000_000_000_u32, "output_format": "png",
            "width": 1024, "height": 1024,
        })
    );
    assert_eq!(
        (seen[1].target.as_str(), seen[1].header("x-key")),
        ("/poll?id=1", Some(KEY))
    );
    let fetched = seen.last().unwrap();
    assert_eq!(
        (fetched.target.as_str(), fetched.header("x-key")),
        ("/sample.png?sig=1", None)
    );
}

#[tokio::test]
async fn families_take_inputs_in_their_own_fields() {
    for (model, inputs, fields) in [
        (
            "flux-2-pro",
            3,
            vec!["input_image", "input_image_2", "input_image_3"],
        ),
        ("flux-pro-1.1", 1, vec!["image_prompt"]),
        ("flux-kontext-pro", 1, vec!["input_image"]),
        ("flux-pro-1.1-ultra", 1, vec!["image_prompt"]),
    ] {
        let stub = Stub::start(whole_life()).await;
        let provider = provider("flux", &stub.url, &[("FLUX_MODEL", model)]);
        let order = order_with(&*provider, vec![picture(8, 8); inputs]);
        provider.submit(&order).await.unwrap();
        let body = stub.only().json();
        for field in fields {
            assert!(
                body[field].as_str().unwrap().starts_with("iVBOR"),
                "{model} {field}"
            );
        }
        let by_ratio = model.contains("ultra") || model.contains("kontext");
        assert_eq!(body["aspect_ratio"].is_string(), by_ratio, "{model}");
        assert_eq!(body["width"].is_number(), !by_ratio, "{model}");
    }
}

#[tokio::test]
async fn the_key_goes_to_no_foreign_host() {
    let foreign = Stub::always(Reply::json(200, &status("Ready"))).await;
    let elsewhere = format!("{}/steal", foreign.url);
    let told = elsewhere.clone();
    let stub = Stub::start(move |seen| match seen.method.as_str() {
        "POST" => Reply::json(200, &json!({ "id": "a b&c", "polling_url": told })),
        _ => Reply::json(200, &status("Pending")),
    })
    .await;
    let provider = provider("flux", &stub.url, &[]);
    let taken = accepted(&*provider).await.unwrap();
    assert_eq!(
        (taken.poll_url.as_deref(), taken.cost_microusd),
        (None, None)
    );
    // Also when such an address was kept somewhere in between.
    for kept in [
        taken,
        job(Some(elsewhere)),
        job(Some("file:///etc/passwd".to_owned())),
    ] {
        assert!(matches!(
            provider.poll(&kept).await.unwrap(),
            Polled::Pending(None)
        ));
    }
    assert!(foreign.seen().is_empty());
    assert_eq!(stub.seen()[1].target, "/v1/get_result?id=a+b%26c");
}

#[tokio::test]
async fn pictures_are_fetched_from_allowed_hosts_only() {
    let foreign = Stub::always(Reply::text(200, "image/png", "stolen")).await;
    for sample in [
        format!("{}/x.png", foreign.url),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://127.0.0.1/x".to_owned(),
        "https://bfl.ai.example.org/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "nonsense".to_owned(),
    ] {
        let ready = json!({ "status": "Ready", "result": { "sample": sample } });
        let stub = Stub::always(Reply::json(200, &ready)).await;
        let provider = provider("flux", &stub.url, &[]);
        let error = provider.poll(&job(None)).await.unwrap_err();
        assert_eq!(error.class, InvalidOutput, "{sample}");
    }
    assert!(foreign.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let foreign = Stub::always(Reply::text(200, "image/png", "stolen")).await;
    let away = foreign.url.clone();
    let stub = Stub::start(move |seen| match seen.target.as_str() {
        "/x.png" => Reply::text(302, "text/plain", "").with("location", &away),
        _ => {
            let sample = format!("{}/x.png", host(seen));
            Reply::json(
                200,
                &json!({ "status": "Ready", "result": { "sample": sample } }),
            )
        }
    })
    .await;
    let provider = provider("flux", &stub.url, &[]);
    assert_eq!(
        provider.poll(&job(None)).await.unwrap_err().class,
        Unavailable
    );
    assert!(foreign.seen().is_empty());
}

#[tokio::test]
async fn only_a_finished_picture_is_charged() {
    for (word, cost) in [
        ("Error", Some(Microusd(0))),
        ("Failed", Some(Microusd(0))),
        ("Content Moderated", None),
        // Finished, though it cannot be fetched: what was said when it was taken counts.
        ("Ready", None),
    ] {
        let stub = Stub::always(Reply::json(200, &status(word))).await;
        let provider = provider("flux", &stub.url, &[]);
        let error = provider.poll(&job(None)).await.unwrap_err();
        assert_eq!(error.spent.cost, cost, "{word}");
    }
}

#[tokio::test]
async fn states_have_their_meaning() {
    let table: Vec<(Reply, ErrorClass)> = vec![
        (Reply::json(200, &status("Request Moderated")), Policy),
        (Reply::json(200, &status("Content Moderated")), Policy),
        (Reply::json(200, &status("Error")), InvalidOutput),
        (Reply::json(200, &status("Failed")), InvalidOutput),
        (Reply::json(200, &status("Ready")), InvalidOutput),
        (Reply::json(200, &status("Task not found")), Ambiguous),
        (
            Reply::json(404, &json!({ "detail": "Task not found" })),
            Ambiguous,
        ),
        (Reply::json(401, &json!({})), Account),
        (Reply::json(429, &json!({ "retry_after": 3 })), RateLimited),
        (Reply::json(400, &json!({})), Unavailable),
        (Reply::json(500, &json!({})), Unavailable),
        (Reply::json(504, &json!({})), Unavailable),
        (Reply::text(200, "text/html", "<html>"), Unavailable),
        (Reply::Silent, Unavailable),
        (Reply::HangUp, Unavailable),
    ];
    for (reply, class) in table {
        let stub = Stub::always(reply.clone()).await;
        let provider = provider("flux", &stub.url, &[("FLUX_TIMEOUT", "600ms")]);
        let error = provider.poll(&job(None)).await.unwrap_err();
        assert_eq!(error.class, class, "{reply:?}: {error:?}");
        let wait = error.retry_after.map(|wait| wait.as_secs());
        assert_eq!(wait, (class == RateLimited).then_some(3), "{reply:?}");
    }
    for waiting in ["Pending", "Queued somewhere new"] {
        let stub = Stub::always(Reply::json(200, &status(waiting))).await;
        let provider = provider("flux", &stub.url, &[]);
        for _ in 0..3 {
            assert!(matches!(
                provider.poll(&job(None)).await.unwrap(),
                Polled::Pending(None)
            ));
        }
    }
}

#[tokio::test]
async fn an_order_not_yet_known_is_asked_about_again() {
    let polls = Arc::new(AtomicUsize::new(0));
    let count = polls.clone();
    let stub = Stub::start(move |_| {
        let early = count.fetch_add(1, Ordering::SeqCst) < 2;
        Reply::json(
            200,
            &status(if early { "Task not found" } else { "Pending" }),
        )
    })
    .await;
    let provider = provider("flux", &stub.url, &[("FLUX_TIMEOUT", "300ms")]);
    assert!(matches!(
        provider.poll(&job(None)).await.unwrap(),
        Polled::Pending(None)
    ));
    assert_eq!(polls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_picture_that_cannot_be_fetched_is_asked_about_again() {
    for (reply, class) in [
        (Reply::text(403, "text/plain", "expired"), Unavailable),
        (Reply::text(404, "text/plain", "not yet"), Unavailable),
        (Reply::text(500, "text/plain", ""), Unavailable),
        (Reply::Cut(b"half".to_vec()), Unavailable),
        (Reply::Drip, Unavailable),
        (Reply::HangUp, Unavailable),
        (Reply::Boast(1 << 40), InvalidOutput),
        (Reply::text(200, "image/png", ""), InvalidOutput),
    ] {
        let answer = reply.clone();
        let stub = Stub::start(move |seen| match seen.target.as_str() {
            "/x.png" => answer.clone(),
            _ => {
                let sample = format!("{}/x.png", host(seen));
                Reply::json(
                    200,
                    &json!({ "status": "Ready", "result": { "sample": sample } }),
                )
            }
        })
        .await;
        let provider = provider("flux", &stub.url, &[("FLUX_TIMEOUT", "500ms")]);
        assert_eq!(
            provider.poll(&job(None)).await.unwrap_err().class,
            class,
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn says_what_it_takes() {
    let klein = provider("flux", "http://127.0.0.1:1", &[]);
    assert_eq!(ignored(&*klein, &spec()), ["negativePrompt"]);
    let mut wrong = spec();
    (wrong.width, wrong.height, wrong.input_count) = (72, 48, 5);
    let found = misfits(&*klein, &wrong);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["image.inputFileIds", "image.width", "image.height"]
    );
    assert!(
        found[1].1.contains("64 to 4096 pixels in steps of 16"),
        "{}",
        found[1].1
    );
    let mut large = spec();
    (large.width, large.height) = (4096, 4096);
    assert!(misfits(&*klein, &large)[0].1.contains("4 megapixels"));
    let first = provider(
        "flux",
        "http://127.0.0.1:1",
        &[("FLUX_MODEL", "flux-pro-1.1")],
    );
    large.width = 1472;
    assert!(misfits(&*first, &large)[0].1.contains("256 to 1440"));
}
