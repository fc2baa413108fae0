//! Step 3: how often. Today the anonymous class, per client address; the classes of signed-in
//! users join it in [`Rates::take`].

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::ConnectInfo;
use contracts::policy::v1::policy::Rate;
use errors::{Fault, Reason};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::HeaderMap;
use http::request::Parts;

use super::allowance::{Item, headers_of};
use crate::endpoint::Endpoint;
use crate::failure::Failure;

const CREDENTIALS: u32 = 100;
const CREDENTIALS_WINDOW: Duration = Duration::from_secs(15 * 60);

type PerAddress =
    RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// The rate limits of this process.
pub(crate) struct Rates {
    /// None when limits are off.
    credentials: Option<PerAddress>,
}

impl Rates {
    /// All limits, or none when they are switched off.
    pub(crate) fn new(on: bool) -> Self {
        let burst = NonZeroU32::new(CREDENTIALS).filter(|_| on);
        let quota = burst.and_then(|burst| {
            Some(Quota::with_period(CREDENTIALS_WINDOW / CREDENTIALS)?.allow_burst(burst))
        });
        let limiter = |quota| RateLimiter::dashmap(quota).with_middleware();
        Self {
            credentials: quota.map(limiter),
        }
    }

    /// Counts a request; answers the headers that say what is left.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub(super) fn take(&self, endpoint: &Endpoint, parts: &Parts) -> Result<HeaderMap, Failure> {
        match (endpoint.rate, &self.credentials) {
            (Rate::Credentials, Some(limiter)) => take_one(limiter, client_of(parts)),
            // Per user and class: READ and WRITE have no limit yet.
            _ => Ok(HeaderMap::new()),
        }
    }

    /// Forgets the addresses that have their whole allowance again.
    pub(crate) fn forget_idle(&self) {
        if let Some(limiter) = &self.credentials {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn take_one(limiter: &PerAddress, client: IpAddr) -> Result<HeaderMap, Failure> {
    let item = |remaining: u32, reset: Duration| {
        headers_of(&[Item {
            name: "credentials".to_owned(),
            limit: CREDENTIALS.into(),
            window: CREDENTIALS_WINDOW.as_secs(),
            remaining: remaining.into(),
            reset: reset.as_secs_f64().ceil() as u64,
        }])
    };
    match limiter.check_key(&client) {
        Ok(state) => {
            let left = state.remaining_burst_capacity();
            let spent = CREDENTIALS.saturating_sub(left);
            Ok(item(left, CREDENTIALS_WINDOW / CREDENTIALS * spent))
        }
        Err(refused) => {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            let message = "too many sign-in requests from this address; wait and try again";
            let fault = Fault::new(Reason::RateLimited, message).retry_in(wait);
            Err(Failure::from(fault).with_headers(item(0, wait)))
        }
    }
}

/// Who counts: an IPv4 address, or an IPv6 network, of which one household has a whole one.
fn client_of(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    match peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| {
        peer.0.ip().to_canonical()
    }) {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_hundred_and_others_have_their_own() {
        let rates = Rates::new(true);
        let limiter = rates.credentials.as_ref().unwrap();
        let one = IpAddr::from([192, 0, 2, 1]);
        for left in (0..CREDENTIALS).rev() {
            let headers = take_one(limiter, one).unwrap();
            let text = headers["ratelimit"].to_str().unwrap();
            assert!(
                text.starts_with(&format!("\"credentials\";r={left};t=")),
                "{text}"
            );
        }
        let refused = take_one(limiter, one).unwrap_err().respond("r");
        assert_eq!(refused.status(), 429);
        let wait: u64 = refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=9).contains(&wait), "{wait}");
        assert!(take_one(limiter, IpAddr::from([192, 0, 2, 2])).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let client = |text: &str| {
            let (mut parts, ()) = http::Request::new(()).into_parts();
            parts
                .extensions
                .insert(ConnectInfo(text.parse::<SocketAddr>().unwrap()));
            client_of(&parts)
        };
        assert_eq!(client("[2001:db8::1]:1"), client("[2001:db8::ffff:2]:9"));
        assert_ne!(client("[2001:db8:0:1::1]:1"), client("[2001:db8:0:2::1]:1"));
        assert_eq!(client("[::ffff:192.0.2.1]:1"), client("192.0.2.1:2"));
    }
}
