//! Registering, signing in, and one's own account.

use std::time::{Duration, Instant};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use contracts::auth::v1::user;
use errors::Reason;
use testkit::TestDb;

use crate::support::{
    Auth, EMAIL, PASSWORD, claims_of, config_of, count, execute, fault_of, reason_of,
};

#[tokio::test]
async fn an_account_is_made_once_and_signed_into_often() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (user, tokens) = auth.register(" Ada@Example.com ").await;
        assert_eq!(user.email, EMAIL, "{}", db.name());
        assert_eq!(
            (user.tier(), user.role()),
            (user::Tier::Free, user::Role::User)
        );
        assert_eq!(
            (tokens.expires_in, tokens.token_type.as_str()),
            (900, "Bearer")
        );
        assert_eq!(auth.me(&tokens.access_token).await.unwrap(), user);

        let again = auth.login("ADA@example.com", PASSWORD).await.unwrap();
        assert_eq!(again.user.unwrap(), user);
        let other = claims_of(&again.tokens.unwrap().access_token);
        let first = claims_of(&tokens.access_token);
        assert_eq!(
            (&first["sub"], &first["tier"]),
            (&other["sub"], &other["tier"])
        );
        assert_ne!(
            first["sid"], other["sid"],
            "each sign-in is a session of its own"
        );
        auth.stop().await;
    }
}

#[tokio::test]
async fn of_twenty_registrations_at_once_exactly_one_succeeds() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let attempts = (0..20).map(|_| auth.try_register(EMAIL, PASSWORD));
        let answers = futures::future::join_all(attempts).await;
        let made = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(made, 1, "{}", db.name());
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(reason_of(answer), Reason::EmailTaken);
        }
        assert_eq!(count(&db, "SELECT COUNT(*) FROM users").await, 1);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions").await, 1);
        auth.stop().await;
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let fault = fault_of(auth.try_register("ada@@example", "a\0").await);
    let fields: Vec<&str> = fault
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(
        (fault.reason, fields),
        (Reason::InvalidField, vec!["email", "password"])
    );
    let huge = "x".repeat(1 << 20);
    assert_eq!(
        reason_of(auth.login(EMAIL, &huge).await),
        Reason::InvalidField
    );
    assert_eq!(count(&db, "SELECT COUNT(*) FROM users").await, 0);
    auth.stop().await;
}

#[tokio::test]
async fn the_operators_address_becomes_admin() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (user, tokens) = auth.register("Root@example.com").await;
    assert_eq!(user.role(), user::Role::Admin);
    assert_eq!(claims_of(&tokens.access_token)["role"], "admin");
    auth.stop().await;
}

#[tokio::test]
async fn a_deleted_account_is_nobodys() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, tokens) = auth.register(EMAIL).await;
        execute(&db, "DELETE FROM users").await.unwrap();
        assert_eq!(
            reason_of(auth.me(&tokens.access_token).await),
            Reason::Unauthenticated
        );
        assert_eq!(
            reason_of(auth.rename(&tokens.access_token, "Ada").await),
            Reason::Unauthenticated
        );
        let refreshed = auth.refresh(&tokens.refresh_token).await;
        assert_eq!(
            reason_of(refreshed),
            Reason::InvalidRefreshToken,
            "{}",
            db.name()
        );
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_user_changes_the_own_name_and_no_other() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (user, tokens) = auth.register(EMAIL).await;
        let (other, others) = auth.register("eve@example.com").await;
        auth.clock.advance(Duration::from_secs(1));
        for (asked, stored) in [(" Ada Lovelace ", "Ada Lovelace"), ("", ""), ("Ada", "Ada")] {
            let renamed = auth.rename(&tokens.access_token, asked).await.unwrap();
            let mut wanted = user.clone();
            wanted.display_name = stored.to_owned();
            assert_eq!(renamed, wanted, "{}", db.name());
            assert_eq!(auth.me(&tokens.access_token).await.unwrap(), wanted);
        }
        let changed = "SELECT COUNT(*) FROM users WHERE updated_at = created_at + 1000000";
        assert_eq!(count(&db, changed).await, 1, "{}", db.name());
        assert_eq!(auth.me(&others.access_token).await.unwrap(), other);
        auth.stop().await;
    }
}

