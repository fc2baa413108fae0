//! Plans: the operator's own lie over the configured ones, and what they limit anew counts what was
//! used before.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::plan::Allowance;
use contracts::usage::v1::{
    CreateAdjustmentRequest, DeletePlanRequest, GetUsageRequest, Limit, ListPlansRequest, Plan,
    PutPlanRequest,
};
use errors::Reason;
use testkit::TestDb;
use types::UserId;
use uuid::Uuid;

use super::{Office, order, reason};
use crate::books::user;
use crate::served::ANNA;

impl Office {
    async fn put(&mut self, name: &str, limits: &[(Meter, Window, i64)]) -> Plan {
        let allowance = |(meter, window, limit): &(Meter, Window, i64)| Allowance {
            meter: (*meter).into(),
            window: (*window).into(),
            limit: *limit,
        };
        let request = PutPlanRequest {
            name: name.to_owned(),
            limits: limits.iter().map(allowance).collect(),
        };
        let written = self.admin.put_plan(self.served.as_admin(request)).await;
        written.unwrap().into_inner().plan.unwrap()
    }

    /// Used, reserved and remaining of a limit of money, as the owner sees it.
    async fn money_of(&mut self, owner: UserId, window: Window) -> Option<(i64, i64, i64)> {
        let look = self.served.as_user(owner, "free", GetUsageRequest {});
        let limits = self
            .usage
            .get_usage(look)
            .await
            .unwrap()
            .into_inner()
            .limits;
        let is_it = |limit: &Limit| limit.meter() == Meter::Microusd && limit.window() == window;
        let limit = limits.into_iter().find(is_it)?;
        Some((limit.used, limit.reserved, limit.remaining))
    }

    async fn names(&mut self) -> Vec<(String, bool)> {
        let listed = self
            .admin
            .list_plans(self.served.as_admin(ListPlansRequest::default()));
        let plans = listed.await.unwrap().into_inner().plans;
        plans
            .into_iter()
            .map(|one| (one.name, one.configured))
            .collect()
    }
}

const MONTH: Window = Window::Month;

