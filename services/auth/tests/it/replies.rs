//! The main answers and refusals, whole, with what differs from run to run cut out.

use contracts::auth::v1::{
    GetCurrentUserRequest, GetJwksRequest, GetUserRequest, IssueServiceTokenRequest,
    ListUserAuditEventsRequest, ListUsersRequest, LoginRequest, RefreshTokensRequest,
    RegisterRequest, UpdateCurrentUserRequest, UpdateUserRequest,
};
use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use testkit::TestDb;
use tonic::Status;

use crate::support::{ADMIN, Auth, EMAIL, NOBODY, PASSWORD, SECRET, with_token};

/// A message as JSON has it.
fn as_json<M: Message + Name>(message: &M) -> Value {
    let descriptor = contracts::pool().get_message_by_name(&M::full_name());
    let descriptor = descriptor.expect("the contracts have it");
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice());
    let mut value = serde_json::to_value(dynamic.expect("it decodes")).expect("it is JSON");
    redact(&mut value);
    value
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "accessToken" => {
                        let parts = field.as_str().map_or(0, |text| text.split('.').count());
                        *field = json!(format!("[JWT of {parts} parts]"));
                    }
                    "refreshToken" | "x" | "kid" | "id" | "actor" | "target" => {
                        let length = field.as_str().map_or(0, str::len);
                        *field = json!(format!("[{length} characters]"));
                    }
                    "createdAt" => *field = json!("[time]"),
                    _ => redact(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> Value {
    let status = answer.expect_err("is refused");
    json!({
        "code": format!("{:?}", status.code()),
        "status": as_json(&errors::rpc_status(&status)),
    })
}

fn registration(email: &str, password: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        display_name: "Ada Lovelace".to_owned(),
    }
}

#[tokio::test]
async fn answers() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let mut client = auth.client();
    let registered = client
        .register(registration(EMAIL, PASSWORD))
        .await
        .unwrap()
        .into_inner();
    insta::assert_json_snapshot!("register", as_json(&registered));
    let tokens = registered.tokens.unwrap();
    let login = LoginRequest {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let signed_in = client.login(login).await.unwrap().into_inner();
    insta::assert_json_snapshot!("login", as_json(&signed_in));
    let refresh = RefreshTokensRequest {
        refresh_token: tokens.refresh_token,
    };
    let refreshed = client.refresh_tokens(refresh).await.unwrap().into_inner();
    insta::assert_json_snapshot!("refresh_tokens", as_json(&refreshed));
    let me = with_token(GetCurrentUserRequest {}, &tokens.access_token);
    let me = client.get_current_user(me).await.unwrap().into_inner();
    insta::assert_json_snapshot!("get_current_user", as_json(&me));
    let rename = UpdateCurrentUserRequest {
        display_name: Some("Ada King".to_owned()),
    };
    let rename = with_token(rename, &tokens.access_token);
    let renamed = client.update_current_user(rename).await.unwrap();
    insta::assert_json_snapshot!("update_current_user", as_json(&renamed.into_inner()));
    let keys = client
        .get_jwks(GetJwksRequest {})
        .await
        .unwrap()
        .into_inner();
    insta::assert_json_snapshot!("get_jwks", as_json(&keys));
    let service = IssueServiceTokenRequest {
        service: "file".to_owned(),
        secret: SECRET.to_owned(),
    };
    let service = client
        .issue_service_token(service)
        .await
        .unwrap()
        .into_inner();
    insta::assert_json_snapshot!("issue_service_token", as_json(&service));
    auth.stop().await;
}

#[tokio::test]
async fn answers_to_operators() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (root, tokens) = auth.register(ADMIN).await;
    let token = tokens.access_token.as_str();
    let mut client = auth.admin();
    let id = root.id;
    let update = UpdateUserRequest {
        id: id.clone(),
        plan: Some("team".to_owned()),
    };
    let updated = client.update_user(with_token(update, token)).await;
    insta::assert_json_snapshot!("update_user", as_json(&updated.unwrap().into_inner()));
    let get = GetUserRequest { id: id.clone() };
    let got = client.get_user(with_token(get, token)).await;
    insta::assert_json_snapshot!("get_user", as_json(&got.unwrap().into_inner()));
    let list = with_token(ListUsersRequest::default(), token);
    let listed = client.list_users(list).await;
    insta::assert_json_snapshot!("list_users", as_json(&listed.unwrap().into_inner()));
    let audit = ListUserAuditEventsRequest {
        id,
        ..ListUserAuditEventsRequest::default()
    };
    let events = client
        .list_user_audit_events(with_token(audit, token))
        .await;
    let events = as_json(&events.unwrap().into_inner());
    insta::assert_json_snapshot!("list_user_audit_events", events);
    auth.stop().await;
}

#[tokio::test]
async fn refusals() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    auth.register(EMAIL).await;
    let mut client = auth.client();
    let mut wrong = registration("nobody", "short");
    wrong.display_name = "\u{7}".to_owned();
    insta::assert_json_snapshot!("invalid_field", refusal(client.register(wrong).await));
    let common = client
        .register(registration("eve@example.com", "password"))
        .await;
    insta::assert_json_snapshot!("common_password", refusal(common));
    let taken = client.register(registration(EMAIL, PASSWORD)).await;
    insta::assert_json_snapshot!("email_taken", refusal(taken));
    let wrong = auth.login(EMAIL, "not the password").await;
    insta::assert_json_snapshot!("invalid_credentials", refusal(wrong));
    let unknown = auth.refresh("nothing").await;
    insta::assert_json_snapshot!("invalid_refresh_token", refusal(unknown));
    let (_, roots) = auth.register(ADMIN).await;
    let moved = auth.move_to(&roots.access_token, NOBODY, "pro").await;
    insta::assert_json_snapshot!("no_such_user", refusal(moved));
    let nobody = client.get_current_user(GetCurrentUserRequest {}).await;
    insta::assert_json_snapshot!("unauthenticated", refusal(nobody));
    for _ in 0..10 {
        auth.login("nobody@example.com", "a guess")
            .await
            .unwrap_err();
    }
    let limited = auth.login("nobody@example.com", "a guess").await;
    insta::assert_json_snapshot!("rate_limited", refusal(limited));
    auth.stop().await;
}
