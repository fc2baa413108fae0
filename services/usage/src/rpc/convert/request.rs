//! Requests, read into what the domain is asked.

use std::time::Duration;

use contracts::usage::v1::{
    AmendRequest, Amount, ExplainUsageRequest, ExtendRequest, GetPriceListRequest,
    Purpose as WirePurpose, Quantity, ReserveRequest, Work as WireWork,
    purpose::Keeper as WireKeeper,
};
use errors::{Fault, Violations};
use types::{Microusd, OperationId, ReservationId};
use uuid::Uuid;

use super::meaning;
use crate::domain::meter::Meter;
use crate::domain::price::{self, Work};
use crate::domain::reservation::{Amendment, Ask};
use crate::domain::rules::{Amounts, MAX_AMOUNT};
use crate::domain::scope::{Keeper, Purpose};
use crate::domain::usage::Thought;
use crate::domain::window::is_date;

pub(super) const MAX_AMOUNTS: usize = 16;
const MAX_COUNT: i64 = 1_000_000_000;
const MAX_TEXT: usize = 128;
const MAX_TTL: i64 = 86_400;
const MAX_PRICES: i32 = 1_000;
const WHOLE: i32 = 1_000;
// Of pictures that are ordered without one.
const USUAL_SIZE: &str = "1024x1024";

/// Reads what to reserve; the service's own holding time is a `hold` of zero.
pub fn ask(request: ReserveRequest) -> Result<Ask, Fault> {
    let mut violations = Violations::new();
    let id = violations.read("operationId", request.operation_id.parse::<OperationId>());
    let owner = violations.read("ownerId", request.owner_id.parse());
    violations.check(is_plain(&request.tier, 32), "tier", "must be a plan's name");
    let work = work(request.work, &mut violations);
    let amounts = amounts(&request.amounts, work.is_some(), "amounts", &mut violations);
    let purpose = purpose(request.purpose, &mut violations);
    let ttl = (0..=MAX_TTL).contains(&request.ttl_seconds);
    violations.check(ttl, "ttlSeconds", format!("must be 0 to {MAX_TTL}"));
    let (true, Some(id), Some(owner)) = (violations.is_empty(), id, owner) else {
        return Err(violations.into_fault());
    };
    Ok(Ask {
        id: ReservationId(id.uuid()),
        owner,
        tier: request.tier,
        amounts,
        purpose,
        work,
        hold: seconds(request.ttl_seconds),
    })
}

/// Reads what a reservation is for.
pub fn amendment(request: AmendRequest) -> Result<Amendment, Fault> {
    let mut violations = Violations::new();
    let id = violations.read("reservationId", request.reservation_id.parse());
    let purpose = purpose(request.purpose, &mut violations);
    let work = work(request.work, &mut violations);
    let (true, Some(id)) = (violations.is_empty(), id) else {
        return Err(violations.into_fault());
    };
    Ok(Amendment { id, purpose, work })
}

/// Reads until when to hold.
pub fn extension(request: &ExtendRequest) -> Result<(ReservationId, Duration), Fault> {
    let mut violations = Violations::new();
    let id = violations.read("reservationId", request.reservation_id.parse());
    let fine = (1..=MAX_TTL).contains(&request.ttl_seconds);
    violations.check(fine, "ttlSeconds", format!("must be 1 to {MAX_TTL}"));
    match (violations.is_empty(), id) {
        (true, Some(id)) => Ok((id, seconds(request.ttl_seconds))),
        _ => Err(violations.into_fault()),
    }
}

/// Reads which reservation is meant.
pub fn reservation_id(text: &str) -> Result<ReservationId, Fault> {
    text.parse()
        .map_err(|error| Fault::field("reservationId", format!("{error}")))
}

/// Reads which part of the price list is asked for: how many, and after which one.
pub fn price_page(request: &GetPriceListRequest) -> Result<(usize, Uuid), Fault> {
    let mut violations = Violations::new();
    let size = match request.page_size {
        0 => MAX_PRICES,
        size => size,
    };
    let problem = format!("must be 1 to {MAX_PRICES}, or left out for {MAX_PRICES}");
    violations.check((1..=MAX_PRICES).contains(&size), "pageSize", problem);
    let after = match request.page_token.as_str() {
        "" => Some(Uuid::nil()),
        token => Uuid::try_parse(token).ok(),
    };
    let problem = "must be the nextPageToken of the page before";
    violations.check(after.is_some(), "pageToken", problem);
    violations.finish()?;
    Ok((
        usize::try_from(size).unwrap_or(0),
        after.unwrap_or_default(),
    ))
}

