//! The service as its callers meet it: over gRPC, with tokens, every answer whole.

use contracts::usage::v1::{
    ConfirmRequest, GetUsageRequest, ReleaseRequest, ReserveRequest, SettleRequest,
};
use database::OpenError;
use errors::{Reason, from_status};
use testkit::TestDb;
use tonic::Code;
use usage::{App, StartError};
use uuid::Uuid;

use crate::books::{HOLD, race, user};
use crate::served::{ANNA, Served, ask, configure, told};

#[tokio::test]
async fn a_units_way() {
    for test in TestDb::both("usage").await {
        let served = Served::start(
            &test,
            &[("BOTTEGA_USAGE_PLANS", "free:2+1/day,basic:25,pro:100")],
        )
        .await;
        let mut client = served.client();

        let request = ask(ANNA, 1);
        let made = client.reserve(served.as_service(request.clone())).await;
        let made = made.unwrap().into_inner();
        let again = client.reserve(served.as_service(request.clone())).await;
        assert_eq!(again.unwrap().into_inner(), made);
        let reservation_id = made.reservation_id.clone();
        let text = format!("{made:#?}").replace(&reservation_id, "<id>");
        insta::assert_snapshot!("reserved", text);

        let refused = client.reserve(served.as_service(ask(ANNA, 2))).await;
        insta::assert_snapshot!("too_large", told(refused.unwrap_err()));
        let refused = client.reserve(served.as_service(ask(ANNA, 1))).await;
        insta::assert_snapshot!("refused", told(refused.unwrap_err()));
        let mut stolen = request;
        stolen.amounts[0].amount = 2;
        let mismatch = client.reserve(served.as_service(stolen)).await;
        insta::assert_snapshot!("mismatch", told(mismatch.unwrap_err()));

        let confirm = ConfirmRequest {
            reservation_id: reservation_id.clone(),
        };
        client.confirm(served.as_service(confirm)).await.unwrap();
        for _ in 0..2 {
            let settle = SettleRequest {
                reservation_id: reservation_id.clone(),
                actuals: Vec::new(),
                charges: Vec::new(),
            };
            client.settle(served.as_service(settle)).await.unwrap();
        }
        let release = ReleaseRequest { reservation_id };
        let late = client.release(served.as_service(release)).await;
        insta::assert_snapshot!("settled", told(late.unwrap_err()));

        let usage = served.as_user(ANNA, "free", GetUsageRequest {});
        let usage = client.get_usage(usage).await.unwrap().into_inner();
        insta::assert_snapshot!("usage", format!("{usage:#?}"));
        served.stop().await;
    }
}

#[tokio::test]
async fn bad_input_names_every_field() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    let mut client = served.client();

    let empty = client
        .reserve(served.as_service(ReserveRequest::default()))
        .await;
    insta::assert_snapshot!("empty", told(empty.unwrap_err()));
    let mut wrong = ask(ANNA, i64::MAX);
    wrong.owner_id = "anna\0".to_owned();
    wrong.tier = "gold".to_owned();
    let wrong = client.reserve(served.as_service(wrong)).await;
    insta::assert_snapshot!("wrong", told(wrong.unwrap_err()));

    for reservation_id in ["", "x", "0b94f6a6c5d64f6c9a0e2f1d3c4b5a69"] {
        let settle = SettleRequest {
            reservation_id: reservation_id.to_owned(),
            actuals: Vec::new(),
            charges: Vec::new(),
        };
        let refused = client.settle(served.as_service(settle)).await;
        let fault = from_status(refused.unwrap_err());
        assert_eq!(fault.violations[0].field, "reservationId");
    }
    let nobody = ConfirmRequest {
        reservation_id: Uuid::now_v7().to_string(),
    };
    let missing = client.confirm(served.as_service(nobody)).await;
    insta::assert_snapshot!("missing", told(missing.unwrap_err()));

    let usage = served.as_user(ANNA, "gone", GetUsageRequest {});
    let unknown = client.get_usage(usage).await;
    insta::assert_snapshot!("unknown_plan", told(unknown.unwrap_err()));
    served.stop().await;
}

