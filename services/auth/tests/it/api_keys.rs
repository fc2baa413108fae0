//! API keys: made, listed, ended, and what stands for them inside the suite.

use std::time::Duration;

use contracts::auth::v1::{
    ApiKey, CreateApiKeyRequest, ExchangeApiKeyRequest, ListApiKeysRequest, ListApiKeysResponse,
    ListUserAuditEventsRequest, RevokeApiKeyRequest,
};
use errors::Reason;
use futures::future::join_all;
use testkit::TestDb;
use tonic::Status;
use types::{Clock, Timestamp};

use crate::support::{
    ADMIN, Auth, EMAIL, NOBODY, claims_of, count, execute, reason_of, with_token,
};

async fn list(auth: &Auth, token: &str, size: i32, page: &str) -> ListApiKeysResponse {
    let request = ListApiKeysRequest {
        page_size: size,
        page_token: page.to_owned(),
    };
    let listed = auth.keys().list_api_keys(with_token(request, token)).await;
    listed.unwrap().into_inner()
}

async fn revoke(auth: &Auth, token: &str, id: &str) -> Result<ApiKey, Status> {
    let request = RevokeApiKeyRequest { id: id.to_owned() };
    let request = with_token(request, token);
    let answer = auth.keys().revoke_api_key(request).await?.into_inner();
    Ok(answer.api_key.unwrap())
}

fn until(moment: Timestamp) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        display_name: "for a while".to_owned(),
        scopes: vec!["files:read".to_owned()],
        expires_at: Some(moment.into()),
    }
}

#[tokio::test]
async fn a_key_is_made_exchanged_listed_and_ended() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (user, tokens) = auth.register(EMAIL).await;
        let token = tokens.access_token.as_str();
        let made = auth.make_key(token, &["usage:read", "files:read"]).await;
        let key = made.api_key.unwrap();
        assert!(made.key.starts_with(&key.prefix) && key.prefix.len() == 8);
        assert_eq!(key.scopes, ["files:read", "usage:read"]);
        assert!(key.last_used_at.is_none() && key.revoked_at.is_none());

        let exchanged = auth.exchange(&made.key).await.unwrap();
        assert_eq!(exchanged.expires_in, 300);
        let claims = claims_of(&exchanged.access_token);
        assert_eq!(claims["sub"], user.id.as_str());
        assert_eq!(
            (&claims["role"], &claims["tier"]),
            (&"user".into(), &"free".into())
        );
        assert_eq!(claims["api_key_id"], key.id.as_str());
        assert_eq!(claims["scope"], "files:read usage:read");
        assert!(claims.get("sid").is_none());

        let listed = list(&auth, token, 0, "").await.api_keys;
        assert_eq!(listed.len(), 1);
        assert!(listed[0].last_used_at.is_some(), "{}", db.name());

        let revoked = revoke(&auth, token, &key.id).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(reason_of(auth.exchange(&made.key).await), Reason::NotFound);
        auth.clock.advance(Duration::from_secs(60));
        let again = revoke(&auth, token, &key.id).await.unwrap();
        assert_eq!(again.revoked_at, revoked.revoked_at, "it stays as it was");
        assert_eq!(list(&auth, token, 0, "").await.api_keys, [again]);
        auth.stop().await;
    }
}

#[tokio::test]
async fn only_a_digest_is_kept() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let made = auth.make_key(&tokens.access_token, &["files:read"]).await;
        let secret = &made.key[8..];
        for (table, column) in [
            ("api_keys", "prefix || display_name || scopes"),
            ("audit", "before || after || target"),
        ] {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%{secret}%'");
            assert_eq!(count(&db, &sql).await, 0, "{}: {table}", db.name());
        }
        let sql = "SELECT COUNT(*) FROM api_keys WHERE length(digest) = 32";
        assert_eq!(count(&db, sql).await, 1);
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_key_ends_when_its_time_or_its_owner_does() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let token = tokens.access_token.as_str();
        let now = auth.clock.now();
        let past = auth.try_make_key(token, until(now)).await;
        assert_eq!(reason_of(past), Reason::InvalidField);
        let end = now.plus(Duration::from_secs(60));
        let short = auth.try_make_key(token, until(end)).await.unwrap();
        let exchanged = auth.exchange(&short.key).await.unwrap();
        assert_eq!(exchanged.expires_in, 60, "no longer than the key");
        auth.clock.advance(Duration::from_secs(60));
        assert_eq!(reason_of(auth.exchange(&short.key).await), Reason::NotFound);

        let made = auth.make_key(token, &["files:read"]).await;
        auth.exchange(&made.key).await.unwrap();
        execute(&db, "DELETE FROM users").await.unwrap();
        assert_eq!(reason_of(auth.exchange(&made.key).await), Reason::NotFound);
        let nobodys = auth.try_make_key(token, until(end.plus(Duration::from_secs(9))));
        assert_eq!(reason_of(nobodys.await), Reason::Unauthenticated);
        auth.stop().await;
    }
}

