//! A scope spends beyond a budget that only warns: what may be done by anybody goes to the cheaper provider from
//! then on, by the usage service's own books, until there is money again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{ADMIN, App, PaidProvider, User};

const DEAR: i64 = 100_000;
const CHEAP: i64 = 50_000;
// So many results are measured before anything is concluded.
const MEASURED: i64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_over_a_soft_budget_goes_to_the_cheaper() {
    let (cheap, dear) = (
        PaidProvider::start(Duration::ZERO).await,
        PaidProvider::start(Duration::ZERO).await,
    );
    let settings = [
        ADMIN,
        ("BOTTEGA_GENERATION_CHEAPEST_OVER_BUDGET", "on"),
        ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", cheap.url.as_str()),
        ("BOTTEGA_PROVIDER_OPENAI_MODEL", "stub-1"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.05"),
        ("BOTTEGA_PROVIDER_OPENAI_PRICE_AS_OF", "2026-11-01"),
        ("BOTTEGA_PROVIDER_COMPATIBLE_BASE_URL", dear.url.as_str()),
        ("BOTTEGA_PROVIDER_COMPATIBLE_MODEL", "stub-2"),
        ("BOTTEGA_PROVIDER_COMPATIBLE_PRICE", "0.1"),
        ("BOTTEGA_PROVIDER_COMPATIBLE_PRICE_AS_OF", "2026-11-01"),
        ("BOTTEGA_USAGE_PLANS", "free:50+$9,basic:50,pro:100"),
    ];
    for app in [
        App::start_with(&settings).await,
        App::start_on_postgres_with(&settings).await,
    ] {
        let before = (cheap.orders(), dear.orders());
        save(&app).await;
        let orders = (cheap.orders() - before.0, dear.orders() - before.1);
        assert_eq!(orders, (2, usize::try_from(MEASURED).unwrap() + 3));
        app.stop().await;
    }
}

fn fastest(provider: &str) -> Value {
    let image = json!({"prompt": "a fox", "width": 64, "height": 64, "provider": provider});
    json!({"kind": "IMAGE", "image": image, "routing": {"policy": "FASTEST"}})
}

// Who did it, and whether that was to save.
async fn made(user: &User, provider: &str) -> (String, bool) {
    let order = user.post("/v1/generations", &fastest(provider)).await;
    let made = order.expect(202).json();
    let done = user.finished(made["id"].as_str().unwrap()).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    assert_eq!(done["provider"], made["route"]["chosen"]["provider"]);
    let is_saving = made["route"]["saving"] == true;
    (made["provider"].as_str().unwrap().to_owned(), is_saving)
}

async fn save(app: &App) {
    let (operator, user) = (app.operator().await, app.user().await);
    let budget = json!({
        "name": "a warning", "scope": {"type": "USER", "value": user.id}, "window": "DAY",
        "limit": MEASURED * DEAR + 150_000, "soft": true,
    });
    let budget = operator.post("/v1/admin/budgets", &budget).await;
    let path = format!(
        "/v1/admin/budgets/{}",
        budget.expect(201).json()["id"].as_str().unwrap()
    );
    for _ in 0..MEASURED {
        let named = ("compatible".to_owned(), false);
        assert_eq!(made(&user, "compatible").await, named);
    }
    is_known_to_be_fast(&user, "compatible").await;

    let as_wished = ("compatible".to_owned(), false);
    let saving = ("openai".to_owned(), true);
    assert_eq!(made(&user, "").await, as_wished);
    user.settled(MEASURED + 1).await;
    let mut booked = (MEASURED + 1) * DEAR;
    assert_eq!(used(&operator, &path).await, booked);
    // The next would pass the limit. A budget that only warns refuses nothing, though.
    for _ in 0..2 {
        assert_eq!(made(&user, "").await, saving);
        booked += CHEAP;
    }
    // Who names a provider gets it, and somebody else's money is not theirs.
    assert_eq!(made(&user, "compatible").await, as_wished);
    booked += DEAR;
    let stranger = app.user().await;
    let quoted = stranger.post("/v1/generations:quote", &fastest("")).await;
    let quoted = quoted.expect(200).json();
    assert_eq!(quoted["route"]["chosen"]["provider"], "compatible");
    user.settled(MEASURED + 4).await;
    assert_eq!(used(&operator, &path).await, booked);

    let raised = json!({"limit": booked + DEAR});
    operator.patch(&path, &raised).await.expect(200);
    assert_eq!(made(&user, "").await, as_wished);
}

async fn used(operator: &User, path: &str) -> i64 {
    let budget = operator.get(path).await.expect(200).json();
    budget["standing"]["used"].as_i64().unwrap()
}

// What was measured is heard every ten seconds.
async fn is_known_to_be_fast(user: &User, provider: &str) {
    let started = Instant::now();
    loop {
        let quoted = user.post("/v1/generations:quote", &fastest("")).await;
        let route = quoted.expect(200).json()["route"].clone();
        if route["chosen"]["provider"] == provider {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{route}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
