//! What every request passes before it is looked at, and every response on its way out.

mod compress;
mod conditional;
mod cors;
pub(crate) mod language;
mod limits;
mod observe;
mod panics;
pub(crate) mod request_id;
mod security;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;

use crate::config::Config;
use crate::gateway::Gateway;
use crate::pipeline;

pub(crate) use cors::Origins;
pub(crate) use observe::Rpc;

/// The HTTP service: the layers, outermost first, around the pipeline.
pub(crate) fn stack(gateway: Arc<Gateway>, config: &Config) -> Router {
    around(
        Router::new().fallback(pipeline::serve).with_state(gateway),
        config,
    )
}

fn around(inner: Router, config: &Config) -> Router {
    let origins = Arc::new(Origins(config.cors_origins.clone()));
    let limit = config.max_upload_bytes.max(config.max_json_bytes);
    inner.layer(
        ServiceBuilder::new()
            // First, so that everything below, logs and errors included, can name the request.
            .layer(from_fn(request_id::layer))
            // Before anything may refuse: what it says, it says in the client's language.
            .layer(from_fn(language::layer))
            // Outside of all that may refuse: a refused request is counted and logged too.
            .layer(from_fn(observe::layer))
            // Whatever answers below, its headers are safe ones.
            .layer(from_fn_with_state(config.hsts, security::layer))
            // Outside of the panics, so that a page may read even the error of one.
            .layer(from_fn_with_state(origins, cors::layer))
            // A panic is a 500 for its request and nothing to the others.
            .layer(from_fn(panics::layer))
            // Outside of the tags, which are of the answer as it was written.
            .layer(compress::layer())
            // Answers to reads have a tag; what the client has already is not sent again.
            .layer(from_fn(conditional::layer))
            // What no route would take is refused before any work.
            .layer(from_fn_with_state(limit, limits::layer)),
    )
}

#[cfg(test)]
mod tests;
