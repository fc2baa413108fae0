//! Orders that are not taken, and why; receipts; who does what is taken.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::{CreateGenerationRequest, ImageSpec};
use errors::{Fault, Reason};
use generation::domain::provider::Model;
use generation::domain::routing::{Entry, Limits};
use testkit::TestDb;
use types::{Clock, Microusd, ReservationId, SystemClock, Timestamp};
use uuid::Uuid;

use crate::support::suite::{Options, User, order, sealed};
use crate::support::usage::Held;
use crate::support::{Scripted, Suite, on_both, rows};

on_both!(
    every_wrong_field_is_named_at_once,
    every_bound_is_kept,
    input_files_must_be_the_owners_pictures,
    a_receipt_serves_one_order_of_its_owner,
    a_refused_quota_stores_nothing,
    the_cheapest_that_can_does_it,
);

async fn refused(user: &User, order: CreateGenerationRequest) -> Fault {
    errors::from_status(user.create(order).await.unwrap_err())
}

fn fields(fault: &Fault) -> Vec<String> {
    (fault.violations.iter())
        .map(|one| format!("{}: {}", one.field, one.description))
        .collect()
}

async fn every_wrong_field_is_named_at_once(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let worst = CreateGenerationRequest {
        kind: 0,
        image: Some(ImageSpec {
            prompt: " \n".to_owned(),
            negative_prompt: "x".repeat(10_001),
            width: Some(0),
            height: Some(12_345),
            input_file_ids: vec!["me".to_owned(), Uuid::now_v7().to_string()],
            ..ImageSpec::default()
        }),
        session_id: "mine".to_owned(),
        ..CreateGenerationRequest::default()
    };
    insta::assert_debug_snapshot!("every_wrong_field", fields(&refused(&user, worst).await));

    let no_image = CreateGenerationRequest {
        image: None,
        ..order("")
    };
    assert_eq!(
        fields(&refused(&user, no_image).await),
        ["image: must be there when kind is IMAGE"]
    );
    let anonymous = suite
        .anonymous()
        .create_generation(order("a fox"))
        .await
        .unwrap_err();
    assert_eq!(anonymous.code(), tonic::Code::Unauthenticated);
    // Nothing was set aside for what was not taken.
    assert!(suite.peers.usage.reservations.lock().unwrap().is_empty());
}

async fn every_bound_is_kept(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let with = |change: fn(&mut ImageSpec)| {
        let mut order = order("a fox");
        change(order.image.as_mut().unwrap());
        order
    };
    for (order, expected) in [
        (
            with(|image| image.prompt = "é".repeat(10_001)),
            "image.prompt: must have at most 10000 characters",
        ),
        (
            with(|image| image.prompt.push('\0')),
            "image.prompt: must not contain the character U+0000",
        ),
        (
            with(|image| image.width = Some(-8)),
            "image.width: must be 64 to 2048 in steps of 8",
        ),
        (
            with(|image| image.height = Some(i32::MAX)),
            "image.height: must be 64 to 2048 in steps of 8",
        ),
        (
            with(|image| image.input_file_ids = vec![Uuid::now_v7().to_string(); 5]),
            "image.inputFileIds: must have at most 4 items",
        ),
        (
            with(|image| image.provider = "oracle".to_owned()),
            "image.provider: must be one of fake",
        ),
        (
            with(|image| image.model = "fake-9".to_owned()),
            "image.model: must be one of fake-1",
        ),
    ] {
        assert_eq!(fields(&refused(&user, order).await), [expected]);
    }
    assert!(
        user.create(with(|image| image.prompt = "é".repeat(10_000)))
            .await
            .is_ok()
    );
}

async fn input_files_must_be_the_owners_pictures(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let (user, other) = (suite.user(), suite.user());
    let mine = suite
        .peers
        .keep(user.id, "image/png", testkit::pictures::png(40, 30));
    let theirs = suite
        .peers
        .keep(other.id, "image/png", testkit::pictures::png(40, 30));
    let table = suite.peers.keep(user.id, "text/csv", b"a,b".to_vec());
    let with = |files: &[types::FileId]| {
        let mut order = order("a fox");
        order.image.as_mut().unwrap().input_file_ids =
            files.iter().map(ToString::to_string).collect();
        order
    };
    let foreign = refused(&user, with(&[mine, theirs])).await;
    assert_eq!(foreign.reason, Reason::NotFound);
    assert_eq!(foreign.message, "no such file: image.inputFileIds[1]");
    let text = refused(&user, with(&[table])).await;
    assert_eq!(
        fields(&text),
        ["image.inputFileIds[0]: must be a PNG, JPEG or WebP picture"]
    );
    let made = user.create(with(&[mine])).await.unwrap();
    user.finished(&made.id).await;
    let orders = provider.orders.lock().unwrap();
    let input = &orders[0].inputs[0];
    assert_eq!((input.width, input.height), (40, 30));
    assert_eq!(input.content_type, "image/png");
    assert_eq!(input.bytes, testkit::pictures::png(40, 30));
}

