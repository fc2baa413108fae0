//! Trading refresh tokens: rows H1 to H4 of the fault matrix, and what lies beside them.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::auth::v1::Tokens;
use errors::Reason;
use testkit::TestDb;
use tonic::Status;

use crate::support::{Auth, EMAIL, claims_of, config_of, count, execute, reason_of};

const ACTIVE: &str = "SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NULL";
const ENDED: &str = "SELECT COUNT(*) FROM sessions WHERE end_reason = 'token_reused'";

fn is_invalid(answer: Result<Tokens, Status>) -> bool {
    reason_of(answer) == Reason::InvalidRefreshToken
}

#[tokio::test]
async fn h1_a_used_token_after_the_grace_ends_the_session() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let second = auth.refresh(&first.refresh_token).await.unwrap();
        assert_ne!(first.refresh_token, second.refresh_token);
        assert!(auth.me(&second.access_token).await.is_ok());
        let (one, other) = (
            claims_of(&first.access_token),
            claims_of(&second.access_token),
        );
        assert_eq!(one["sid"], other["sid"]);

        auth.clock.advance(Duration::from_secs(11));
        assert!(
            is_invalid(auth.refresh(&first.refresh_token).await),
            "{}",
            db.name()
        );
        assert!(
            is_invalid(auth.refresh(&second.refresh_token).await),
            "the family is dead"
        );
        assert_eq!(count(&db, ENDED).await, 1);
        auth.stop().await;
    }
}

#[tokio::test]
async fn h2_twenty_parallel_refreshes_get_one_child() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let attempts = (0..20).map(|_| auth.refresh(&first.refresh_token));
        let answers = futures::future::join_all(attempts).await;
        let children: BTreeSet<String> = answers
            .into_iter()
            .map(|answer| answer.expect("nobody honest is refused").refresh_token)
            .collect();
        assert_eq!(children.len(), 1, "{}", db.name());
        assert_eq!(count(&db, ACTIVE).await, 1);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM refresh_tokens").await, 2);
        let child = children.first().unwrap();
        assert!(auth.refresh(child).await.is_ok(), "the session goes on");
        auth.stop().await;
    }
}

#[tokio::test]
async fn h2_holds_over_replicas() {
    let db = TestDb::postgres("auth").await;
    let one = Auth::start(&db).await;
    let other = Auth::start_at(config_of(&db), one.clock.clone())
        .await
        .unwrap();
    let (_, first) = one.register(EMAIL).await;
    let token = first.refresh_token.as_str();
    let replicas = [&one, &other];
    let attempts = (0..20).map(|number| replicas[number % 2].refresh(token));
    let answers = futures::future::join_all(attempts).await;
    let children: BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.unwrap().refresh_token)
        .collect();
    assert_eq!(children.len(), 1);
    assert_eq!(count(&db, ACTIVE).await, 1);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn h3_a_lost_answer_is_given_again() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let lost = auth.refresh(&first.refresh_token).await.unwrap();
        auth.clock.advance(Duration::from_secs(10));
        let again = auth.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(
            lost.refresh_token,
            again.refresh_token,
            "{}: no fork",
            db.name()
        );
        assert!(auth.me(&again.access_token).await.is_ok());
        assert!(auth.refresh(&again.refresh_token).await.is_ok());
        assert_eq!(count(&db, ENDED).await, 0);
        auth.stop().await;
    }
}

#[tokio::test]
async fn h4_a_grandparent_within_the_grace_ends_the_session() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let second = auth.refresh(&first.refresh_token).await.unwrap();
        let third = auth.refresh(&second.refresh_token).await.unwrap();
        assert!(
            is_invalid(auth.refresh(&first.refresh_token).await),
            "{}",
            db.name()
        );
        for token in [second, third] {
            assert!(is_invalid(auth.refresh(&token.refresh_token).await));
        }
        assert_eq!(count(&db, ENDED).await, 1);
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_session_ends_alone() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (_, stolen) = auth.register(EMAIL).await;
    let other = auth.login(EMAIL, crate::support::PASSWORD).await.unwrap();
    auth.refresh(&stolen.refresh_token).await.unwrap();
    auth.clock.advance(Duration::from_secs(60));
    assert!(is_invalid(auth.refresh(&stolen.refresh_token).await));
    assert!(
        auth.refresh(&other.tokens.unwrap().refresh_token)
            .await
            .is_ok()
    );
    auth.stop().await;
}

#[tokio::test]
async fn lossy_and_parallel_clients_are_never_signed_out() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let mut current = first.refresh_token;
        for round in 0..10 {
            let attempts = (0..4).map(|_| auth.refresh(&current));
            let answers = futures::future::join_all(attempts).await;
            // All answers but the last are lost on the way.
            current = answers.into_iter().last().unwrap().unwrap().refresh_token;
            auth.clock.advance(Duration::from_secs(round));
        }
        assert_eq!(count(&db, ENDED).await, 0, "{}", db.name());
        auth.stop().await;
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_and_its_session_forgotten() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        auth.clock.advance(Duration::from_secs(30 * 86_400));
        assert!(
            is_invalid(auth.refresh(&first.refresh_token).await),
            "{}",
            db.name()
        );
        assert_eq!(count(&db, ENDED).await, 0, "growing old is no theft");
        auth.login(EMAIL, crate::support::PASSWORD).await.unwrap();
        assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions").await, 1);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM refresh_tokens").await, 1);
        auth.stop().await;
    }
}

#[tokio::test]
async fn used_tokens_are_dropped_once_they_expire() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        let second = auth.refresh(&first.refresh_token).await.unwrap();
        auth.clock.advance(Duration::from_secs(29 * 86_400));
        let third = auth.refresh(&second.refresh_token).await.unwrap();
        auth.clock.advance(Duration::from_secs(2 * 86_400));
        auth.refresh(&third.refresh_token).await.unwrap();
        let kept = count(&db, "SELECT COUNT(*) FROM refresh_tokens").await;
        assert_eq!(kept, 2, "{}: the third and the fourth", db.name());
        auth.stop().await;
    }
}

#[tokio::test]
async fn new_tokens_say_what_the_account_is_now() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (_, first) = auth.register(EMAIL).await;
    execute(&db, "UPDATE users SET tier = 'pro'").await.unwrap();
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(claims_of(&first.access_token)["tier"], "free");
    assert_eq!(claims_of(&second.access_token)["tier"], "pro");
    auth.stop().await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (_, tokens) = auth.register(EMAIL).await;
    let huge = "A".repeat(70_000);
    let unknown = "A".repeat(43);
    for token in [
        tokens.access_token.as_str(),
        "x",
        &huge,
        &unknown,
        "' OR 1=1 --",
    ] {
        assert!(is_invalid(auth.refresh(token).await));
    }
    assert_eq!(reason_of(auth.refresh("").await), Reason::InvalidField);
    auth.stop().await;
}
