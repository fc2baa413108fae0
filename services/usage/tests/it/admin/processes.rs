//! Two processes on one database: what one is told holds in the other from the next reservation on.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::plan::Allowance;
use contracts::usage::v1::scope::Type;
use contracts::usage::v1::{DeleteBudgetRequest, PutPlanRequest, UpdateBudgetRequest};
use errors::Reason;
use testkit::TestDb;

use super::{Office, budget, reason};
use crate::served::ANNA;

#[tokio::test]
async fn a_change_holds_in_every_process() {
    let test = TestDb::postgres("usage").await;
    let plans = "free:1000,basic:25,pro:100";
    let mut here = Office::open(&test, plans).await;
    let mut there = Office::open(&test, plans).await;
    for _ in 0..20 {
        there.hold(ANNA, "gemini", 10).await.unwrap();
        let made = here.create(budget(Type::Global, "", 0)).await.unwrap();
        let refused = there.hold(ANNA, "gemini", 10).await.unwrap_err();
        assert_eq!(reason(refused), Reason::BudgetExceeded);
        let raise = UpdateBudgetRequest {
            id: made.id.clone(),
            limit: Some(1_000_000),
            ..UpdateBudgetRequest::default()
        };
        let raised = there
            .admin
            .update_budget(there.served.as_admin(raise))
            .await;
        raised.unwrap();
        here.hold(ANNA, "gemini", 10).await.unwrap();
        let delete = here.served.as_admin(DeleteBudgetRequest { id: made.id });
        here.admin.delete_budget(delete).await.unwrap();

        for (limit, fits) in [(0, false), (1_000, true)] {
            let plan = PutPlanRequest {
                name: "free".to_owned(),
                limits: vec![Allowance {
                    meter: Meter::Generations.into(),
                    window: Window::Month.into(),
                    limit,
                }],
            };
            here.admin
                .put_plan(here.served.as_admin(plan))
                .await
                .unwrap();
            assert_eq!(there.hold(ANNA, "gemini", 10).await.is_ok(), fits);
        }
    }
    here.served.stop().await;
    there.served.stop().await;
}
