//! A budget's life: made in the middle of its window, changed, removed and made again.

use contracts::usage::v1::limit::Window;
use contracts::usage::v1::scope::Type;
use contracts::usage::v1::{
    CreateBudgetRequest, DeleteBudgetRequest, GetBudgetRequest, ListBudgetsRequest,
    UpdateBudgetRequest,
};
use errors::Reason;
use testkit::TestDb;
use tonic::Code;

use super::{Office, budget, numbers, order, reason, without_ids};
use crate::books::user;
use crate::served::{ANNA, told};

const PLANS: &str = "free:1000,basic:25,pro:100";

fn change(id: &str, limit: i64) -> UpdateBudgetRequest {
    UpdateBudgetRequest {
        id: id.to_owned(),
        limit: Some(limit),
        ..UpdateBudgetRequest::default()
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_budgets_life() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, PLANS).await;
        let made = office
            .create(budget(Type::Global, "", 1_000))
            .await
            .unwrap();
        insta::assert_snapshot!("budget_made", without_ids(&format!("{made:#?}")));
        let again = office
            .create(budget(Type::Global, "", 5))
            .await
            .unwrap_err();
        assert_eq!(again.code(), Code::AlreadyExists);
        assert_eq!(reason(again), Reason::AlreadyExists);

        office.spend(ANNA, "gemini", 700).await;
        let open = office.hold(ANNA, "gemini", 200).await.unwrap();
        let refused = office.hold(ANNA, "gemini", 101).await.unwrap_err();
        insta::assert_snapshot!("over_the_budget", told(refused));

        // Lowered under what is spoken for: nothing negative, what runs settles, what is new does not.
        let lower = office.served.as_admin(change(&made.id, 500));
        let lowered = office
            .admin
            .update_budget(lower)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(numbers(&lowered.budget.unwrap()), (700, 200, 0));
        let refused = office.hold(ANNA, "gemini", 1).await.unwrap_err();
        assert_eq!(reason(refused), Reason::BudgetExceeded);
        office.settle(&open, 150).await;
        let get = office.served.as_admin(GetBudgetRequest {
            id: made.id.clone(),
        });
        let got = office.admin.get_budget(get).await.unwrap().into_inner();
        assert_eq!(numbers(&got.budget.unwrap()), (850, 0, 0));

        // Soft, it only tells.
        let soft = UpdateBudgetRequest {
            id: made.id.clone(),
            soft: Some(true),
            name: Some("only looking".to_owned()),
            ..UpdateBudgetRequest::default()
        };
        let soft = office
            .admin
            .update_budget(office.served.as_admin(soft))
            .await;
        let soft = soft.unwrap().into_inner().budget.unwrap();
        assert_eq!(
            (soft.hard, soft.limit, &*soft.name),
            (false, 500, "only looking")
        );
        office.hold(ANNA, "gemini", 1_000).await.unwrap();
        // A change that changes nothing leaves no row.
        let same = office.served.as_admin(change(&made.id, 500));
        office.admin.update_budget(same).await.unwrap();

        let delete = DeleteBudgetRequest {
            id: made.id.clone(),
        };
        let gone = office
            .admin
            .delete_budget(office.served.as_admin(delete.clone()))
            .await;
        gone.unwrap();
        let gone = office
            .admin
            .delete_budget(office.served.as_admin(delete))
            .await;
        assert_eq!(reason(gone.unwrap_err()), Reason::NotFound);
        insta::assert_snapshot!("audit_of_a_budget", office.audit_text().await);
        office.served.stop().await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn what_was_spent_before_counts() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, PLANS).await;
        let other = user();
        // In October; then in November, half of it under way.
        office
            .served
            .clock
            .set(time::macros::datetime!(2026-10-31 23:59 UTC).into());
        office.spend(ANNA, "gemini", 5).await;
        let late = office.hold(ANNA, "gemini", 7).await.unwrap();
        office
            .served
            .clock
            .set(time::macros::datetime!(2026-11-19 12:00 UTC).into());
        office.spend(ANNA, "gemini", 11).await;
        office
            .served
            .clock
            .set(time::macros::datetime!(2026-11-20 12:00 UTC).into());
        office.spend(ANNA, "flux", 13).await;
        office.spend(other, "gemini", 17).await;
        let held = office.hold(ANNA, "gemini", 19).await.unwrap();
        let suspended = office.hold(other, "flux", 23).await.unwrap();
        office.suspend(&suspended).await;

        let anna = ANNA.to_string();
        for (scope, value, window, expected) in [
            (Type::Global, "", Window::Month, (41, 42)),
            (Type::Global, "", Window::Day, (30, 42)),
            (Type::Global, "", Window::Lifetime, (46, 49)),
            (Type::User, &*anna, Window::Month, (24, 19)),
            (Type::User, &anna, Window::Lifetime, (29, 26)),
            (Type::Plan, "free", Window::Month, (41, 42)),
            (Type::Plan, "pro", Window::Month, (0, 0)),
            (Type::Provider, "gemini", Window::Month, (28, 19)),
            (Type::Provider, "flux", Window::Day, (13, 23)),
            (Type::Kind, "IMAGE", Window::Month, (41, 42)),
        ] {
            let mut request = budget(scope, value, 1_000);
            request.window = window.into();
            let made = office.create(request).await.unwrap();
            let (used, reserved, _) = numbers(&made);
            assert_eq!((used, reserved), expected, "{scope:?} {value} {window:?}");
        }
        let generations = CreateBudgetRequest {
            meter: 1,
            ..budget(Type::Global, "", 1_000)
        };
        // Suspended work holds no generation.
        let made = office.create(generations).await.unwrap();
        assert_eq!(numbers(&made), (3, 1, 996));

        // What was under way settles on all of them.
        office.settle(&late, 7).await;
        office.settle(&held, 9).await;
        let request = ListBudgetsRequest {
            page_size: 100,
            ..ListBudgetsRequest::default()
        };
        let listed = office
            .admin
            .list_budgets(office.served.as_admin(request))
            .await;
        let listed = listed.unwrap().into_inner().budgets;
        let standing: Vec<_> = listed.iter().rev().map(numbers).collect();
        let expected = [
            (50, 23),
            (39, 23),
            (62, 23),
            (33, 0),
            (45, 0),
            (50, 23),
            (0, 0),
            (37, 0),
            (13, 23),
            (50, 23),
            (4, 0),
        ];
        let standing: Vec<_> = standing
            .into_iter()
            .map(|(used, held, _)| (used, held))
            .collect();
        assert_eq!(standing, expected);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn made_again_it_counts_what_it_missed() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, PLANS).await;
        let made = office.create(budget(Type::Global, "", 100)).await.unwrap();
        office.spend(ANNA, "gemini", 10).await;
        let before = office.hold(ANNA, "gemini", 20).await.unwrap();
        let delete = office.served.as_admin(DeleteBudgetRequest { id: made.id });
        office.admin.delete_budget(delete).await.unwrap();

        // Nobody is in the way now; what was held when it was there still settles.
        office.spend(ANNA, "gemini", 300).await;
        let between = office.hold(ANNA, "gemini", 40).await.unwrap();
        office.settle(&before, 20).await;
        let made = office.create(budget(Type::Global, "", 100)).await.unwrap();
        assert_eq!(numbers(&made), (330, 40, 0));
        office.settle(&between, 40).await;
        let get = office.served.as_admin(GetBudgetRequest { id: made.id });
        let got = office.admin.get_budget(get).await.unwrap().into_inner();
        assert_eq!(numbers(&got.budget.unwrap()), (370, 0, 0));
        office.served.stop().await;
    }
}

