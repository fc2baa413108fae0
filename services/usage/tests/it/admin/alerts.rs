//! Thresholds that a change of a budget passes: told once, in the same transaction.

use contracts::usage::v1::UpdateBudgetRequest;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::scope::Type;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDb;

use super::{Office, budget};
use crate::served::ANNA;

/// Percent and amount of every alert, in the order they went off.
async fn alerts(test: &TestDb) -> Vec<(i32, i64)> {
    let db = database::Database::connect(&test.settings()).await.unwrap();
    let sql = "SELECT percent, amount FROM alerts ORDER BY created_at, id";
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    let rows = db.read().query_all_raw(statement).await.unwrap();
    let read = |row: &sea_orm::QueryResult| {
        let percent = row.try_get("", "percent").unwrap();
        (percent, row.try_get("", "amount").unwrap())
    };
    rows.iter().map(read).collect()
}

async fn update(office: &mut Office, id: &str, limit: Option<i64>, alert_percents: Vec<i32>) {
    let request = UpdateBudgetRequest {
        id: id.to_owned(),
        limit,
        alert_percents,
        ..UpdateBudgetRequest::default()
    };
    let updated = office
        .admin
        .update_budget(office.served.as_admin(request))
        .await;
    updated.unwrap();
}

#[tokio::test]
async fn each_threshold_is_told_once_until_the_limit_is_raised() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:1000,basic:25,pro:100").await;
        office.spend(ANNA, "gemini", 60).await;
        let made = office.create(budget(Type::Global, "", 100)).await.unwrap();
        let mut expected = vec![(50, 60)];
        assert_eq!(alerts(&test).await, expected, "{}", test.name());

        // Lowered: 80 and 100 % are passed by that. Once, also when it is done again.
        office
            .served
            .clock
            .advance(std::time::Duration::from_secs(1));
        update(&mut office, &made.id, Some(55), vec![]).await;
        expected.extend([(80, 60), (100, 60)]);
        assert_eq!(alerts(&test).await, expected);
        update(&mut office, &made.id, Some(54), vec![]).await;
        assert_eq!(alerts(&test).await, expected);

        // Raised: nothing rings that is passed, and what is passed anew does.
        office
            .served
            .clock
            .advance(std::time::Duration::from_secs(1));
        update(&mut office, &made.id, Some(110), vec![]).await;
        assert_eq!(alerts(&test).await, expected);
        office.spend(ANNA, "gemini", 30).await;
        expected.push((80, 90));
        assert_eq!(alerts(&test).await, expected);

        // A threshold nobody looked at before.
        office
            .served
            .clock
            .advance(std::time::Duration::from_secs(1));
        update(&mut office, &made.id, None, vec![10, 80, 100]).await;
        expected.push((10, 90));
        assert_eq!(alerts(&test).await, expected);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn a_budget_of_nothing_is_silent() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, "free:1000,basic:25,pro:100").await;
    let mut request = budget(Type::Global, "", 0);
    request.window = Window::Lifetime.into();
    office.create(request).await.unwrap();
    assert!(office.hold(ANNA, "gemini", 1).await.is_err());
    assert_eq!(alerts(&test).await, []);
    office.served.stop().await;
}