/// Reads an order that is only thought of: what for, and what it would cost.
pub fn thought(request: &ExplainUsageRequest) -> Result<Thought, Fault> {
    let mut violations = Violations::new();
    if !request.kind.is_empty() {
        meaning::check_kind(&request.kind, "kind", &mut violations);
    }
    for (field, text) in [
        ("provider", &request.provider),
        ("model", &request.model),
        ("quality", &request.quality),
    ] {
        check_name(text, field, &mut violations);
    }
    let size = match request.size.as_str() {
        "" => USUAL_SIZE,
        size => size,
    };
    violations.check(price::is_size(size), "size", meaning::SIZE_RULE);
    let fine = (0..=MAX_AMOUNT).contains(&request.cost_microusd);
    violations.check(fine, "costMicrousd", format!("must be 0 to {MAX_AMOUNT}"));
    if !violations.is_empty() {
        return Err(violations.into_fault());
    }
    let purpose = Purpose {
        kind: request.kind.clone(),
        provider: request.provider.clone(),
        model: request.model.clone(),
        ..Purpose::default()
    };
    // The only kind there is makes pictures.
    let picture = price::Quantity {
        unit: price::Unit::Image,
        count: 1,
        size: size.to_owned(),
        quality: request.quality.clone(),
    };
    Ok(Thought {
        quantity: Some(picture).filter(|_| !purpose.kind.is_empty()),
        purpose,
        cost: request.cost_microusd,
    })
}

fn amounts(wire: &[Amount], has_work: bool, field: &str, violations: &mut Violations) -> Amounts {
    let mut amounts = Amounts::new();
    if wire.len() > MAX_AMOUNTS || (wire.is_empty() && !has_work) {
        violations.add(field, format!("must be 1 to {MAX_AMOUNTS}"));
        return amounts;
    }
    for (index, one) in wire.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let least = match meaning::meter(one.meter) {
            Some(Meter::Microusd | Meter::Tokens) => 0,
            _ => 1,
        };
        read_amount(one, least, &field, &mut amounts, violations);
    }
    if has_work && amounts.contains_key(&Meter::Microusd) {
        violations.add(field, "must not name MICROUSD beside work, which is priced");
    }
    amounts
}

pub(super) fn read_amount(
    one: &Amount,
    least: i64,
    field: &str,
    amounts: &mut Amounts,
    violations: &mut Violations,
) {
    violations.check(
        (least..=MAX_AMOUNT).contains(&one.amount),
        &format!("{field}.amount"),
        format!("must be {least} to {MAX_AMOUNT}"),
    );
    let meter_field = format!("{field}.meter");
    match meaning::meter(one.meter) {
        None => {
            let names = Meter::ALL.map(Meter::as_str).join(", ");
            violations.add(meter_field, format!("must be a meter: {names}"));
        }
        Some(meter) => {
            let is_new = amounts.insert(meter, one.amount).is_none();
            violations.check(is_new, &meter_field, "must not repeat a meter");
        }
    }
}

fn purpose(wire: Option<WirePurpose>, violations: &mut Violations) -> Purpose {
    let wire = wire.unwrap_or_default();
    for (field, text) in [
        ("purpose.kind", &wire.kind),
        ("purpose.provider", &wire.provider),
        ("purpose.model", &wire.model),
        ("purpose.projectId", &wire.project_id),
        ("purpose.apiKeyId", &wire.api_key_id),
        ("purpose.taskId", &wire.task_id),
    ] {
        check_name(text, field, violations);
    }
    violations.check(wire.attempt >= 0, "purpose.attempt", "must be 0 or more");
    let keeper = match WireKeeper::try_from(wire.keeper) {
        Ok(WireKeeper::Unspecified) => None,
        Ok(WireKeeper::Generation) => Some(Keeper::Generation),
        Err(_) => {
            violations.add("purpose.keeper", "must be a keeper: GENERATION");
            None
        }
    };
    Purpose {
        kind: wire.kind,
        provider: wire.provider,
        model: wire.model,
        project: wire.project_id,
        api_key: wire.api_key_id,
        task: wire.task_id,
        attempt: wire.attempt,
        keeper,
    }
}

