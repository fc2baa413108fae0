//! Ends calls that take longer than they may, and calls the stopping server cannot wait for.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use errors::{Fault, Reason};
use http::HeaderMap;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::guard::Guarded;
use super::reply::{call_of, no_context, refuse};
use super::rules::Rule;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some((rule, mut context)) = call_of(&request) else {
        return no_context();
    };
    let asked = match asked_for(request.headers()) {
        Ok(asked) => asked,
        Err(fault) => return refuse(fault),
    };
    context.deadline = time_for(&rule, asked, &shared).map(|time| Instant::now() + time);
    request.extensions_mut().insert(context.clone());
    let end = End {
        deadline: context.deadline,
        stop: if rule.endless {
            Stop::AtOnce(Arc::clone(&shared))
        } else {
            Stop::AtLastCall(shared.last_call.clone())
        },
    };
    let response = tokio::select! {
        response = next.run(request) => response,
        fault = end.clone().reached() => return refuse(fault),
    };
    Guarded::wrap(response, end, context)
}

/// When a call must end.
#[derive(Clone)]
pub(super) struct End {
    deadline: Option<Instant>,
    stop: Stop,
}

#[derive(Clone)]
enum Stop {
    AtOnce(Arc<Shared>),
    AtLastCall(CancellationToken),
}

impl End {
    /// Waits until the call must end, and says why.
    pub(super) async fn reached(self) -> Fault {
        tokio::select! {
            () = at(self.deadline) => too_late(),
            () = self.stop.reached() => Fault::new(
                Reason::Unavailable,
                "the server is stopping; call again, another one answers",
            )
            .retry_in(Duration::from_secs(1)),
        }
    }
}

impl Stop {
    async fn reached(self) {
        match self {
            Self::AtOnce(shared) => shared.shutdown.triggered().await,
            Self::AtLastCall(token) => token.cancelled().await,
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn too_late() -> Fault {
    Fault::new(
        Reason::DeadlineExceeded,
        "the call took longer than its deadline",
    )
}

/// How long a call may take. What the caller asks for is cut to what the rpc may take at most;
/// a stream without an end gets a deadline only from its caller.
fn time_for(rule: &Rule, asked: Option<Duration>, shared: &Shared) -> Option<Duration> {
    if rule.endless {
        return asked;
    }
    let default = rule.timeout.unwrap_or(shared.settings.deadline);
    let most = default.max(shared.settings.max_deadline);
    Some(asked.unwrap_or(default).min(most))
}

/// Reads `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
fn asked_for(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(parse_timeout);
    match parsed {
        Some(span) => Ok(Some(span)),
        None => Err(Fault::new(
            Reason::InvalidRequest,
            "'grpc-timeout' must be one to eight digits and one of H, M, S, m, u, n",
        )),
    }
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_timeouts_of_the_protocol() {
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(
            parse_timeout("99999999H"),
            Some(Duration::from_secs(359_999_996_400))
        );
        assert_eq!(parse_timeout("0n"), Some(Duration::ZERO));
        for text in [
            "",
            "m",
            "1",
            "123456789S",
            "-1S",
            "+1S",
            "1s",
            "1.5S",
            "1\u{e9}",
        ] {
            assert_eq!(parse_timeout(text), None, "{text}");
        }
    }
}
