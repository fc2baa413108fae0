//! Wire to domain, naming every wrong field at once; domain to wire.

use contracts::policy::v1::policy::Meter as WireMeter;
use contracts::usage::v1::limit::Window as WireWindow;
use contracts::usage::v1::{Amount, GetUsageResponse, Limit, ReserveRequest, ReserveResponse};
use errors::{Fault, Violations};
use types::ReservationId;

use crate::domain::counter::Standing;
use crate::domain::meter::Meter;
use crate::domain::plan::{Plan, Plans};
use crate::domain::reservation::Ask;
use crate::domain::usage::Reserved;
use crate::domain::window::WindowKind;

const MAX_AMOUNT: i64 = 1_000_000;
const MAX_AMOUNTS: usize = 16;

/// Reads what to reserve.
pub fn ask(request: &ReserveRequest, plans: &Plans) -> Result<Ask, Fault> {
    let mut violations = Violations::new();
    let operation = violations.read("operationId", request.operation_id.parse());
    let owner = violations.read("ownerId", request.owner_id.parse());
    let plan = violations.read("tier", plans.find(&request.tier));
    let amounts = amounts(&request.amounts, &mut violations);
    let (true, Some(operation), Some(owner), Some(plan)) =
        (violations.is_empty(), operation, owner, plan)
    else {
        return Err(violations.into_fault());
    };
    Ok(Ask {
        operation,
        owner,
        plan: plan.clone(),
        amounts,
    })
}

fn amounts(wire: &[Amount], violations: &mut Violations) -> Vec<(Meter, i64)> {
    let mut amounts: Vec<(Meter, i64)> = Vec::new();
    if !(1..=MAX_AMOUNTS).contains(&wire.len()) {
        violations.add("amounts", format!("must be 1 to {MAX_AMOUNTS}"));
        return amounts;
    }
    for (index, one) in wire.iter().enumerate() {
        violations.check(
            (1..=MAX_AMOUNT).contains(&one.amount),
            &format!("amounts[{index}].amount"),
            format!("must be 1 to {MAX_AMOUNT}"),
        );
        let field = format!("amounts[{index}].meter");
        match meter(one.meter) {
            None => violations.add(field, "must be a meter: GENERATIONS"),
            Some(meter) if amounts.iter().any(|(other, _)| *other == meter) => {
                violations.add(field, "must not repeat a meter");
            }
            Some(meter) => amounts.push((meter, one.amount)),
        }
    }
    amounts
}

fn meter(wire: i32) -> Option<Meter> {
    match WireMeter::try_from(wire).ok()? {
        WireMeter::Generations => Some(Meter::Generations),
        WireMeter::Unspecified => None,
    }
}

/// Reads which reservation is meant.
pub fn reservation_id(text: &str) -> Result<ReservationId, Fault> {
    text.parse()
        .map_err(|error| Fault::field("reservationId", format!("{error}")))
}

/// Finds the caller's plan.
pub fn plan<'a>(tier: &str, plans: &'a Plans) -> Result<&'a Plan, Fault> {
    Ok(plans
        .find(tier)
        .map_err(crate::domain::error::Error::from)?)
}

/// Says how a plan stands.
pub fn usage(plan: &Plan, limits: &[Standing]) -> GetUsageResponse {
    GetUsageResponse {
        tier: plan.name().to_owned(),
        limits: limits.iter().map(Limit::from).collect(),
    }
}

impl From<Reserved> for ReserveResponse {
    fn from(reserved: Reserved) -> Self {
        Self {
            reservation_id: reserved.id.to_string(),
            limits: reserved.limits.iter().map(Limit::from).collect(),
            expires_at: Some(reserved.expires_at.into()),
        }
    }
}

impl From<&Standing> for Limit {
    fn from(standing: &Standing) -> Self {
        let meter = match standing.meter {
            Meter::Generations => WireMeter::Generations,
        };
        let window = match standing.window.kind {
            WindowKind::Day => WireWindow::Day,
            WindowKind::Month => WireWindow::Month,
        };
        Self {
            meter: meter.into(),
            window: window.into(),
            limit: standing.limit,
            used: standing.tally.used,
            reserved: standing.tally.held,
            remaining: standing.remaining(),
            reset_at: Some(standing.window.reset.into()),
        }
    }
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
        }
    }

    fn fields(request: &ReserveRequest) -> Vec<String> {
        let fault = ask(request, &Plans::default()).unwrap_err();
        fault.violations.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn names_every_wrong_field_at_once() {
        let mut wrong = request(vec![amount(1, 0), amount(0, 1), amount(1, 1_000_001)]);
        wrong.operation_id = String::new();
        wrong.owner_id = "me".to_owned();
        wrong.tier = "gold".to_owned();
        let expected = [
            "operationId",
            "ownerId",
            "tier",
            "amounts[0].amount",
            "amounts[1].meter",
            "amounts[2].amount",
            "amounts[2].meter",
        ];
        assert_eq!(fields(&wrong), expected);
    }

    #[test]
    fn bounds_of_amounts() {
        assert_eq!(fields(&request(vec![])), ["amounts"]);
        assert_eq!(fields(&request(vec![amount(1, 1); 17])), ["amounts"]);
        for wrong in [i64::MIN, -1, 0, 1_000_001, i64::MAX] {
            let one = request(vec![amount(1, wrong)]);
            assert_eq!(fields(&one), ["amounts[0].amount"], "{wrong}");
        }
        for wrong in [i32::MIN, 2, i32::MAX] {
            let one = request(vec![amount(wrong, 1)]);
            assert_eq!(fields(&one), ["amounts[0].meter"], "{wrong}");
        }
        for fine in [1, 1_000_000] {
            assert!(ask(&request(vec![amount(1, fine)]), &Plans::default()).is_ok());
        }
    }
}
