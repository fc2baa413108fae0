//! The way of one request, step by step; cheap refusals come first, and nothing is reserved for a
//! request that could not be sent.

mod allowance;
mod api;
mod authenticate;
mod call;
mod client;
mod decode;
pub(crate) mod inner;
mod kept;
mod rate;
mod reflect;
mod replay;
mod reserve;
mod route;
mod rpc;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use errors::Fault;
use http::Method;
use http::request::Parts;
use identity::Caller;

use crate::body::RequestBody;
use crate::endpoint::Shape;
use crate::failure::Failure;
use crate::fixed;
use crate::gateway::Gateway;
use crate::layers::{Rpc, request_id};
use crate::openai;
use crate::rate::Class;
use crate::upload;
use crate::upstream::Deadline;
use crate::wire::Wire;

pub(crate) use call::Call;
pub(crate) use decode::fault_of;
pub(crate) use route::Way;

/// Answers one request.
pub(crate) async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    if reflect::is_asked(&request) {
        return reflect::answer(&gateway, request).await;
    }
    let (parts, body) = request.into_parts();
    let body = RequestBody::of(body, &parts.headers);
    if openai::is_asked(parts.uri.path()) {
        return openai::serve(gateway, parts, body).await;
    }
    match fixed::find(&parts) {
        Some(page) => page.answer(&gateway).await,
        None => dispatch(gateway, parts, body).await,
    }
}

async fn dispatch(gateway: Arc<Gateway>, mut parts: Parts, body: RequestBody) -> Response {
    let wire = Wire::of(&parts.method, &parts.uri, &parts.headers);
    let refuse = |failure: Failure| wire.refuse(failure, &request_id::current());
    let found = match route::find(&gateway, wire, &parts) {
        Ok(found) => found,
        Err(failure) if parts.method == Method::OPTIONS => {
            return failure.options().unwrap_or_else(refuse);
        }
        Err(failure) => return refuse(failure),
    };
    let label = Rpc(found.endpoint.name.clone());
    // A token that is refused counts too, so it is looked at before the limits and judged after.
    let access = found.endpoint.access;
    let caller = authenticate::caller(&gateway, access, &mut parts.headers).await;
    let class = Class::of(found.endpoint.rate);
    let mut response = match rate::take(&gateway, class, &parts, &caller).await {
        Err(failure) => refuse(failure),
        Ok(standing) => {
            let answer = answer(gateway, found, caller, parts, body).await;
            let mut response = answer.unwrap_or_else(refuse);
            standing.tell(&mut response);
            response
        }
    };
    response.extensions_mut().insert(label);
    response
}

async fn answer(
    gateway: Arc<Gateway>,
    found: route::Found,
    caller: Result<Option<Caller>, Fault>,
    parts: Parts,
    body: RequestBody,
) -> Result<Response, Failure> {
    let caller = caller?;
    authenticate::admit(&found.endpoint, caller.as_ref())?;
    let held = gateway
        .budget
        .take(&parts.headers, room_of(&gateway, &found, &body))?;
    let call = Call::new(found, caller, parts, held)?;
    let _change = kept::Change::of(&gateway, &call);
    match call.way {
        Way::Api(_) => api::send(gateway, call, body).await,
        Way::Rpc(protocol) => rpc::send(gateway, call, protocol, body).await,
    }
}

/// How many bytes of a body may be in memory at once.
fn room_of(gateway: &Gateway, found: &route::Found, body: &RequestBody) -> u64 {
    let limits = &gateway.limits;
    match (&found.endpoint.shape, &found.way) {
        _ if body.is_over() => 0,
        // Only some pieces of it.
        (Shape::Upload(_), Way::Api(_)) => upload::ROOM_BYTES.min(limits.upload_bytes),
        (Shape::Upload(_), Way::Rpc(_)) => rpc::ROOM_BYTES.min(limits.upload_bytes),
        (_, Way::Api(found)) if found.takes_http_body().is_some() => limits.upload_bytes,
        (Shape::Unary | Shape::Download | Shape::Events(_), _) => limits.json_bytes,
    }
}

/// Until when the call of a request may take.
fn deadline_of(found: &route::Found, parts: &Parts) -> Result<Deadline, Failure> {
    let endless = matches!(found.endpoint.shape, Shape::Events(_));
    Deadline::of(&parts.headers, found.endpoint.policy.timeout_ms, endless)
}
