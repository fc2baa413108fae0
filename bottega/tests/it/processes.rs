//! The real binary: killed in the middle of its work, split into five, told to stop.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use testkit::TestDb;

use crate::app::process::{free_addr, ready};
use crate::app::{PaidProvider, Process, Reply, User, defaults, http, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_it_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("BOTTEGA_GENERATION_LEASE", "3s"),
        ("BOTTEGA_GENERATION_WORKERS", "2"),
    ];
    let (process, url) = Process::up(folder.path(), &settings);
    let client = http();
    let user = User::register(&client, &url).await;
    let png = testkit::pictures::png(32, 32);
    let file = user
        .upload("kept.png", "image/png", png)
        .await
        .expect(201)
        .json();
    let mut ordered = Vec::new();
    for number in 0..5 {
        let image = json!({"prompt": format!("picture {number}"), "width": 1024, "height": 1024});
        let order = json!({"kind": "IMAGE", "image": image});
        let accepted = user
            .post("/v1/generations", &order)
            .await
            .expect(202)
            .json();
        ordered.push(accepted["id"].as_str().unwrap().to_owned());
    }
    let statuses = statuses(&user, &ordered).await;
    process.kill();
    assert!(
        statuses.iter().any(|status| status != "COMPLETED"),
        "killed too late: {statuses:?}"
    );

    let (_process, url) = Process::up(folder.path(), &settings);
    let login = json!({"email": user.email, "password": user::PASSWORD});
    let reply = Reply::of(client.post(format!("{url}/v1/auth/login")).json(&login)).await;
    let token = reply.expect(200).json()["tokens"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let user = user.moved(&url, &token);
    for id in &ordered {
        let done = user.finished(id).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
        assert_eq!(done["outputs"].as_array().unwrap().len(), 1);
    }
    user.settled(5).await;
    // One file from the upload and one of each generation: doing work again makes no second file.
    let files = user.get("/v1/files?pageSize=100").await.expect(200).json();
    assert_eq!(files["files"].as_array().unwrap().len(), 6, "{files}");
    assert!(files.to_string().contains(file["id"].as_str().unwrap()));
}

async fn statuses(user: &User, ids: &[String]) -> Vec<String> {
    let mut statuses = Vec::new();
    for id in ids {
        let generation = user
            .get(&format!("/v1/generations/{id}"))
            .await
            .expect(200)
            .json();
        statuses.push(generation["status"].as_str().unwrap().to_owned());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_processes_are_one_suite() {
    let folder = tempfile::tempdir().unwrap();
    let db = TestDb::postgres("all").await;
    let mut settings = defaults(folder.path());
    settings.insert(
        "BOTTEGA_DATABASE_URL".into(),
        db.settings().url.expose_secret().to_owned(),
    );
    settings.insert(
        "BOTTEGA_SERVICE_SECRET".into(),
        "0123456789abcdef0123456789abcdef".into(),
    );
    for name in ["GATEWAY", "AUTH", "FILE", "GENERATION", "USAGE"] {
        settings.insert(format!("BOTTEGA_{name}_ADDR"), free_addr());
        settings.insert(format!("BOTTEGA_{name}_ADMIN_ADDR"), free_addr());
    }
    // In the order that suits them least: each waits for those it needs.
    let _processes: Vec<Process> = ["gateway", "generation", "file", "usage", "auth"]
        .map(|service| Process::serve(service, &settings))
        .into();
    let url = format!("http://{}", settings["BOTTEGA_GATEWAY_ADDR"]);
    ready(&format!("{url}/readyz")).await;

    let user = User::register(&http(), &url).await;
    let done = user.finished(&user.generate("made by five").await).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    let file = done["outputs"][0]["fileId"].as_str().unwrap().to_owned();
    user.get(&format!("/v1/files/{file}/content"))
        .await
        .expect(200);
    user.settled(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_ends_in_time_whatever_clients_do() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("BOTTEGA_DRAIN", "3s"), ("BOTTEGA_GENERATION_WORKERS", "0")];
    let (process, url) = Process::up(folder.path(), &settings);
    let user = User::register(&http(), &url).await;
    let id = user.generate("watched for ever").await;
    // An open stream, and a client that never says a word.
    let watching = tokio::spawn({
        let request = user.request(
            reqwest::Method::GET,
            &format!("/v1/generations/{id}/events"),
        );
        async move { request.send().await?.text().await }
    });
    let silent = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.signal("TERM");
    let code = tokio::task::spawn_blocking(move || process.wait(Duration::from_secs(15)));
    assert_eq!(code.await.unwrap(), Some(0));
    drop(silent);
    // The stream was cut by the server, and says so: an error, never a clean end.
    if let Ok(text) = watching.await.unwrap() {
        assert!(
            text.contains("event: error") && !text.contains("event: end"),
            "{text}"
        );
    }
    // What was accepted is still there.
    let (_process, url) = Process::up(folder.path(), &[]);
    let user = user.moved(&url, &user.token);
    assert_eq!(user.finished(&id).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_keeps_the_pictures_that_were_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let provider = PaidProvider::start(Duration::from_secs(2)).await;
    let settings = [
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", provider.url.as_str()),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.05"),
    ];
    let (process, url) = Process::up(folder.path(), &settings);
    let user = User::register(&http(), &url).await;
    let mut ordered = Vec::new();
    for _ in 0..3 {
        let image = json!({"prompt": "a paid picture", "width": 1024, "height": 1024});
        let order = json!({"kind": "IMAGE", "image": image});
        let accepted = user.post("/v1/generations", &order).await.expect(202);
        ordered.push(accepted.json()["id"].as_str().unwrap().to_owned());
    }
    let started = std::time::Instant::now();
    while provider.orders() < 3 {
        assert!(started.elapsed().as_secs() < 20, "the orders are not sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.signal("TERM");
    let code = tokio::task::spawn_blocking(move || process.wait(Duration::from_secs(25)));
    assert_eq!(code.await.unwrap(), Some(0));

    let (_process, url) = Process::up(folder.path(), &settings);
    let user = user.moved(&url, &user.token);
    for id in &ordered {
        let done = user.finished(id).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
        assert_eq!(done["costMicrousd"], 50_000, "{done}");
    }
    assert_eq!(provider.orders(), 3, "nothing is paid twice");
    user.settled(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (process, url) = Process::up(folder.path(), &[("BOTTEGA_GENERATION_WORKERS", "0")]);
    let user = User::register(&http(), &url).await;
    let id = user.generate("never").await;
    let request = user.request(
        reqwest::Method::GET,
        &format!("/v1/generations/{id}/events"),
    );
    let _stream = request.send().await.unwrap();
    process.signal("TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    process.signal("TERM");
    let code = tokio::task::spawn_blocking(move || process.wait(Duration::from_secs(5)));
    assert!(matches!(code.await.unwrap(), Some(0 | 143)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_share_a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, url) = Process::up(folder.path(), &[]);
    let settings: BTreeMap<String, String> = defaults(folder.path());
    let second = crate::app::process::command(&["up"], &settings)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains("another process serves"), "{text}");
    User::register(&http(), &url).await;
}
