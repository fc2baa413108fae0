//! Every layer of a gRPC call, in one list.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state as with};
use tower::ServiceBuilder;

use super::{Shared, access, context, limit, malformed, record, shed, survive, task};

/// Puts the layers around the services, outermost first.
pub(super) fn apply(router: Router, shared: &Arc<Shared>) -> Router {
    let shared = || Arc::clone(shared);
    router.layer(
        ServiceBuilder::new()
            // Names the call and gives it an id: every line below can say whose it is.
            .layer(with(shared(), context::layer))
            // Counts and logs every call, also those the layers below refuse.
            .layer(from_fn(record::layer))
            // A panic in any layer below is this call's INTERNAL and nobody else's trouble.
            .layer(from_fn(survive::layer))
            // Refuses at once what there is no room for, before any work is done for it.
            .layer(with(shared(), shed::layer))
            // Ends what takes too long or outlives the server; verifying a token counts.
            .layer(with(shared(), limit::layer))
            // Lets in who may call.
            .layer(with(shared(), access::layer))
            // Says of an unreadable message that it is the caller's fault.
            .layer(from_fn(malformed::layer))
            // Runs the handler in a task of its own: a client that leaves does not cut it short.
            .layer(with(shared(), task::layer)),
    )
}
