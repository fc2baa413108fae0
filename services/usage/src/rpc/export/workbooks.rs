//! How many workbooks may be written at a time: each takes a thread and room on the disk until whoever
//! asked for it has it.

use std::sync::Arc;
use std::time::Duration;

use errors::{Fault, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many of a process.
const MOST: usize = 4;
const REST: Duration = Duration::from_secs(10);

/// Leave to write workbooks.
#[derive(Debug, Clone)]
pub struct Workbooks(Arc<Semaphore>);

impl Default for Workbooks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Workbooks {
    /// Leave for one, which lasts until it is dropped.
    pub fn take(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|none| {
            let message = format!(
                "{MOST} workbooks are being written, and no more may be at a time; try again, or \
                 take csv or json"
            );
            Fault::new(Reason::Overloaded, message)
                .retry_in(REST)
                .with_cause(none)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_may_be_at_a_time() {
        let workbooks = Workbooks::default();
        let mut taken: Vec<_> = (0..MOST).map(|_| workbooks.take().unwrap()).collect();
        let refused = workbooks.take().unwrap_err();
        assert_eq!(refused.reason, Reason::Overloaded);
        assert_eq!(refused.retry_after, Some(REST));
        taken.pop();
        assert!(workbooks.take().is_ok());
    }
}
