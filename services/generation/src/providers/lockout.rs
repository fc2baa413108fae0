//! How both of Stability's APIs refuse: going over the limit of 150 requests in 10 s locks a key out
//! for a minute, and no header says so.

use std::time::Duration;

use super::http::{Answer, Http, wait_of};
use crate::domain::provider::{ErrorClass, ProviderError};

const LOCKED_OUT: Duration = Duration::from_secs(60);

/// The error of a class an answer means, with how long to wait.
pub fn locked_out(http: &Http, class: ErrorClass, answer: &Answer) -> ProviderError {
    let mut fault = http.fault(class, answer.words());
    fault.retry_after = wait_of(&answer.headers);
    if class == ErrorClass::RateLimited {
        fault.retry_after = fault.retry_after.or(Some(LOCKED_OUT));
    }
    fault
}