async fn a_receipt_serves_one_order_of_its_owner(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let reservation = suite.peers.usage.set_aside();
    let receipt = sealed(&user.receipt(reservation));
    let made = user.create_with(order("a fox"), &receipt).await.unwrap();
    let again = user
        .create_with(order("a fox"), &receipt)
        .await
        .unwrap_err();
    assert_eq!(errors::from_status(again).reason, Reason::OperationMismatch);

    let fresh = || user.receipt(ReservationId(Uuid::now_v7()));
    let mut expired = fresh();
    expired.expires_at = Timestamp(SystemClock.now().micros() - 1);
    let mut foreign = fresh();
    foreign.owner = suite.user().id;
    let mut other_meter = fresh();
    other_meter.meter = "STORAGE".to_owned();
    let mut nothing = fresh();
    nothing.amount = 0;
    for receipt in [
        sealed(&expired),
        sealed(&foreign),
        sealed(&other_meter),
        sealed(&nothing),
        "forged.tag".to_owned(),
    ] {
        let refused = user
            .create_with(order("a fox"), &receipt)
            .await
            .unwrap_err();
        assert_eq!(
            errors::from_status(refused).reason,
            Reason::PermissionDenied
        );
    }
    user.finished(&made.id).await;
    // The gateway's reservation was used, and none was made beside it.
    for _ in 0..400 {
        if suite.peers.usage.reservations.lock().unwrap()[&reservation] == Held::Settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let calls = suite.peers.usage.calls.lock().unwrap().clone();
    assert!(
        calls
            .iter()
            .all(|(call, id)| *call != "reserve" && *id == reservation),
        "{calls:?}"
    );
    assert_eq!(calls.last(), Some(&("settle", reservation)));
}

async fn a_refused_quota_stores_nothing(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let refusal = || {
        let fault = Fault::new(Reason::QuotaExceeded, "5 of 5 generations are used");
        fault.with("limit", 5).retry_in(Duration::from_secs(60))
    };
    *suite.peers.usage.refusal.lock().unwrap() = Some(refusal);
    let user = suite.user();
    let fault = refused(&user, order("a fox")).await;
    assert_eq!(fault.reason, Reason::QuotaExceeded);
    assert_eq!(fault.metadata["limit"], "5");
    assert_eq!(fault.retry_after, Some(Duration::from_secs(60)));
    use sea_orm::EntityTrait;
    let tasks = generation::store::entity::tasks::Entity::find();
    assert!(tasks.all(suite.db.write()).await.unwrap().is_empty());
}

async fn the_cheapest_that_can_does_it(db: TestDb) {
    let dear = Arc::new(Scripted::new("dear", 39_000));
    let cheap = Arc::new(Scripted::new("cheap", 8_000));
    let by_hand = Arc::new(Scripted::new("byhand", 0));
    let absent = Entry {
        name: "absent".to_owned(),
        models: vec![Model {
            name: "absent-1".to_owned(),
            price_per_image: Microusd(1),
            price_as_of: "2026-11-01".to_owned(),
            takes_input_images: false,
        }],
        is_procedural: false,
        is_automatic: true,
        limits: Limits::default(),
        provider: None,
    };
    let entries = vec![
        Entry::ready(dear, true),
        Entry::ready(cheap, true),
        Entry::ready(by_hand, false),
        absent,
    ];
    let suite = Suite::start(db, entries, Options::default()).await;
    let user = suite.user();
    let by = |provider: &str, model: &str| {
        let mut order = order("a fox");
        let image = order.image.as_mut().unwrap();
        image.provider = provider.to_owned();
        image.model = model.to_owned();
        order
    };
    for (provider, model, expected) in [
        ("", "", "cheap"),
        ("", "dear-1", "dear"),
        ("dear", "", "dear"),
        ("byhand", "byhand-1", "byhand"),
    ] {
        let made = user.create(by(provider, model)).await.unwrap();
        assert_eq!(made.provider, expected);
        let price = suite_price(expected);
        assert_eq!(user.finished(&made.id).await.cost_microusd, price);
        rows::assert_whole_story(&suite.db, made.id.parse().unwrap()).await;
    }
    let absent = refused(&user, by("absent", "")).await;
    assert_eq!(absent.reason, Reason::NoProvider);
    let mut wide = order("a fox");
    wide.image.as_mut().unwrap().width = Some(65);
    assert_eq!(
        fields(&refused(&user, wide).await),
        [
            "image.width: must be 64 to 2048 in steps of 8 (cheap); or must be 64 to 2048 in steps of 8 (dear)"
        ]
    );
}

fn suite_price(provider: &str) -> i64 {
    match provider {
        "cheap" => 8_000,
        "dear" => 39_000,
        _ => 0,
    }
}
