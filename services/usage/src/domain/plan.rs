//! Plans: what an owner of a tier may use, read from one line of configuration.

use std::fmt;
use std::str::FromStr;

use super::meter::Meter;
use super::window::WindowKind;

/// No limit is higher.
pub const MAX_LIMIT: i64 = 1_000_000_000;
const MAX_NAME: usize = 32;

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

/// A tier's limits; every meter has at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    name: String,
    limits: Vec<Limit>,
}

/// Every plan there is, in the order they were written.
///
/// The grammar is `plans = plan {"," plan}`, `plan = name ":" limit {"+" limit}`,
/// `limit = number ["/" ("day" | "month")]`: generations per window, per month when none is named.
/// `free:5+2/day,pro:100` gives free 5 a month but at most 2 a day, and pro 100 a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans(Vec<Plan>);

/// The text is no list of plans.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; plans are written like free:5,basic:25/month,pro:100+20/day")]
pub struct InvalidPlans(String);

/// There is no such plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a configured plan: {known}")]
pub struct UnknownTier {
    known: String,
}

impl Plan {
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

    /// The limits of one meter.
    pub fn limits_of(&self, meter: Meter) -> impl Iterator<Item = &Limit> {
        self.limits.iter().filter(move |limit| limit.meter == meter)
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
                known: names.join(", "),
            }
        })
    }

    /// Puts a plan in the place of the one with its name, or behind all others.
    pub fn put(&mut self, plan: Plan) {
        match self.0.iter_mut().find(|other| other.name == plan.name) {
            Some(other) => *other = plan,
            None => self.0.push(plan),
        }
    }
}

impl FromStr for Plans {
    type Err = InvalidPlans;

    fn from_str(text: &str) -> Result<Self, InvalidPlans> {
        let mut plans: Vec<Plan> = Vec::new();
        for part in text.split(',') {
            let plan: Plan = part.trim().parse()?;
            if plans.iter().any(|other| other.name == plan.name) {
                return Err(InvalidPlans(format!("plan '{}' stands twice", plan.name)));
            }
            plans.push(plan);
        }
        Ok(Self(plans))
    }
}

impl FromStr for Plan {
    type Err = InvalidPlans;

    fn from_str(text: &str) -> Result<Self, InvalidPlans> {
        let (name, limits_text) = text
            .split_once(':')
            .ok_or_else(|| InvalidPlans(format!("'{text}' has no ':' and limit")))?;
        if !is_name(name) {
            return Err(InvalidPlans(format!(
                "plan name '{name}' must be 1 to {MAX_NAME} of a-z, 0-9, '-' and '_'"
            )));
        }
        let mut limits: Vec<Limit> = Vec::new();
        for part in limits_text.split('+') {
            let limit: Limit = part.parse()?;
            if limits.iter().any(|other| other.window == limit.window) {
                let window = limit.window.word();
                let problem = format!("plan '{name}' has two limits per {window}");
                return Err(InvalidPlans(problem));
            }
            limits.push(limit);
        }
        Ok(Self {
            name: name.to_owned(),
            limits,
        })
    }
}

impl FromStr for Limit {
    type Err = InvalidPlans;

    fn from_str(text: &str) -> Result<Self, InvalidPlans> {
        let (number, word) = text
            .split_once('/')
            .unwrap_or((text, WindowKind::Month.word()));
        let window = WindowKind::ALL.into_iter().find(|kind| kind.word() == word);
        let window =
            window.ok_or_else(|| InvalidPlans(format!("'{word}' is neither day nor month")))?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let max = number
            .parse()
            .ok()
            .filter(|max| digits && *max <= MAX_LIMIT);
        let max = max.ok_or_else(|| {
            InvalidPlans(format!(
                "limit '{number}' must be a number, 0 to {MAX_LIMIT}"
            ))
        })?;
        Ok(Self {
            meter: Meter::Generations,
            window,
            max,
        })
    }
}

fn is_name(text: &str) -> bool {
    let fine =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(fine)
}

impl fmt::Display for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, plan) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{plan}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (index, limit) in self.limits.iter().enumerate() {
            let sign = if index == 0 { ":" } else { "+" };
            write!(f, "{sign}{limit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            WindowKind::Month => write!(f, "{}", self.max),
            WindowKind::Day | WindowKind::Lifetime => {
                write!(f, "{}/{}", self.max, self.window.word())
            }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(text: &str, tier: &str) -> Vec<(WindowKind, i64)> {
        let plans: Plans = text.parse().unwrap();
        let plan = plans.find(tier).unwrap();
        plan.limits()
            .iter()
            .map(|one| (one.window, one.max))
            .collect()
    }

    #[test]
    fn reads_what_the_default_says() {
        assert_eq!("free:5,basic:25,pro:100".parse(), Ok(Plans::default()));
        assert_eq!(Plans::default().to_string(), "free:5,basic:25,pro:100");
    }

    #[test]
    fn reads_several_windows() {
        let text = "free:5/month+2/day, closed:0,big:1000000000/day";
        let free = [(WindowKind::Month, 5), (WindowKind::Day, 2)];
        assert_eq!(limits(text, "free"), free);
        assert_eq!(limits(text, "closed"), [(WindowKind::Month, 0)]);
        assert_eq!(limits(text, "big"), [(WindowKind::Day, MAX_LIMIT)]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("", "no ':'"),
            ("free", "no ':'"),
            ("free:5,", "no ':'"),
            (":5", "plan name ''"),
            ("Free:5", "plan name 'Free'"),
            ("free:", "limit ''"),
            ("free:-1", "limit '-1'"),
            ("free:+5", "limit ''"),
            ("free:1000000001", "limit '1000000001'"),
            ("free:99999999999999999999", "must be a number, 0 to"),
            ("free:5/week", "'week' is neither"),
            ("free:5/month+6", "two limits per month"),
            ("free:5,free:6", "'free' stands twice"),
        ] {
            let error = text.parse::<Plans>().unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_tier_names_the_known_ones() {
        let error = Plans::default().find("gold").unwrap_err();
        assert_eq!(
            error.to_string(),
            "must be a configured plan: free, basic, pro"
        );
    }

    proptest! {
        #[test]
        fn reads_back_what_it_prints(
            month in 0..=MAX_LIMIT,
            day in proptest::option::of(0..=MAX_LIMIT),
            name in "[a-z][a-z0-9_-]{0,31}",
        ) {
            let day = day.map(|max| format!("+{max}/day")).unwrap_or_default();
            let text = format!("{name}:{month}{day}");
            let plans: Plans = text.parse().unwrap();
            prop_assert_eq!(plans.to_string(), text);
        }

        #[test]
        fn no_text_is_a_panic(text in "[a-z0-9:/+, -]{0,40}") {
            if let Ok(plans) = text.parse::<Plans>() {
                prop_assert_eq!(plans.to_string().parse(), Ok(plans));
            }
        }
    }
}
