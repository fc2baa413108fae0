//! Units given and taken by hand, and work nobody knows the outcome of.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::reservation::State;
use contracts::usage::v1::scope::Type;
use contracts::usage::v1::{
    Adjustment, CreateAdjustmentRequest, GetBudgetRequest, GetUsageRequest, ListAdjustmentsRequest,
    ListReservationsRequest, Reservation, ResolveReservationRequest,
};
use errors::Reason;
use sea_orm::ConnectionTrait;
use testkit::TestDb;
use tonic::Status;
use types::UserId;
use uuid::Uuid;

use super::{Office, budget, numbers, reason, without_ids};
use crate::books::{Books, user};
use crate::served::ANNA;

fn adjustment(owner: UserId, meter: Meter, amount: i64) -> CreateAdjustmentRequest {
    CreateAdjustmentRequest {
        operation_id: Uuid::now_v7().to_string(),
        owner_id: owner.to_string(),
        tier: "free".to_owned(),
        meter: meter.into(),
        amount,
        note: "the picture was black".to_owned(),
    }
}

impl Office {
    async fn adjust(&mut self, request: &CreateAdjustmentRequest) -> Result<Adjustment, Status> {
        let request = self.served.as_admin(request.clone());
        let made = self.admin.create_adjustment(request).await?;
        Ok(made.into_inner().adjustment.unwrap())
    }

    async fn remaining(&mut self, owner: UserId) -> i64 {
        let look = self.served.as_user(owner, "free", GetUsageRequest {});
        let limits = self
            .usage
            .get_usage(look)
            .await
            .unwrap()
            .into_inner()
            .limits;
        limits[0].remaining
    }

    async fn resolve(&mut self, id: &str, cost: Option<i64>) -> Result<Reservation, Status> {
        let request = ResolveReservationRequest {
            id: id.to_owned(),
            cost_microusd: cost,
        };
        let ended = self
            .admin
            .resolve_reservation(self.served.as_admin(request));
        Ok(ended.await?.into_inner().reservation.unwrap())
    }

    async fn in_state(&mut self, state: State) -> Vec<String> {
        let request = ListReservationsRequest {
            state: state.into(),
            ..ListReservationsRequest::default()
        };
        let listed = self
            .admin
            .list_reservations(self.served.as_admin(request))
            .await;
        let found = listed.unwrap().into_inner().reservations;
        found.into_iter().map(|one| one.id).collect()
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn adjustments() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
        for _ in 0..2 {
            office.spend(ANNA, "gemini", 10).await;
        }
        assert_eq!(office.remaining(ANNA).await, 1);
        let back = adjustment(ANNA, Meter::Generations, -1);
        let made = office.adjust(&back).await.unwrap();
        assert_eq!(office.adjust(&back).await.unwrap(), made);
        insta::assert_snapshot!("adjustment", without_ids(&format!("{made:#?}")));
        assert_eq!(office.remaining(ANNA).await, 2);
        // Never more than is used: one of the two is given back already.
        let more = adjustment(ANNA, Meter::Generations, -2);
        let refused = office.adjust(&more).await.unwrap_err();
        assert_eq!(reason(refused), Reason::InvalidField);
        let mut other = back.clone();
        other.amount = -2;
        let refused = office.adjust(&other).await.unwrap_err();
        assert_eq!(reason(refused), Reason::OperationMismatch);
        let taken = office
            .adjust(&adjustment(ANNA, Meter::Generations, 2))
            .await;
        taken.unwrap();
        assert_eq!(office.remaining(ANNA).await, 0);
        let money = office
            .adjust(&adjustment(ANNA, Meter::Microusd, -7))
            .await
            .unwrap();
        let elsewhere = office.adjust(&adjustment(user(), Meter::Microusd, 9)).await;
        elsewhere.unwrap();

        let request = ListAdjustmentsRequest {
            owner_id: ANNA.to_string(),
            ..ListAdjustmentsRequest::default()
        };
        let listed = office
            .admin
            .list_adjustments(office.served.as_admin(request))
            .await;
        let listed = listed.unwrap().into_inner().adjustments;
        let amounts: Vec<_> = listed.iter().map(|one| (one.meter(), one.amount)).collect();
        let expected = [
            (Meter::Microusd, -7),
            (Meter::Generations, 2),
            (Meter::Generations, -1),
        ];
        assert_eq!(amounts, expected);
        assert_eq!((&listed[0], &listed[2]), (&money, &made));
        let all = office.served.as_admin(ListAdjustmentsRequest::default());
        let all = office
            .admin
            .list_adjustments(all)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(all.adjustments.len(), 4);
        // A repeat leaves no second row, a refusal none at all.
        let actions: Vec<_> = office
            .audit()
            .await
            .into_iter()
            .map(|one| one.action)
            .collect();
        assert_eq!(actions, ["adjustment.create"; 4]);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn of_a_shorter_window_only_what_was_used_in_it_is_given_back() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, "free:9+2/day,basic:25,pro:100").await;
    office.spend(ANNA, "gemini", 10).await;
    office
        .served
        .clock
        .advance(std::time::Duration::from_secs(86_400));
    office.spend(ANNA, "gemini", 10).await;
    let back = adjustment(ANNA, Meter::Generations, -2);
    office.adjust(&back).await.unwrap();
    let look = office.served.as_user(ANNA, "free", GetUsageRequest {});
    let limits = office
        .usage
        .get_usage(look)
        .await
        .unwrap()
        .into_inner()
        .limits;
    let left: Vec<_> = limits
        .iter()
        .map(|one| (one.limit, one.remaining))
        .collect();
    assert_eq!(left, [(3, 2), (11, 9)]);
    office.served.stop().await;
}

