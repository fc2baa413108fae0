//! How plans are written in one line.
//!
//! ```text
//! plans  = plan {"," plan}
//! plan   = name ":" limit {"+" limit}
//! limit  = amount ["/" ("day" | "month" | "lifetime")]      per month when no window is named
//! amount = number                                            generations
//!        | "$" dollars ["." up to six digits]                money
//!        | meter "=" number                                  units of this meter
//! meter  = "generations" | "microusd" | "tokens" | "storage" | "requests"
//! ```
//!
//! `free:5+2/day,pro:100+$5.50` gives free 5 generations a month but at most 2 a day, and pro 100 a
//! month for at most five and a half dollars.

use std::fmt;
use std::str::FromStr;

use types::Microusd;

use super::{InvalidPlans, Limit, MAX_LIMIT, Plan, Plans};
use crate::domain::meter::Meter;
use crate::domain::window::WindowKind;

const DOLLAR: i64 = 1_000_000;

const METERS: [(&str, Meter); 5] = [
    ("generations", Meter::Generations),
    ("microusd", Meter::Microusd),
    ("tokens", Meter::Tokens),
    ("storage", Meter::StorageBytes),
    ("requests", Meter::Requests),
];

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
        let (name, limits) = text
            .split_once(':')
            .ok_or_else(|| InvalidPlans(format!("'{text}' has no ':' and limit")))?;
        let limits: Result<_, _> = limits.split('+').map(str::parse).collect();
        Self::new(name, limits?)
    }
}

impl FromStr for Limit {
    type Err = InvalidPlans;

    fn from_str(text: &str) -> Result<Self, InvalidPlans> {
        let (amount, word) = text
            .split_once('/')
            .unwrap_or((text, WindowKind::Month.word()));
        let window = WindowKind::ALL.into_iter().find(|kind| kind.word() == word);
        let window = window
            .ok_or_else(|| InvalidPlans(format!("'{word}' is none of day, month and lifetime")))?;
        let (meter, max) = read_amount(amount)?;
        Ok(Self { meter, window, max })
    }
}

fn read_amount(text: &str) -> Result<(Meter, i64), InvalidPlans> {
    if let Some(dollars) = text.strip_prefix('$') {
        let amount = dollars
            .parse()
            .ok()
            .filter(|Microusd(max)| *max <= MAX_LIMIT);
        let amount = amount.ok_or_else(|| {
            let most = MAX_LIMIT / DOLLAR;
            InvalidPlans(format!(
                "amount '{text}' must be $0 to ${most} with at most six decimals"
            ))
        })?;
        return Ok((Meter::Microusd, amount.0));
    }
    let (meter, number) = match text.split_once('=') {
        None => (Meter::Generations, text),
        Some((word, number)) => {
            let found = METERS.into_iter().find(|(name, _)| *name == word);
            let (_, meter) = found.ok_or_else(|| {
                let names = METERS.map(|(name, _)| name).join(", ");
                InvalidPlans(format!("'{word}' is no meter: {names}"))
            })?;
            (meter, number)
        }
    };
    let max = read_number(number).ok_or_else(|| {
        InvalidPlans(format!(
            "limit '{number}' must be a number, 0 to {MAX_LIMIT}"
        ))
    })?;
    Ok((meter, max))
}

// Digits only: no sign, no blank, no separator.
fn read_number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    (number <= MAX_LIMIT).then_some(number)
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
        write!(f, "{}:{}", self.name, self.limits_text())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meter, window, max } = self;
        match (meter, METERS.into_iter().find(|(_, one)| one == meter)) {
            (Meter::Microusd, _) => write_dollars(f, *max)?,
            (Meter::Generations, _) | (_, None) => write!(f, "{max}")?,
            (_, Some((word, _))) => write!(f, "{word}={max}")?,
        }
        match (meter, window) {
            (Meter::Generations, WindowKind::Month) => Ok(()),
            _ => write!(f, "/{}", window.word()),
        }
    }
}

