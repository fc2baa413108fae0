//! The checks: each gives what is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use uuid::Uuid;

use super::kept::Kept;
use crate::books::{HOLD, race};

const LEFT: usize = 7;
const CALLERS: usize = 200;
const MANY: i64 = 100_000;
const MONTH: Duration = Duration::from_secs(31 * 86_400);

type Books = Arc<dyn Kept>;

/// What is checked.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Of many at once as many are served as there are units left.
    LastUnits,
    /// A limit that is lowered holds from then on.
    LoweredLimit,
    /// What is settled twenty times at once is charged once.
    SettledOnce,
    /// What is settled while it expires is given back at most once.
    EndedOnce,
    /// What is held while a month ends counts in its own month only.
    MonthEnds,
}

impl Check {
    pub async fn run(self, books: Books) -> Result<(), String> {
        match self {
            Self::LastUnits => last_units(Arc::clone(&books)).await,
            Self::LoweredLimit => lowered_limit(Arc::clone(&books)).await,
            Self::SettledOnce => settled_once(Arc::clone(&books)).await,
            Self::EndedOnce => ended_once(Arc::clone(&books)).await,
            Self::MonthEnds => month_ends(Arc::clone(&books)).await,
        }?;
        same("sums that disagree", books.disagreements().await, 0)
    }
}

async fn last_units(books: Books) -> Result<(), String> {
    let left = i64::try_from(LEFT).unwrap();
    books.limit(left).await;
    let taken = race(CALLERS, |_| {
        let books = Arc::clone(&books);
        async move { books.hold(Uuid::now_v7()).await }
    });
    let taken = taken.await.into_iter().filter(|one| *one).count();
    same("holds", taken, LEFT)?;
    same("used and held", books.standing().await, (0, left))
}

async fn lowered_limit(books: Books) -> Result<(), String> {
    const WORKERS: usize = 8;
    books.limit(MANY).await;
    let (taken, lowered) = (AtomicUsize::new(0), AtomicBool::new(false));
    let shared = Arc::new((taken, lowered));
    let late = race(WORKERS + 1, |index| {
        let (books, shared) = (Arc::clone(&books), Arc::clone(&shared));
        async move {
            let (taken, lowered) = &*shared;
            if index == WORKERS {
                while taken.load(Ordering::SeqCst) < 40 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                books.limit(5).await;
                lowered.store(true, Ordering::SeqCst);
                return false;
            }
            loop {
                let is_late = lowered.load(Ordering::SeqCst);
                if !books.hold(Uuid::now_v7()).await {
                    return false;
                }
                taken.fetch_add(1, Ordering::SeqCst);
                if is_late {
                    return true;
                }
            }
        }
    });
    let late = late.await.into_iter().filter(|one| *one).count();
    same("workers served over the lowered limit", late, 0)
}

async fn settled_once(books: Books) -> Result<(), String> {
    books.limit(MANY).await;
    let id = Uuid::now_v7();
    assert!(books.hold(id).await);
    race(20, |_| {
        let books = Arc::clone(&books);
        async move { books.settle(id).await }
    })
    .await;
    same("charges", books.charges().await, 1)?;
    same("used and held", books.standing().await, (1, 0))
}

async fn ended_once(books: Books) -> Result<(), String> {
    const ROUNDS: usize = 40;
    books.limit(MANY).await;
    let ids: Vec<Uuid> = (0..ROUNDS).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        assert!(books.hold(*id).await);
    }
    books.pass(HOLD);
    race(2 * ROUNDS, |index| {
        let (books, id) = (Arc::clone(&books), ids[index / 2]);
        async move {
            match (index + index / 2) % 2 {
                0 => books.settle(id).await,
                _ => books.expire(id).await,
            }
        }
    })
    .await;
    // Some sweeper is always late.
    join_all(ids.iter().map(|id| books.expire(*id))).await;
    let all = i64::try_from(ROUNDS).unwrap();
    same("charges", books.charges().await, all)?;
    same("used and held", books.standing().await, (all, 0))
}

async fn month_ends(books: Books) -> Result<(), String> {
    books.limit(MANY).await;
    let id = Uuid::now_v7();
    assert!(books.hold(id).await);
    same("used and held before", books.standing().await, (0, 1))?;
    books.pass(MONTH);
    same("used and held after", books.standing().await, (0, 0))?;
    books.settle(id).await;
    same("charges", books.charges().await, 1)?;
    same(
        "used and held of the new month",
        books.standing().await,
        (0, 0),
    )
}

fn same<T: Copy + PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    wanted: T,
) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?}, not {wanted:?}"))
}