#[tokio::test]
async fn a_name_that_is_none_changes_nothing() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (user, tokens) = auth.register(EMAIL).await;
        for name in ["x".repeat(101), "A\0da".to_owned()] {
            let fault = fault_of(auth.rename(&tokens.access_token, &name).await);
            assert_eq!(fault.reason, Reason::InvalidField);
            assert_eq!(fault.violations[0].field, "displayName");
        }
        assert_eq!(auth.me(&tokens.access_token).await.unwrap(), user);
        auth.stop().await;
    }
}

#[tokio::test]
async fn without_a_good_token_nobody_is_anyone() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (_, tokens) = auth.register(EMAIL).await;
    let tampered = format!("{}A", tokens.access_token);
    for token in ["", "x", tampered.as_str(), tokens.refresh_token.as_str()] {
        assert_eq!(
            reason_of(auth.me(token).await),
            Reason::Unauthenticated,
            "{token}"
        );
    }
    auth.clock.advance(Duration::from_secs(901));
    assert_eq!(
        reason_of(auth.me(&tokens.access_token).await),
        Reason::Unauthenticated
    );
    auth.stop().await;
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_look_and_last_alike() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    auth.register(EMAIL).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..9 {
        let started = Instant::now();
        let wrong = auth.login(EMAIL, "not the password").await.unwrap_err();
        known.push(started.elapsed());
        let started = Instant::now();
        let nobody = auth
            .login(&format!("nobody{round}@example.com"), PASSWORD)
            .await;
        unknown.push(started.elapsed());
        let nobody = nobody.unwrap_err();
        assert_eq!(
            (wrong.code(), wrong.message()),
            (nobody.code(), nobody.message())
        );
        assert_eq!(wrong.details(), nobody.details());
        assert_eq!(reason_of::<()>(Err(wrong)), Reason::InvalidCredentials);
    }
    known.sort();
    unknown.sort();
    // Without the decoy hash it would be some fifty times faster; the machine may be busy.
    assert!(
        unknown[4] * 3 > known[4] && known[4] * 3 > unknown[4],
        "{known:?} {unknown:?}"
    );
    auth.stop().await;
}

#[tokio::test]
async fn a_hash_of_an_older_time_is_renewed_at_the_next_sign_in() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        auth.register(EMAIL).await;
        let weak = Params::new(8_192, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, weak);
        let weak = weak.hash_password(b"an older password").unwrap();
        let outdated = format!("UPDATE users SET password_hash = '{weak}'");
        execute(&db, &outdated).await.unwrap();
        auth.login(EMAIL, "an older password").await.unwrap();
        let renewed = "SELECT COUNT(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
        assert_eq!(count(&db, renewed).await, 1, "{}", db.name());
        auth.login(EMAIL, "an older password").await.unwrap();
        auth.stop().await;
    }
}

#[tokio::test]
async fn too_many_sign_ins_at_once_are_refused_and_told_when_to_come_back() {
    let db = TestDb::sqlite("auth").await;
    let mut config = config_of(&db);
    config.hashes = 1;
    config.hash_wait = Duration::from_millis(1);
    let auth = Auth::start_with(config).await.unwrap();
    auth.register(EMAIL).await;
    let attempts = (0..20).map(|_| auth.login(EMAIL, PASSWORD));
    let answers = futures::future::join_all(attempts).await;
    let (signed_in, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(!signed_in.is_empty() && !refused.is_empty());
    for answer in refused {
        let fault = fault_of(answer);
        assert_eq!(fault.reason, Reason::Overloaded);
        assert!(fault.retry_after.is_some());
    }
    auth.stop().await;
}