#[tokio::test]
async fn a_plans_life() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:1,basic:25,pro:100").await;
        office.spend(ANNA, "gemini", 0).await;
        let refused = office.hold(ANNA, "gemini", 0).await.unwrap_err();
        assert_eq!(reason(refused), Reason::QuotaExceeded);

        let written = office.put("free", &[(Meter::Generations, MONTH, 2)]).await;
        assert!(!written.configured && written.created_by == written.updated_by);
        office.hold(ANNA, "gemini", 0).await.unwrap();
        let refused = office.hold(ANNA, "gemini", 0).await.unwrap_err();
        assert_eq!(reason(refused), Reason::QuotaExceeded);

        office
            .served
            .clock
            .advance(std::time::Duration::from_secs(1));
        let again = office.put("free", &[(Meter::Generations, MONTH, 3)]).await;
        assert_eq!(again.created_at, written.created_at);
        assert!(again.updated_at.unwrap().seconds > written.updated_at.unwrap().seconds);
        office
            .put("gold", &[(Meter::Generations, Window::Day, 9)])
            .await;
        let name = |name: &str, configured| (name.to_owned(), configured);
        let expected = [
            name("basic", true),
            name("free", false),
            name("gold", false),
            name("pro", true),
        ];
        assert_eq!(office.names().await, expected);

        for plan in ["free", "gold"] {
            let delete = DeletePlanRequest {
                name: plan.to_owned(),
                force: false,
            };
            office
                .admin
                .delete_plan(office.served.as_admin(delete))
                .await
                .unwrap();
        }
        assert_eq!(
            office.names().await,
            [name("basic", true), name("free", true), name("pro", true)]
        );
        let refused = office.hold(ANNA, "gemini", 0).await.unwrap_err();
        assert_eq!(reason(refused), Reason::QuotaExceeded);
        insta::assert_snapshot!("audit_of_plans", office.audit_text().await);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn what_a_plan_limits_anew_counts_what_was_used() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:1000,basic:25,pro:100").await;
        let other = user();
        office.spend(ANNA, "gemini", 30).await;
        let open = office.hold(ANNA, "flux", 20).await.unwrap();
        office.spend(other, "gemini", 5).await;
        let generations = (Meter::Generations, MONTH, 1_000);
        office
            .put("free", &[generations, (Meter::Microusd, MONTH, 60)])
            .await;
        assert_eq!(office.money_of(ANNA, MONTH).await, Some((30, 20, 10)));
        assert_eq!(office.money_of(other, MONTH).await, Some((5, 0, 55)));
        assert_eq!(office.money_of(user(), MONTH).await, Some((0, 0, 60)));
        let refused = office.hold(ANNA, "gemini", 11).await.unwrap_err();
        assert_eq!(reason(refused), Reason::BudgetExceeded);
        office.settle(&open, 15).await;
        assert_eq!(office.money_of(ANNA, MONTH).await, Some((45, 0, 15)));

        // A gift stays when another limit of the same plan comes to it.
        let gift = CreateAdjustmentRequest {
            operation_id: Uuid::now_v7().to_string(),
            owner_id: ANNA.to_string(),
            tier: "free".to_owned(),
            meter: Meter::Microusd.into(),
            amount: -5,
            note: "a gift".to_owned(),
        };
        office
            .admin
            .create_adjustment(office.served.as_admin(gift))
            .await
            .unwrap();
        let both = [
            generations,
            (Meter::Microusd, MONTH, 60),
            (Meter::Microusd, Window::Day, 50),
        ];
        office.put("free", &both).await;
        assert_eq!(office.money_of(ANNA, MONTH).await, Some((45, 0, 20)));
        assert_eq!(office.money_of(ANNA, Window::Day).await, Some((45, 0, 5)));

        // Not limited for a while, and limited again.
        office.put("free", &[generations]).await;
        assert_eq!(office.money_of(ANNA, MONTH).await, None);
        office.spend(ANNA, "gemini", 100).await;
        let open = office.hold(other, "gemini", 3).await.unwrap();
        office.put("free", &both).await;
        assert_eq!(office.money_of(ANNA, MONTH).await, Some((145, 0, 0)));
        assert_eq!(office.money_of(other, Window::Day).await, Some((5, 3, 42)));
        office.settle(&open, 3).await;
        assert_eq!(office.money_of(other, MONTH).await, Some((8, 0, 52)));
        office.served.stop().await;
    }
}

#[tokio::test]
async fn a_plan_in_use_goes_only_by_force() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
        office
            .put("gold", &[(Meter::Generations, Window::Month, 9)])
            .await;
        let mut request = order(ANNA, "gemini", 0);
        request.tier = "gold".to_owned();
        let request = office.served.as_service(request);
        office.usage.reserve(request).await.unwrap();
        let delete = |force| DeletePlanRequest {
            name: "gold".to_owned(),
            force,
        };
        let refused = office.served.as_admin(delete(false));
        let refused = office.admin.delete_plan(refused).await.unwrap_err();
        let fault = errors::from_status(refused);
        assert_eq!(fault.reason, Reason::WrongState);
        assert!(fault.message.contains("1 users on it"), "{fault}");
        let forced = office.served.as_admin(delete(true));
        office.admin.delete_plan(forced).await.unwrap();
        // Its users are told what is the matter, not that they asked for something wrong.
        let mut request = order(ANNA, "gemini", 0);
        request.tier = "gold".to_owned();
        let request = office.served.as_service(request);
        let refused = office.usage.reserve(request).await.unwrap_err();
        let fault = errors::from_status(refused);
        assert_eq!(fault.reason, Reason::WrongState);
        assert_eq!(fault.metadata["tier"], "gold");
        office.served.stop().await;
    }
}

#[tokio::test]
async fn plans_come_in_pages() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
    let mut request = ListPlansRequest {
        page_size: 2,
        ..ListPlansRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let asked = office.served.as_admin(request.clone());
        let page = office.admin.list_plans(asked).await.unwrap().into_inner();
        seen.push(
            page.plans
                .into_iter()
                .map(|one| one.name)
                .collect::<Vec<_>>(),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, [vec!["basic", "free"], vec!["pro"]]);
    office.served.stop().await;
}
