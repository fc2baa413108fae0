//! The examples of the served OpenAPI document are taken: none has a field that is wrong.

use reqwest::Method;
use uuid::Uuid;

use crate::app::{ADMIN, App, Reply};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_document_shows_may_be_asked() {
    let app = App::start_with(&[ADMIN]).await;
    let operator = app.operator().await;
    let document = app.get("/openapi.json").await.expect(200).json();
    let (mut asked, mut refused) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            if !body.is_object() {
                continue;
            }
            let id = Uuid::now_v7().to_string();
            let path = ["{id}", "{webhookId}", "{generationId}"]
                .iter()
                .fold(path.clone(), |path, name| path.replace(name, &id));
            let path = path.replace("{name}", "studio");
            let method: Method = method.to_uppercase().parse().unwrap();
            let reply = Reply::of(operator.request(method, &path).json(body)).await;
            let name = operation["operationId"].as_str().unwrap();
            // There may be no such thing; nobody has that password, or that token.
            let is_taken = [200, 201, 202, 404, 409].contains(&reply.status);
            let is_signing_in = name.starts_with("AuthService_") && reply.status == 401;
            if !is_taken && !is_signing_in {
                refused.push(format!("{name}: {}", reply.text()));
            }
            asked += 1;
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(asked > 20, "{asked}");
    app.stop().await;
}
