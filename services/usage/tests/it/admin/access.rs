//! Operators may, nobody else.

use contracts::usage::v1::scope::Type;
use contracts::usage::v1::{
    CreateAdjustmentRequest, CreatePriceRequest, DeleteBudgetRequest, DeletePlanRequest,
    GetBudgetRequest, GetPlanRequest, ListAdjustmentsRequest, ListAuditEventsRequest,
    ListBudgetsRequest, ListPlansRequest, ListPricesRequest, ListReservationsRequest,
    PutPlanRequest, ResolveReservationRequest, RetirePriceRequest, UpdateBudgetRequest,
};
use testkit::TestDb;
use tonic::{Code, Request};

use super::{Office, budget};
use crate::served::ANNA;

#[tokio::test]
async fn users_may_not() {
    let test = TestDb::sqlite("usage").await;
    let mut office = Office::open(&test, "free:5,basic:25,pro:100").await;
    macro_rules! denied {
        ($($method:ident($request:expr)),* $(,)?) => {$(
            let as_user = office.served.as_user(ANNA, "pro", $request);
            let refused = office.admin.$method(as_user).await;
            assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, stringify!($method));
            let as_nobody = Request::new($request);
            let refused = office.admin.$method(as_nobody).await;
            assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated, stringify!($method));
        )*};
    }
    denied![
        list_plans(ListPlansRequest::default()),
        get_plan(GetPlanRequest::default()),
        put_plan(PutPlanRequest::default()),
        delete_plan(DeletePlanRequest::default()),
        create_budget(budget(Type::Global, "", 1)),
        list_budgets(ListBudgetsRequest::default()),
        get_budget(GetBudgetRequest::default()),
        update_budget(UpdateBudgetRequest::default()),
        delete_budget(DeleteBudgetRequest::default()),
        create_price(CreatePriceRequest::default()),
        list_prices(ListPricesRequest::default()),
        retire_price(RetirePriceRequest::default()),
        create_adjustment(CreateAdjustmentRequest::default()),
        list_adjustments(ListAdjustmentsRequest::default()),
        list_reservations(ListReservationsRequest::default()),
        resolve_reservation(ResolveReservationRequest::default()),
        list_audit_events(ListAuditEventsRequest::default()),
    ];
    assert!(office.audit().await.is_empty());
    office.served.stop().await;
}