// Whole dollars bare, cents as two digits, and more only where there is more.
fn write_dollars(f: &mut fmt::Formatter<'_>, amount: i64) -> fmt::Result {
    let (whole, rest) = (amount / DOLLAR, amount % DOLLAR);
    if rest == 0 {
        return write!(f, "${whole}");
    }
    let digits = format!("{rest:06}");
    write!(f, "${whole}.{:0<2}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(text: &str, tier: &str) -> Vec<(Meter, WindowKind, i64)> {
        let plans: Plans = text.parse().unwrap();
        let limits = plans.find(tier).unwrap().limits().iter();
        limits.map(|one| (one.meter, one.window, one.max)).collect()
    }

    #[test]
    fn reads_what_the_default_says() {
        assert_eq!("free:5,basic:25,pro:100".parse(), Ok(Plans::default()));
        assert_eq!(Plans::default().to_string(), "free:5,basic:25,pro:100");
    }

    #[test]
    fn reads_several_windows() {
        let text = "free:5/month+2/day, closed:0,big:1000000000000000/day,once:3/lifetime";
        let generations = |window, max| (Meter::Generations, window, max);
        let free = [
            generations(WindowKind::Month, 5),
            generations(WindowKind::Day, 2),
        ];
        assert_eq!(limits(text, "free"), free);
        assert_eq!(limits(text, "closed"), [generations(WindowKind::Month, 0)]);
        let big = [generations(WindowKind::Day, MAX_LIMIT)];
        assert_eq!(limits(text, "big"), big);
        let once = [generations(WindowKind::Lifetime, 3)];
        assert_eq!(limits(text, "once"), once);
    }

    #[test]
    fn reads_every_meter() {
        let text = "free:5+2/day+$0.50/month+tokens=100000/month+storage=1073741824/lifetime,\
                    pro:generations=7+microusd=1500000/day+requests=9";
        assert_eq!(
            limits(text, "free"),
            [
                (Meter::Generations, WindowKind::Month, 5),
                (Meter::Generations, WindowKind::Day, 2),
                (Meter::Microusd, WindowKind::Month, 500_000),
                (Meter::Tokens, WindowKind::Month, 100_000),
                (Meter::StorageBytes, WindowKind::Lifetime, 1_073_741_824),
            ]
        );
        let plans: Plans = text.parse().unwrap();
        assert_eq!(
            plans.to_string(),
            "free:5+2/day+$0.50/month+tokens=100000/month+storage=1073741824/lifetime,\
             pro:7+$1.50/day+requests=9/month"
        );
    }

    #[test]
    fn money_is_exact() {
        for (text, amount, printed) in [
            ("$0", 0, "$0/month"),
            ("$5", 5_000_000, "$5/month"),
            ("$5.", 5_000_000, "$5/month"),
            ("$.5", 0, ""),
            ("$0.1", 100_000, "$0.10/month"),
            ("$0.000001", 1, "$0.000001/month"),
            ("$0.0000001", 0, ""),
            ("$1.234500", 1_234_500, "$1.2345/month"),
            ("$1000000000", MAX_LIMIT, "$1000000000/month"),
            ("$1000000000.000001", 0, ""),
            ("$-1", 0, ""),
            ("$1e3", 0, ""),
            ("$", 0, ""),
        ] {
            match text.parse::<Limit>() {
                Ok(limit) => assert_eq!(
                    (limit.max, limit.to_string().as_str()),
                    (amount, printed),
                    "{text}"
                ),
                Err(error) => {
                    assert_eq!(printed, "", "{text}: {error}");
                    assert!(error.to_string().contains("must be $0 to $1000000000"));
                }
            }
        }
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
            ("free:1000000000000001", "limit '1000000000000001'"),
            ("free:99999999999999999999", "must be a number, 0 to"),
            ("free:5/week", "'week' is none of"),
            ("free:5/month+6", "two limits of generations per month"),
            ("free:$5+microusd=6", "two limits of microusd per month"),
            ("free:bytes=5", "'bytes' is no meter"),
            ("free:tokens=", "limit ''"),
            ("free:tokens=$5", "limit '$5'"),
            ("free:5,free:6", "'free' stands twice"),
        ] {
            let error = text.parse::<Plans>().unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    fn any_plan() -> impl Strategy<Value = Plan> {
        let limits = proptest::collection::btree_map(
            (
                proptest::sample::select(Meter::ALL.to_vec()),
                proptest::sample::select(WindowKind::ALL.to_vec()),
            ),
            0..=MAX_LIMIT,
            1..=8,
        );
        ("[a-z][a-z0-9_-]{0,31}", limits).prop_map(|(name, limits)| {
            let limit = |((meter, window), max)| Limit { meter, window, max };
            Plan::new(&name, limits.into_iter().map(limit).collect()).unwrap()
        })
    }

    proptest! {
        #[test]
        fn reads_back_what_it_prints(plan in any_plan()) {
            let text = plan.to_string();
            prop_assert_eq!(text.parse(), Ok(Plans(vec![plan])));
        }

        #[test]
        fn no_text_is_a_panic(text in "[a-z0-9:/+,=$. -]{0,40}") {
            if let Ok(plans) = text.parse::<Plans>() {
                prop_assert_eq!(plans.to_string().parse(), Ok(plans));
            }
        }
    }
}
