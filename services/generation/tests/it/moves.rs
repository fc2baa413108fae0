//! Many workers write at the same moment: each task has its own story and its own end, whatever becomes
//! of the others.

use futures::future::join_all;
use generation::domain::attempt::{AttemptEnd, AttemptState};
use generation::domain::error::Error;
use generation::domain::events::{EventKind, Step};
use generation::domain::generation::Failure;
use generation::domain::ports::{Advance, Claim, Ending, Tasks, Work};
use generation::domain::queue::Bounds;
use generation::domain::settlement::Resolution;
use generation::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDb;
use types::{Microusd, UserId};
use uuid::Uuid;

use crate::support::on_both;
use crate::support::rows::{self, LEASE};

on_both!(
    whole_lives_at_the_same_moment,
    one_that_cannot_be_written_spoils_no_other,
);

const LIVES: usize = 40;

async fn held(store: &Store, number: usize) -> Vec<Claim> {
    for _ in 0..number {
        let owner = UserId(Uuid::now_v7());
        store.create(rows::new_task(owner)).await.unwrap();
    }
    let all = u64::try_from(number).unwrap();
    let taken = store.claim("w", all, LEASE, &Bounds::default()).await;
    let taken = taken.unwrap().into_iter().map(|one| one.claim);
    taken.collect()
}

fn stale(claim: Claim) -> Claim {
    Claim {
        fence: claim.fence - 1,
        ..claim
    }
}

fn ending(attempt: i64, is_completed: bool) -> Ending {
    if !is_completed {
        return Ending::Failed {
            attempt: Some(AttemptEnd {
                number: attempt,
                state: AttemptState::Failed,
                class: "unavailable",
                detail: "nobody answered".to_owned(),
                cost: Some(Microusd(0)),
                tokens: None,
            }),
            failure: Failure {
                reason: errors::Reason::Unavailable,
                message: "nobody there".to_owned(),
            },
            resolution: Resolution::Release,
        };
    }
    rows::completed(attempt)
}

async fn live(store: &Store, claim: Claim, is_completed: bool) -> Result<(), Error> {
    let number = store.plan(claim, &rows::planned()).await?.unwrap();
    let step = Step::new(EventKind::Generating, 10);
    let sent = store.advance(claim, number, &Advance::Sent, &step);
    sent.await?;
    let step = Step::new(EventKind::Storing, 90);
    store.note(claim, &step).await?;
    store.finish(claim, &ending(number, is_completed)).await
}

// Half of them complete; every third has a zombie who writes the same at the same time.
async fn whole_lives_at_the_same_moment(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let claims = held(&store, LIVES).await;
    assert_eq!(claims.len(), LIVES);
    let lives = claims.iter().enumerate().map(|(place, claim)| {
        let (store, zombie) = (&store, stale(*claim));
        async move {
            let life = live(store, *claim, place % 2 == 0);
            if place % 3 != 0 {
                return life.await;
            }
            let (life, lost) = tokio::join!(life, live(store, zombie, true));
            assert!(matches!(lost, Err(Error::Lost)));
            life
        }
    });
    for life in join_all(lives).await {
        life.unwrap();
    }
    for (place, claim) in claims.iter().enumerate() {
        let id = claim.task.uuid();
        let row = rows::task(&database, id).await;
        rows::assert_whole_story(&database, id).await;
        let attempts = rows::attempts_of(&database, id).await;
        assert_eq!((attempts.len(), row.attempts), (1, 1));
        let (status, state, owed) = match place % 2 {
            0 => ("completed", "succeeded", "settle"),
            _ => ("failed", "failed", "release"),
        };
        assert_eq!(row.status, status);
        assert_eq!(attempts[0].state, state);
        let confirmed_and_ended = ["confirm", owed];
        assert_eq!(rows::owed_for(&database, id).await, confirmed_and_ended);
        assert_eq!((row.lease_until, row.keeping), (None, false));
    }
    // Counted once each, though many were counted together.
    let sql = "SELECT CAST(SUM(count) AS BIGINT) AS ended,
        CAST(SUM(failures) AS BIGINT) AS failures, CAST(SUM(cost_microusd) AS BIGINT) AS cost
        FROM provider_stats";
    let backend = database.write().get_database_backend();
    let sums = (database.write()).query_one_raw(Statement::from_string(backend, sql));
    let sums = sums.await.unwrap().unwrap();
    let all = i64::try_from(LIVES).unwrap();
    let of = |column: &str| sums.try_get::<i64>("", column).unwrap();
    assert_eq!((of("ended"), of("failures")), (all, all / 2));
    assert_eq!(of("cost"), all / 2 * 5_000);
}

// No database keeps a progress of its own beyond what its table allows.
async fn one_that_cannot_be_written_spoils_no_other(db: TestDb) {
    let (database, store) = rows::store(&db).await;
    let claims = held(&store, 12).await;
    let told = claims.iter().enumerate().map(|(place, claim)| {
        let progress = if place == 5 { 200 } else { 50 };
        let step = Step::new(EventKind::Generating, progress);
        let store = &store;
        async move { store.note(*claim, &step).await }
    });
    for (place, told) in join_all(told).await.into_iter().enumerate() {
        let events = rows::events_of(&database, claims[place].task.uuid()).await;
        if place == 5 {
            assert!(matches!(told, Err(Error::Store(_))), "{told:?}");
            assert_eq!(events.len(), 2);
        } else {
            told.unwrap();
            assert_eq!(events.len(), 3);
        }
    }
}
