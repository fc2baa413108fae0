//! What was used, read from the wire: meter by meter, or by whom.

use contracts::usage::v1::{Charge as WireCharge, SettleRequest};
use errors::{Fault, Violations};
use types::ReservationId;

use super::request::{MAX_AMOUNTS, check_name, read_amount};
use crate::domain::charge::{Charge, Settlement};
use crate::domain::meter::Meter;
use crate::domain::rules::{Amounts, MAX_AMOUNT};

const MAX_CHARGES: usize = 100;

/// Reads what was used.
pub fn settlement(request: SettleRequest) -> Result<(ReservationId, Settlement), Fault> {
    let mut violations = Violations::new();
    let id = violations.read("reservationId", request.reservation_id.parse());
    let mut actuals = Amounts::new();
    for (index, one) in request.actuals.iter().enumerate() {
        let field = format!("actuals[{index}]");
        read_amount(one, 0, &field, &mut actuals, &mut violations);
    }
    let few = request.actuals.len() <= MAX_AMOUNTS;
    violations.check(few, "actuals", format!("must be at most {MAX_AMOUNTS}"));
    let names_twice = Charge::METERS
        .iter()
        .any(|meter| actuals.contains_key(meter));
    let fine = request.charges.is_empty() || !names_twice;
    let problem = "must not name GENERATIONS, MICROUSD or TOKENS beside charges, which do";
    violations.check(fine, "actuals", problem);
    let charges = charges(request.charges, &mut violations);
    match (violations.is_empty(), id) {
        (true, Some(id)) => Ok((id, Settlement { actuals, charges })),
        _ => Err(violations.into_fault()),
    }
}

fn charges(wire: Vec<WireCharge>, violations: &mut Violations) -> Vec<Charge> {
    if wire.len() > MAX_CHARGES {
        violations.add("charges", format!("must be at most {MAX_CHARGES}"));
        return Vec::new();
    }
    let mut charges: Vec<Charge> = Vec::with_capacity(wire.len());
    for (index, one) in wire.into_iter().enumerate() {
        let field = |name: &str| format!("charges[{index}].{name}");
        let is_new = charges.iter().all(|other| other.attempt != one.attempt);
        let fine = one.attempt >= 1 && is_new;
        violations.check(fine, &field("attempt"), "must be 1 or more, each once");
        let has_provider = !one.provider.is_empty();
        violations.check(has_provider, &field("provider"), "must not be empty");
        check_name(&one.provider, &field("provider"), violations);
        check_name(&one.model, &field("model"), violations);
        for (name, amount) in [
            ("generations", one.generations),
            ("microusd", one.microusd),
            ("tokens", one.tokens),
        ] {
            let fine = (0..=MAX_AMOUNT).contains(&amount);
            violations.check(fine, &field(name), format!("must be 0 to {MAX_AMOUNT}"));
        }
        charges.push(Charge {
            attempt: one.attempt,
            provider: one.provider,
            model: one.model,
            used: Amounts::from([
                (Meter::Generations, one.generations),
                (Meter::Microusd, one.microusd),
                (Meter::Tokens, one.tokens),
            ]),
        });
    }
    charges
}

#[cfg(test)]
mod tests {
    use contracts::policy::v1::policy;
    use contracts::usage::v1::Amount;

    use super::*;

    fn charge(attempt: i64, microusd: i64) -> WireCharge {
        WireCharge {
            attempt,
            provider: "gemini".to_owned(),
            microusd,
            ..WireCharge::default()
        }
    }

    fn fields(actuals: Vec<Amount>, charges: Vec<WireCharge>) -> Vec<String> {
        let request = SettleRequest {
            reservation_id: "019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b".to_owned(),
            actuals,
            charges,
        };
        match settlement(request) {
            Ok(_) => Vec::new(),
            Err(fault) => fault.violations.into_iter().map(|one| one.field).collect(),
        }
    }

    #[test]
    fn charges_are_read_or_named() {
        let fine = vec![charge(1, 0), charge(7, MAX_AMOUNT)];
        assert_eq!(fields(vec![], fine), Vec::<String>::new());
        let wrong = WireCharge {
            attempt: 0,
            provider: String::new(),
            model: "a\0b".to_owned(),
            generations: -1,
            microusd: i64::MAX,
            tokens: i64::MIN,
        };
        let named = [
            "attempt",
            "provider",
            "model",
            "generations",
            "microusd",
            "tokens",
        ];
        let named = named.map(|name| format!("charges[0].{name}"));
        assert_eq!(fields(vec![], vec![wrong]), named);
        let twice = vec![charge(1, 1), charge(1, 1)];
        assert_eq!(fields(vec![], twice), ["charges[1].attempt"]);
        let money = Amount {
            meter: policy::Meter::Microusd.into(),
            amount: 1,
        };
        assert_eq!(fields(vec![money], vec![charge(1, 1)]), ["actuals"]);
        let many = (1..=101).map(|attempt| charge(attempt, 1)).collect();
        assert_eq!(fields(vec![], many), ["charges"]);
    }
}
