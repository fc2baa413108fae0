//! Step 3: how often. Who is counted, and what the answer says of it.

use std::net::IpAddr;
use std::time::Duration;

use axum::response::Response;
use errors::{Fault, Reason};
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use identity::Caller;
use types::ApiKeyId;

use super::allowance::{Item, add_to, headers_of};
use super::client::client_of;
use crate::failure::{Failure, Refused};
use crate::gateway::Gateway;
use crate::rate::{Bucket, Class, Decision, Gcra, Mode, Who};

const MODE: HeaderName = HeaderName::from_static("x-ratelimit-mode");

/// How the caller stands with its limits after this request, for the headers of whatever answers it.
pub(super) struct Standing(HeaderMap);

/// Counts a request.
///
/// # Errors
/// `RATE_LIMITED`, with the time to wait; `UNAVAILABLE` when nobody can count and the class says that
/// nothing passes then.
pub(super) async fn take(
    gateway: &Gateway,
    class: Option<Class>,
    parts: &Parts,
    caller: &Result<Option<Caller>, Fault>,
) -> Result<Standing, Failure> {
    let client = || client_of(parts, &gateway.trusted_proxies);
    let Some(who) = who_counts(client, caller) else {
        return Ok(Standing(HeaderMap::new()));
    };
    let decision = gateway.rates.take(who, key_of(caller), class).await;
    let headers = headers_of_decision(&decision);
    if decision.verdict.passed {
        return Ok(Standing(headers));
    }
    Err(Failure::from(refusal(who, &decision)).with_headers(headers))
}

impl Standing {
    /// Adds the headers. A service that was asked too often for its own taste has reasons of its own:
    /// limits that are not in the way would only mislead.
    pub(super) fn tell(self, response: &mut Response) {
        let refused = response.extensions().get::<Refused>();
        let is_theirs = refused.is_some_and(|one| one.0 == Reason::RateLimited.as_str_name());
        if !is_theirs {
            add_to(response.headers_mut(), &self.0);
        }
    }
}

/// The user of a good token; the address when there is no token, or one that is refused. Nobody when a
/// service calls, or when it is not the caller's fault that the token could not be verified.
fn who_counts(client: impl Fn() -> IpAddr, caller: &Result<Option<Caller>, Fault>) -> Option<Who> {
    match caller {
        Ok(Some(caller)) if caller.is_service() => None,
        Ok(Some(caller)) => caller.owner.map(Who::User),
        Ok(None) => Some(Who::address(client())),
        Err(fault) if fault.reason == Reason::Unauthenticated => Some(Who::address(client())),
        Err(_) => None,
    }
}

/// The API key of a caller who is counted by it, too.
fn key_of(caller: &Result<Option<Caller>, Fault>) -> Option<ApiKeyId> {
    let grant = caller.as_ref().ok()?.as_ref()?.grant.as_ref();
    grant.map(|grant| grant.key)
}

fn refusal(who: Who, decision: &Decision) -> Fault {
    if decision.mode == Mode::FailClosed {
        return Fault::unavailable("what counts requests", "redis is away");
    }
    let whose = match who {
        Who::Address(_) => "from this address",
        Who::User(_) => "of this user",
    };
    let message = format!("too many requests {whose}; wait and try again");
    Fault::new(Reason::RateLimited, message).retry_in(decision.wait())
}

fn headers_of_decision(decision: &Decision) -> HeaderMap {
    let debts = decision.buckets.iter().zip(&decision.verdict.debts);
    let items: Vec<Item> = debts.map(|(bucket, debt)| item_of(bucket, *debt)).collect();
    let mut headers = headers_of(&items);
    if !items.is_empty() || decision.mode == Mode::FailClosed {
        headers.insert(MODE, HeaderValue::from_static(decision.mode.as_str()));
    }
    headers
}

fn item_of(bucket: &Bucket, debt: u64) -> Item {
    let gcra = Gcra::of(bucket.limit);
    let remaining = gcra.remaining(debt);
    // Until there is one more when there is none, until all are back when there are some.
    let reset = if remaining == 0 {
        gcra.wait(debt)
    } else {
        debt
    };
    Item {
        name: bucket.name(),
        limit: bucket.limit.count.into(),
        window: bucket.limit.window.into(),
        remaining,
        reset: Duration::from_micros(reset).as_secs_f64().ceil() as u64,
    }
}
