//! A signed-in user and what users do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Reply;

/// A signed-in user.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
    url: String,
    http: reqwest::Client,
}

pub const PASSWORD: &str = "correct horse battery";

impl User {
    /// Registers a fresh address.
    pub async fn register(http: &reqwest::Client, url: &str) -> Self {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        Self::register_as(http, url, &email).await
    }

    /// Registers this address.
    pub async fn register_as(http: &reqwest::Client, url: &str, email: &str) -> Self {
        let body = json!({"email": email, "password": PASSWORD, "displayName": "Test"});
        let request = http.post(format!("{url}/v1/auth/register")).json(&body);
        let reply = Reply::of(request).await.expect(201).json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            id: text(&reply["user"]["id"]),
            email: email.to_owned(),
            token: text(&reply["tokens"]["accessToken"]),
            refresh_token: text(&reply["tokens"]["refreshToken"]),
            url: url.to_owned(),
            http: http.clone(),
        }
    }

    /// The same user at another address, with another token.
    pub fn moved(&self, url: &str, token: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// The same user with the tokens of a refresh.
    pub async fn refreshed(&self) -> Self {
        let body = json!({"refreshToken": self.refresh_token});
        let tokens = self
            .post("/v1/auth/refresh", &body)
            .await
            .expect(200)
            .json();
        let text = |name: &str| tokens[name].as_str().expect("text").to_owned();
        Self {
            token: text("accessToken"),
            refresh_token: text("refreshToken"),
            ..self.clone()
        }
    }

    /// A request with the user's token, to be changed before it is sent.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(reqwest::Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(reqwest::Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(reqwest::Method::PATCH, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(reqwest::Method::PUT, path).json(body)).await
    }

    /// Uploads raw bytes.
    pub async fn upload(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Reply {
        let request = self
            .request(reqwest::Method::POST, &format!("/v1/files?name={name}"))
            .header("content-type", content_type)
            .body(bytes);
        Reply::of(request).await
    }

    /// Orders a picture of 64 by 64, which is drawn in a moment.
    pub async fn order(&self, prompt: &str) -> Reply {
        let image = json!({"prompt": prompt, "width": 64, "height": 64, "seed": 7});
        self.post("/v1/generations", &json!({"kind": "IMAGE", "image": image}))
            .await
    }

    /// Orders a picture and gives its id.
    pub async fn generate(&self, prompt: &str) -> String {
        let generation = self.order(prompt).await.expect(202).json();
        generation["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until a generation has ended, and gives it.
    pub async fn finished(&self, id: &str) -> Value {
        let started = Instant::now();
        loop {
            let generation = self
                .get(&format!("/v1/generations/{id}"))
                .await
                .expect(200)
                .json();
            let status = generation["status"].as_str().unwrap_or_default();
            if ["COMPLETED", "FAILED", "CANCELLED"].contains(&status) {
                return generation;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "still {status}: {generation}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The one limit of the user's plan on generations.
    pub async fn quota(&self) -> Value {
        let usage = self.get("/v1/usage").await.expect(200).json();
        let limits = usage["limits"].as_array().expect("limits");
        limits
            .iter()
            .find(|limit| limit["meter"] == "GENERATIONS")
            .expect("the meter")
            .clone()
    }

    /// Waits until the counter shows this many used and none reserved.
    pub async fn settled(&self, used: i64) {
        let started = Instant::now();
        loop {
            let quota = self.quota().await;
            if quota["used"] == used && quota["reserved"] == 0 {
                return;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "wanted {used} used: {quota}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}
