//! Until when a call may take: the rpc's own time, or less when the client says so.

use std::time::Duration;

use errors::{Fault, Reason};
use http::HeaderMap;
use tokio::time::Instant;

use crate::failure::Failure;

/// How long a call may take when neither its policy nor the client says.
const DEFAULT: Duration = Duration::from_secs(10);

const UNITS: &str = "Grpc-Timeout must be 1 to 8 digits and a unit: H, M, S, m, u or n";
const MILLIS: &str = "Connect-Timeout-Ms must be 1 to 10 digits";

/// Until when a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// From the policy's `timeout_ms` and the client's `Grpc-Timeout` or `Connect-Timeout-Ms`, which
    /// may only shorten it.
    /// Event streams go on until they end, unless the client says otherwise.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a timeout that is none.
    pub(crate) fn of(headers: &HeaderMap, timeout_ms: i64, endless: bool) -> Result<Self, Failure> {
        let in_units = read(headers, "grpc-timeout", parse, UNITS)?;
        let in_millis = read(headers, "connect-timeout-ms", parse_millis, MILLIS)?;
        let own = match u64::try_from(timeout_ms).unwrap_or(0) {
            0 if endless => None,
            0 => Some(DEFAULT),
            millis => Some(Duration::from_millis(millis)),
        };
        let span = [own, in_units, in_millis].into_iter().flatten().min();
        Ok(Self(span.and_then(|span| Instant::now().checked_add(span))))
    }

    /// The moment itself.
    pub(crate) const fn instant(self) -> Option<Instant> {
        self.0
    }

    /// What is left of it.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0
            .map(|instant| instant.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed.
    pub(crate) fn is_past(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Waits for `work` until then.
    pub(crate) async fn limit<F: Future>(self, work: F) -> Option<F::Output> {
        match self.0 {
            Some(instant) => tokio::time::timeout_at(instant, work).await.ok(),
            None => Some(work.await),
        }
    }
}

fn read(
    headers: &HeaderMap,
    name: &str,
    parse: impl Fn(&str) -> Option<Duration>,
    malformed: &str,
) -> Result<Option<Duration>, Failure> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let span = value.to_str().ok().and_then(parse);
    let malformed = || Fault::new(Reason::InvalidRequest, malformed).into();
    span.map(Some).ok_or_else(malformed)
}

/// The `Timeout` of the Connect protocol.
fn parse_millis(text: &str) -> Option<Duration> {
    let is_number = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let millis = text.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_millis(millis))
}

/// The `Timeout` of the gRPC over HTTP/2 specification.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_the_specification() {
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(
            parse("99999999H"),
            Some(Duration::from_secs(99_999_999 * 3_600))
        );
        for wrong in [
            "",
            "S",
            "1",
            "123456789S",
            "+1S",
            "1 S",
            "1s",
            "-1S",
            "1\u{e9}",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn milliseconds_of_connect() {
        assert_eq!(parse_millis("5000"), Some(Duration::from_secs(5)));
        for wrong in ["", "12345678901", "+1", "-1", "1.5", "1S"] {
            assert_eq!(parse_millis(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_client_may_shorten_but_not_stretch() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", "1S".parse().unwrap());
        let short = Deadline::of(&headers, 0, false).unwrap().left().unwrap();
        assert!(short <= Duration::from_secs(1));
        headers.insert("grpc-timeout", "1H".parse().unwrap());
        let long = Deadline::of(&headers, 0, false).unwrap().left().unwrap();
        assert!(long <= DEFAULT);
        assert!(
            Deadline::of(&HeaderMap::new(), 0, true)
                .unwrap()
                .left()
                .is_none()
        );
    }
}
