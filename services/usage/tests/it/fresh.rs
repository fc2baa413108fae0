//! What users see of their usage while they use: never less than they were told was done, never more
//! than they began, and never less than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use testkit::TestDb;

use crate::books::{Books, race, user};

const WORKERS: usize = 8;
const EACH: i64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn usage_is_seen_as_it_grows() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000000").await;
        // Who looks asks another process, where there can be one.
        let looking = match test.name() {
            "postgres" => Books::open(&test, "free:1000000").await,
            _ => books.clone(),
        };
        let (owner, all) = (user(), EACH * i64::try_from(WORKERS).unwrap());
        let (begun, done) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        race(WORKERS + 1, |index| {
            let (books, looking) = (books.clone(), looking.clone());
            let (begun, done) = (Arc::clone(&begun), Arc::clone(&done));
            async move {
                if index == WORKERS {
                    let mut last = 0;
                    while last < all {
                        let least = done.load(Ordering::SeqCst).max(last);
                        let (used, held, _) = looking.standing(owner).await;
                        let most = begun.load(Ordering::SeqCst);
                        assert!((least..=most).contains(&used), "{used}: {least} to {most}");
                        assert!((0..=most - used).contains(&held), "{held} held");
                        last = used;
                    }
                    return;
                }
                for _ in 0..EACH {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let id = books.held(owner, 1).await;
                    books.settle(id).await.unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
        .await;
        assert_eq!(looking.recorded("units").await, all, "{}", test.name());
        assert_eq!(books.disagreements().await, 0);
    }
}