#[tokio::test]
async fn nobody_sees_or_ends_anothers_key() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (_, mine) = auth.register(EMAIL).await;
    let (_, others) = auth.register("eve@example.com").await;
    let made = auth.make_key(&mine.access_token, &["files:read"]).await;
    let id = made.api_key.unwrap().id;
    for id in [id.as_str(), NOBODY] {
        let refused = revoke(&auth, &others.access_token, id).await;
        assert_eq!(reason_of(refused), Reason::NotFound);
    }
    assert!(
        list(&auth, &others.access_token, 0, "")
            .await
            .api_keys
            .is_empty()
    );
    auth.exchange(&made.key).await.unwrap();
    // Users are not told what stands for a key.
    let message = ExchangeApiKeyRequest { key: made.key };
    let request = with_token(message, &mine.access_token);
    let refused = auth.keys().exchange_api_key(request).await;
    assert_eq!(reason_of(refused), Reason::PermissionDenied);
    for wrong in ["", "btg_", "btg_000000000000000000000000000000000000"] {
        assert_eq!(reason_of(auth.exchange(wrong).await), Reason::NotFound);
    }
    auth.stop().await;
}

#[tokio::test]
async fn a_key_may_what_it_was_made_for_and_runs_nothing() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (root, roots) = auth.register(ADMIN).await;
    let all: Vec<&str> = contracts::scopes().iter().map(String::as_str).collect();
    let made = auth.make_key(&roots.access_token, &all).await;
    let token = auth.exchange(&made.key).await.unwrap().access_token;
    assert_eq!(auth.me(&token).await.unwrap().id, root.id);
    assert_eq!(
        reason_of(auth.rename(&token, "Eve").await),
        Reason::PermissionDenied
    );
    let moved = auth.move_to(&token, &root.id, "pro").await;
    assert_eq!(reason_of(moved), Reason::PermissionDenied);
    let end = auth.clock.now().plus(Duration::from_secs(60));
    let bred = auth.try_make_key(&token, until(end)).await;
    assert_eq!(reason_of(bred), Reason::PermissionDenied);
    let ended = revoke(&auth, &token, &made.api_key.unwrap().id).await;
    assert_eq!(reason_of(ended), Reason::PermissionDenied);

    let narrow = auth.make_key(&roots.access_token, &["files:read"]).await;
    let token = auth.exchange(&narrow.key).await.unwrap().access_token;
    assert_eq!(reason_of(auth.me(&token).await), Reason::PermissionDenied);
    auth.move_to(&roots.access_token, &root.id, "pro")
        .await
        .unwrap();
    let token = auth.exchange(&narrow.key).await.unwrap().access_token;
    assert_eq!(claims_of(&token)["tier"], "pro", "the plan of now");
    auth.stop().await;
}

#[tokio::test]
async fn of_many_made_at_once_there_are_fifty() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let token = tokens.access_token.as_str();
        let end = auth.clock.now().plus(Duration::from_secs(60));
        let made = join_all((0..60).map(|_| auth.try_make_key(token, until(end)))).await;
        let (good, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(good.len(), 50, "{}", db.name());
        for one in refused {
            assert_eq!(reason_of(one), Reason::WrongState);
        }
        let first = good[0].as_ref().unwrap().api_key.clone().unwrap();
        revoke(&auth, token, &first.id).await.unwrap();
        auth.make_key(token, &["files:read"]).await;
        auth.clock.advance(Duration::from_secs(60));
        auth.make_key(token, &["files:read"]).await;
        auth.stop().await;
    }
}

#[tokio::test]
async fn of_ended_keys_the_last_hundred_are_kept() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let token = tokens.access_token.as_str();
        let mut ids = Vec::new();
        for _ in 0..103 {
            let made = auth.make_key(token, &["files:read"]).await.api_key.unwrap();
            revoke(&auth, token, &made.id).await.unwrap();
            ids.push(made.id);
        }
        auth.make_key(token, &["files:read"]).await;
        let first = list(&auth, token, 100, "").await;
        let rest = list(&auth, token, 100, &first.next_page_token).await;
        assert!(rest.next_page_token.is_empty());
        let found: Vec<String> = first
            .api_keys
            .into_iter()
            .chain(rest.api_keys)
            .map(|one| one.id)
            .collect();
        ids.reverse();
        assert_eq!(&found[1..], &ids[..100], "{}", db.name());
        auth.stop().await;
    }
}

#[tokio::test]
async fn uses_are_noted_to_the_minute() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let token = tokens.access_token.as_str();
        let made = auth.make_key(token, &["files:read"]).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            auth.exchange(&made.key).await.unwrap();
            seen.push(list(&auth, token, 1, "").await.api_keys[0].last_used_at);
            auth.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(seen[0], seen[1], "{}", db.name());
        assert_ne!(seen[1], seen[2], "{}", db.name());
        auth.stop().await;
    }
}

#[tokio::test]
async fn what_becomes_of_keys_is_recorded() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, roots) = auth.register(ADMIN).await;
        let (user, tokens) = auth.register(EMAIL).await;
        let made = auth.make_key(&tokens.access_token, &["files:read"]).await;
        let id = made.api_key.unwrap().id;
        for _ in 0..2 {
            revoke(&auth, &tokens.access_token, &id).await.unwrap();
        }
        let request = ListUserAuditEventsRequest {
            id: user.id.clone(),
            ..ListUserAuditEventsRequest::default()
        };
        let request = with_token(request, &roots.access_token);
        let events = auth.admin().list_user_audit_events(request).await.unwrap();
        let events = events.into_inner().events;
        let actions: Vec<&str> = events.iter().map(|one| one.action.as_str()).collect();
        assert_eq!(
            actions,
            ["api_key.revoke", "api_key.create"],
            "{}",
            db.name()
        );
        assert!(events.iter().all(|one| one.actor == user.id));
        let wanted = format!(r#"{{"apiKeyId":"{id}","scopes":["files:read"]}}"#);
        assert_eq!(events[1].after, wanted);
        auth.stop().await;
    }
}
