//! The checks that nobody goes over and nothing counts twice, over the service's books, over plain books
//! that are kept rightly, and over such with a fault: each fault must be caught by its check.

mod checks;
mod kept;
mod naive;

use std::sync::Arc;

use testkit::TestDb;

use crate::books::Books;
use checks::Check;
use kept::{Kept, Ours};
use naive::{Fault, Naive};

/// Which check catches which fault.
const CAUGHT: [(Fault, Check); 6] = [
    (Fault::SumsThenInserts, Check::LastUnits),
    (Fault::UpdatesWhateverStands, Check::LastUnits),
    (Fault::SettlesAgain, Check::SettledOnce),
    (Fault::ExpiresWhateverState, Check::EndedOnce),
    (Fault::CountsInBothMonths, Check::MonthEnds),
    (Fault::RemembersTheLimit, Check::LoweredLimit),
];

const ALL: [Check; 5] = [
    Check::LastUnits,
    Check::LoweredLimit,
    Check::SettledOnce,
    Check::EndedOnce,
    Check::MonthEnds,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn our_books_pass_every_check() {
    for check in ALL {
        for test in TestDb::both("usage").await {
            let ours: Arc<dyn Kept> = Arc::new(Ours::open(&test).await);
            let found = check.run(ours).await;
            assert_eq!(found, Ok(()), "{}: {check:?}", test.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_pass_every_check() {
    for check in ALL {
        let test = TestDb::postgres("usage").await;
        let ours: Arc<dyn Kept> = Arc::new(Ours::open_twice(&test).await);
        assert_eq!(check.run(ours).await, Ok(()), "{check:?}");
    }
}

// Whatever the faulty books below are caught at is their fault, and nothing else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plain_books_without_a_fault_pass_every_check() {
    for check in ALL {
        for test in TestDb::both("usage").await {
            let books = naive(&test, Fault::None).await;
            assert_eq!(check.run(books).await, Ok(()), "{}: {check:?}", test.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_is_caught() {
    for (fault, check) in CAUGHT {
        for test in TestDb::both("usage").await {
            let found = check.run(naive(&test, fault).await).await;
            let name = test.name();
            assert!(found.is_err(), "{name}: {check:?} does not see {fault:?}");
        }
    }
}

async fn naive(test: &TestDb, fault: Fault) -> Arc<dyn Kept> {
    Arc::new(Naive::open(Books::open(test, "free:1").await, fault).await)
}