#[tokio::test]
async fn who_may_call() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    let mut client = served.client();

    let nobody = client.get_usage(GetUsageRequest {}).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    let nobody = client.reserve(ask(ANNA, 1)).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    // A user may look, and change nothing.
    let denied = client
        .reserve(served.as_user(ANNA, "free", ask(ANNA, 1)))
        .await;
    assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied);

    // A service looks for the user it names, and for nobody else.
    let unnamed = client
        .get_usage(served.as_service(GetUsageRequest {}))
        .await;
    assert_eq!(unnamed.unwrap_err().code(), Code::PermissionDenied);
    let mut named = served.as_service(GetUsageRequest {});
    let owner = ANNA.to_string().parse().unwrap();
    named.metadata_mut().insert(identity::OWNER_METADATA, owner);
    let tier = "pro".parse().unwrap();
    named.metadata_mut().insert(identity::TIER_METADATA, tier);
    let usage = client.get_usage(named).await.unwrap().into_inner();
    assert_eq!(usage.tier, "pro");
    assert_eq!((usage.limits[0].limit, usage.limits[0].used), (100, 0));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_calls_at_once_exactly_five_are_accepted() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[]).await;
        let owner = user();
        let clients = [served.client(), served.client(), served.client()];
        let outcomes = race(200, |index| {
            let mut client = clients[index % 3].clone();
            let request = served.as_service(ask(owner, 1));
            async move { client.reserve(request).await }
        })
        .await;
        let mut accepted = 0;
        for outcome in outcomes {
            match outcome {
                Ok(_) => accepted += 1,
                Err(status) => {
                    let fault = from_status(status);
                    assert_eq!(fault.reason, Reason::QuotaExceeded, "{fault}");
                    assert_eq!(fault.metadata["limit"], "5");
                    assert_eq!(fault.metadata["remaining"], "0");
                }
            }
        }
        assert_eq!(accepted, 5, "{}", test.name());
        served.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_services_on_one_database_accept_no_more() {
    let test = TestDb::postgres("usage").await;
    let both = [
        Served::start(&test, &[]).await,
        Served::start(&test, &[]).await,
    ];
    let owner = user();
    let clients = [both[0].client(), both[1].client()];
    let outcomes = race(100, |index| {
        let mut client = clients[index % 2].clone();
        let request = both[index % 2].as_service(ask(owner, 1));
        async move { client.reserve(request).await.is_ok() }
    });
    let accepted = outcomes.await.into_iter().filter(|one| *one).count();
    assert_eq!(accepted, 5);
    for served in both {
        served.stop().await;
    }
}

#[tokio::test]
async fn the_sweeper_runs_by_itself() {
    for test in TestDb::both("usage").await {
        let interval = ("BOTTEGA_USAGE_SWEEP_INTERVAL", "10ms");
        let served = Served::start(&test, &[interval]).await;
        let mut client = served.client();
        let request = served.as_service(ask(ANNA, 5));
        client.reserve(request).await.unwrap();
        served.clock.advance(HOLD);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let look = served.as_user(ANNA, "free", GetUsageRequest {});
            let limits = client.get_usage(look).await.unwrap().into_inner().limits;
            if limits[0].remaining == 5 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "nothing was swept");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        served.stop().await;
    }
}

#[tokio::test]
async fn the_admin_port_says_how_it_is_and_what_it_did() {
    let test = TestDb::sqlite("usage").await;
    let interval = ("BOTTEGA_USAGE_SWEEP_INTERVAL", "1h");
    let served = Served::start(&test, &[interval]).await;
    let ready = served.admin("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(ready.contains("database"), "{ready}");

    let mut client = served.client();
    let made = client.reserve(served.as_service(ask(ANNA, 1))).await;
    let reservation_id = made.unwrap().into_inner().reservation_id;
    let refused = client.reserve(served.as_service(ask(ANNA, 5))).await;
    refused.unwrap_err();
    let settle = SettleRequest {
        reservation_id,
        actuals: Vec::new(),
        charges: Vec::new(),
    };
    client.settle(served.as_service(settle)).await.unwrap();
    let metrics = served.admin("/metrics").await;
    for line in [
        "usage_instructions_total{action=\"reserve\",outcome=\"done\"} 1",
        "usage_instructions_total{action=\"reserve\",outcome=\"refused\"} 1",
        "usage_instructions_total{action=\"settle\",outcome=\"done\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    served.stop().await;
}

#[tokio::test]
async fn refuses_old_tables_when_it_may_not_migrate() {
    for test in TestDb::both("usage").await {
        let refused = App::build(configure(&test, &[("BOTTEGA_MIGRATE", "off")])).await;
        let Err(StartError::Database(OpenError::Pending { pending, .. })) = refused else {
            panic!("{}: it started on an empty database", test.name());
        };
        assert_eq!(pending, crate::migrations::STEPS);
        App::build(configure(&test, &[])).await.unwrap();
        let config = configure(&test, &[("BOTTEGA_MIGRATE", "off")]);
        App::build(config).await.unwrap();
    }
}