#[tokio::test]
async fn what_nobody_knows_is_resolved_by_hand() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:1000,basic:25,pro:100").await;
        let whole = office
            .create(budget(Type::Global, "", 1_000))
            .await
            .unwrap();
        let [paid, unpaid, open, dear] = [
            office.hold(ANNA, "gemini", 100).await.unwrap(),
            office.hold(ANNA, "gemini", 200).await.unwrap(),
            office.hold(ANNA, "gemini", 50).await.unwrap(),
            office.hold(ANNA, "gemini", 10).await.unwrap(),
        ];
        for id in [&paid, &unpaid, &dear] {
            office.suspend(id).await;
        }
        let suspended = [dear.clone(), unpaid.clone(), paid.clone()];
        assert_eq!(office.in_state(State::Unspecified).await, suspended);
        assert_eq!(
            office.in_state(State::Held).await,
            std::slice::from_ref(&open)
        );

        // Only what is in suspense.
        for cost in [Some(5), None] {
            let refused = office.resolve(&open, cost).await.unwrap_err();
            assert_eq!(reason(refused), Reason::WrongState);
        }
        for _ in 0..2 {
            let ended = office.resolve(&paid, Some(80)).await.unwrap();
            assert_eq!(ended.state(), State::Settled);
            let ended = office.resolve(&unpaid, None).await.unwrap();
            assert_eq!(ended.state(), State::Released);
            // It cost more than was held: the platform's loss.
            let ended = office.resolve(&dear, Some(15)).await.unwrap();
            assert_eq!(ended.state(), State::Settled);
        }
        for (id, cost) in [
            (&paid, Some(81)),
            (&paid, None),
            (&unpaid, Some(0)),
            (&dear, Some(10)),
        ] {
            let refused = office.resolve(id, cost).await.unwrap_err();
            assert_eq!(reason(refused), Reason::WrongState, "{cost:?}");
        }
        let get = office.served.as_admin(GetBudgetRequest { id: whole.id });
        let got = office.admin.get_budget(get).await.unwrap().into_inner();
        assert_eq!(numbers(&got.budget.unwrap()), (90, 50, 860));
        assert!(office.in_state(State::Suspended).await.is_empty());
        let mut audit = without_ids(&office.audit_text().await);
        audit = audit.replace(&ANNA.to_string(), "<anna>");
        insta::assert_snapshot!("audit_of_reservations", audit);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn what_was_used_on_one_plan_is_not_corrected_on_another() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
    office.spend(ANNA, "gemini", 10).await;
    let mut wrong = adjustment(ANNA, Meter::Generations, -1);
    wrong.tier = "pro".to_owned();
    let fault = errors::from_status(office.adjust(&wrong).await.unwrap_err());
    assert_eq!(fault.violations[0].field, "tier");
    assert!(fault.message.contains("must be 'free'"), "{fault}");
    // Of whom nothing was charged yet, any plan may be meant.
    wrong.owner_id = user().to_string();
    wrong.amount = 1;
    office.adjust(&wrong).await.unwrap();
    assert_eq!(office.audit().await.len(), 1);
    office.served.stop().await;
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_done() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
        office.spend(ANNA, "gemini", 10).await;
        let id = office.hold(ANNA, "gemini", 20).await.unwrap();
        office.suspend(&id).await;
        let back = adjustment(ANNA, Meter::Generations, -1);
        let remaining = office.remaining(ANNA).await;

        let books = Books::open(&test, "free:3").await;
        let rename = |sql| books.db.write().execute_unprepared(sql);
        rename("ALTER TABLE audit RENAME TO away").await.unwrap();
        for refused in [
            office.adjust(&back).await.map(drop),
            office.resolve(&id, Some(20)).await.map(drop),
        ] {
            assert_eq!(reason(refused.unwrap_err()), Reason::Internal);
        }
        assert_eq!(office.remaining(ANNA).await, remaining);
        assert_eq!(
            office.in_state(State::Suspended).await,
            std::slice::from_ref(&id)
        );

        rename("ALTER TABLE away RENAME TO audit").await.unwrap();
        office.adjust(&back).await.unwrap();
        assert_eq!(office.remaining(ANNA).await, remaining + 1);
        office.resolve(&id, Some(20)).await.unwrap();
        assert_eq!(books.disagreements().await, 0);
        office.served.stop().await;
    }
}
