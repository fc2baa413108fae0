//! The schema: there and back, and what it refuses by itself.

use auth::{Migrator, StartError};
use contracts::auth::v1::User;
use database::{Database, OpenError};
use sea_orm_migration::MigratorTrait;
use testkit::TestDb;

use crate::support::{ADMIN, Auth, EMAIL, PASSWORD, config_of, count, execute};

#[tokio::test]
async fn migrations_apply_revert_and_apply_again() {
    for db in TestDb::both("auth").await {
        let database = Database::connect(&db.settings()).await.unwrap();
        database.migrate::<Migrator>().await.unwrap();
        assert!(database.pending::<Migrator>().await.unwrap().is_empty());
        database.revert::<Migrator>().await.unwrap();
        assert_eq!(
            database.pending::<Migrator>().await.unwrap().len(),
            6,
            "{}",
            db.name()
        );
        database.migrate::<Migrator>().await.unwrap();
        database.close().await;
        let auth = Auth::start(&db).await;
        auth.register(EMAIL).await;
        auth.stop().await;
    }
}

#[tokio::test]
async fn plans_come_and_go_without_anybodys_loss() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (root, roots) = auth.register(ADMIN).await;
        let (user, first) = auth.register(EMAIL).await;
        let (pro, _) = auth.register("pro@example.com").await;
        for (id, plan) in [(&user.id, "team"), (&pro.id, "pro")] {
            auth.move_to(&roots.access_token, id, plan).await.unwrap();
        }
        auth.refresh(&first.refresh_token).await.unwrap();
        auth.stop().await;

        let database = Database::connect(&db.settings()).await.unwrap();
        Migrator::down(database.write(), Some(2)).await.unwrap();
        let refused = execute(&db, "UPDATE users SET tier = 'team'").await;
        assert!(refused.is_err(), "{}", db.name());
        for (table, rows) in [("users", 3), ("sessions", 3), ("refresh_tokens", 4)] {
            let kept = count(&db, &format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(kept, rows, "{}: {table}", db.name());
        }
        database.migrate::<Migrator>().await.unwrap();
        database.close().await;

        let auth = Auth::start(&db).await;
        let signed_in = auth.login(EMAIL, PASSWORD).await.unwrap();
        let wanted = User {
            plan: "free".to_owned(),
            ..user
        };
        assert_eq!(signed_in.user, Some(wanted), "{}", db.name());
        for (email, kept) in [(ADMIN, &root.id), ("pro@example.com", &pro.id)] {
            let user = auth.login(email, PASSWORD).await.unwrap().user.unwrap();
            assert_eq!(&user.id, kept);
        }
        assert_eq!(
            count(&db, "SELECT COUNT(*) FROM users WHERE tier = 'pro'").await,
            1
        );
        auth.refresh(&roots.refresh_token).await.unwrap();
        execute(&db, "DELETE FROM users").await.unwrap();
        for table in ["sessions", "refresh_tokens"] {
            let left = count(&db, &format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(left, 0, "{}: {table}", db.name());
        }
        auth.stop().await;
    }
}

#[tokio::test]
async fn without_leave_to_migrate_it_names_what_is_missing() {
    for db in TestDb::both("auth").await {
        let mut config = config_of(&db);
        config.migrate = false;
        match Auth::start_with(config.clone()).await.err() {
            Some(StartError::Database(OpenError::Pending { pending, .. })) => {
                assert!(
                    pending.contains(&"m0001_accounts".to_owned()),
                    "{pending:?}"
                );
            }
            other => panic!("{}: {other:?}", db.name()),
        }
        Auth::start(&db).await.stop().await;
        Auth::start_with(config).await.unwrap().stop().await;
    }
}

#[tokio::test]
async fn the_tables_refuse_what_no_rule_allows() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, first) = auth.register(EMAIL).await;
        auth.refresh(&first.refresh_token).await.unwrap();
        auth.make_key(&first.access_token, &["files:read"]).await;
        for forbidden in [
            "UPDATE users SET tier = 'Gold'",
            "UPDATE users SET tier = ''",
            "UPDATE users SET tier = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
            "UPDATE users SET role = 'service'",
            "UPDATE refresh_tokens SET used_at = NULL",
            "UPDATE refresh_tokens SET parent_digest = NULL WHERE seed IS NOT NULL",
            "UPDATE sessions SET ended_at = 1",
            "UPDATE sessions SET ended_at = 1, end_reason = 'tired'",
            "UPDATE signing_keys SET state = 'retired'",
            "UPDATE api_keys SET expires_at = created_at",
            "UPDATE api_keys SET scopes = ''",
            "UPDATE api_keys SET user_id = '00000000-0000-7000-8000-000000000000'",
            "INSERT INTO api_keys SELECT '00000000-0000-7000-8000-000000000000', user_id, digest, prefix, display_name, scopes, created_at, last_used_at, expires_at, revoked_at FROM api_keys",
            "INSERT INTO users SELECT '00000000-0000-7000-8000-000000000000', email, display_name, password_hash, role, tier, created_at, updated_at, created_by, updated_by FROM users",
            "INSERT INTO signing_keys SELECT 'second', state, public_key, sealed_key, created_at, retired_at FROM signing_keys",
        ] {
            // PostgreSQL wants to be told that the text is a UUID.
            let sql = match db.name() {
                "postgres" => forbidden.replace("8000-000000000000'", "8000-000000000000'::uuid"),
                _ => forbidden.to_owned(),
            };
            let error = execute(&db, &sql)
                .await
                .expect_err(&sql)
                .to_string()
                .to_lowercase();
            assert!(
                error.contains("constraint"),
                "{}: {sql}: {error}",
                db.name()
            );
        }
        auth.stop().await;
    }
}

#[tokio::test]
async fn what_is_a_users_goes_with_the_user() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        for email in [EMAIL, "other@example.com"] {
            let (_, tokens) = auth.register(email).await;
            auth.make_key(&tokens.access_token, &["files:read"]).await;
        }
        let delete = format!("DELETE FROM users WHERE email = '{EMAIL}'");
        assert_eq!(execute(&db, &delete).await.unwrap(), 1);
        for table in ["users", "sessions", "refresh_tokens", "api_keys"] {
            let left = count(&db, &format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(left, 1, "{}: {table}", db.name());
        }
        auth.stop().await;
    }
}
