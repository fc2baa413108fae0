//! Every wrong field is named, and nothing is written.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::plan::Allowance;
use contracts::usage::v1::quantity::Unit;
use contracts::usage::v1::scope::Type;
use contracts::usage::v1::{
    CreateAdjustmentRequest, CreateBudgetRequest, CreatePriceRequest, DeleteBudgetRequest,
    DeletePlanRequest, GetBudgetRequest, GetPlanRequest, ListAdjustmentsRequest,
    ListAuditEventsRequest, ListBudgetsRequest, ListPlansRequest, ListPricesRequest,
    ListReservationsRequest, PutPlanRequest, ResolveReservationRequest, RetirePriceRequest, Scope,
    UpdateBudgetRequest,
};
use errors::{Reason, from_status};
use testkit::TestDb;
use tonic::Status;
use uuid::Uuid;

use super::{Office, budget};
use crate::served::{ANNA, told};

const TOO_MUCH: i64 = 1_000_000_000_000_001;

fn fields(status: Status) -> Vec<String> {
    let fault = from_status(status);
    assert_eq!(fault.reason, Reason::InvalidField, "{fault}");
    fault.violations.into_iter().map(|one| one.field).collect()
}

async fn office() -> (TestDb, Office) {
    let test = TestDb::sqlite("usage").await;
    let office = Office::open(&test, "free:5,basic:25,pro:100").await;
    (test, office)
}

fn broken(change: impl FnOnce(&mut CreateBudgetRequest)) -> CreateBudgetRequest {
    let mut request = budget(Type::Global, "", 1);
    change(&mut request);
    request
}

