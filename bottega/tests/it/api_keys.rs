//! A program signs in with an API key: it does the main job, its work is told apart, and it stops when its
//! owner says so.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{App, User};

async fn with_key(app: &App, user: &User) -> (User, String) {
    let body = json!({
        "displayName": "nightly renders",
        "scopes": ["files:read", "generations:read", "generations:write"],
    });
    let made = user.post("/v1/api-keys", &body).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let key = made["key"].as_str().unwrap();
    let id = made["apiKey"]["id"].as_str().unwrap();
    (user.moved(&app.url, key), id.to_owned())
}

#[tokio::test]
async fn a_program_does_the_main_job_with_its_key() {
    for app in [App::start().await, App::start_on_postgres().await] {
        let user = app.user().await;
        let (program, id) = with_key(&app, &user).await;
        let made = program.finished(&program.generate("a fox").await).await;
        assert_eq!(made["status"], "COMPLETED");
        let file = made["outputs"][0]["fileId"].as_str().unwrap();
        program
            .get(&format!("/v1/files/{file}/content"))
            .await
            .expect(200);
        user.settled(1).await;
        let records = user.get("/v1/usage/records").await.expect(200).json();
        let records = records["records"].as_array().unwrap();
        assert!(!records.is_empty());
        assert!(
            records.iter().all(|one| one["apiKeyId"] == id),
            "{records:?}"
        );

        for path in ["/v1/usage", "/v1/api-keys", "/v1/webhooks"] {
            let reply = program.get(path).await;
            reply.expect_error(403, "PERMISSION_DENIED");
        }
        let listed = user.get("/v1/api-keys").await.expect(200).json();
        assert_eq!(listed["apiKeys"][0]["id"], id);
        assert!(listed["apiKeys"][0]["lastUsedAt"].is_string(), "{listed}");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_revoked_key_stops_within_five_seconds() {
    let app = App::start_with(&[("BOTTEGA_RATE_LIMITS", "off")]).await;
    let user = app.user().await;
    let (program, id) = with_key(&app, &user).await;
    program.get("/v1/files").await.expect(200);
    let path = format!("/v1/api-keys/{id}");
    let revoked = user.delete(&path).await.expect(200).json();
    assert!(revoked["revokedAt"].is_string(), "{revoked}");
    let begun = Instant::now();
    loop {
        let reply = program.get("/v1/files").await;
        if reply.status != 200 {
            reply.expect_error(401, "UNAUTHENTICATED");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(6), "still taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(user.delete(&path).await.expect(200).json(), revoked);
    app.stop().await;
}
