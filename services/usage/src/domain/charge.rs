//! What a reservation was used for: a charge for each attempt at its work that is paid.

use super::meter::Meter;
use super::reservation::Reservation;
use super::rules::Amounts;
use super::scope::Purpose;

/// What one attempt used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Which attempt.
    pub attempt: i64,
    /// Who is paid.
    pub provider: String,
    /// With which model it worked.
    pub model: String,
    /// Generations, money and tokens; the meters that are absent were not used.
    pub used: Amounts,
}

/// What was really used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settlement {
    /// Meter by meter; those that are absent are used as they were held.
    pub actuals: Amounts,
    /// By whom; empty for the reservation's own purpose. Otherwise generations, money and tokens
    /// are what these come to.
    pub charges: Vec<Charge>,
}

impl Charge {
    /// The meters a charge has.
    pub const METERS: [Meter; 3] = [Meter::Generations, Meter::Microusd, Meter::Tokens];

    /// How much of a meter.
    #[must_use]
    pub fn of(&self, meter: Meter) -> i64 {
        self.used.get(&meter).copied().unwrap_or(0)
    }

    /// What it was for, being a part of the work a reservation was made for.
    #[must_use]
    pub fn purpose(&self, whole: &Purpose) -> Purpose {
        Purpose {
            provider: self.provider.clone(),
            model: self.model.clone(),
            attempt: self.attempt,
            ..whole.clone()
        }
    }
}

impl Settlement {
    /// Who is paid what for a reservation; never empty. What no charge can name is the last one's.
    #[must_use]
    pub fn charges_of(&self, row: &Reservation) -> Vec<Charge> {
        let mut charges = self.charges.clone();
        let has_named = !charges.is_empty();
        let whole = Charge {
            attempt: row.purpose.attempt,
            provider: row.purpose.provider.clone(),
            model: row.purpose.model.clone(),
            used: Amounts::new(),
        };
        let mut last = charges.pop().unwrap_or(whole);
        for meter in Meter::ALL {
            if !(has_named && Charge::METERS.contains(&meter)) {
                let actual = self.actuals.get(&meter).or(row.amounts.get(&meter));
                last.used.insert(meter, actual.copied().unwrap_or(0));
            }
        }
        charges.push(last);
        charges
    }
}

impl From<Amounts> for Settlement {
    fn from(actuals: Amounts) -> Self {
        let charges = Vec::new();
        Self { actuals, charges }
    }
}
