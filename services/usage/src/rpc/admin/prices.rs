//! Prices.

use contracts::usage::v1::{
    CreatePriceRequest, CreatePriceResponse, ListPricesRequest, ListPricesResponse,
    Price as WirePrice, RetirePriceRequest, RetirePriceResponse,
};
use errors::{Fault, Violations};
use tonic::Request;
use types::Microusd;

use super::{UsageAdminRpc, read};
use crate::domain::price::{NewPrice, Unit, is_size};
use crate::domain::window::is_date;
use crate::rpc::convert;

const NAME: (usize, usize) = (1, 128);
const DETAIL: (usize, usize) = (0, 128);
const MAX_PRICE: i64 = 1_000_000_000_000;

pub(super) async fn create(
    rpc: &UsageAdminRpc,
    request: Request<CreatePriceRequest>,
) -> Result<CreatePriceResponse, Fault> {
    let actor = read::actor(&request)?;
    let new = new_price(request.into_inner())?;
    let price = rpc.rulebook.create_price(new, &actor).await?;
    Ok(CreatePriceResponse {
        price: Some(WirePrice::from(&price)),
    })
}

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListPricesRequest>,
) -> Result<ListPricesResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, &request.page_token, &mut violations);
    read::check_text(&request.provider, DETAIL, "provider", &mut violations);
    let (true, Some(page)) = (violations.is_empty(), page) else {
        return Err(violations.into_fault());
    };
    let provider = Some(request.provider.as_str()).filter(|name| !name.is_empty());
    let retired_too = request.include_retired;
    let page = rpc.rulebook.prices(provider, retired_too, page).await?;
    Ok(ListPricesResponse {
        prices: page.items.iter().map(WirePrice::from).collect(),
        next_page_token: page.next_token,
    })
}

pub(super) async fn retire(
    rpc: &UsageAdminRpc,
    request: Request<RetirePriceRequest>,
) -> Result<RetirePriceResponse, Fault> {
    let actor = read::actor(&request)?;
    let id = read::id(&request.get_ref().id)?;
    rpc.rulebook.retire_price(id, &actor).await?;
    Ok(RetirePriceResponse {})
}

// Only pictures have them; a price of tokens that named a size would price nothing.
fn check_details(request: &CreatePriceRequest, unit: Option<Unit>, violations: &mut Violations) {
    let CreatePriceRequest { size, quality, .. } = request;
    if unit.is_some_and(|unit| unit != Unit::Image) {
        for (field, text) in [("size", size), ("quality", quality)] {
            violations.check(
                text.is_empty(),
                field,
                "must be empty: only pictures have one",
            );
        }
        return;
    }
    let fine = size.is_empty() || is_size(size);
    violations.check(fine, "size", convert::SIZE_RULE);
    read::check_text(quality, DETAIL, "quality", violations);
}

fn new_price(request: CreatePriceRequest) -> Result<NewPrice, Fault> {
    let mut violations = Violations::new();
    read::check_text(&request.provider, NAME, "provider", &mut violations);
    read::check_text(&request.model, NAME, "model", &mut violations);
    let unit = convert::unit(request.unit);
    let units = Unit::ALL.map(Unit::as_str).join(", ");
    violations.check(unit.is_some(), "unit", format!("must be a unit: {units}"));
    check_details(&request, unit, &mut violations);
    violations.check(
        (0..=MAX_PRICE).contains(&request.price_microusd),
        "priceMicrousd",
        format!("must be 0 to {MAX_PRICE}"),
    );
    let as_of = Some(request.as_of).filter(|date| !date.is_empty());
    violations.check(
        as_of.as_deref().is_none_or(is_date),
        "asOf",
        "must be a date, YYYY-MM-DD",
    );
    let (true, Some(unit)) = (violations.is_empty(), unit) else {
        return Err(violations.into_fault());
    };
    Ok(NewPrice {
        provider: request.provider,
        model: request.model,
        unit,
        size: request.size,
        quality: request.quality,
        price: Microusd(request.price_microusd),
        as_of,
    })
}
