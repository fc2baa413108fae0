//! Signing keys over starts, replicas and rotations.

use std::time::Duration;

use testkit::TestDb;
use types::Clock;

use crate::support::{Auth, EMAIL, config_of, count, execute};

#[tokio::test]
async fn keys_survive_a_restart() {
    for db in TestDb::both("auth").await {
        let before = Auth::start(&db).await;
        let (_, tokens) = before.register(EMAIL).await;
        let keys = before.jwks().await;
        before.stop().await;
        let after = Auth::start(&db).await;
        assert_eq!(after.jwks().await, keys, "{}", db.name());
        assert!(after.me(&tokens.access_token).await.is_ok());
        after.stop().await;
    }
}

#[tokio::test]
async fn processes_that_start_together_agree() {
    for db in TestDb::both("auth").await {
        if db.name() == "sqlite" {
            // One process owns a SQLite file, so only the key is raced for there.
            Auth::start(&db).await.stop().await;
            execute(&db, "DELETE FROM signing_keys").await.unwrap();
        }
        let starts = (0..4).map(|_| Auth::start(&db));
        let started = futures::future::join_all(starts).await;
        let keys = started[0].jwks().await;
        assert_eq!(keys.len(), 1, "{}", db.name());
        let (_, tokens) = started[0].register(EMAIL).await;
        for auth in started {
            assert_eq!(auth.jwks().await, keys);
            assert!(auth.me(&tokens.access_token).await.is_ok());
            auth.stop().await;
        }
        assert_eq!(count(&db, "SELECT COUNT(*) FROM signing_keys").await, 1);
    }
}

#[tokio::test]
async fn another_secret_cannot_open_the_keys_and_says_so() {
    let db = TestDb::sqlite("auth").await;
    Auth::start(&db).await.stop().await;
    let mut config = config_of(&db);
    config.common.service_secret = Some("another secret, which is long enough too".into());
    let error = Auth::start_with(config)
        .await
        .err()
        .expect("does not start");
    let sentence = error.to_string();
    assert!(sentence.contains("BOTTEGA_SERVICE_SECRET"), "{sentence}");
}

#[tokio::test]
async fn a_retired_key_is_published_while_its_tokens_live() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        let old = auth.jwks().await;
        let clock = auth.clock.clone();
        auth.stop().await;
        let now = clock.now().micros();
        let retire = format!("UPDATE signing_keys SET state = 'retired', retired_at = {now}");
        execute(&db, &retire).await.unwrap();

        let auth = Auth::start_at(config_of(&db), clock).await.unwrap();
        let both = auth.jwks().await;
        assert_eq!(both.len(), 2, "{}", db.name());
        assert_eq!(both[1], old[0], "the one that signs comes first");
        assert!(auth.me(&tokens.access_token).await.is_ok());
        let signed = auth.login(EMAIL, crate::support::PASSWORD).await.unwrap();
        assert!(auth.me(&signed.tokens.unwrap().access_token).await.is_ok());
        auth.clock.advance(Duration::from_secs(60 * 60));
        assert_eq!(auth.jwks().await, both[..1]);
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_running_process_follows_a_rotation() {
    let db = TestDb::postgres("auth").await;
    let running = Auth::start(&db).await;
    let old = running.jwks().await;
    let now = running.clock.now().micros();
    let retire = format!("UPDATE signing_keys SET state = 'retired', retired_at = {now}");
    execute(&db, &retire).await.unwrap();
    let rotating = Auth::start_at(config_of(&db), running.clock.clone())
        .await
        .unwrap();
    let new = rotating.jwks().await;
    assert_eq!(running.jwks().await, old, "not read again yet");
    running.clock.advance(Duration::from_secs(30));
    assert_eq!(running.jwks().await, new);
    running.stop().await;
    rotating.stop().await;
}
