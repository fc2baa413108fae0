//! How long a provider asks us to wait, in every form it is said in.

use std::time::Duration;

use reqwest::header::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// No hint is believed beyond this.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// The wait that headers ask for.
pub fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let millis = text("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok());
    if let Some(wait) = millis.and_then(|millis| seconds(millis / 1000.0)) {
        return Some(wait);
    }
    let now = OffsetDateTime::now_utc();
    if let Some(wait) = text("retry-after").and_then(|text| parse_wait(text, now)) {
        return Some(wait);
    }
    let resets = ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];
    let spent = [
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
    ];
    (resets.iter().zip(spent))
        .filter(|(_, remaining)| text(remaining) == Some("0"))
        .filter_map(|(reset, _)| text(reset).and_then(|text| parse_wait(text, now)))
        .max()
}

/// Reads `7`, `1.5`, `42s`, `500ms`, `6m0s`, an HTTP date or an RFC 3339 time; capped.
pub fn parse_wait(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return seconds(number);
    }
    let moment =
        OffsetDateTime::parse(text, &Rfc2822).or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    match moment {
        Ok(moment) => seconds((moment - now).as_seconds_f64().max(0.0)),
        Err(_) => spans(text),
    }
}

fn spans(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        total += match &rest[..letters] {
            "ms" => number / 1000.0,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            _ => return None,
        };
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total).and_then(seconds)
}

fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() {
        return None;
    }
    let capped = number.min(MAX_WAIT.as_secs_f64());
    Duration::try_from_secs_f64(capped).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let now = datetime!(2026-11-20 12:00:00 UTC);
        for (text, want) in [
            ("7", Some(7_000)),
            ("1.5", Some(1_500)),
            ("42s", Some(42_000)),
            ("1.5s", Some(1_500)),
            ("500ms", Some(500)),
            ("1m5s", Some(65_000)),
            ("6m0s", Some(120_000)),
            ("1000000000", Some(120_000)),
            ("Fri, 20 Nov 2026 12:00:30 GMT", Some(30_000)),
            ("Fri, 20 Nov 2026 11:00:00 GMT", Some(0)),
            ("2026-11-20T12:00:09Z", Some(9_000)),
            ("-3", None),
            ("NaN", None),
            ("", None),
            ("soon", None),
            ("5 parsecs", None),
        ] {
            let got = parse_wait(text, now).map(|wait| wait.as_millis());
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn headers_are_looked_at_in_order() {
        let wait = |pairs: &[(&'static str, &'static str)]| {
            let headers = (pairs.iter())
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect();
            wait_of(&headers).map(|wait| wait.as_millis())
        };
        assert_eq!(
            wait(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(250)
        );
        assert_eq!(wait(&[("retry-after", "9")]), Some(9_000));
        let reset = ("x-ratelimit-reset-requests", "12s");
        assert_eq!(wait(&[reset]), None);
        assert_eq!(
            wait(&[reset, ("x-ratelimit-remaining-requests", "0")]),
            Some(12_000)
        );
        assert_eq!(wait(&[]), None);
    }
}
