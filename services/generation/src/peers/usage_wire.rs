//! Between the usage service's messages and the domain's words for them.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::quantity::Unit;
use contracts::usage::v1::{
    Amount, Charge as WireCharge, Price, PriceQuote, Purpose, Quantity, ReserveResponse,
    Work as WireWork, purpose,
};
use errors::Fault;
use types::{Microusd, Timestamp};

use crate::domain::generation::Kind;
use crate::domain::hold::{Hold, Quote, Work};
use crate::domain::ports::Patron;
use crate::domain::prices::{ListedPrice, Looks};
use crate::domain::settlement::Actuals;

pub(super) fn purpose(patron: &Patron, work: &Work) -> Purpose {
    Purpose {
        kind: match work.kind {
            Kind::Image => "IMAGE".to_owned(),
        },
        provider: work.provider.clone(),
        model: work.model.clone(),
        task_id: work.task.to_string(),
        // Each attempt's own charge names it.
        attempt: 0,
        keeper: purpose::Keeper::Generation.into(),
        api_key_id: patron
            .api_key
            .map(|key| key.to_string())
            .unwrap_or_default(),
        ..Purpose::default()
    }
}

pub(super) fn work(work: &Work) -> WireWork {
    WireWork {
        quantities: vec![Quantity {
            unit: Unit::Image.into(),
            count: 1,
            size: work.looks.size.clone(),
            quality: work.looks.quality.clone(),
        }],
        list_price_microusd: Some(work.list_price.0),
        list_price_as_of: work.list_price_as_of.clone(),
        price_permille: work.permille.and_then(|part| i32::try_from(part).ok()),
    }
}

pub(super) fn hold(answer: ReserveResponse) -> Result<Hold, Fault> {
    let expires_at = answer.expires_at.ok_or_else(|| incomplete("expires_at"))?;
    let micros = expires_at.seconds.saturating_mul(1_000_000);
    Ok(Hold {
        reservation: answer.reservation_id.parse().map_err(Fault::internal)?,
        price: quote(answer.price)?,
        expires_at: Timestamp(micros.saturating_add(i64::from(expires_at.nanos) / 1_000)),
    })
}

pub(super) fn quote(price: Option<PriceQuote>) -> Result<Quote, Fault> {
    let price = price.filter(|price| price.amount_microusd >= 0);
    let price = price.ok_or_else(|| incomplete("price"))?;
    Ok(Quote {
        amount: Microusd(price.amount_microusd),
        version: price.price_version,
    })
}

pub(super) fn actuals(used: &Actuals) -> Vec<Amount> {
    let meters = [
        (Meter::Generations, used.generations),
        (Meter::Microusd, used.microusd),
        (Meter::Tokens, used.tokens),
    ];
    let named = meters.into_iter().filter_map(|(meter, amount)| {
        Some(Amount {
            meter: meter.into(),
            amount: amount?,
        })
    });
    named.collect()
}

pub(super) fn charges(used: &Actuals) -> Vec<WireCharge> {
    let charges = used.charges.iter();
    let charges = charges.map(|one| WireCharge {
        attempt: one.attempt,
        provider: one.provider.clone(),
        model: one.model.clone(),
        generations: one.generations,
        microusd: one.microusd,
        tokens: one.tokens.unwrap_or(0),
    });
    charges.collect()
}

/// The price of a picture.
pub(super) fn listed(price: Price) -> Option<ListedPrice> {
    let is_ours = price.unit() == Unit::Image;
    (is_ours && price.retired_at.is_none() && price.price_microusd >= 0).then_some(ListedPrice {
        provider: price.provider,
        model: price.model,
        looks: Looks {
            size: price.size,
            quality: price.quality,
        },
        price: Microusd(price.price_microusd),
        as_of: price.as_of,
    })
}

fn incomplete(what: &str) -> Fault {
    Fault::internal(format!("the usage service's answer has no {what}"))
}
