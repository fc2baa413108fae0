//! Guessing one account's password.

use std::time::Duration;

use errors::Reason;
use testkit::TestDb;

use crate::support::{Auth, EMAIL, PASSWORD, count, fault_of, reason_of};

const WRONG: &str = "not the password";

#[tokio::test]
async fn ten_wrong_passwords_cost_a_wait_but_never_the_account() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        auth.register(EMAIL).await;
        auth.register("other@example.com").await;
        for _ in 0..10 {
            let answer = auth.login(EMAIL, WRONG).await;
            assert_eq!(
                reason_of(answer),
                Reason::InvalidCredentials,
                "{}",
                db.name()
            );
        }
        // The right password waits too: otherwise the answer would tell that it is right.
        let fault = fault_of(auth.login(EMAIL, PASSWORD).await);
        assert_eq!(fault.reason, Reason::RateLimited);
        assert_eq!(fault.retry_after, Some(Duration::from_secs(1)));
        assert!(auth.login("other@example.com", PASSWORD).await.is_ok());

        auth.clock.advance(Duration::from_secs(1));
        assert_eq!(
            reason_of(auth.login(EMAIL, WRONG).await),
            Reason::InvalidCredentials
        );
        let fault = fault_of(auth.login(EMAIL, WRONG).await);
        assert_eq!(
            fault.retry_after,
            Some(Duration::from_secs(2)),
            "the wait grows"
        );

        auth.clock.advance(Duration::from_secs(2));
        assert!(
            auth.login(EMAIL, PASSWORD).await.is_ok(),
            "the owner gets in"
        );
        assert_eq!(count(&db, "SELECT COUNT(*) FROM login_failures").await, 0);
        auth.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_address_is_slowed_alike() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    for _ in 0..10 {
        let answer = auth.login("nobody@example.com", WRONG).await;
        assert_eq!(reason_of(answer), Reason::InvalidCredentials);
    }
    let answer = auth.login("nobody@example.com", WRONG).await;
    assert_eq!(reason_of(answer), Reason::RateLimited);
    auth.stop().await;
}

#[tokio::test]
async fn the_count_begins_anew_after_a_quiet_quarter_of_an_hour() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        for _ in 0..10 {
            auth.login(EMAIL, WRONG).await.unwrap_err();
        }
        auth.clock.advance(Duration::from_secs(15 * 60));
        for _ in 0..2 {
            let answer = auth.login(EMAIL, WRONG).await;
            assert_eq!(
                reason_of(answer),
                Reason::InvalidCredentials,
                "{}",
                db.name()
            );
        }
        assert_eq!(count(&db, "SELECT failures FROM login_failures").await, 2);
        auth.clock.advance(Duration::from_secs(15 * 60));
        auth.login("else@example.com", WRONG).await.unwrap_err();
        let rows = count(&db, "SELECT COUNT(*) FROM login_failures").await;
        assert_eq!(rows, 1, "what is over is dropped");
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_burst_gets_few_guesses_past_the_count() {
    for db in TestDb::both("auth").await {
        let mut config = crate::support::config_of(&db);
        config.hashes = 2;
        let auth = Auth::start_with(config).await.unwrap();
        auth.register(EMAIL).await;
        let attempts = (0..40).map(|_| auth.login(EMAIL, WRONG));
        let answers = futures::future::join_all(attempts).await;
        let guessed = answers.into_iter().map(reason_of);
        let guessed = guessed
            .filter(|reason| *reason == Reason::InvalidCredentials)
            .count();
        // Ten, and what the other place held when the tenth was counted.
        assert!((10..=11).contains(&guessed), "{}: {guessed}", db.name());
        auth.stop().await;
    }
}
