//! Following a generation: what was, what is, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::WatchGenerationRequest;
use contracts::generation::v1::generation_event::Type;
use errors::Reason;
use generation::domain::routing::Entry;
use testkit::TestDb;
use tonic::Code;

use crate::support::suite::{Options, order};
use crate::support::{Play, Scripted, Suite, on_both};

on_both!(
    replays_and_follows,
    follows_what_another_process_does,
    tells_how_far_a_provider_is_that_tells,
    ends_with_an_error_when_the_service_stops,
);

async fn replays_and_follows(db: TestDb) {
    let slow = Play::Fail(
        generation::domain::provider::ErrorClass::Unavailable,
        Some(Duration::from_millis(300)),
    );
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([slow]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    // From the first on, while it is made.
    let live = user.watch(&made.id, 0).await.unwrap();
    let numbers: Vec<i64> = live.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=live.len() as i64).collect::<Vec<_>>());
    assert_eq!(live.first().unwrap().r#type(), Type::Queued);
    assert_eq!(live.last().unwrap().r#type(), Type::Completed);
    // From the middle, afterwards: the same, and an end.
    assert_eq!(user.watch(&made.id, 3).await.unwrap(), live[3..]);
    assert!(user.watch(&made.id, 99).await.unwrap().is_empty());
    let stranger = suite.user().watch(&made.id, 0).await.unwrap_err();
    assert_eq!(stranger.code(), Code::NotFound);
    let wrong = user.watch("x", -1).await.unwrap_err();
    let fields: Vec<String> = (errors::from_status(wrong).violations.into_iter())
        .map(|one| one.field)
        .collect();
    assert_eq!(fields, ["id", "afterSequence"]);
}

async fn follows_what_another_process_does(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let idle = Options {
        workers: 0,
        ..Options::default()
    };
    let entry = Entry::ready(provider, true);
    let suite = Suite::start(db, vec![entry], idle).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let store = suite.store();
    let other = tokio::spawn(async move {
        use generation::domain::ports::Tasks;
        use types::Clock;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let id = made.id.parse().unwrap();
        store
            .cancel(user.id, id, &[], types::SystemClock.now())
            .await
            .unwrap();
        (user, made.id)
    });
    let (user, id) = other.await.unwrap();
    let events = user.watch(&id, 1).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].r#type(), Type::Cancelled);
}

async fn ends_with_an_error_when_the_service_stops(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([Play::Hang]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let request = user.request(WatchGenerationRequest {
        id: made.id,
        after_sequence: 0,
    });
    let answer = user.client.clone().watch_generation(request).await.unwrap();
    let mut stream = answer.into_inner();
    assert!(stream.message().await.unwrap().is_some());
    suite.shutdown.trigger();
    let cut = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a cut stream looks like an end"),
            Err(status) => break status,
        }
    };
    assert_eq!(errors::from_status(cut).reason, Reason::Unavailable);
}

async fn tells_how_far_a_provider_is_that_tells(db: TestDb) {
    let plays = [Play::PaintAfter(Duration::from_millis(3_600))];
    // Another order's 90 before it is not taken back.
    let provider = Scripted::new("fake", 5_000)
        .plays(plays)
        .telling([40, 90, 60]);
    let provider = Arc::new(provider);
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let made = user.create(order("a fox")).await.unwrap();
    let told = user.watch(&made.id, 0).await.unwrap();
    let generating = told.iter().filter(|one| one.r#type() == Type::Generating);
    let progress: Vec<i32> = generating.map(|one| one.progress).collect();
    assert_eq!(progress, [10, 40, 65]);
    assert_eq!(told.last().unwrap().r#type(), Type::Completed);
}