fn scoped(r#type: i32, value: &str) -> CreateBudgetRequest {
    let value = value.to_owned();
    broken(|one| one.scope = Some(Scope { r#type, value }))
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn budgets() {
    let (_test, mut office) = office().await;
    let cases = [
        (broken(|one| one.limit = -1), "limit"),
        (broken(|one| one.limit = i64::MIN), "limit"),
        (broken(|one| one.limit = TOO_MUCH), "limit"),
        (broken(|one| one.limit = i64::MAX), "limit"),
        (broken(|one| one.name = "x".repeat(101)), "name"),
        (broken(|one| one.name = "a\0b".to_owned()), "name"),
        (broken(|one| one.name = "a\nb".to_owned()), "name"),
        (broken(|one| one.name = "  ".to_owned()), "name"),
        (broken(|one| one.meter = 3), "meter"),
        (broken(|one| one.meter = 5), "meter"),
        (broken(|one| one.meter = 99), "meter"),
        (broken(|one| one.window = 0), "window"),
        (broken(|one| one.window = 4), "window"),
        (broken(|one| one.scope = None), "scope.type"),
        (scoped(8, ""), "scope.type"),
        (scoped(1, "x"), "scope.value"),
        (scoped(2, ""), "scope.value"),
        (scoped(2, "anna"), "scope.value"),
        (scoped(5, "gold"), "scope.value"),
        (scoped(6, ""), "scope.value"),
        (scoped(6, "gem\u{7f}ini"), "scope.value"),
        (scoped(7, "MUSIC"), "scope.value"),
        (broken(|one| one.alert_percents = vec![0]), "alertPercents"),
        (
            broken(|one| one.alert_percents = vec![1_001]),
            "alertPercents",
        ),
        (
            broken(|one| one.alert_percents = vec![50, 50]),
            "alertPercents",
        ),
        (
            broken(|one| one.alert_percents = vec![80, 50]),
            "alertPercents",
        ),
        (
            broken(|one| one.alert_percents = (1..12).collect()),
            "alertPercents",
        ),
    ];
    for (request, field) in cases {
        let text = format!("{request:?}");
        let refused = office.create(request).await;
        assert_eq!(fields(refused.expect_err(&text)), [field], "{text}");
    }
    let all = CreateBudgetRequest {
        name: "\0".to_owned(),
        scope: None,
        meter: -1,
        window: -1,
        limit: -1,
        soft: true,
        alert_percents: vec![-1],
    };
    let refused = office.create(all).await.unwrap_err();
    insta::assert_snapshot!("every_wrong_field_of_a_budget", told(refused));

    for (id, wrong) in [
        ("", true),
        ("x", true),
        (&*Uuid::now_v7().to_string(), false),
    ] {
        let id = id.to_owned();
        let get = office.served.as_admin(GetBudgetRequest { id: id.clone() });
        let delete = office
            .served
            .as_admin(DeleteBudgetRequest { id: id.clone() });
        let update = UpdateBudgetRequest {
            id,
            limit: Some(1),
            ..UpdateBudgetRequest::default()
        };
        let update = office.served.as_admin(update);
        for refused in [
            office.admin.get_budget(get).await.unwrap_err(),
            office.admin.delete_budget(delete).await.unwrap_err(),
            office.admin.update_budget(update).await.unwrap_err(),
        ] {
            match wrong {
                true => assert_eq!(fields(refused), ["id"]),
                false => assert_eq!(from_status(refused).reason, Reason::NotFound),
            }
        }
    }
    let update = UpdateBudgetRequest {
        id: Uuid::now_v7().to_string(),
        name: Some("x".repeat(101)),
        limit: Some(-1),
        soft: None,
        alert_percents: vec![2, 1],
    };
    let refused = office
        .admin
        .update_budget(office.served.as_admin(update))
        .await;
    let expected = ["name", "limit", "alertPercents"];
    assert_eq!(fields(refused.unwrap_err()), expected);
    assert!(office.audit().await.is_empty());
    office.served.stop().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn plans() {
    let (_test, mut office) = office().await;
    let allowance = |meter: i32, window: i32, limit| Allowance {
        meter,
        window,
        limit,
    };
    let month = Window::Month.into();
    let cases = [
        ("Free", vec![allowance(1, month, 1)], vec!["name"]),
        ("", vec![allowance(1, month, 1)], vec!["name"]),
        ("-", vec![allowance(1, month, 1)], vec!["name"]),
        ("a\0", vec![allowance(1, month, 1)], vec!["name"]),
        ("free", vec![], vec!["limits"]),
        (
            "free",
            vec![allowance(1, month, -1)],
            vec!["limits[0].limit"],
        ),
        (
            "free",
            vec![allowance(1, month, TOO_MUCH)],
            vec!["limits[0].limit"],
        ),
        (
            "free",
            vec![allowance(0, month, 1)],
            vec!["limits[0].meter"],
        ),
        (
            "free",
            vec![allowance(4, month, 1)],
            vec!["limits[0].meter"],
        ),
        ("free", vec![allowance(1, 0, 1)], vec!["limits[0].window"]),
        (
            "free",
            vec![allowance(2, month, 1), allowance(2, month, 2)],
            vec!["limits[1]"],
        ),
        (
            "no name",
            vec![allowance(9, 9, -1)],
            vec![
                "name",
                "limits[0].meter",
                "limits[0].window",
                "limits[0].limit",
            ],
        ),
    ];
    for (name, limits, expected) in cases {
        let name = name.to_owned();
        let request = office.served.as_admin(PutPlanRequest { name, limits });
        let refused = office.admin.put_plan(request).await.unwrap_err();
        assert_eq!(fields(refused), expected);
    }
    let many = PutPlanRequest {
        name: "free".to_owned(),
        limits: vec![allowance(1, month, 1); 21],
    };
    let refused = office.admin.put_plan(office.served.as_admin(many)).await;
    assert_eq!(fields(refused.unwrap_err())[0], "limits");
    for name in ["gold", "", "free"] {
        let name = name.to_owned();
        // What is only configured cannot be deleted.
        let delete = office.served.as_admin(DeletePlanRequest {
            name: name.clone(),
            force: false,
        });
        let refused = office.admin.delete_plan(delete).await.unwrap_err();
        assert_eq!(from_status(refused).reason, Reason::NotFound);
        let get = office
            .served
            .as_admin(GetPlanRequest { name: name.clone() });
        assert_eq!(office.admin.get_plan(get).await.is_ok(), name == "free");
    }
    assert!(office.audit().await.is_empty());
    office.served.stop().await;
}

#[tokio::test]
async fn prices() {
    let (_test, mut office) = office().await;
    let fine = CreatePriceRequest {
        provider: "gemini".to_owned(),
        model: "banana".to_owned(),
        unit: Unit::Image.into(),
        price_microusd: 39_000,
        ..CreatePriceRequest::default()
    };
    let broken = |change: fn(&mut CreatePriceRequest)| {
        let mut request = fine.clone();
        change(&mut request);
        request
    };
    for (request, field) in [
        (broken(|one| one.provider.clear()), "provider"),
        (broken(|one| one.model = "a\0".to_owned()), "model"),
        (broken(|one| one.model = "x".repeat(129)), "model"),
        (broken(|one| one.unit = 0), "unit"),
        (broken(|one| one.unit = 8), "unit"),
        (broken(|one| one.size = "x".repeat(129)), "size"),
        (broken(|one| one.size = "1024".to_owned()), "size"),
        (broken(|one| one.size = "0x1024".to_owned()), "size"),
        (broken(|one| one.size = "1024X1024".to_owned()), "size"),
        (broken(|one| one.provider = "  ".to_owned()), "provider"),
        (
            broken(|one| {
                one.unit = Unit::Seconds.into();
                one.size = "1x1".to_owned();
            }),
            "size",
        ),
        (broken(|one| one.quality = "\t".to_owned()), "quality"),
        (broken(|one| one.price_microusd = -1), "priceMicrousd"),
        (broken(|one| one.price_microusd = i64::MAX), "priceMicrousd"),
        (broken(|one| one.as_of = "today".to_owned()), "asOf"),
        (broken(|one| one.as_of = "2026-02-29".to_owned()), "asOf"),
        (broken(|one| one.as_of = "20260228".to_owned()), "asOf"),
        (
            broken(|one| one.as_of = "2026-02-28T00:00".to_owned()),
            "asOf",
        ),
    ] {
        let text = format!("{request:?}");
        let refused = office
            .admin
            .create_price(office.served.as_admin(request))
            .await;
        assert_eq!(fields(refused.expect_err(&text)), [field], "{text}");
    }
    for (id, reason) in [
        ("x".to_owned(), Reason::InvalidField),
        (Uuid::now_v7().to_string(), Reason::NotFound),
    ] {
        let request = office.served.as_admin(RetirePriceRequest { id });
        let refused = office.admin.retire_price(request).await.unwrap_err();
        assert_eq!(from_status(refused).reason, reason);
    }
    assert!(office.audit().await.is_empty());
    office.served.stop().await;
}

#[tokio::test]
async fn corrections() {
    let (_test, mut office) = office().await;
    let fine = CreateAdjustmentRequest {
        operation_id: Uuid::now_v7().to_string(),
        owner_id: ANNA.to_string(),
        tier: "free".to_owned(),
        meter: Meter::Generations.into(),
        amount: -1,
        note: "a gift".to_owned(),
    };
    let broken = |change: fn(&mut CreateAdjustmentRequest)| {
        let mut request = fine.clone();
        change(&mut request);
        request
    };
    for (request, field) in [
        (broken(|one| one.operation_id.clear()), "operationId"),
        (broken(|one| one.owner_id = "anna".to_owned()), "ownerId"),
        (broken(|one| one.tier.clear()), "tier"),
        (broken(|one| one.tier = "gold".to_owned()), "tier"),
        (broken(|one| one.meter = 0), "meter"),
        (broken(|one| one.meter = 3), "meter"),
        (broken(|one| one.amount = 0), "amount"),
        (broken(|one| one.amount = i64::MIN), "amount"),
        (broken(|one| one.amount = i64::MAX), "amount"),
        (broken(|one| one.note.clear()), "note"),
        (broken(|one| one.note = "  ".to_owned()), "note"),
        (broken(|one| one.note = "x".repeat(501)), "note"),
        (broken(|one| one.note = "a\0".to_owned()), "note"),
    ] {
        let text = format!("{request:?}");
        let refused = office
            .admin
            .create_adjustment(office.served.as_admin(request))
            .await;
        assert_eq!(fields(refused.expect_err(&text)), [field], "{text}");
    }
    let resolve = |id: &str, cost_microusd| ResolveReservationRequest {
        id: id.to_owned(),
        cost_microusd,
    };
    let nobody = Uuid::now_v7().to_string();
    for (request, reason) in [
        (resolve("x", None), Reason::InvalidField),
        (resolve(&nobody, Some(-1)), Reason::InvalidField),
        (resolve(&nobody, Some(i64::MAX)), Reason::InvalidField),
        (resolve(&nobody, Some(1)), Reason::NotFound),
        (resolve(&nobody, None), Reason::NotFound),
    ] {
        let request = office.served.as_admin(request);
        let refused = office.admin.resolve_reservation(request).await;
        assert_eq!(from_status(refused.unwrap_err()).reason, reason);
    }
    assert!(office.audit().await.is_empty());
    office.served.stop().await;
}

#[tokio::test]
async fn pages() {
    let (_test, mut office) = office().await;
    macro_rules! refused {
        ($($method:ident($request:ident)),* $(,)?) => {$(
            let mut request = $request::default();
            request.page_size = 101;
            let refused = office.admin.$method(office.served.as_admin(request)).await;
            assert_eq!(fields(refused.unwrap_err()), ["pageSize"], stringify!($method));
            let mut request = $request::default();
            request.page_token = "what".to_owned();
            let refused = office.admin.$method(office.served.as_admin(request)).await;
            assert_eq!(fields(refused.unwrap_err()), ["pageToken"], stringify!($method));
        )*};
    }
    refused![
        list_plans(ListPlansRequest),
        list_budgets(ListBudgetsRequest),
        list_prices(ListPricesRequest),
        list_adjustments(ListAdjustmentsRequest),
        list_reservations(ListReservationsRequest),
        list_audit_events(ListAuditEventsRequest),
    ];
    let request = ListReservationsRequest {
        state: 7,
        ..ListReservationsRequest::default()
    };
    let refused = office
        .admin
        .list_reservations(office.served.as_admin(request))
        .await;
    assert_eq!(fields(refused.unwrap_err()), ["state"]);
    office.served.stop().await;
}
