//! What every limiter does, in memory and in Redis; and that these checks find one that does not.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use gateway::rate::{
    Bucket, Class, Gcra, Limit, Limiter, Local, RedisSettings, Shared, StoreAway, Verdict, Who,
};
use redis::AsyncCommands;
use testkit::TestRedis;
use types::UserId;
use uuid::Uuid;

type Checked = Result<(), String>;

fn somebody() -> Who {
    Who::User(UserId(Uuid::now_v7()))
}

fn bucket(who: Who, class: Class, count: u32, window: u32) -> Bucket {
    let limit = Limit { count, window };
    Bucket {
        who,
        class,
        key: None,
        limit,
    }
}

const DAY: u32 = 24 * 3_600;

/// A bucket that does not empty noticeably while a test runs.
fn slow(who: Who, count: u32) -> Bucket {
    bucket(who, Class::User, count, DAY)
}

fn settings() -> RedisSettings {
    RedisSettings {
        client: redis::Client::open(testkit::redis_url()).unwrap(),
        // Correctness, not patience, is tested here.
        budget: Duration::from_secs(5),
    }
}

async fn shared() -> Shared {
    let shared = Shared::open(&settings()).await;
    assert!(shared.is_up());
    shared
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

async fn takes_the_limit_and_no_more(limiter: &impl Limiter) -> Checked {
    let mine = [slow(somebody(), 5)];
    let gcra = Gcra::of(mine[0].limit);
    for left in (0..5).rev() {
        let verdict = limiter.take(&mine).await.unwrap();
        let remaining = gcra.remaining(verdict.debts[0]);
        ensure(verdict.passed && remaining == left, || {
            format!("{left} {verdict:?}")
        })?;
    }
    let over = limiter.take(&mine).await.unwrap();
    let wait = gcra.wait(over.debts[0]);
    let in_time = wait <= gcra.interval && wait > gcra.interval - 5_000_000;
    ensure(!over.passed && in_time, || format!("{over:?}"))?;
    let other = limiter.take(&[slow(somebody(), 5)]).await.unwrap();
    ensure(other.passed, || "another caller is refused".to_owned())
}

async fn charges_all_or_none(limiter: &impl Limiter) -> Checked {
    let who = somebody();
    let (wide, narrow) = (slow(who, 100), bucket(who, Class::Write, 2, DAY));
    for _ in 0..2 {
        limiter.take(&[wide, narrow]).await.unwrap();
    }
    for _ in 0..20 {
        // The full one stands first and last: neither order may charge the other.
        for order in [[wide, narrow], [narrow, wide]] {
            let refused = limiter.take(&order).await.unwrap();
            ensure(!refused.passed, || format!("{refused:?}"))?;
        }
    }
    let verdict = limiter.take(&[wide]).await.unwrap();
    let remaining = Gcra::of(wide.limit).remaining(verdict.debts[0]);
    ensure(remaining == 97, || format!("{remaining} of 97 are left"))
}

async fn passes_again_exactly_after_the_wait(limiter: &impl Limiter) -> Checked {
    let mine = [bucket(somebody(), Class::User, 2, 2)];
    for _ in 0..2 {
        limiter.take(&mine).await.unwrap();
    }
    let over = limiter.take(&mine).await.unwrap();
    let wait = Gcra::of(mine[0].limit).wait(over.debts[0]);
    ensure(!over.passed && wait > 0, || format!("{over:?}"))?;
    tokio::time::sleep(Duration::from_micros(wait / 2)).await;
    let early = limiter.take(&mine).await.unwrap();
    let wait = Gcra::of(mine[0].limit).wait(early.debts[0]);
    ensure(!early.passed, || {
        "passed before the wait was over".to_owned()
    })?;
    tokio::time::sleep(Duration::from_micros(wait)).await;
    let verdict = limiter.take(&mine).await.unwrap();
    ensure(verdict.passed, || format!("after the wait: {verdict:?}"))
}

/// Many at once, over several limiters that should count together, get the limit between them.
async fn many_at_once_get_the_limit<L>(limiters: &[Arc<L>]) -> Checked
where
    L: Limiter + Send + Sync + 'static,
{
    let who = somebody();
    let tasks = (0..160).map(|place| {
        let limiter = Arc::clone(&limiters[place % limiters.len()]);
        tokio::spawn(async move {
            let mine = [slow(who, 40), bucket(who, Class::Write, 60, DAY)];
            limiter.take(&mine).await.unwrap().passed
        })
    });
    let answers = join_all(tasks).await;
    let passed = answers
        .into_iter()
        .filter(|answer| *answer.as_ref().unwrap())
        .count();
    ensure(passed == 40, || format!("{passed} of 40 passed"))
}

async fn all_checks(limiter: impl Limiter + Send + Sync + 'static) {
    takes_the_limit_and_no_more(&limiter).await.unwrap();
    charges_all_or_none(&limiter).await.unwrap();
    passes_again_exactly_after_the_wait(&limiter).await.unwrap();
    many_at_once_get_the_limit(&[Arc::new(limiter)])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_one_in_memory_holds() {
    all_checks(Local::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_one_in_redis_holds() {
    all_checks(shared().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_count_together() {
    let two = [Arc::new(shared().await), Arc::new(shared().await)];
    many_at_once_get_the_limit(&two).await.unwrap();
    // Each by itself lets through its own limit: the check sees the difference.
    let apart = [Arc::new(Local::new()), Arc::new(Local::new())];
    let found = many_at_once_get_the_limit(&apart).await;
    assert_eq!(found, Err("80 of 40 passed".to_owned()));
}

/// Charges one bucket after the other, as one limiter per limit would.
struct OneByOne<L>(L);

impl<L: Limiter + Sync> Limiter for OneByOne<L> {
    fn take(&self, buckets: &[Bucket]) -> impl Future<Output = Result<Verdict, StoreAway>> + Send {
        let buckets = buckets.to_vec();
        async move {
            let (mut passed, mut debts) = (true, Vec::new());
            for bucket in buckets {
                let verdict = self.0.take(&[bucket]).await?;
                passed &= verdict.passed;
                debts.extend(verdict.debts);
            }
            Ok(Verdict { passed, debts })
        }
    }
}

#[tokio::test]
async fn a_limiter_that_charges_one_by_one_is_found() {
    let found = charges_all_or_none(&OneByOne(Local::new())).await;
    assert!(found.unwrap_err().ends_with("of 97 are left"));
    let found = charges_all_or_none(&OneByOne(shared().await)).await;
    assert!(found.unwrap_err().ends_with("of 97 are left"));
}

/// How long the broken ones dwell between their two steps, so that they are found every time.
const BETWEEN: Duration = Duration::from_millis(20);

/// Looks in memory, and charges in a second step.
struct LooksFirst(Local);

impl Limiter for LooksFirst {
    async fn take(&self, buckets: &[Bucket]) -> Result<Verdict, StoreAway> {
        let mut verdict = self.0.look(buckets);
        tokio::time::sleep(BETWEEN).await;
        if verdict.passed {
            for (bucket, debt) in buckets.iter().zip(&mut verdict.debts) {
                *debt += Gcra::of(bucket.limit).interval;
            }
            self.0.learn(buckets, &verdict.debts);
        }
        Ok(verdict)
    }
}

/// Reads from Redis, decides, and writes in a second step.
struct ReadsFirst(redis::aio::MultiplexedConnection);

impl Limiter for ReadsFirst {
    async fn take(&self, buckets: &[Bucket]) -> Result<Verdict, StoreAway> {
        let (mut redis, key) = (self.0.clone(), buckets[0].key());
        let taken: u32 = redis
            .get::<_, Option<u32>>(&key)
            .await
            .unwrap()
            .unwrap_or(0);
        let passed = taken < buckets[0].limit.count;
        tokio::time::sleep(BETWEEN).await;
        if passed {
            let _: () = redis.set_ex(&key, taken + 1, 60).await.unwrap();
        }
        let debts = vec![0; buckets.len()];
        Ok(Verdict { passed, debts })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limiter_that_looks_before_it_charges_is_found() {
    let found = many_at_once_get_the_limit(&[Arc::new(LooksFirst(Local::new()))]).await;
    assert!(found.unwrap_err().ends_with("of 40 passed"));
    let connection = settings()
        .client
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let found = many_at_once_get_the_limit(&[Arc::new(ReadsFirst(connection))]).await;
    assert!(found.unwrap_err().ends_with("of 40 passed"));
}

#[tokio::test]
async fn idle_callers_are_forgotten_here_and_there() {
    let local = Local::new();
    for _ in 0..1_000 {
        let _ = local.check(&[bucket(somebody(), Class::User, 1_000, 1)]);
    }
    let busy = [slow(somebody(), 1)];
    let _ = local.check(&busy);
    tokio::time::sleep(Duration::from_millis(5)).await;
    local.forget_idle();
    assert_eq!(local.len(), 1, "whoever still waits is remembered");
    assert!(!local.check(&busy).passed);

    let mine = [bucket(somebody(), Class::User, 10, 1)];
    shared().await.take(&mine).await.unwrap();
    let mut redis = settings()
        .client
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let left: i64 = redis.pttl(mine[0].key()).await.unwrap();
    assert!((1..=100).contains(&left), "{left} ms");
}

#[tokio::test]
async fn one_question_decides_and_no_clock_but_that_of_redis() {
    let redis = TestRedis::start();
    let settings = RedisSettings {
        client: redis::Client::open(redis.url()).unwrap(),
        ..settings()
    };
    let limiter = Shared::open(&settings).await;
    let mut watcher = settings
        .client
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    assert_eq!(
        redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]),
        "+OK"
    );
    assert_eq!(redis.command(&["SLOWLOG", "RESET"]), "+OK");
    let who = somebody();
    let mine = [slow(who, 5), bucket(who, Class::Write, 2, 1)];
    limiter.take(&mine).await.unwrap();
    type Entry = (i64, i64, i64, Vec<String>, String, String);
    let log: Vec<Entry> = redis::cmd("SLOWLOG")
        .arg("GET")
        .query_async(&mut watcher)
        .await
        .unwrap();
    // The newest first; the last is the reset itself. What the script does has no client.
    let asked: Vec<_> = log.iter().filter(|entry| entry.4 != "?:0").collect();
    let [(_, _, _, asked, ..), _] = asked.as_slice() else {
        panic!("more than one question: {asked:?}");
    };
    let [command, _, rest @ ..] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(command, "EVALSHA");
    let keys = [mine[0].key(), mine[1].key()];
    let numbers = ["17280000000", "86400000000", "500000", "1000000"];
    let expected: Vec<&str> = ["2", &keys[0], &keys[1]]
        .into_iter()
        .chain(numbers)
        .collect();
    assert_eq!(rest, expected);
}
