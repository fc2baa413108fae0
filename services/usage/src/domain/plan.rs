//! Plans: what an owner of a tier may use. How they are written in one line of configuration stands
//! in `grammar`.

mod grammar;

use super::meter::Meter;
use super::window::WindowKind;

/// No limit is higher.
pub const MAX_LIMIT: i64 = 1_000_000_000_000_000;
/// No name of a plan is longer.
pub const MAX_NAME: usize = 32;
/// What [`is_name`] asks of one.
pub const NAME_RULE: &str = "1 to 32 of a-z, 0-9, '-' and '_', the first a letter or digit";

/// How much of a meter a plan gives per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub meter: Meter,
    /// Over which time.
    pub window: WindowKind,
    /// How many: 0 to [`MAX_LIMIT`].
    pub max: i64,
}

/// A tier's limits. A meter without one is not limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    name: String,
    limits: Vec<Limit>,
}

/// Every plan there is, in the order they were written: `free:5+2/day,pro:100+$5/month` gives free 5
/// generations a month but at most 2 a day, and pro 100 a month for at most five dollars. A limit is
/// a number of generations, `$` and dollars, or `meter=number` with one of `generations`, `microusd`,
/// `tokens`, `storage`, `requests`; then `/day`, `/month` or `/lifetime`, a month when none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans(Vec<Plan>);

/// The text is no list of plans.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; plans are written like free:5,basic:25+2/day,pro:100+$5/month")]
pub struct InvalidPlans(String);

/// There is no such plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a plan: {known}")]
pub struct UnknownTier {
    /// The name that no plan has.
    pub tier: String,
    known: String,
}

impl Plan {
    /// A plan with these limits, each meter and window once.
    ///
    /// # Errors
    /// The name is none, a limit stands twice or is out of bounds, there is none.
    pub fn new(name: &str, limits: Vec<Limit>) -> Result<Self, InvalidPlans> {
        if !is_name(name) {
            let problem = format!("plan name '{name}' must be {NAME_RULE}");
            return Err(InvalidPlans(problem));
        }
        if limits.is_empty() {
            return Err(InvalidPlans(format!("plan '{name}' has no limit")));
        }
        for (index, limit) in limits.iter().enumerate() {
            if !(0..=MAX_LIMIT).contains(&limit.max) {
                let problem = format!("limit '{}' must be 0 to {MAX_LIMIT}", limit.max);
                return Err(InvalidPlans(problem));
            }
            if limits[..index].iter().any(|other| other.is_beside(limit)) {
                let (meter, window) = (limit.meter.word(2), limit.window.word());
                let problem = format!("plan '{name}' has two limits of {meter} per {window}");
                return Err(InvalidPlans(problem));
            }
        }
        let name = name.to_owned();
        Ok(Self { name, limits })
    }

    /// The tier, e.g. `free`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every limit.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Its limits as they are written after its name.
    #[must_use]
    pub fn limits_text(&self) -> String {
        let limits: Vec<String> = self.limits.iter().map(Limit::to_string).collect();
        limits.join("+")
    }

    /// The limits of one meter.
    pub fn limits_of(&self, meter: Meter) -> impl Iterator<Item = &Limit> {
        self.limits.iter().filter(move |limit| limit.meter == meter)
    }

    /// A meter it limits that nothing counts: such a limit would do nothing.
    #[must_use]
    pub fn uncounted(&self) -> Option<Meter> {
        let mut meters = self.limits.iter().map(|limit| limit.meter);
        meters.find(|meter| !meter.is_counted())
    }
}

impl Limit {
    /// Whether both count the same over the same time.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        (self.meter, self.window) == (other.meter, other.window)
    }
}

impl Plans {
    /// The plan of a tier.
    ///
    /// # Errors
    /// No plan has this name.
    pub fn find(&self, tier: &str) -> Result<&Plan, UnknownTier> {
        let found = self.0.iter().find(|plan| plan.name == tier);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(Plan::name).collect();
            UnknownTier {
                tier: tier.to_owned(),
                known: names.join(", "),
            }
        })
    }

    /// Every plan.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.iter()
    }

    /// Puts a plan in the place of the one with its name, or behind all others.
    pub fn put(&mut self, plan: Plan) {
        match self.0.iter_mut().find(|other| other.name == plan.name) {
            Some(other) => *other = plan,
            None => self.0.push(plan),
        }
    }
}

impl Default for Plans {
    /// `free:5,basic:25,pro:100`.
    fn default() -> Self {
        let plan = |name: &str, max| Plan {
            name: name.to_owned(),
            limits: vec![Limit {
                meter: Meter::Generations,
                window: WindowKind::Month,
                max,
            }],
        };
        Self(vec![plan("free", 5), plan("basic", 25), plan("pro", 100)])
    }
}

/// Whether a plan can be called so.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fine =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let is_begun = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    is_begun && text.len() <= MAX_NAME && text.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tier_names_the_known_ones() {
        let error = Plans::default().find("gold").unwrap_err();
        assert_eq!(error.to_string(), "must be a plan: free, basic, pro");
    }

    #[test]
    fn names() {
        for fine in ["free", "0", "a-b_c", &"x".repeat(32)] {
            assert!(is_name(fine), "{fine}");
        }
        for wrong in ["", "-", "_", "-a", " ", "Free", "a b", "ä", &"x".repeat(33)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_operators_own_lie_over_the_configured() {
        let mut all = Plans::default();
        for own in ["free:7", "gold:1"] {
            all.put(own.parse().unwrap());
        }
        assert_eq!(all.to_string(), "free:7,basic:25,pro:100,gold:1");
    }

    #[test]
    fn limits_of_what_nothing_counts_are_found() {
        let uncounted = |text: &str| {
            let plans: Plans = text.parse().unwrap();
            plans.iter().find_map(Plan::uncounted)
        };
        assert_eq!(uncounted("free:5+$1/day"), None);
        assert_eq!(uncounted("free:5,pro:1+tokens=5"), Some(Meter::Tokens));
        assert_eq!(uncounted("free:requests=5"), Some(Meter::Requests));
    }
}
