//! How many bytes of requests are in memory at once, over all connections. Beyond that, requests are
//! refused before they are read, so that memory stays what it is however many come.

use std::sync::Arc;
use std::time::Duration;

use errors::{Fault, Reason};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// Counted in pieces of this many bytes.
const PIECE: u64 = 1024;
/// When whoever was refused may come again.
const LATER: Duration = Duration::from_secs(1);

/// Room for the bytes of requests.
#[derive(Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// Bytes of one request; there is room for others once it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _room: OwnedSemaphorePermit,
}

impl Budget {
    /// Room for this many bytes.
    pub(crate) fn of(bytes: u64) -> Self {
        let pieces = usize::try_from(bytes / PIECE).unwrap_or(usize::MAX);
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes what a request may need: what it announces, and else `most`.
    ///
    /// # Errors
    /// `OVERLOADED`, as 429 with the time to wait.
    pub(crate) fn take(&self, headers: &HeaderMap, most: u64) -> Result<Held, Failure> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes: u64 = announced.unwrap_or(most).min(most);
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.0).try_acquire_many_owned(pieces);
        taken.map(|room| Held { _room: room }).map_err(|_| full())
    }
}

fn full() -> Failure {
    metrics::counter!("bottega_gateway_bytes_refused_total").increment(1);
    let message = "too many bytes of requests are under way; wait and try again";
    let fault = Fault::new(Reason::Overloaded, message).retry_in(LATER);
    Failure::from(fault).with_http_status(StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::of(10 * PIECE);
        let mut headers = HeaderMap::new();
        let unannounced = budget.take(&headers, 8 * PIECE).unwrap();
        headers.insert(CONTENT_LENGTH, "2048".parse().unwrap());
        let small = budget.take(&headers, 8 * PIECE).unwrap();
        assert!(budget.take(&headers, 8 * PIECE).is_err());
        headers.insert(CONTENT_LENGTH, "0".parse().unwrap());
        assert!(
            budget.take(&headers, 8 * PIECE).is_ok(),
            "nothing needs no room"
        );
        drop((unannounced, small));
        // What is larger than allowed is refused later, by its size.
        headers.insert(CONTENT_LENGTH, "99999999".parse().unwrap());
        assert!(budget.take(&headers, 10 * PIECE).is_ok());
    }
}
