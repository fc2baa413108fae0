//! Money is set aside before an order is stored, and what was really used is settled, once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::Generation;
use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money, Tokens};
use contracts::usage::v1::quantity::Unit;
use contracts::usage::v1::{Price, purpose};
use errors::{Fault, QuotaViolation, Reason};
use generation::domain::provider::{ErrorClass, Spent};
use generation::store::entity::tasks;
use sea_orm::EntityTrait;
use testkit::TestDb;
use types::{ApiKeyId, Microusd, ReservationId};
use uuid::Uuid;

use crate::support::suite::{order, sealed};
use crate::support::usage::{Actuals, Held};
use crate::support::{Play, Scripted, Suite, on_both};

on_both!(
    an_order_is_priced_before_it_is_stored,
    a_refusal_is_passed_on_whole,
    what_may_not_have_been_heard_is_given_back,
    what_was_used_is_settled,
    failures_cost_what_their_provider_says,
    a_retry_keeps_its_price,
    money_is_asked_for_in_the_name_of_the_api_key,
);

/// Waits until a generation's reservation is resolved.
pub async fn resolved(suite: &Suite, reservation: ReservationId) -> Held {
    for _ in 0..400 {
        let held = suite.peers.usage.reservations.lock().unwrap()[&reservation];
        if !matches!(held, Held::Open | Held::Confirmed) {
            return held;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not resolved: {:?}", suite.peers.usage.calls.lock());
}

/// A reservation made here has the task's id.
pub fn reservation_of(generation: &Generation) -> ReservationId {
    generation.id.parse().unwrap()
}

fn said(cost: i64) -> Spent {
    Spent::money(Microusd(cost))
}

async fn an_order_is_priced_before_it_is_stored(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let direct = user.create(order("a fox")).await.unwrap();
    let reservation = suite.peers.usage.set_aside();
    let receipt = sealed(&user.receipt(reservation));
    let received = user.create_with(order("a fox"), &receipt).await.unwrap();
    for (made, reservation) in [(&direct, reservation_of(&direct)), (&received, reservation)] {
        assert_eq!(made.price_microusd, Some(5_000));
        assert_eq!(made.price_version, "list:2026-11-01");
        let asked = suite.peers.usage.asked.lock().unwrap()[&reservation].clone();
        let purpose = asked.purpose;
        assert_eq!(
            (purpose.kind.as_str(), purpose.provider.as_str()),
            ("IMAGE", "fake")
        );
        assert_eq!(
            (purpose.model.as_str(), purpose.task_id.as_str()),
            ("fake-1", made.id.as_str())
        );
        assert_eq!(
            (purpose.attempt, purpose.keeper()),
            (0, purpose::Keeper::Generation)
        );
        assert_eq!(asked.work.list_price_microusd, Some(5_000));
        assert_eq!(asked.work.list_price_as_of, "2026-11-01");
        let quantity = &asked.work.quantities[..];
        assert_eq!((quantity.len(), quantity[0].unit()), (1, Unit::Image));
        assert_eq!((quantity[0].count, quantity[0].size.as_str()), (1, "64x64"));
    }
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let about = |id| (calls.iter()).find_map(move |(call, about)| (*about == id).then_some(*call));
    assert_eq!(about(reservation_of(&direct)), Some("reserve"));
    assert_eq!(about(reservation), Some("amend"));
}

fn refusal(reason: Reason) -> Fault {
    let mut fault = Fault::new(reason, "the month's budget of $5 is used up");
    fault.quota.push(QuotaViolation {
        subject: "global".to_owned(),
        description: "4.99 of 5 dollars".to_owned(),
        metric: "MICROUSD".to_owned(),
        id: "MICROUSD/MONTH".to_owned(),
        value: 5_000_000,
    });
    let fault = fault.with("scope", "global").with("remaining", 10_000);
    fault.retry_in(Duration::from_secs(77))
}

async fn a_refusal_is_passed_on_whole(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let refusals: [(Reason, fn() -> Fault); 4] = [
        (Reason::BudgetExceeded, || refusal(Reason::BudgetExceeded)),
        (Reason::SpendingPaused, || refusal(Reason::SpendingPaused)),
        (Reason::PriceUnknown, || refusal(Reason::PriceUnknown)),
        (Reason::QuotaExceeded, || refusal(Reason::QuotaExceeded)),
    ];
    for (reason, refusing) in refusals {
        *suite.peers.usage.refusal.lock().unwrap() = Some(refusing);
        let receipt = sealed(&user.receipt(suite.peers.usage.set_aside()));
        for refused in [
            user.create(order("a fox")).await,
            user.create_with(order("a fox"), &receipt).await,
        ] {
            let fault = errors::from_status(refused.unwrap_err());
            let wanted = refusing();
            assert_eq!(fault.reason, reason);
            assert_eq!(fault.message, wanted.message);
            assert_eq!(fault.metadata, wanted.metadata);
            assert_eq!(fault.quota, wanted.quota);
            assert_eq!(fault.retry_after, wanted.retry_after);
        }
    }
    let stored = tasks::Entity::find().all(suite.db.write()).await.unwrap();
    assert!(stored.is_empty());
    assert_eq!(provider.sends(), 0);
    // Who reserved gives back: the gateway what it brought; here nothing was made.
    assert!(suite.peers.usage.calls.lock().unwrap().is_empty());
}

async fn what_may_not_have_been_heard_is_given_back(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    suite.peers.usage.amend_unheard.store(1, Ordering::SeqCst);
    let reservation = suite.peers.usage.set_aside();
    let receipt = sealed(&user.receipt(reservation));
    let refused = user.create_with(order("a fox"), &receipt).await;
    let fault = errors::from_status(refused.unwrap_err());
    assert_eq!(fault.reason, Reason::Unavailable);
    assert_eq!(resolved(&suite, reservation).await, Held::Released);
    // One that ran out before the order could be stored, too.
    suite.peers.usage.is_late.store(true, Ordering::SeqCst);
    let late = user.create(order("a fox")).await.unwrap_err();
    assert_eq!(errors::from_status(late).reason, Reason::Unavailable);
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let words: Vec<&str> = calls.iter().map(|(call, _)| *call).collect();
    assert_eq!(words, ["amend", "release", "reserve", "release"]);
    let stored = tasks::Entity::find().all(suite.db.write()).await.unwrap();
    assert!(stored.is_empty());
}

async fn what_was_used_is_settled(db: TestDb) {
    let counted = Spent {
        cost: Some(Microusd(4_000)),
        tokens: Some(1_305),
    };
    let garbage_tokens = Spent {
        cost: None,
        tokens: Some(u64::MAX),
    };
    let money = |amount| vec![(Generations, 1), (Money, amount)];
    let cases: Vec<(Play, i64, Actuals)> = vec![
        (Play::Paint, 5_000, money(5_000)),
        (
            Play::PaintFor(counted),
            4_000,
            vec![(Generations, 1), (Money, 4_000), (Tokens, 1_305)],
        ),
        (Play::PaintFor(garbage_tokens), 5_000, money(5_000)),
        // More than the price is told as it is: the rest is the platform's loss.
        (Play::PaintFor(said(15_000)), 15_000, money(15_000)),
        (Play::AcceptFor(15_000), 15_000, money(15_000)),
        // What cannot be a cost is none: the price stands.
        (Play::PaintFor(said(-1)), 5_000, money(5_000)),
        (Play::PaintFor(said(i64::MIN)), 5_000, money(5_000)),
        (Play::PaintFor(said(i64::MAX)), 5_000, money(5_000)),
        (Play::AcceptFor(-15_000), 5_000, money(5_000)),
        (Play::AcceptFor(7_000_000_000), 5_000, money(5_000)),
    ];
    let plays = cases.iter().map(|(play, ..)| play.clone());
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for (play, cost, actuals) in &cases {
        let made = user.create(order("a fox")).await.unwrap();
        let done = user.finished(&made.id).await;
        assert_eq!(done.status(), State::Completed);
        assert_eq!(done.cost_microusd, *cost, "{play:?}");
        let reservation = reservation_of(&made);
        assert_eq!(resolved(&suite, reservation).await, Held::Settled);
        assert_eq!(&suite.peers.usage.actuals(reservation), actuals, "{play:?}");
    }
}

async fn failures_cost_what_their_provider_says(db: TestDb) {
    let paid = |amount| Some(vec![(Generations, 0), (Money, amount)]);
    let invalid = ErrorClass::InvalidOutput;
    let cases: Vec<(Play, Held, Option<Actuals>)> = vec![
        (Play::Fail(ErrorClass::Policy, None), Held::Released, None),
        (Play::Fail(ErrorClass::Invalid, None), Held::Released, None),
        (
            Play::FailFor(ErrorClass::Policy, said(300)),
            Held::Settled,
            paid(300),
        ),
        (
            Play::FailFor(invalid, said(3_000)),
            Held::Settled,
            paid(3_000),
        ),
        (Play::FailFor(invalid, said(0)), Held::Released, None),
        (Play::FailFor(invalid, said(-3)), Held::Settled, paid(5_000)),
        (Play::Fail(invalid, None), Held::Suspended, None),
        (Play::Send(b"no picture".to_vec()), Held::Suspended, None),
        (
            Play::Fail(ErrorClass::Ambiguous, None),
            Held::Suspended,
            None,
        ),
    ];
    let plays = cases.iter().map(|(play, ..)| play.clone());
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    for (play, held, actuals) in &cases {
        let made = user.create(order("a fox")).await.unwrap();
        let done = user.finished(&made.id).await;
        assert_eq!(done.status(), State::Failed, "{play:?}");
        let reservation = reservation_of(&made);
        assert_eq!(resolved(&suite, reservation).await, *held, "{play:?}");
        if let Some(actuals) = actuals {
            assert_eq!(&suite.peers.usage.actuals(reservation), actuals, "{play:?}");
            assert_eq!(done.cost_microusd, actuals[1].1);
        } else {
            assert_eq!(done.cost_microusd, 0);
        }
    }
}

async fn a_retry_keeps_its_price(db: TestDb) {
    let away = Play::Fail(ErrorClass::Unavailable, Some(Duration::from_millis(300)));
    let provider = Arc::new(Scripted::new("fake", 5_000).plays([away]));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let listed = |price, version| Price {
        id: Uuid::now_v7().to_string(),
        version,
        provider: "fake".to_owned(),
        model: "fake-1".to_owned(),
        unit: Unit::Image.into(),
        price_microusd: price,
        as_of: "2026-11-20".to_owned(),
        ..Price::default()
    };
    *suite.peers.usage.prices.lock().unwrap() = vec![listed(6_000, 7)];
    let made = user.create(order("a fox")).await.unwrap();
    // The catalogue goes before the configured price.
    assert_eq!(made.price_microusd, Some(6_000));
    *suite.peers.usage.prices.lock().unwrap() = vec![listed(9_000, 8)];
    let done = user.finished(&made.id).await;
    assert_eq!(provider.sends(), 2);
    assert_eq!(
        (done.price_microusd, done.price_version.as_str()),
        (Some(6_000), "catalogue:7")
    );
    assert_eq!(done.cost_microusd, 6_000);
    let reservation = reservation_of(&made);
    assert_eq!(resolved(&suite, reservation).await, Held::Settled);
    let actuals = suite.peers.usage.actuals(reservation);
    assert_eq!(actuals, [(Generations, 1), (Money, 6_000)]);
    let charges = suite.peers.usage.charges.lock().unwrap()[&reservation].clone();
    assert_eq!(
        (charges[0].attempt, charges[0].model.as_str()),
        (2, "fake-1")
    );
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    let words: Vec<&str> = calls.iter().map(|(call, _)| *call).collect();
    assert_eq!(words, ["reserve", "settle"]);
}

async fn money_is_asked_for_in_the_name_of_the_api_key(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let key = ApiKeyId(Uuid::now_v7());
    let user = suite.user_with(key);
    let direct = user.create(order("a fox")).await.unwrap();
    let reservation = suite.peers.usage.set_aside();
    let receipt = sealed(&user.receipt(reservation));
    user.create_with(order("a bear"), &receipt).await.unwrap();
    let asked = suite.peers.usage.asked.lock().unwrap();
    for one in [reservation_of(&direct), reservation] {
        assert_eq!(asked[&one].purpose.api_key_id, key.to_string());
    }
}
