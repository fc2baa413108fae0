//! What is kept, for whom, and for how long.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::future::join_all;
use tokio::time::sleep;
use uuid::Uuid;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn key(text: &str) -> Key {
    Key::of_everybody("a.v1.B.C", &Bytes::copy_from_slice(text.as_bytes()))
}

/// A service that counts its calls.
#[derive(Clone, Default)]
struct Service(Arc<AtomicUsize>);

impl Service {
    fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn ask(&self, size: usize) -> Result<Response<Bytes>, Status> {
        self.0.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(20)).await;
        Ok(Response::new(Bytes::from(vec![7; size])))
    }
}

#[tokio::test]
async fn many_ask_and_the_service_is_asked_once() {
    let (cache, service) = (Cache::of(1 << 20), Service::default());
    let calls = (0..50).map(|_| cache.answer(key("a"), HOUR, || service.ask(3)));
    let answers = join_all(calls).await;
    let fresh = answers
        .iter()
        .filter(|answer| !answer.as_ref().unwrap().1)
        .count();
    assert_eq!((service.calls(), fresh), (1, 1));
    cache
        .answer(key("b"), HOUR, || service.ask(3))
        .await
        .unwrap();
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn an_answer_is_forgotten_in_time() {
    let (cache, service) = (Cache::of(1 << 20), Service::default());
    for (pause, calls) in [(0, 1), (0, 1), (150, 2)] {
        sleep(Duration::from_millis(pause)).await;
        let lasts = Duration::from_millis(100);
        cache
            .answer(key("a"), lasts, || service.ask(3))
            .await
            .unwrap();
        assert_eq!(service.calls(), calls);
    }
}

#[tokio::test]
async fn who_changes_something_forgets_what_they_alone_were_answered() {
    let (cache, service) = (Cache::of(1 << 20), Service::default());
    let [ada, bob] = [UserId(Uuid::now_v7()), UserId(Uuid::now_v7())];
    let ask = async |user| {
        let key = Key::of(&cache, user, "file", "a.v1.B.C", &Bytes::new());
        let answer = cache.answer(key, HOUR, || service.ask(3)).await;
        answer.unwrap().1
    };
    assert_eq!((ask(ada).await, ask(bob).await), (false, false));
    assert_eq!((ask(ada).await, ask(bob).await), (true, true));
    cache.forget(ada, "usage");
    assert!(ask(ada).await);
    cache.forget(ada, "file");
    assert_eq!((ask(ada).await, ask(bob).await), (false, true));
}

#[tokio::test]
async fn a_failure_is_its_callers_alone() {
    let (cache, service) = (Cache::of(1 << 20), Service::default());
    let hurried = cache.answer(key("a"), HOUR, || async {
        sleep(Duration::from_millis(50)).await;
        Err(Status::deadline_exceeded("too late"))
    });
    let patient = async {
        sleep(Duration::from_millis(10)).await;
        cache.answer(key("a"), HOUR, || service.ask(3)).await
    };
    let (hurried, patient) = tokio::join!(hurried, patient);
    assert!(hurried.is_err() && patient.is_ok());
    assert_eq!(service.calls(), 1);
}

#[tokio::test]
async fn it_holds_no_more_bytes_than_it_may() {
    let (cache, service) = (Cache::of(100_000), Service::default());
    for number in 0..200 {
        let key = key(&number.to_string());
        cache
            .answer(key, HOUR, || service.ask(5_000))
            .await
            .unwrap();
    }
    cache.answers.run_pending_tasks().await;
    assert!(cache.answers.weighted_size() <= 100_000);
    assert!(cache.answers.entry_count() >= 10);
    // Nothing fits into nothing.
    let none = Cache::of(0);
    let before = service.calls();
    for _ in 0..2 {
        none.answer(key("a"), HOUR, || service.ask(3))
            .await
            .unwrap();
        none.answers.run_pending_tasks().await;
    }
    assert_eq!(service.calls(), before + 2);
}