#[tokio::test]
async fn pages_run_from_the_newest() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, PLANS).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let one = budget(Type::User, &user().to_string(), 1);
        made.push(office.create(one).await.unwrap().id);
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListBudgetsRequest {
            page_size: 2,
            page_token,
        };
        let page = office
            .admin
            .list_budgets(office.served.as_admin(request))
            .await;
        let page = page.unwrap().into_inner();
        seen.extend(page.budgets.into_iter().map(|one| one.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, made);
    office.served.stop().await;
}

#[tokio::test]
async fn what_nothing_named_has_no_budget() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, PLANS).await;
        let named = [(Type::Project, "p1"), (Type::ApiKey, "k1")];
        for (scope, value) in named {
            let refused = office.create(budget(scope, value, 1)).await.unwrap_err();
            let fault = errors::from_status(refused);
            assert_eq!(fault.violations[0].field, "scope.value", "{fault}");
        }
        // Work that is only under way is enough.
        let mut request = order(ANNA, "gemini", 1);
        let purpose = request.purpose.as_mut().unwrap();
        (purpose.project_id, purpose.api_key_id) = ("p1".to_owned(), "k1".to_owned());
        let id = request.operation_id.clone();
        let request = office.served.as_service(request);
        office.usage.reserve(request).await.unwrap();
        for (scope, value) in named {
            let made = office.create(budget(scope, value, 9)).await.unwrap();
            assert_eq!(numbers(&made), (0, 1, 8), "{}", test.name());
        }
        office.settle(&id, 1).await;
        let mut day = budget(Type::Project, "p1", 9);
        day.window = Window::Day.into();
        assert_eq!(numbers(&office.create(day).await.unwrap()), (1, 0, 8));
        office.served.stop().await;
    }
}
