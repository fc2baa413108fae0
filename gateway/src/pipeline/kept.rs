//! The last step of a call without a quota: what was answered before, where that will do, or the service.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use types::UserId;

use super::Call;
use crate::cache::Key;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::reply;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
/// Whoever asks about a part, or about what it has already, asks the service.
const CONDITIONS: [&str; 4] = ["if-none-match", "if-modified-since", "range", "if-range"];

/// Answers a call of one message.
///
/// # Errors
/// What the service answers instead.
pub(super) async fn forward(
    gateway: &Gateway,
    call: &Call,
    message: Bytes,
) -> Result<Response, Failure> {
    let endpoint = &call.endpoint;
    let Some((rule, key)) = endpoint.cache.zip(key_of(gateway, call, &message)) else {
        let replied = call.upstream().unary(message).await?;
        return reply::unary(call, replied);
    };
    let ask = || {
        let mut upstream = call.upstream();
        for name in CONDITIONS {
            upstream.metadata.remove(name);
        }
        upstream.unary(message.clone())
    };
    let (replied, is_kept) = gateway.cache.answer(key, rule.lasts, ask).await?;
    let outcome = if is_kept { "hit" } else { "miss" };
    metrics::counter!(
        "bottega_gateway_cache_total", "rpc" => endpoint.name.clone(), "outcome" => outcome
    )
    .increment(1);
    let mut response = reply::unary(call, replied)?;
    let outcome = HeaderValue::from_static(outcome);
    response.headers_mut().insert(X_CACHE, outcome);
    Ok(response)
}

fn key_of(gateway: &Gateway, call: &Call, message: &Bytes) -> Option<Key> {
    let endpoint = &call.endpoint;
    if endpoint.cache?.is_shared {
        return Some(Key::of_everybody(&endpoint.name, message));
    }
    let owner = call.caller.as_ref()?.owner().ok()?;
    let service = endpoint.peer.name;
    Some(Key::of(
        &gateway.cache,
        owner,
        service,
        &endpoint.name,
        message,
    ))
}

/// What a call may change for its caller: noted when the call is over, however it ended. Nobody knows what
/// was done before it failed.
pub(super) struct Change(Option<(Arc<Gateway>, UserId, &'static str)>);

impl Change {
    pub(super) fn of(gateway: &Arc<Gateway>, call: &Call) -> Self {
        let owner = call.caller.as_ref().and_then(|caller| caller.owner().ok());
        let owner = owner.filter(|_| !call.endpoint.is_safe);
        Self(owner.map(|owner| (Arc::clone(gateway), owner, call.endpoint.peer.name)))
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Some((gateway, owner, service)) = &self.0 {
            gateway.cache.forget(*owner, service);
        }
    }
}
