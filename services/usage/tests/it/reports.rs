//! Sums by whatever operators ask, page by page, and how budgets will end.

use contracts::policy::v1::policy::Meter as WireMeter;
use contracts::usage::v1::report_usage_response::Row;
use contracts::usage::v1::{
    CreateBudgetRequest, GetSpendingRequest, PauseSpendingRequest, ReportUsageRequest, Scope,
    limit, scope,
};
use errors::from_status;
use testkit::TestDb;
use time::macros::datetime;
use types::UserId;

use crate::books::{Books, user};
use crate::served::{ANNA, Served};

const PLANS: &str = "free:1000";

async fn report(served: &Served, mut request: ReportUsageRequest) -> Vec<Row> {
    let mut client = served.admin_client();
    let mut rows = Vec::new();
    loop {
        let answer = client.report_usage(served.as_admin(request.clone())).await;
        let answer = answer.unwrap().into_inner();
        assert!(!answer.rows.is_empty() || rows.is_empty());
        rows.extend(answer.rows);
        if answer.next_page_token.is_empty() {
            return rows;
        }
        request.page_token = answer.next_page_token;
    }
}

fn by(groups: &str) -> ReportUsageRequest {
    ReportUsageRequest {
        group_by: groups.to_owned(),
        from: "2026-11-01".to_owned(),
        until: "2026-11-30".to_owned(),
        page_size: 1,
        ..ReportUsageRequest::default()
    }
}

async fn three_days(books: &Books, others: UserId) {
    for day in [18, 19, 20] {
        books.at(datetime!(2026-11-01 12:00 UTC).replace_day(day).unwrap());
        books.charge(ANNA, "gemini", 10).await;
        books.charge(others, "flux", 20).await;
        let dear = books.held_for(ANNA, "gemini", 10).await;
        books.settle_at(dear, 15).await;
    }
    books
        .adjust(ANNA, usage::domain::meter::Meter::Microusd, -7, "sorry")
        .await;
}

#[tokio::test]
async fn every_group_sums_up() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[]).await;
        let books = Books::open(&test, PLANS).await;
        let other = user();
        three_days(&books, other).await;
        let days = report(&served, by("day")).await;
        let seen: Vec<_> = days
            .iter()
            .map(|row| {
                (
                    row.day.as_str(),
                    row.records,
                    row.cost_microusd,
                    row.loss_microusd,
                )
            })
            .collect();
        let expected = [
            ("2026-11-18", 3, 45, 5),
            ("2026-11-19", 3, 45, 5),
            ("2026-11-20", 4, 45, 5),
        ];
        assert_eq!(seen, expected, "{}", test.name());
        // The correction is a kind of its own, and nothing a provider is paid.
        assert_eq!(days[2].charged_microusd, 33);
        let kinds = report(&served, by("kind")).await;
        let seen: Vec<_> = kinds
            .iter()
            .map(|row| (row.kind.as_str(), row.charged_microusd, row.cost_microusd))
            .collect();
        assert_eq!(seen, [("ADJUSTMENT", -7, 0), ("IMAGE", 120, 135)]);
        let users = report(&served, by("provider,user")).await;
        let seen: Vec<_> = users
            .iter()
            .map(|row| (row.provider.as_str(), row.user.clone(), row.generations))
            .collect();
        let expected = [
            ("", ANNA.to_string(), 0),
            ("flux", other.to_string(), 3),
            ("gemini", ANNA.to_string(), 6),
        ];
        assert_eq!(seen, expected);
        let all = report(&served, by("plan,project,model,kind,user,provider,day")).await;
        assert_eq!(all.len(), 7);
        assert!(
            all.iter()
                .all(|row| row.plan == "free" && row.day.len() == 10)
        );
        let total: i64 = all.iter().map(|row| row.charged_microusd).sum();
        assert_eq!(total, 113);
        let one = ReportUsageRequest {
            until: "2026-11-18".to_owned(),
            ..by("model")
        };
        assert_eq!(report(&served, one).await.len(), 2);
        served.stop().await;
    }
}

#[tokio::test]
async fn a_report_says_what_is_wrong_with_it() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    let request = ReportUsageRequest {
        group_by: "day,day".to_owned(),
        from: "2026-11-31".to_owned(),
        ..ReportUsageRequest::default()
    };
    let refused = served
        .admin_client()
        .report_usage(served.as_admin(request))
        .await;
    let fault = from_status(refused.unwrap_err());
    let fields: Vec<_> = fault
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["groupBy", "from"]);
    served.stop().await;
}

#[tokio::test]
async fn a_budget_says_how_it_will_end() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[]).await;
        let books = Books::open(&test, PLANS).await;
        three_days(&books, user()).await;
        let budget = |kind: scope::Type, value: &str| CreateBudgetRequest {
            name: "all".to_owned(),
            scope: Some(Scope {
                r#type: kind.into(),
                value: value.to_owned(),
            }),
            meter: WireMeter::Microusd.into(),
            window: limit::Window::Month.into(),
            limit: 1_000,
            ..CreateBudgetRequest::default()
        };
        let mut client = served.admin_client();
        // Two full days at 40 a day; it is noon of the 20th, and 10.5 days are left.
        let made = client
            .create_budget(served.as_admin(budget(scope::Type::Global, "")))
            .await;
        let made = made.unwrap().into_inner().budget.unwrap();
        assert_eq!(made.standing.unwrap().used, 120);
        assert_eq!(made.forecast, 120 + 420, "{}", test.name());
        let flux = budget(scope::Type::Provider, "flux");
        let made = client.create_budget(served.as_admin(flux)).await;
        assert_eq!(
            made.unwrap().into_inner().budget.unwrap().forecast,
            60 + 210
        );
        let none = budget(scope::Type::User, &user().to_string());
        let made = client.create_budget(served.as_admin(none)).await;
        assert_eq!(made.unwrap().into_inner().budget.unwrap().forecast, 0);
        served.stop().await;
    }
}

#[tokio::test]
async fn spending_is_paused_and_told() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    let mut client = served.admin_client();
    let pause = PauseSpendingRequest {
        reason: "a leak".to_owned(),
    };
    let spending = client.pause_spending(served.as_admin(pause)).await.unwrap();
    let spending = spending.into_inner().spending.unwrap();
    assert!(spending.paused && spending.pause_reason.starts_with("a leak (paused by "));
    let long = PauseSpendingRequest {
        reason: "x".repeat(201),
    };
    let refused = client.pause_spending(served.as_admin(long)).await;
    assert_eq!(
        from_status(refused.unwrap_err()).violations[0].field,
        "reason"
    );
    let resumed = client
        .resume_spending(served.as_admin(Default::default()))
        .await;
    assert!(!resumed.unwrap().into_inner().spending.unwrap().paused);
    let looked = client
        .get_spending(served.as_admin(GetSpendingRequest {}))
        .await;
    let looked = looked.unwrap().into_inner().spending.unwrap();
    assert!((looked.breaker_factor - 10.0).abs() < f64::EPSILON);
    served.stop().await;
}
