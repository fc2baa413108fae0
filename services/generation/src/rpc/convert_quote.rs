//! Quotes: wire to domain and back.

use contracts::generation::v1 as wire;
use contracts::generation::v1::quote_generation_response::Limit as WireLimit;

use super::{convert, convert_route};
use crate::domain::order::OrderForm;
use crate::domain::quote::{LimitState, Quotation};

pub(super) fn read(request: wire::QuoteGenerationRequest) -> OrderForm {
    convert::read_order(wire::CreateGenerationRequest {
        kind: request.kind,
        image: request.image,
        routing: request.routing,
        off_peak: request.off_peak,
        cache: request.cache,
        ..wire::CreateGenerationRequest::default()
    })
}

pub(super) fn quotation(quotation: Quotation) -> wire::QuoteGenerationResponse {
    let position = quotation.place.position.unwrap_or_default();
    let allowed = quotation.refusal.is_none();
    let (reason, message) = (quotation.refusal)
        .map(|refusal| (refusal.reason, refusal.message))
        .unwrap_or_default();
    wire::QuoteGenerationResponse {
        route: Some(convert_route::route(quotation.itinerary)),
        price_microusd: quotation.price.0,
        allowed,
        reason,
        message,
        limits: quotation.limits.into_iter().map(limit).collect(),
        queue_position: i32::try_from(position).unwrap_or(i32::MAX),
        estimated_start_at: quotation.place.starts_at.map(Into::into),
        cached: quotation.is_cached,
    }
}

fn limit(state: LimitState) -> WireLimit {
    WireLimit {
        meter: state.meter,
        window: state.window,
        scope: state.scope,
        limit: state.limit,
        used: state.used,
        reserved: state.reserved,
        remaining: state.remaining,
        asked: state.asked,
        fits: state.fits,
        hard: state.is_hard,
        reset_at: state.reset_at.map(Into::into),
    }
}
