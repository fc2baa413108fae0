//! From sign-in to a downloaded picture.

use image::GenericImageView;
use serde_json::json;

use crate::app::{App, Reply, User, user};

#[tokio::test]
async fn a_user_signs_in_and_takes_a_picture_home() {
    for app in [App::start().await, App::start_on_postgres().await] {
        main_job(&app).await;
        app.stop().await;
    }
}

async fn main_job(app: &App) {
    let user = app.user().await;
    let me = user.get("/v1/users/me").await.expect(200).json();
    assert_eq!(
        (&me["id"], &me["email"]),
        (&json!(user.id), &json!(user.email))
    );
    assert_eq!((&me["tier"], &me["role"]), (&json!("FREE"), &json!("USER")));

    let png = testkit::pictures::png(64, 48);
    let file = user
        .upload("fox.png", "image/png", png.clone())
        .await
        .expect(201)
        .json();
    assert_eq!((&file["width"], &file["height"]), (&json!(64), &json!(48)));
    assert_eq!(file["size"], png.len());

    let image = json!({
        "prompt": "a fox in a snowy forest", "negativePrompt": "people", "width": 256,
        "height": 192, "seed": 11, "inputFileIds": [file["id"]],
    });
    let order = json!({"kind": "IMAGE", "image": image});
    let reply = user.post("/v1/generations", &order).await.expect(202);
    assert!(
        reply.header("ratelimit").contains("r=4"),
        "{:?}",
        reply.headers
    );
    let accepted = reply.json();
    assert_eq!(
        (&accepted["status"], &accepted["kind"]),
        (&json!("PENDING"), &json!("IMAGE"))
    );

    let done = user.finished(accepted["id"].as_str().unwrap()).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    assert_eq!(
        (&done["progress"], &done["provider"]),
        (&json!(100), &json!("sketch"))
    );
    assert_eq!(
        (&done["attempts"], &done["costMicrousd"]),
        (&json!(1), &json!(0))
    );
    let output = &done["outputs"][0];
    assert_eq!(
        (&output["width"], &output["height"]),
        (&json!(256), &json!(192))
    );

    let content = format!("/v1/files/{}/content", output["fileId"].as_str().unwrap());
    let picture = user.get(&content).await.expect(200);
    assert_eq!(picture.header("content-type"), "image/png");
    let decoded = image::load_from_memory(&picture.bytes).unwrap();
    assert_eq!(decoded.dimensions(), (256, 192));

    user.settled(1).await;
    lists_what_was_done(&user).await;
}

async fn lists_what_was_done(user: &User) {
    let listed = user
        .get("/v1/generations?status=COMPLETED")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["generations"].as_array().unwrap().len(), 1);
    assert_eq!(listed["nextPageToken"], "");
}

#[tokio::test]
async fn a_user_takes_another_name() {
    let app = App::start().await;
    let user = app.user().await;
    let before = user.get("/v1/users/me").await.expect(200).json();
    let name = json!({"displayName": " Ada "});
    let renamed = user.patch("/v1/users/me", &name).await.expect(200).json();
    assert_eq!(
        (&renamed["displayName"], &renamed["id"]),
        (&json!("Ada"), &before["id"])
    );
    assert_eq!(user.get("/v1/users/me").await.expect(200).json(), renamed);
    for wrong in [
        json!({}),
        json!({"displayName": null}),
        json!({"displayName": 7}),
        json!({"displayName": "x".repeat(101)}),
        json!({"displayName": "A\u{0}da"}),
    ] {
        let reply = user.patch("/v1/users/me", &wrong).await;
        reply.expect_field("displayName");
    }
    let tier = json!({"displayName": "Ada", "tier": "PRO"});
    user.patch("/v1/users/me", &tier).await.expect_field("tier");
    assert_eq!(user.get("/v1/users/me").await.expect(200).json(), renamed);
}

#[tokio::test]
async fn the_same_order_gives_the_same_picture() {
    let app = App::start().await;
    let user = app.user().await;
    let mut pictures = Vec::new();
    for _ in 0..2 {
        let done = user.finished(&user.generate("three boats").await).await;
        let id = done["outputs"][0]["fileId"].as_str().unwrap().to_owned();
        let file = user
            .get(&format!("/v1/files/{id}"))
            .await
            .expect(200)
            .json();
        pictures.push(file["sha256"].clone());
    }
    assert_eq!(pictures[0], pictures[1]);
}

#[tokio::test]
async fn tokens_refresh_and_rotate() {
    let app = App::start().await;
    let user = app.user().await;
    let login = json!({"email": user.email.to_uppercase(), "password": user::PASSWORD});
    let login = Reply::of(
        app.http
            .post(format!("{}/v1/auth/login", app.url))
            .json(&login),
    )
    .await;
    let tokens = login.expect(200).json()["tokens"].clone();
    assert_eq!(tokens["tokenType"], "Bearer");
    assert!(tokens["expiresIn"].as_i64().unwrap() > 0);

    let refresh = |token: serde_json::Value| {
        let url = format!("{}/v1/auth/refresh", app.url);
        Reply::of(app.http.post(url).json(&json!({"refreshToken": token})))
    };
    let next = refresh(tokens["refreshToken"].clone())
        .await
        .expect(200)
        .json();
    assert_ne!(next["refreshToken"], tokens["refreshToken"]);
    let after = refresh(next["refreshToken"].clone())
        .await
        .expect(200)
        .json();
    assert!(after["accessToken"].is_string());
    // The first one is two generations old: whoever has it has stolen it.
    refresh(tokens["refreshToken"].clone())
        .await
        .expect_error(401, "INVALID_REFRESH_TOKEN");
    refresh(after["refreshToken"].clone())
        .await
        .expect_error(401, "INVALID_REFRESH_TOKEN");
}

#[tokio::test]
async fn the_fixed_routes_answer() {
    let app = App::start().await;
    assert_eq!(app.get("/healthz").await.expect(200).status, 200);
    let ready = app.get("/readyz").await.expect(200).json();
    for service in ["auth", "file", "generation", "usage"] {
        assert!(ready.to_string().contains(service), "{ready}");
    }
    let keys = app.get("/.well-known/jwks.json").await.expect(200).json();
    assert_eq!(
        (&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    let document = app.get("/openapi.json").await.expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/generations"]["post"].is_object());

    let user = app.user().await;
    let providers = user.get("/v1/providers").await.expect(200).json();
    let providers = providers["providers"].as_array().unwrap().clone();
    let state = |name: &str| {
        providers
            .iter()
            .find(|one| one["name"] == name)
            .map(|one| one["state"].clone())
    };
    assert_eq!(state("sketch"), Some(json!("AVAILABLE")));
    for name in ["gemini", "sdxl", "stability", "flux", "openai"] {
        assert_eq!(state(name), Some(json!("UNCONFIGURED")), "{name}");
    }
}
