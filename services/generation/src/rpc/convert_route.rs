//! Routes: wire to domain and back.

use std::time::Duration;

use contracts::generation::v1 as wire;
use contracts::generation::v1::model::Performance;
use contracts::generation::v1::route::rejected::Reason as WireReason;
use contracts::generation::v1::route::{Candidate as WireCandidate, Rejected as WireRejected};
use contracts::generation::v1::routing::Policy as WirePolicy;
use types::Microusd;

use crate::domain::route::{Candidate, Itinerary, Policy, Rejected, Why, Wish};
use crate::domain::speed::Speed;

// A number that is no policy of the contract's is not taken for the one that holds without a word.
pub(super) fn read_wish(routing: Option<wire::Routing>) -> Option<Wish> {
    let routing = routing.unwrap_or_default();
    Some(Wish {
        policy: match WirePolicy::try_from(routing.policy).ok()? {
            WirePolicy::Unspecified | WirePolicy::Cheapest => Policy::Cheapest,
            WirePolicy::Fastest => Policy::Fastest,
            WirePolicy::Balanced => Policy::Balanced,
        },
        max_price: routing.max_price_microusd.map(Microusd),
        no_fallback: routing.no_fallback,
    })
}

pub(super) fn route(itinerary: Itinerary) -> wire::Route {
    let policy = match itinerary.policy {
        Policy::Cheapest => WirePolicy::Cheapest,
        Policy::Fastest => WirePolicy::Fastest,
        Policy::Balanced => WirePolicy::Balanced,
    };
    wire::Route {
        policy: policy.into(),
        pinned: itinerary.is_pinned,
        saving: itinerary.is_saving,
        chosen: Some(candidate(itinerary.chosen)),
        fallbacks: itinerary.fallbacks.into_iter().map(candidate).collect(),
        rejected: itinerary.rejected.into_iter().map(rejected).collect(),
    }
}

pub(super) fn performance(speed: &Speed) -> Option<Performance> {
    let span = |seconds: f64| Duration::from_secs_f64(seconds).try_into().ok();
    (speed.count > 0).then(|| Performance {
        orders: speed.count,
        failures: speed.failures,
        cost_microusd: speed.cost,
        p50: speed.p50.and_then(span),
        p95: speed.p95.and_then(span),
    })
}

fn candidate(one: Candidate) -> WireCandidate {
    WireCandidate {
        provider: one.provider,
        model: one.model,
        price_microusd: one.price_microusd,
        ignored_parameters: one.ignored,
    }
}

fn rejected(one: Rejected) -> WireRejected {
    let reason = match one.why {
        Why::Unfit => WireReason::Unfit,
        Why::TooExpensive => WireReason::TooExpensive,
        Why::NotSetUp => WireReason::NotSetUp,
        Why::Procedural => WireReason::Procedural,
        Why::Cooling => WireReason::Cooling,
        Why::Outranked => WireReason::Outranked,
    };
    WireRejected {
        provider: one.provider,
        model: one.model,
        reason: reason.into(),
        message: one.message,
    }
}
