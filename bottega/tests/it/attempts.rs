//! `bottega admin attempts`: what operators do by hand about orders that may have been paid for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::app::process::command;
use crate::app::{App, User};

// A provider that takes every order and is gone before it answers.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut order = vec![0; 65_536];
            let _ = client.read(&mut order).await;
        }
    });
    url
}

async fn lost_order(user: &User) -> String {
    let image = json!({"prompt": "a fox", "width": 1024, "height": 1024, "provider": "openai"});
    let order = json!({"kind": "IMAGE", "image": image});
    let made = user
        .post("/v1/generations", &order)
        .await
        .expect(202)
        .json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(user.finished(&id).await["status"], "FAILED");
    id
}

async fn charged(user: &User, records: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let page = user.get("/v1/usage/records").await.expect(200).json();
        let found = page["records"].as_array().cloned().unwrap_or_default();
        if found.len() == records {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_ends_them_by_hand() {
    let url = silent().await;
    let app = App::start_with(&[
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", &url),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.05"),
        ("BOTTEGA_EGRESS_ALLOW", "127.0.0.1"),
    ])
    .await;
    let user = app.user().await;
    let (billed, free) = (lost_order(&user).await, lost_order(&user).await);
    let settings = app.settings();
    let run = async |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.splice(0..0, ["admin", "attempts"]);
        let mut binary = command(&arguments, &settings);
        let output = tokio::task::spawn_blocking(move || binary.output().unwrap());
        let output = output.await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, out, err) = run(&["--unknown", "--json"]).await;
    assert_eq!(code, Some(0), "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let found: Vec<&str> = (told["attempts"].as_array().unwrap().iter())
        .map(|one| one["generationId"].as_str().unwrap())
        .collect();
    assert_eq!(found, [free.as_str(), &billed], "{out}");
    assert_eq!(told["attempts"][0]["heldMicrousd"], 50_000);
    let (_, out, _) = run(&["--unknown"]).await;
    assert!(out.ends_with("2 unknown, $0.100000 in suspense\n"), "{out}");

    let line = ["--settle", &billed, "--cost", "41000", "--note", "line 7"];
    let (code, out, err) = run(&line).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("$0.041000, line 7"), "{out}");
    let records = charged(&user, 1).await;
    assert_eq!(records[0]["chargedMicrousd"], 41_000, "{records:?}");
    // The same again changes nothing; something else is too late.
    assert_eq!(run(&line).await.0, Some(0));
    let (code, _, err) = run(&["--release", &billed]).await;
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(run(&["--release", &free]).await.0, Some(0));
    let (_, out, _) = run(&["--unknown"]).await;
    assert!(out.starts_with("0 unknown, "), "{out}");
    charged(&user, 1).await;

    for wrong in [
        &["--settle", &billed][..],
        &["--release", &billed, "--cost", "1"],
        &["--settle", &billed, "--cost", "-1"],
        &["--settle", "seven", "--cost", "1"],
        &["--unknown", "--release", &billed],
        &[],
    ] {
        assert_eq!(run(wrong).await.0, Some(2), "{wrong:?}");
    }
    let nobody = uuid::Uuid::now_v7().to_string();
    assert_eq!(run(&["--release", &nobody]).await.0, Some(1));
    app.stop().await;
}
