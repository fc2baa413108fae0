//! What would happen to an order: which limits it meets, and what it would cost by the catalogue.

use contracts::usage::v1::quantity::Unit;
use contracts::usage::v1::{
    CreatePriceRequest, ExplainUsageRequest, ExplainUsageResponse, PriceQuote,
};
use errors::from_status;
use testkit::TestDb;
use tonic::Status;

use crate::served::{ANNA, Served};

const PLANS: &str = "free:5+$0.02/day,basic:25,pro:100";

fn thought(provider: &str, model: &str) -> ExplainUsageRequest {
    ExplainUsageRequest {
        kind: "IMAGE".to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        ..ExplainUsageRequest::default()
    }
}

async fn explain(
    served: &Served,
    request: ExplainUsageRequest,
) -> Result<ExplainUsageResponse, Status> {
    let request = served.as_user(ANNA, "free", request);
    Ok(served.client().explain_usage(request).await?.into_inner())
}

async fn price(served: &Served, provider: &str, model: &str, size: &str, price: i64) {
    let request = CreatePriceRequest {
        provider: provider.to_owned(),
        model: model.to_owned(),
        unit: Unit::Image.into(),
        size: size.to_owned(),
        price_microusd: price,
        ..CreatePriceRequest::default()
    };
    let mut admin = served.admin_client();
    admin.create_price(served.as_admin(request)).await.unwrap();
}

fn cost(told: &ExplainUsageResponse) -> Option<i64> {
    told.price
        .as_ref()
        .map(|price: &PriceQuote| price.amount_microusd)
}

#[tokio::test]
async fn the_catalogue_says_what_it_would_cost() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[("BOTTEGA_USAGE_PLANS", PLANS)]).await;
        // Nothing is known of the money; the units are looked at all the same.
        let told = explain(&served, thought("", "")).await.unwrap();
        assert_eq!((told.allowed, cost(&told)), (true, None));
        assert_eq!(told.constraints.len(), 2);

        price(&served, "gemini", "banana", "", 39_000).await;
        price(&served, "flux", "fast", "", 30_000).await;
        price(&served, "flux", "fast", "512x512", 15_000).await;
        let told = explain(&served, thought("", "")).await.unwrap();
        assert_eq!(cost(&told), Some(30_000), "{}", test.name());
        assert_eq!((&*told.provider, &*told.model), ("flux", "fast"));
        assert_eq!((told.allowed, &*told.reason), (false, "BUDGET_EXCEEDED"));
        let small = ExplainUsageRequest {
            size: "512x512".to_owned(),
            ..thought("", "")
        };
        let told = explain(&served, small).await.unwrap();
        assert_eq!((told.allowed, cost(&told)), (true, Some(15_000)));
        let told = explain(&served, thought("gemini", "banana")).await.unwrap();
        assert_eq!(cost(&told), Some(39_000));
        // What it costs was said.
        let told = ExplainUsageRequest {
            cost_microusd: 1,
            ..thought("gemini", "")
        };
        let told = explain(&served, told).await.unwrap();
        assert_eq!((told.allowed, cost(&told)), (true, None));
        served.stop().await;
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[("BOTTEGA_USAGE_PLANS", PLANS)]).await;
    price(&served, "gemini", "banana", "", 1).await;
    let broken = |change: fn(&mut ExplainUsageRequest)| {
        let mut request = thought("gemini", "banana");
        change(&mut request);
        request
    };
    for (request, field) in [
        (broken(|one| one.kind = "MUSIC".to_owned()), "kind"),
        (broken(|one| one.size = "big".to_owned()), "size"),
        (broken(|one| one.cost_microusd = -1), "costMicrousd"),
    ] {
        let refused = explain(&served, request).await.unwrap_err();
        let fault = from_status(refused);
        assert_eq!(fault.violations[0].field, field, "{fault}");
    }
    served.stop().await;
}
