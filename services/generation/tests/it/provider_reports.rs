//! How providers did, as operators are told.

use contracts::generation::v1::ReportProvidersRequest;
use contracts::generation::v1::generation_admin_service_client::GenerationAdminServiceClient;
use contracts::generation::v1::report_providers_response::Row;
use errors::Reason;
use sea_orm::ConnectionTrait;
use testkit::TestDb;
use tonic::{Code, Status};
use types::{Clock, SystemClock, Timestamp};

use crate::support::suite::Options;
use crate::support::{Suite, on_both};

const DAY: i64 = 86_400_000_000;

on_both!(operators_see_how_providers_did);

async fn report(suite: &Suite, from: &str, until: &str) -> Result<(Vec<Row>, String), Status> {
    let request = suite.as_admin(ReportProvidersRequest {
        from: from.to_owned(),
        until: until.to_owned(),
    });
    let mut client = GenerationAdminServiceClient::new(suite.channel());
    let answer = client.report_providers(request).await?.into_inner();
    Ok((answer.rows, format!("{} {}", answer.from, answer.until)))
}

async fn operators_see_how_providers_did(db: TestDb) {
    let suite = Suite::start(db, Vec::new(), Options::default()).await;
    // Days 40 to 43: of the second in two shards and two classes of time.
    let first = SystemClock.now().micros() / DAY - 43;
    let text = |day: i64| Timestamp((first + day) * DAY).utc().date().to_string();
    for (day, counts) in [
        (0, "'a', 'a-1', 3, 0, 100, 0, 7"),
        (1, "'a', 'a-1', 3, 0, 10, 1, 300"),
        (1, "'a', 'a-1', 3, 5, 9, 0, 100"),
        (2, "'a', 'a-1', 7, 0, 1, 0, 50"),
        (2, "'b', 'b-1', 0, 0, 2, 2, 0"),
        (3, "'b', 'b-2', 0, 0, 1, 0, 0"),
    ] {
        let row = format!(
            "INSERT INTO provider_stats VALUES ({}, {counts})",
            first + day
        );
        suite.db.write().execute_unprepared(&row).await.unwrap();
    }
    let (rows, days) = report(&suite, &text(1), &text(2)).await.unwrap();
    assert_eq!(days, format!("{} {}", text(1), text(2)));
    let [a, b] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!((a.provider.as_str(), a.model.as_str()), ("a", "a-1"));
    let told = a.performance.unwrap();
    assert_eq!(
        (told.orders, told.failures, told.cost_microusd),
        (20, 1, 450)
    );
    assert_eq!((a.failure_rate, b.failure_rate), (0.05, 1.0));
    assert_eq!(told.p50.unwrap().seconds, 1);
    assert!(told.p95.is_some());
    let told = b.performance.unwrap();
    assert_eq!((told.orders, told.failures, told.p50), (2, 2, None));
    let one_day = report(&suite, &text(3), &text(3)).await.unwrap().0;
    assert_eq!(one_day[0].model, "b-2");
    assert!(report(&suite, "", "").await.unwrap().0.is_empty());
    let refused = report(&suite, "yesterday", "").await.unwrap_err();
    let fault = errors::from_status(refused);
    assert_eq!(fault.reason, Reason::InvalidField);
    assert_eq!(fault.violations[0].field, "from");
    // Nobody else is told.
    let request = suite.user().request(ReportProvidersRequest::default());
    let mut client = GenerationAdminServiceClient::new(suite.channel());
    let denied = client.report_providers(request).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}
