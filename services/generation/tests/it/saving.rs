//! Once a soft budget is used up the cheapest does what may be done by anybody, where the operator wants it so.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::generation::Kind;
use contracts::generation::v1::routing::Policy;
use contracts::generation::v1::{CreateGenerationRequest, QuoteGenerationRequest, Route};
use testkit::TestDb;

use crate::routing::{entries, measured, routed};
use crate::support::suite::Options;
use crate::support::{Scripted, Suite, on_both};

on_both!(the_cheapest_does_what_does_not_fit_into_a_soft_budget);

async fn suite(db: TestDb, saves: bool) -> Suite {
    measured(&db).await;
    let providers = [("slow", 8_000), ("quick", 9_000)];
    let [slow, quick] = providers.map(|(name, price)| Arc::new(Scripted::new(name, price)));
    let options = Options {
        saves,
        ..Options::default()
    };
    let suite = Suite::start(db, entries([&slow, &quick]), options).await;
    // Until it is heard how fast they are.
    tokio::time::sleep(Duration::from_millis(300)).await;
    suite
}

fn told(route: Option<Route>) -> (String, bool, Policy) {
    let route = route.unwrap();
    let policy = route.policy();
    (route.chosen.unwrap().provider, route.saving, policy)
}

async fn routes(suite: &Suite, order: CreateGenerationRequest) -> (String, bool, Policy) {
    let user = suite.user();
    let quote = user.request(QuoteGenerationRequest {
        kind: Kind::Image.into(),
        image: order.image.clone(),
        routing: order.routing,
        ..QuoteGenerationRequest::default()
    });
    let quoted = user.client.clone().quote_generation(quote).await.unwrap();
    let quoted = told(quoted.into_inner().route);
    assert_eq!(quoted, told(user.create(order).await.unwrap().route));
    quoted
}

async fn the_cheapest_does_what_does_not_fit_into_a_soft_budget(db: TestDb) {
    let saving = suite(db, true).await;
    let fastest = || routed(Policy::Fastest, None, false);
    let budget = |left| *saving.peers.usage.soft_budget.lock().unwrap() = left;
    let as_wished = ("quick".to_owned(), false, Policy::Fastest);
    for left in [None, Some(9_000)] {
        budget(left);
        assert_eq!(routes(&saving, fastest()).await, as_wished);
    }
    for left in [8_999, 0] {
        budget(Some(left));
        let cheapest = ("slow".to_owned(), true, Policy::Cheapest);
        assert_eq!(routes(&saving, fastest()).await, cheapest);
    }
    // Who names a provider gets it, and who wants the cheapest has it already.
    let mut pinned = fastest();
    pinned.image.as_mut().unwrap().provider = "quick".to_owned();
    assert_eq!(routes(&saving, pinned).await, as_wished);
    let cheapest = routed(Policy::Cheapest, None, false);
    let expected = ("slow".to_owned(), false, Policy::Cheapest);
    assert_eq!(routes(&saving, cheapest).await, expected);

    let spending = suite(TestDb::sqlite("generation").await, false).await;
    *spending.peers.usage.soft_budget.lock().unwrap() = Some(0);
    assert_eq!(routes(&spending, fastest()).await, as_wished);
}
