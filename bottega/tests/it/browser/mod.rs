//! What a real browser makes of the gateway: its page, uploads, streams, and whose pages may call it.

mod chromium;

use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};

use crate::app::user::PASSWORD;
use crate::app::{App, PaidProvider};
use chromium::Browser;

/// Goes to an operation on the page at /docs.
const GO: &str = "const go = async (id) => {
    location.hash = `#/operation/${id}`;
    await until(() => document.querySelector('#contents [aria-current]')?.hash === location.hash);
    return document.querySelector('main form');
};";

/// Every operation and schema that is listed is shown.
const VISIT_ALL: &str = "
    const links = await until(() => { const all = [...document.querySelectorAll('#contents a')]; return all.length && all; });
    const empty = [];
    for (const link of links) {
        link.click();
        await until(() => link.getAttribute('aria-current') === 'page');
        const shown = document.querySelector('main h1')?.textContent && document.querySelector('main > h1 ~ *');
        const isCallable = !link.hash.startsWith('#/operation/') || document.querySelector('main form button[type=submit]');
        if (!shown || !isCallable) empty.push(link.hash);
    }
    return { hashes: links.map((link) => link.hash), empty, rules: document.styleSheets[0].cssRules.length };";

/// Signs in on the page itself, and takes the token over from the answer.
const SIGN_IN: &str = "
    const form = await go('AuthService_Login');
    form.querySelector('textarea').value = JSON.stringify(account);
    form.requestSubmit();
    const take = await until(() => [...form.querySelectorAll('button')].find((one) => one.textContent === 'Use this access token'));
    take.click();
    return sessionStorage.getItem('token');";

/// A picture that the browser itself makes, sent as forms send it.
const UPLOAD: &str = "
    const canvas = new OffscreenCanvas(48, 32);
    canvas.getContext('2d').fillRect(8, 8, 16, 16);
    const form = new FormData();
    form.append('name', 'drawn.png');
    form.append('file', await canvas.convertToBlob({ type: 'image/png' }), 'drawn.png');
    const headers = { authorization: `Bearer ${sessionStorage.getItem('token')}` };
    const answer = await fetch('/v1/files', { method: 'POST', body: form, headers });
    return { status: answer.status, file: await answer.json() };";

/// Follows a stream on the page, and notes when its text grew.
const FOLLOW: &str = "
    const form = await go('GenerationService_WatchGeneration');
    form.querySelector('input').value = id;
    const seen = [];
    const begun = performance.now();
    new MutationObserver(() => {
        const length = form.querySelector('[aria-live] > pre')?.textContent.length ?? 0;
        if (length > (seen.at(-1)?.length ?? 0)) seen.push({ length, at: performance.now() - begun });
    }).observe(form, { subtree: true, childList: true, characterData: true });
    form.requestSubmit();
    await until(() => form.querySelector('button.quiet').hidden);
    return { text: form.querySelector('[aria-live] > pre').textContent, seen, status: form.querySelector('.status').textContent };";

/// Fetches a file on the page, which shows it.
const SHOW: &str = "
    const form = await go('FileService_GetFileContent');
    form.querySelector('input').value = id;
    form.requestSubmit();
    const picture = await until(() => form.querySelector('img'));
    await picture.decode();
    return [picture.naturalWidth, picture.naturalHeight];";

fn script(values: &Value, rest: &str) -> String {
    let mut script = GO.to_owned();
    for (name, value) in values.as_object().unwrap() {
        script += &format!("const {name} = {value};");
    }
    script + rest
}

