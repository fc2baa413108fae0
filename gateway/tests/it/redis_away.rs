//! Redis away, full, slow, read-only, empty or back again: requests go on as each class was told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use testkit::{FaultProxy, Network, TestRedis};

use crate::house::{House, refused};

/// A house whose limits are counted in this Redis. Five a day are enough to see who counts.
async fn house(redis: &TestRedis, more: &[(&str, &str)]) -> House {
    house_at(&redis.url(), more).await
}

async fn house_at(url: &str, more: &[(&str, &str)]) -> House {
    let mut settings = vec![
        ("BOTTEGA_RATE_LIMITS", "on"),
        ("BOTTEGA_RATE_USER", "5/24h"),
        ("BOTTEGA_REDIS_URL", url),
        // More than a product may be told: the machine the tests run on may be slower than any Redis.
        ("BOTTEGA_REDIS_TIMEOUT", "250ms"),
    ];
    settings.extend(more);
    House::with(&settings).await
}

async fn ask_at(house: &House, gateway: SocketAddr) -> Response {
    let url = format!("http://{gateway}/v1/files");
    let request = house.client.get(url).bearer_auth(house.token());
    request.send().await.unwrap()
}

async fn ask(house: &House) -> Response {
    ask_at(house, house.addr).await
}

fn mode(answer: &Response) -> &str {
    answer.headers()["x-ratelimit-mode"].to_str().unwrap()
}

/// How many of `count` requests pass, all of which must be decided in this way.
async fn passes(house: &House, count: usize, expected: &str) -> usize {
    let mut passed = 0;
    for _ in 0..count {
        let answer = ask(house).await;
        assert_eq!(mode(&answer), expected);
        passed += usize::from(answer.status() == StatusCode::OK);
    }
    passed
}

/// Waits until requests are decided in this way. They are a stranger's, so that nobody is charged.
async fn becomes(house: &House, expected: &str) {
    let began = Instant::now();
    let mut last = String::new();
    while began.elapsed() < Duration::from_secs(10) {
        let stranger = types::UserId(uuid::Uuid::now_v7());
        let token = house.issuer.user_token(stranger, "free");
        let request = house.client.get(house.url("/v1/files")).bearer_auth(token);
        mode(&request.send().await.unwrap()).clone_into(&mut last);
        if last == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still {last}, not {expected}");
}

#[tokio::test]
async fn two_gateways_let_through_the_limit_together() {
    let redis = TestRedis::start();
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "30/24h")]).await;
    let other = house.another_gateway().await;
    let asking = (0..80).map(|place| ask_at(&house, [house.addr, other][place % 2]));
    let answers = futures::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| mode(answer) == "shared"));
    let passed = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    assert_eq!(passed, 30);
    let over = ask_at(&house, other).await;
    let state = over.headers()["ratelimit"].to_str().unwrap();
    assert!(state.starts_with("\"user-24h\";r=0;t="), "{state}");
    refused(over, 429, "RATE_LIMITED").await;
}

#[tokio::test]
async fn a_redis_that_comes_late_is_joined() {
    let mut redis = TestRedis::absent();
    let house = house(&redis, &[]).await;
    assert_eq!(passes(&house, 7, "fail_open").await, 5);
    let ready = house.client.get(house.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let report: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(report["status"], "degraded", "{report}");
    assert_eq!(report["dependencies"][4]["name"], "redis", "{report}");
    redis.revive();
    becomes(&house, "shared").await;
    assert_eq!(
        passes(&house, 7, "shared").await,
        5,
        "a fresh window, shared"
    );
}

#[tokio::test]
async fn a_redis_that_dies_under_load_is_noticed_once() {
    let mut redis = TestRedis::start();
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "1000000/24h")]).await;
    let began = Instant::now();
    let (mut slowest, mut fallen) = (Duration::ZERO, 0);
    let mut is_dead = false;
    while began.elapsed() < Duration::from_secs(2) {
        if !is_dead && began.elapsed() > Duration::from_millis(700) {
            redis.kill();
            is_dead = true;
        }
        let sent = Instant::now();
        let answers = futures::future::join_all((0..8).map(|_| ask(&house))).await;
        slowest = slowest.max(sent.elapsed());
        assert!(answers.iter().all(|answer| answer.status() == 200));
        fallen += answers
            .iter()
            .filter(|answer| mode(answer) == "fail_open")
            .count();
    }
    assert!(fallen > 0);
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    redis.revive();
    becomes(&house, "shared").await;
}

#[tokio::test]
async fn a_silent_redis_costs_one_budget_and_not_one_each() {
    let redis = TestRedis::start();
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "1000/24h")]).await;
    becomes(&house, "shared").await;
    redis.freeze();
    let began = Instant::now();
    assert_eq!(passes(&house, 20, "fail_open").await, 20);
    // 20 budgets would be five seconds.
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    redis.thaw();
    becomes(&house, "shared").await;
}

