//! Budgets made while hundreds of orders come and go count exactly what is. The same without the lock
//! must be seen to be wrong, or this would show nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use database::{Backend, Database};
use testkit::TestDb;
use types::{Clock, Microusd, SystemIds, UserId};
use usage::domain::audit::Signature;
use usage::domain::budget::{Budget, NewBudget};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::plan::Plan;
use usage::domain::ports::RuleStore;
use usage::domain::price::Work;
use usage::domain::reservation::Amendment;
use usage::domain::rules::Amounts;
use usage::domain::scope::{Purpose, Scope};
use usage::domain::window::{Calendar, WindowKind};
use usage::store::{Desk, SqlBook};

use crate::books::{Books, user};

const WORKERS: u64 = 12;
// Between two changes there is work done.
const BREATH: Duration = Duration::from_millis(5);

fn purpose(dice: u64) -> Purpose {
    Purpose {
        kind: "IMAGE".to_owned(),
        provider: ["gemini", "flux"][usize::try_from(dice % 2).unwrap()].to_owned(),
        project: ["", "p"][usize::try_from(dice / 2 % 2).unwrap()].to_owned(),
        ..Purpose::default()
    }
}

// Whoever is overtaken by one change of the rules after the other is told to try again, and may.
async fn post(books: &Books, instruction: Instruction) {
    loop {
        match books.post(instruction.clone()).await {
            Ok(_) => return,
            Err(Error::Unavailable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

// Orders, and everything that can become of them, until it is told to stop.
async fn work(books: Books, owners: [UserId; 3], mut dice: u64, stop: Arc<AtomicBool>) {
    let mut open = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let roll = dice >> 33;
        let owner = owners[usize::try_from(roll % 3).unwrap()];
        let mut ask = books.ask_for(owner, [(Meter::Generations, 1), (Meter::Microusd, 100)]);
        if roll.is_multiple_of(5) {
            // What it is for becomes known later.
            ask.amounts.remove(&Meter::Microusd);
        } else {
            ask.purpose = purpose(roll);
        }
        let id = ask.id;
        post(&books, Instruction::Reserve(ask)).await;
        if roll.is_multiple_of(5) {
            let amendment = Amendment {
                id,
                purpose: purpose(roll),
                work: Some(Work {
                    quantities: Vec::new(),
                    list: Some((Microusd(70), "2026-01-01".to_owned())),
                    permille: None,
                }),
            };
            post(&books, Instruction::Amend(amendment)).await;
        }
        open.push(id);
        if open.len() > 8 {
            let id = open.swap_remove(usize::try_from(roll % 8).unwrap());
            let end = match roll % 7 {
                0 => Instruction::Release(id),
                1 | 2 => Instruction::Suspend(id),
                3 => Instruction::Settle(id, Amounts::from([(Meter::Microusd, 40)]).into()),
                _ => Instruction::Settle(id, Amounts::from([(Meter::Microusd, 130)]).into()),
            };
            post(&books, end).await;
        }
    }
}

fn scopes(owner: UserId) -> Vec<(Scope, String, String)> {
    let of = |scope: Scope, column: &str, json: &str, value: &str| {
        let day = format!("{column} = '{value}'");
        (scope, day, format!("{json} = '{value}'"))
    };
    let purpose = |field: &str| format!("r.purpose::json ->> '{field}'");
    let owner_is = format!("owner = '{owner}'");
    vec![
        (Scope::Global, "TRUE".to_owned(), "TRUE".to_owned()),
        (Scope::User(owner), owner_is.clone(), owner_is),
        of(Scope::Plan("free".to_owned()), "tier", "tier", "free"),
        of(
            Scope::Provider("gemini".to_owned()),
            "provider",
            &purpose("provider"),
            "gemini",
        ),
        of(
            Scope::Project("p".to_owned()),
            "project",
            &purpose("project"),
            "p",
        ),
        of(
            Scope::Kind("IMAGE".to_owned()),
            "work",
            &purpose("kind"),
            "IMAGE",
        ),
    ]
}

/// What is wrong: counters of budgets that are not the sums of what was charged and is held.
async fn wrong(books: &Books, owner: UserId) -> Vec<String> {
    let mut wrong = Vec::new();
    for (scope, in_days, in_purpose) in scopes(owner) {
        for (meter, column) in [(Meter::Microusd, "charged"), (Meter::Generations, "units")] {
            let (mut in_days, mut in_purpose) = (in_days.clone(), in_purpose.clone());
            let mut amount = format!("(r.amounts::json ->> '{}')::bigint", meter.as_str());
            if books.db.backend() == Backend::Sqlite {
                let blob = format!("unhex('{}')", owner.uuid().simple());
                for text in [&mut in_days, &mut in_purpose, &mut amount] {
                    *text = text.replace("::json", "").replace("::bigint", "");
                    *text = text.replace(&format!("'{owner}'"), &blob);
                }
            }
            let used =
                format!("SELECT COALESCE(SUM({column}), 0) AS n FROM usage_daily WHERE {in_days}");
            let held = format!(
                "SELECT COALESCE(SUM({amount}), 0) AS n FROM reservations r
                 WHERE r.state IN ('held', 'confirmed', 'suspended') AND {in_purpose}"
            );
            for kind in WindowKind::ALL {
                let at = |column: &str| {
                    format!(
                        "SELECT COALESCE(SUM({column}), 0) AS n FROM counters WHERE subject = '{}'
                            AND meter = '{}' AND window_kind = '{}'",
                        scope.subject(),
                        meter.as_str(),
                        kind.as_str()
                    )
                };
                let stands = (
                    books.number(&at("used")).await,
                    books.number(&at("held")).await,
                );
                let is = (books.number(&used).await, books.number(&held).await);
                if stands != is {
                    wrong.push(format!(
                        "{scope:?} {meter:?} {kind:?}: {stands:?}, not {is:?}"
                    ));
                }
            }
        }
    }
    wrong
}

fn signature(books: &Books) -> Signature {
    Signature {
        actor: "a test".to_owned(),
        at: books.clock.now(),
        ids: Arc::new(SystemIds),
    }
}

fn soft(scope: &Scope, meter: Meter, window: WindowKind, by: &Signature) -> Budget {
    let new = NewBudget {
        name: String::new(),
        scope: scope.clone(),
        meter,
        window,
        limit: 5_000,
        is_hard: false,
        alert_percents: vec![50, 100],
    };
    new.made(by)
}

// Waits for the deadlocks away that there are without the lock.
async fn again<T, F: Future<Output = Result<T, Error>>>(change: impl Fn() -> F) -> T {
    loop {
        match change().await {
            Ok(done) => return done,
            Err(Error::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

// Makes every budget there can be, several times, in the middle of everything.
async fn make_budgets(books: &Books, store: &SqlBook, owner: UserId, rounds: usize) {
    let plan = |text: &str| -> Plan { text.parse().unwrap() };
    let more = plan("free:1000000+$1000000+1000000/day+$1000000/day+$1000000/lifetime");
    let less = plan("free:1000000");
    for round in 1..=rounds {
        let by = signature(books);
        let mut made = Vec::new();
        for (scope, ..) in scopes(owner) {
            for meter in [Meter::Microusd, Meter::Generations] {
                for window in WindowKind::ALL {
                    let budget = soft(&scope, meter, window, &by);
                    again(|| store.create_budget(&budget, &by)).await;
                    tokio::time::sleep(BREATH).await;
                    made.push(budget.id);
                }
            }
        }
        again(|| store.put_plan(&more, &by)).await;
        if round < rounds {
            again(|| store.put_plan(&less, &by)).await;
            for id in made {
                again(|| store.delete_budget(id, &by)).await;
            }
        }
    }
}

/// How budgets are made.
#[derive(Clone, Copy, PartialEq)]
enum By {
    TheLock,
    // As `TheLock`, over a search path that only makes room for `NoLock`.
    TheLockElsewhere,
    NoLock,
}

/// Everything at once, in two processes where that can be; gives what is wrong in the end.
async fn run(test: &TestDb, by: By, rounds: usize) -> Vec<String> {
    let books = Books::open(test, "free:1000000").await;
    let other = match books.db.backend() {
        Backend::Postgres => Books::open(test, "free:1000000").await,
        Backend::Sqlite => books.clone(),
    };
    let store = match by {
        By::TheLock => books.book.clone(),
        By::TheLockElsewhere | By::NoLock => elsewhere(test, &books, by).await,
    };
    let owners = [user(), user(), user()];
    let stop = Arc::new(AtomicBool::new(false));
    let workers = (0..WORKERS).map(|index| {
        let books = [&books, &other][usize::try_from(index % 2).unwrap()].clone();
        tokio::spawn(work(books, owners, index, Arc::clone(&stop)))
    });
    let workers: Vec<_> = workers.collect();
    // Not before there is something to count.
    while books.recorded("amount").await == 0 {
        tokio::time::sleep(BREATH).await;
    }
    make_budgets(&books, &store, owners[0], rounds).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let mut wrong = wrong(&books, owners[0]).await;
    wrong.extend(match books.disagreements().await {
        0 => None,
        count => Some(format!("{count} sums are wrong")),
    });
    wrong
}

// Functions of the service's own schema go before those of the system there, so one that locks
// nothing can stand in the place of the one that locks.
async fn elsewhere(test: &TestDb, books: &Books, by: By) -> SqlBook {
    if by == By::NoLock {
        let unlocked = "CREATE FUNCTION pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql \
                        AS 'SELECT'";
        books.sql(unlocked).await;
    }
    let mut settings = test.settings();
    settings.service = "usage,pg_catalog".to_owned();
    let desk = Desk {
        plans: "free:1000000".parse().unwrap(),
        calendar: Calendar::utc(),
        clock: Arc::new(books.clock.clone()),
        ids: Arc::new(SystemIds),
        tellers: 2,
    };
    SqlBook::new(Database::connect(&settings).await.unwrap(), desk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn budgets_made_under_load_count_exactly() {
    for test in TestDb::both("usage").await {
        let wrong = run(&test, By::TheLock, 2).await;
        assert!(wrong.is_empty(), "{}:\n{}", test.name(), wrong.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_the_lock_they_do_not() {
    let test = TestDb::postgres("usage").await;
    let wrong = run(&test, By::TheLockElsewhere, 1).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let test = TestDb::postgres("usage").await;
    assert!(
        !run(&test, By::NoLock, 1).await.is_empty(),
        "the check sees nothing"
    );
}

#[tokio::test]
async fn there_is_an_end_to_budgets() {
    let test = TestDb::sqlite("usage").await;
    let books = Books::open(&test, "free:5").await;
    books
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO budgets SELECT randomblob(16), '', 'provider', 'p' || i, 'MICROUSD', 'DAY', 1, TRUE,
                '[]', 1, 0, 0, '', '' FROM n",
        )
        .await;
    let by = signature(&books);
    let one_more = soft(&Scope::Global, Meter::Microusd, WindowKind::Day, &by);
    let refused = books.book.create_budget(&one_more, &by).await.unwrap_err();
    let Error::Invalid(fields) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        fields[0].description.contains("10000 budgets"),
        "{fields:?}"
    );
}
