//! The request the running task works for, carried beside the code and not through it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// The request a task works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Finds the request in every log; 1 to 128 visible ASCII characters.
    pub request_id: String,
    /// When the caller stops waiting; none for streams that end by themselves.
    pub deadline: Option<Instant>,
    /// The caller's W3C `traceparent`, passed on as it came.
    pub traceparent: Option<String>,
}

impl RequestContext {
    /// The context of a request that brought no id of its own.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            request_id: Uuid::now_v7().hyphenated().to_string(),
            deadline: None,
            traceparent: None,
        }
    }

    /// The context of a request that brought an id, or a fresh one when that id is not fit to be
    /// logged and passed on.
    #[must_use]
    pub fn with_id(request_id: Option<&str>) -> Self {
        match request_id {
            Some(id) if is_sane(id) => Self {
                request_id: id.to_owned(),
                deadline: None,
                traceparent: None,
            },
            _ => Self::fresh(),
        }
    }

    /// What is left until the deadline, if there is one; zero when it has passed.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

fn is_sane(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

tokio::task_local! {
    static CURRENT: Arc<RequestContext>;
}

/// The context of the running task; `None` outside of requests.
#[must_use]
pub fn current() -> Option<RequestContext> {
    CURRENT.try_with(|context| (**context).clone()).ok()
}

/// Runs a future with a context. A task spawned inside does not inherit it: pass it on.
pub async fn scope<F: Future>(context: RequestContext, future: F) -> F::Output {
    CURRENT.scope(Arc::new(context), future).await
}

/// Runs `work` for the same request, but not by its deadline: what was begun with money or quota
/// is seen through, whether or not the caller still waits.
pub async fn unhurried<F: Future>(work: F) -> F::Output {
    match current() {
        Some(context) => {
            let context = RequestContext {
                deadline: None,
                ..context
            };
            scope(context, work).await
        }
        None => work.await,
    }
}

/// Runs a function with a context, for code that is polled and not awaited.
pub fn scope_sync<R>(context: &Arc<RequestContext>, run: impl FnOnce() -> R) -> R {
    CURRENT.sync_scope(Arc::clone(context), run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scope_ends_where_it_ends() {
        let context = RequestContext::with_id(Some("abc"));
        let inside = scope(context.clone(), async { current() }).await;
        assert_eq!(inside, Some(context));
        assert_eq!(current(), None);
    }

    #[test]
    fn an_id_that_would_spoil_a_log_is_replaced() {
        let long = "x".repeat(129);
        for id in ["", "a b", "a\nb", "\u{e9}", long.as_str()] {
            let context = RequestContext::with_id(Some(id));
            assert_ne!(context.request_id, id);
            assert_eq!(context.request_id.len(), 36);
        }
    }
}