#[tokio::test]
async fn each_class_does_as_it_was_told() {
    let redis = TestRedis::start();
    let closed = house(&redis, &[("BOTTEGA_RATE_USER_AWAY", "fail_closed")]).await;
    let less = house(&redis, &[("BOTTEGA_RATE_USER_AWAY", "allowance 2")]).await;
    // The stricter of two classes decides.
    let write = [
        ("BOTTEGA_RATE_READ", "50/24h"),
        ("BOTTEGA_RATE_READ_AWAY", "fail_closed"),
    ];
    let both = house(&redis, &write).await;
    becomes(&closed, "shared").await;
    redis.freeze();
    becomes(&closed, "fail_closed").await;
    let answer = ask(&closed).await;
    assert_eq!(mode(&answer), "fail_closed");
    assert_eq!(answer.headers()["retry-after"], "1");
    refused(answer, 503, "UNAVAILABLE").await;
    assert_eq!(passes(&less, 5, "allowance").await, 2);
    assert_eq!(passes(&both, 2, "fail_closed").await, 0);
    redis.thaw();
    becomes(&less, "shared").await;
    // The request that found out was passed here, and perhaps counted when Redis went on.
    assert!((4..=5).contains(&passes(&less, 6, "shared").await));
}

#[tokio::test]
async fn a_process_goes_on_from_what_redis_knew() {
    let mut redis = TestRedis::start();
    let house = house(&redis, &[]).await;
    assert_eq!(passes(&house, 3, "shared").await, 3);
    redis.kill();
    becomes(&house, "fail_open").await;
    assert_eq!(passes(&house, 4, "fail_open").await, 2);
}

#[tokio::test]
async fn a_refusal_is_repeated_without_asking() {
    let redis = TestRedis::start();
    let house = house(&redis, &[]).await;
    assert_eq!(passes(&house, 6, "shared").await, 5);
    redis.freeze();
    assert_eq!(passes(&house, 5, "shared").await, 0, "nobody asked");
    let stranger = types::UserId(uuid::Uuid::now_v7());
    let token = house.issuer.user_token(stranger, "free");
    let request = house.client.get(house.url("/v1/files")).bearer_auth(token);
    assert_eq!(mode(&request.send().await.unwrap()), "fail_open");
}

#[tokio::test]
async fn what_redis_forgets_begins_anew_and_nothing_else_happens() {
    let redis = TestRedis::start();
    let house = house(&redis, &[]).await;
    assert_eq!(passes(&house, 7, "shared").await, 5);
    assert_eq!(redis.command(&["FLUSHALL"]), "+OK");
    // A refusal is repeated for up to a second without asking.
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(passes(&house, 3, "shared").await, 3);
    assert_eq!(redis.command(&["SCRIPT", "FLUSH"]), "+OK");
    assert_eq!(
        passes(&house, 4, "shared").await,
        2,
        "the script is told again"
    );
}

#[tokio::test]
async fn a_redis_that_cannot_count_is_away() {
    let redis = TestRedis::start();
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "1000/24h")]).await;
    let faults: [(&[&str], &[&str]); 2] = [
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
        ),
        (
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
        ),
    ];
    for (fault, mend) in faults {
        becomes(&house, "shared").await;
        assert!(redis.command(fault).starts_with("+OK"), "{fault:?}");
        becomes(&house, "fail_open").await;
        assert_eq!(passes(&house, 5, "fail_open").await, 5);
        assert!(redis.command(mend).starts_with("+OK"), "{mend:?}");
        becomes(&house, "shared").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_busy_with_a_script_is_away() {
    let redis = TestRedis::start();
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "1000/24h")]).await;
    assert_eq!(
        redis.command(&["CONFIG", "SET", "busy-reply-threshold", "1"]),
        "+OK"
    );
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| redis.command(&["EVAL", "while true do end", "0"]));
        let work = async {
            becomes(&house, "fail_open").await;
            assert_eq!(passes(&house, 3, "fail_open").await, 3);
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work));
        assert_eq!(redis.command(&["SCRIPT", "KILL"]), "+OK");
        endless.join().unwrap();
    });
    becomes(&house, "shared").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_redis_is_not_waited_for() {
    const SLOW: Duration = Duration::from_millis(500);
    let redis = TestRedis::start();
    let proxy = FaultProxy::start(redis.addr()).await;
    let url = format!("redis://{}/", proxy.addr());
    let told = [
        ("BOTTEGA_REDIS_TIMEOUT", "50ms"),
        ("BOTTEGA_RATE_USER", "1000/24h"),
    ];
    let house = house_at(&url, &told).await;
    becomes(&house, "shared").await;
    proxy.set(Network::Slow(SLOW));
    // The first one finds out, the others know. None waits for an answer, which takes ten times the
    // budget; what else a request takes depends on the machine.
    for _ in 0..20 {
        let began = Instant::now();
        let answer = ask(&house).await;
        let took = began.elapsed();
        assert_eq!(
            (answer.status().as_u16(), mode(&answer)),
            (200, "fail_open")
        );
        assert!(took < SLOW, "{took:?}");
    }
    proxy.set(Network::Passes);
    becomes(&house, "shared").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_loads_is_away() {
    let mut redis = TestRedis::start();
    let fill = "for n = 1, 100 do redis.call('SET', n, string.rep('x', 4096)) end return 'full'";
    assert_eq!(redis.command(&["EVAL", fill, "0"]), "$4");
    assert_eq!(redis.command(&["SAVE"]), "+OK");
    let house = house(&redis, &[("BOTTEGA_RATE_USER", "1000/24h")]).await;
    becomes(&house, "shared").await;
    redis.kill();
    redis.revive_loading(Duration::from_millis(30));
    let loads = async {
        while !redis.is_loading() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), loads)
        .await
        .unwrap();
    assert_eq!(passes(&house, 5, "fail_open").await, 5);
    becomes(&house, "shared").await;
}
