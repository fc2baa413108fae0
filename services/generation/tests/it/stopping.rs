//! A process that stops finishes what it can and gives the rest back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::generation::v1::generation::Status as State;
use generation::domain::routing::Entry;
use testkit::TestDb;

use crate::support::suite::{Options, order};
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(a_stop_loses_nothing_and_repeats_nothing);

async fn a_stop_loses_nothing_and_repeats_nothing(db: TestDb) {
    let instant = Arc::new(Scripted::new("instant", 5_000).plays([Play::Hang]));
    let drawn = Arc::new(Scripted::new("drawn", 0).repeatable().plays([Play::Hang]));
    let queued = Arc::new(
        Scripted::new("queued", 9_000)
            .plays([Play::Accept("job")])
            .polled([Play::Hang]),
    );
    let entries = vec![
        Entry::ready(instant.clone(), true),
        Entry::ready(drawn.clone(), true),
        Entry::ready(queued.clone(), true),
    ];
    let options = Options {
        drain: Duration::from_millis(1_500),
        ..Options::default()
    };
    let mut suite = Suite::start(db, entries, options).await;
    let user = suite.user();
    let mut ids = Vec::new();
    for provider in ["instant", "drawn", "queued"] {
        let mut order = order("a fox");
        order.image.as_mut().unwrap().provider = provider.to_owned();
        ids.push(user.create(order).await.unwrap().id);
    }
    while instant.sends() + drawn.sends() < 2 || queued.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    suite.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3));

    let mut statuses = Vec::new();
    for id in &ids {
        let row = rows::task(&suite.db, id.parse().unwrap()).await;
        let last = rows::events_of(&suite.db, row.id).await.pop().unwrap();
        statuses.push((row.status, last.kind, row.lease_until));
    }
    let requeued = || ("pending".to_owned(), "requeued".to_owned(), None);
    // What may have been paid and cannot be found again is not given to anybody.
    assert_eq!(
        statuses[0],
        ("failed".to_owned(), "failed".to_owned(), None)
    );
    assert_eq!(statuses[1..], [requeued(), requeued()]);

    suite.restart_stopped(Options::default()).await;
    let user = suite.user_again(user.id);
    for id in &ids[1..] {
        assert_eq!(user.finished(id).await.status(), State::Completed);
    }
    let unknown = user.get(&ids[0]).await.unwrap().error.unwrap();
    assert_eq!(unknown.reason, "PROVIDER_OUTCOME_UNKNOWN");
    assert_eq!((instant.sends(), drawn.sends(), queued.sends()), (1, 2, 1));
}
