//! Outgoing calls: to the other services, each within its own time, and to users' webhooks.

mod courier;
mod explained;
mod files;
mod usage;
mod usage_wire;

use std::future::Future;
use std::time::Duration;

use errors::{Fault, Reason};
use tonic::{Request, Status};

pub use courier::WebhookCourier;
pub use files::FilePeer;
pub use usage::UsagePeer;

// A call without a deadline of its own could hold a worker for ever; one that came with a caller's
// deadline keeps that.
fn limit<T>(request: &mut Request<T>, span: Duration) {
    if !request.metadata().contains_key("grpc-timeout") {
        request.set_timeout(span);
    }
}

// The peer is told its deadline; should it not keep it, we do.
async fn within<T>(
    span: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(span, call).await {
        Ok(answer) => answer.map_err(errors::from_status),
        Err(_) => Err(Fault::new(
            Reason::DeadlineExceeded,
            "a service did not answer in time",
        )),
    }
}