#[tokio::test]
async fn the_page_shows_everything_and_does_the_main_job() {
    let provider = PaidProvider::start(Duration::from_millis(800)).await;
    let app = App::start_with(&[
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", &provider.url),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.005"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
    ])
    .await;
    let user = app.user().await;
    let document = app.get("/openapi.json").await.expect(200).json();
    let mut browser = Browser::start().await;
    browser.open(&format!("{}/docs", app.url)).await;

    let visited = browser.run(VISIT_ALL).await;
    assert_eq!(visited["empty"], json!([]), "{visited}");
    assert!(visited["rules"].as_u64().unwrap() > 10, "{visited}");
    let operations = (document["paths"].as_object().unwrap().values())
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|one| format!("#/operation/{}", one["operationId"].as_str().unwrap()));
    for operation in operations {
        let hashes = visited["hashes"].as_array().unwrap();
        assert!(hashes.contains(&operation.as_str().into()), "{operation}");
    }

    let account = json!({"account": {"email": user.email, "password": PASSWORD}});
    let token = browser.run(&script(&account, SIGN_IN)).await;
    assert_eq!(token.as_str().unwrap().split('.').count(), 3, "{token}");

    let uploaded = browser.run(UPLOAD).await;
    assert_eq!(uploaded["status"], 201, "{uploaded}");
    let file = &uploaded["file"];
    assert_eq!(
        (&file["name"], &file["contentType"]),
        (&json!("drawn.png"), &json!("image/png"))
    );
    let size = browser.run(&script(&json!({"id": file["id"]}), SHOW)).await;
    assert_eq!(size, json!([48, 32]));

    let image = json!({"prompt": "a fox", "width": 64, "height": 64, "provider": "openai"});
    let order = json!({"kind": "IMAGE", "image": image});
    let ordered = user
        .post("/v1/generations", &order)
        .await
        .expect(202)
        .json();
    let followed = browser
        .run(&script(&json!({"id": ordered["id"]}), FOLLOW))
        .await;
    check_stream(&followed);

    assert_eq!(browser.complaints(), [""; 0]);
    // The policy of the page is in force, and its complaints would have been heard.
    let away = format!(
        "return fetch('{}/').catch((error) => error.name)",
        provider.url
    );
    assert_eq!(browser.run(&away).await, "TypeError");
    let complaints = browser.complaints();
    assert!(
        complaints
            .iter()
            .any(|one| one.contains("Content Security Policy")),
        "{complaints:?}"
    );
    browser.close().await;
    app.stop().await;
}

/// All of it came, and what came first did not wait for what came last.
fn check_stream(followed: &Value) {
    assert_eq!(followed["status"], "200", "{followed}");
    let text = followed["text"].as_str().unwrap();
    let told: Vec<Value> = (text.lines().filter_map(|line| line.strip_prefix("data: ")))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    assert_eq!(told[0]["type"], "QUEUED", "{text}");
    assert!(
        told.iter().any(|one| one["status"] == "COMPLETED"),
        "{text}"
    );
    assert!(
        text.trim_end()
            .rsplit("\n\n")
            .next()
            .unwrap()
            .contains("event: end"),
        "{text}"
    );
    let seen = followed["seen"].as_array().unwrap();
    let at = |one: &Value| one["at"].as_f64().unwrap();
    let spread = at(seen.last().unwrap()) - at(&seen[0]);
    assert!(
        spread > 300.0,
        "the provider alone takes 800 ms: {followed}"
    );
}

/// A page at an address of its own.
async fn page_elsewhere() -> String {
    let router = Router::new().route(
        "/",
        get(|| async { Html("<!doctype html><title>Shop</title>") }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_others_may_not() {
    let (shop, stranger) = (page_elsewhere().await, page_elsewhere().await);
    let app = App::start_with(&[("BOTTEGA_GATEWAY_CORS_ORIGINS", &shop)]).await;
    let user = app.user().await;
    let call = format!(
        "const headers = {{ authorization: 'Bearer {}' }};
        const form = new FormData();
        const canvas = new OffscreenCanvas(8, 8);
        canvas.getContext('2d');
        form.append('file', await canvas.convertToBlob(), 'drawn.png');
        const said = async (path, asked) => fetch('{}' + path, asked)
            .then((answer) => [answer.status, answer.headers.has('x-request-id')], (error) => error.name);
        return [
            await said('/v1/users/me', {{ headers }}),
            await said('/v1/files', {{ method: 'POST', headers, body: form }}),
            await said('/v1/files/none', {{ method: 'DELETE', headers }}),
        ];",
        user.token, app.url
    );
    let mut browser = Browser::start().await;
    browser.open(&shop).await;
    let answers = browser.run(&call).await;
    assert_eq!(answers, json!([[200, true], [201, true], [400, true]]));
    browser.open(&stranger).await;
    let answers = browser.run(&call).await;
    assert_eq!(answers, json!(["TypeError", "TypeError", "TypeError"]));
    let complaints = browser.complaints();
    assert!(
        complaints.iter().any(|one| one.contains("CORS")),
        "{complaints:?}"
    );
    browser.close().await;
    let files = user.get("/v1/files").await.expect(200).json();
    assert_eq!(files["files"].as_array().unwrap().len(), 1, "{files}");
    app.stop().await;
}
