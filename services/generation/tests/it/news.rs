//! Processes on one PostgreSQL wake each other; the database is polled so seldom here that nothing else
//! explains it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::generation::v1::generation::Status as State;
use sea_orm::ConnectionTrait;
use testkit::TestDb;

use crate::support::suite::{Beside, Options, User, order};
use crate::support::{Play, Scripted, Suite};

const SELDOM: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(5);

// A process that takes orders, and one that does them.
async fn apart(provider: &Arc<Scripted>, workers: usize) -> (Suite, Beside) {
    let db = TestDb::postgres("generation").await;
    let at_the_desk = Options {
        workers: 0,
        ..Options::default()
    };
    let entry = generation::domain::routing::Entry::ready(provider.clone(), true);
    let suite = Suite::start(db, vec![entry], at_the_desk).await;
    let in_the_studio = Options {
        workers,
        poll: SELDOM,
        ..Options::default()
    };
    let beside = suite.beside(in_the_studio).await;
    // They greet each other.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    (suite, beside)
}

async fn done_soon(user: &User, prompt: &str) {
    let begun = Instant::now();
    let made = user.create(order(prompt)).await.unwrap();
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_told_also_after_the_line_was_cut() {
    let fake = Arc::new(Scripted::new("fake", 5_000));
    let (suite, _beside) = apart(&fake, 4).await;
    let user = suite.user();
    done_soon(&user, "a fox").await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    suite.db.write().execute_unprepared(cut).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    done_soon(&user, "a hare").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_generation_is_let_go_elsewhere() {
    let fake = Arc::new(Scripted::new("fake", 5_000).plays([Play::Hang]));
    let (suite, _beside) = apart(&fake, 1).await;
    let user = suite.user();
    let made = user.create(order("for ever")).await.unwrap();
    user.until(&made.id, |one| one.attempts == 1).await;
    user.cancel(&made.id).await.unwrap();
    // The one worker is free again.
    done_soon(&user, "a fox").await;
}
