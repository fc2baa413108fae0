//! What came of requests, as answers.

use contracts::usage::v1::explain_usage_response::Constraint;
use contracts::usage::v1::{
    AmendResponse, ExplainUsageResponse, ExtendResponse, GetPriceListResponse, GetUsageResponse,
    Limit, Price as WirePrice, PriceQuote, ReserveResponse,
};
use errors::Fault;
use types::Timestamp;
use uuid::Uuid;

use super::meaning;
use crate::domain::clerk::Done;
use crate::domain::counter::{Rule, Standing};
use crate::domain::error::Error;
use crate::domain::plan::Plan;
use crate::domain::price::Price;
use crate::domain::reservation::Reservation;
use crate::domain::rules::Rules;
use crate::domain::usage::Explained;

/// Says how a plan stands.
pub fn usage(plan: &Plan, standings: &[Standing]) -> GetUsageResponse {
    GetUsageResponse {
        tier: plan.name().to_owned(),
        limits: limits(standings),
    }
}

/// Says what would happen.
pub fn explained(explained: Explained) -> ExplainUsageResponse {
    let constraints = explained.standings.iter().map(|standing| Constraint {
        limit: Some(Limit::from(standing)),
        asked: standing.check.amount,
        fits: standing.fits(),
        hard: standing.check.is_hard,
    });
    let constraints = constraints.collect();
    let pause = explained.pause.map(Error::Paused);
    let refusal = (explained.refusal).map(|refusal| Error::OverLimit(Box::new(refusal)));
    let fault = pause.or(refusal).map(Fault::from);
    let price = explained.quote.map(|quote| PriceQuote {
        amount_microusd: quote.amount.0,
        price_version: quote.version,
    });
    ExplainUsageResponse {
        price,
        provider: explained.purpose.provider,
        model: explained.purpose.model,
        allowed: fault.is_none(),
        reason: (fault.as_ref())
            .map_or_else(String::new, |fault| fault.reason.as_str_name().into()),
        message: fault.map_or_else(String::new, |fault| fault.message),
        constraints,
    }
}

/// Says so many of the prices in force, those that come after this id.
pub fn price_list(rules: &Rules, (size, after): (usize, Uuid)) -> GetPriceListResponse {
    let mut rest = rules.prices.iter().filter(|price| price.id > after);
    let prices: Vec<&Price> = rest.by_ref().take(size).collect();
    let last = prices.last().filter(|_| rest.next().is_some());
    GetPriceListResponse {
        version: rules.version,
        next_page_token: last.map_or_else(String::new, |price| price.id.to_string()),
        prices: prices.into_iter().map(WirePrice::from).collect(),
    }
}

fn limits(standings: &[Standing]) -> Vec<Limit> {
    standings.iter().map(Limit::from).collect()
}

fn quote(reservation: &Reservation) -> Option<PriceQuote> {
    let is_priced = !reservation.price_version.is_empty();
    is_priced.then(|| PriceQuote {
        amount_microusd: reservation.money().0,
        price_version: reservation.price_version.clone(),
    })
}

impl From<Done> for ReserveResponse {
    fn from(done: Done) -> Self {
        Self {
            reservation_id: done.reservation.id.to_string(),
            limits: limits(&done.standings),
            expires_at: Some(done.reservation.expires_at.into()),
            price: quote(&done.reservation),
        }
    }
}

impl From<Done> for AmendResponse {
    fn from(done: Done) -> Self {
        Self {
            limits: limits(&done.standings),
            price: quote(&done.reservation),
        }
    }
}

impl From<Done> for ExtendResponse {
    fn from(done: Done) -> Self {
        Self {
            expires_at: Some(done.reservation.expires_at.into()),
        }
    }
}

impl From<&Standing> for Limit {
    fn from(standing: &Standing) -> Self {
        let key = &standing.check.key;
        let reset = standing.check.reset;
        Self {
            meter: meaning::wire_meter(key.meter).into(),
            window: meaning::wire_window(key.window).into(),
            limit: standing.limit(),
            used: standing.tally.used,
            reserved: standing.tally.held,
            remaining: standing.remaining(),
            reset_at: (reset < Timestamp(i64::MAX)).then(|| reset.into()),
            scope: match &standing.check.rule {
                Rule::Plan => None,
                Rule::Budget(_, scope) => Some(meaning::wire_scope(scope)),
            },
        }
    }
}

impl From<&Price> for WirePrice {
    fn from(price: &Price) -> Self {
        Self {
            id: price.id.to_string(),
            version: price.version,
            provider: price.provider.clone(),
            model: price.model.clone(),
            unit: meaning::wire_unit(price.unit).into(),
            size: price.size.clone(),
            quality: price.quality.clone(),
            price_microusd: price.price.0,
            as_of: price.as_of.clone(),
            created_at: Some(price.created_at.into()),
            retired_at: price.retired_at.map(Into::into),
            created_by: price.created_by.clone(),
        }
    }
}
