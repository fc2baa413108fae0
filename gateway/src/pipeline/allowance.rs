//! What is left of a limit, as the `RateLimit` and `RateLimit-Policy` headers say it
//! (draft-ietf-httpapi-ratelimit-headers).

use std::fmt::Write;

use contracts::usage::v1::{Limit, limit::Window};
use errors::Fault;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use types::{Clock, SystemClock};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) limit: u64,
    /// In seconds.
    pub(super) window: u64,
    pub(super) remaining: u64,
    /// Seconds until there is more.
    pub(super) reset: u64,
}

/// The two headers; none when there is no limit.
pub(super) fn headers_of(items: &[Item]) -> HeaderMap {
    let (mut policy, mut state) = (String::new(), String::new());
    for item in items {
        let comma = if policy.is_empty() { "" } else { ", " };
        let Item {
            name,
            limit,
            window,
            remaining,
            reset,
        } = item;
        // Writing to a string does not fail.
        let _ = write!(policy, "{comma}\"{name}\";q={limit};w={window}");
        let _ = write!(state, "{comma}\"{name}\";r={remaining};t={reset}");
    }
    let mut headers = HeaderMap::new();
    for (name, text) in [(POLICY, policy), (STATE, state)] {
        if let (Ok(value), false) = (HeaderValue::from_str(&text), text.is_empty()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Adds headers to a response. What it says of other limits stays: the two are lists.
pub(super) fn add_to(headers: &mut HeaderMap, more: &HeaderMap) {
    for (name, value) in more {
        let is_list = name == POLICY || name == STATE;
        let known = headers.get(name).filter(|_| is_list);
        let both = known.and_then(|known| {
            HeaderValue::from_bytes(&[known.as_bytes(), b", ", value.as_bytes()].concat()).ok()
        });
        headers.insert(name, both.unwrap_or_else(|| value.clone()));
    }
}

/// The headers of plan limits. `given_back` is what a release will add again.
pub(super) fn of_limits(limits: &[Limit], given_back: i64) -> HeaderMap {
    let items: Vec<Item> = limits
        .iter()
        .map(|limit| item_of(limit, given_back))
        .collect();
    headers_of(&items)
}

fn item_of(limit: &Limit, given_back: i64) -> Item {
    let meter = limit.meter().as_str_name();
    let window = limit.window().as_str_name();
    let resets_at = limit.reset_at.as_ref().map_or(0, |at| at.seconds);
    Item {
        name: name_of(meter, window),
        limit: unsigned(limit.limit),
        window: seconds_of(window),
        remaining: unsigned(limit.remaining.saturating_add(given_back).min(limit.limit)),
        reset: seconds_until(resets_at),
    }
}

/// The headers of the limit that stands in the way, from the facts of a `QUOTA_EXCEEDED`.
pub(super) fn of_refusal(fault: &Fault) -> HeaderMap {
    let fact = |key: &str| fault.metadata.get(key).map(String::as_str);
    let (Some(meter), Some(window)) = (fact("meter"), fact("window")) else {
        return HeaderMap::new();
    };
    let number = |key: &str| fact(key).and_then(|text| text.parse().ok()).unwrap_or(0);
    headers_of(&[Item {
        name: name_of(meter, window),
        limit: number("limit"),
        window: seconds_of(window),
        remaining: number("remaining"),
        reset: fact("resetAt").and_then(moment).map_or(0, seconds_until),
    }])
}

/// Seconds until the limit of a refusal starts anew.
pub(super) fn reset_of(fault: &Fault) -> Option<u64> {
    fault
        .metadata
        .get("resetAt")
        .and_then(|text| moment(text))
        .map(seconds_until)
}

fn name_of(meter: &str, window: &str) -> String {
    format!("{meter}-{window}").to_lowercase().replace('_', "-")
}

fn seconds_of(window: &str) -> u64 {
    match Window::from_str_name(&window.to_uppercase()) {
        Some(Window::Day) => 24 * 3_600,
        Some(Window::Month) => 30 * 24 * 3_600,
        // What never starts anew has no window; 0 says so.
        Some(Window::Lifetime | Window::Unspecified) | None => 0,
    }
}

fn moment(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

fn seconds_until(seconds: i64) -> u64 {
    unsigned(seconds.saturating_sub(SystemClock.now().micros() / 1_000_000))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::policy::v1::policy::Meter;
    use errors::Reason;

    fn limit(remaining: i64) -> Limit {
        Limit {
            meter: Meter::Generations.into(),
            window: Window::Month.into(),
            limit: 5,
            used: 1,
            reserved: 4 - remaining,
            remaining,
            reset_at: None,
            scope: None,
        }
    }

    #[test]
    fn limits_become_headers() {
        let headers = of_limits(&[limit(4)], 0);
        assert_eq!(
            headers["ratelimit-policy"],
            "\"generations-month\";q=5;w=2592000"
        );
        assert_eq!(headers["ratelimit"], "\"generations-month\";r=4;t=0");
        assert_eq!(
            of_limits(&[limit(3)], 1)["ratelimit"],
            "\"generations-month\";r=4;t=0"
        );
        assert!(of_limits(&[], 0).is_empty());
    }

    #[test]
    fn limits_of_two_kinds_stand_in_one_list() {
        let item = |name: &str| Item {
            name: name.to_owned(),
            limit: 10,
            window: 1,
            remaining: 9,
            reset: 1,
        };
        let mut headers = headers_of(&[item("a")]);
        add_to(&mut headers, &headers_of(&[item("b"), item("c")]));
        assert_eq!(headers.len(), 2);
        assert_eq!(
            headers["ratelimit"],
            "\"a\";r=9;t=1, \"b\";r=9;t=1, \"c\";r=9;t=1"
        );
        add_to(&mut headers, &HeaderMap::new());
        assert!(
            headers["ratelimit-policy"]
                .to_str()
                .unwrap()
                .ends_with("\"c\";q=10;w=1")
        );
    }

    #[test]
    fn a_refusal_says_the_same() {
        let fault = Fault::new(Reason::QuotaExceeded, "used up")
            .with("meter", "GENERATIONS")
            .with("window", "MONTH")
            .with("limit", 5)
            .with("remaining", 0)
            .with("resetAt", "2000-01-01T00:00:00Z");
        let headers = of_refusal(&fault);
        assert_eq!(
            headers["ratelimit-policy"],
            "\"generations-month\";q=5;w=2592000"
        );
        assert_eq!(headers["ratelimit"], "\"generations-month\";r=0;t=0");
        assert_eq!(reset_of(&fault), Some(0));
    }
}