fn work(wire: Option<WireWork>, violations: &mut Violations) -> Option<Work> {
    let wire = wire?;
    let fine = (1..=MAX_AMOUNTS).contains(&wire.quantities.len());
    violations.check(
        fine,
        "work.quantities",
        format!("must be 1 to {MAX_AMOUNTS}"),
    );
    let quantities = (wire.quantities.into_iter().enumerate())
        .filter_map(|(index, one)| quantity(one, index, violations))
        .collect();
    let list = wire.list_price_microusd.map(|price| {
        let fine = (0..=MAX_AMOUNT).contains(&price);
        violations.check(
            fine,
            "work.listPriceMicrousd",
            format!("must be 0 to {MAX_AMOUNT}"),
        );
        let date = &wire.list_price_as_of;
        violations.check(
            date.is_empty() || is_date(date),
            "work.listPriceAsOf",
            "must be a date, YYYY-MM-DD",
        );
        (Microusd(price), date.clone())
    });
    let fine = (wire.price_permille).is_none_or(|part| (1..=WHOLE).contains(&part));
    violations.check(fine, "work.pricePermille", "must be 1 to 1000");
    let part = wire.price_permille.filter(|part| *part < WHOLE);
    Some(Work {
        quantities,
        list,
        permille: part.map(i64::from),
    })
}

fn quantity(wire: Quantity, index: usize, violations: &mut Violations) -> Option<price::Quantity> {
    let field = |name: &str| format!("work.quantities[{index}].{name}");
    let fine = (1..=MAX_COUNT).contains(&wire.count);
    violations.check(fine, &field("count"), format!("must be 1 to {MAX_COUNT}"));
    check_name(&wire.size, &field("size"), violations);
    check_name(&wire.quality, &field("quality"), violations);
    let Some(unit) = meaning::unit(wire.unit) else {
        let names = price::Unit::ALL.map(price::Unit::as_str).join(", ");
        violations.add(field("unit"), format!("must be a unit: {names}"));
        return None;
    };
    Some(price::Quantity {
        unit,
        count: wire.count,
        size: wire.size,
        quality: wire.quality,
    })
}

pub(super) fn check_name(text: &str, field: &str, violations: &mut Violations) {
    let fine = text.is_empty() || is_plain(text, MAX_TEXT);
    let description = format!("must be at most {MAX_TEXT} bytes without control characters");
    violations.check(fine, field, description);
}

fn is_plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b";

    fn amount(meter: i32, amount: i64) -> Amount {
        Amount { meter, amount }
    }

    fn request(amounts: Vec<Amount>) -> ReserveRequest {
        ReserveRequest {
            operation_id: ID.to_owned(),
            owner_id: ID.to_owned(),
            tier: "free".to_owned(),
            amounts,
            ..ReserveRequest::default()
        }
    }

    fn fields(request: ReserveRequest) -> Vec<String> {
        let fault = ask(request).unwrap_err();
        fault.violations.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn names_every_wrong_field_at_once() {
        let mut wrong = request(vec![
            amount(1, 0),
            amount(0, 1),
            amount(1, MAX_AMOUNT + 1),
            amount(2, -1),
        ]);
        wrong.operation_id = String::new();
        wrong.owner_id = "me".to_owned();
        wrong.tier = String::new();
        wrong.ttl_seconds = -1;
        wrong.purpose = Some(WirePurpose {
            provider: "a\0b".to_owned(),
            attempt: -1,
            keeper: 9,
            ..WirePurpose::default()
        });
        wrong.work = Some(WireWork {
            quantities: vec![Quantity::default()],
            list_price_microusd: Some(i64::MIN),
            price_permille: Some(0),
            ..WireWork::default()
        });
        let expected = [
            "operationId",
            "ownerId",
            "tier",
            "work.quantities[0].count",
            "work.quantities[0].unit",
            "work.listPriceMicrousd",
            "work.pricePermille",
            "amounts[0].amount",
            "amounts[1].meter",
            "amounts[2].amount",
            "amounts[2].meter",
            "amounts[3].amount",
            "amounts",
            "purpose.provider",
            "purpose.attempt",
            "purpose.keeper",
            "ttlSeconds",
        ];
        assert_eq!(fields(wrong), expected);
    }

    #[test]
    fn bounds_of_amounts() {
        assert_eq!(fields(request(vec![])), ["amounts"]);
        assert_eq!(fields(request(vec![amount(1, 1); 17])), ["amounts"]);
        for wrong in [i64::MIN, -1, 0, MAX_AMOUNT + 1, i64::MAX] {
            let one = request(vec![amount(1, wrong)]);
            assert_eq!(fields(one), ["amounts[0].amount"], "{wrong}");
        }
        for wrong in [i32::MIN, 6, i32::MAX] {
            let one = request(vec![amount(wrong, 1)]);
            assert_eq!(fields(one), ["amounts[0].meter"], "{wrong}");
        }
        for fine in [
            amount(1, 1),
            amount(1, MAX_AMOUNT),
            amount(2, 0),
            amount(3, 0),
        ] {
            assert!(ask(request(vec![fine])).is_ok());
        }
    }
}
