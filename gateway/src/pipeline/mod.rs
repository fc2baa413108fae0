//! The way of one request, step by step; cheap refusals come first, and nothing is reserved for a
//! request that could not be sent.

mod allowance;
mod api;
mod authenticate;
mod call;
mod decode;
mod rate;
mod reflect;
mod replay;
mod reserve;
mod route;
mod rpc;

use std::sync::Arc;

use axum::body::Body;
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
use crate::rate::Class;
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
    let is_head = parts.method == Method::HEAD;
    let response = match fixed::find(&parts) {
        Some(page) => page.answer(&gateway).await,
        None => dispatch(gateway, parts, body).await,
    };
    // A HEAD is answered like its GET; dropping the body cancels what would have filled it.
    if is_head {
        response.map(|_| Body::empty())
    } else {
        response
    }
}

async fn dispatch(gateway: Arc<Gateway>, parts: Parts, body: RequestBody) -> Response {
    let wire = Wire::of(&parts.method, &parts.uri, &parts.headers);
    let refuse = |failure: Failure| wire.refuse(failure, &request_id::current());
    let found = match route::find(&gateway, wire, &parts) {
        Ok(found) => found,
        Err(failure) => return refuse(failure),
    };
    let label = Rpc(found.endpoint.name.clone());
    // A token that is refused counts too, so it is looked at before the limits and judged after.
    let caller = authenticate::caller(&gateway, &found.endpoint, &parts.headers).await;
    let class = Class::of(found.endpoint.rate);
    let mut response = match rate::take(&gateway.rates, class, &parts, &caller).await {
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
    let call = Call::new(found, caller, parts)?;
    match call.way {
        Way::Api(_) => api::send(gateway, call, body).await,
        Way::Rpc(protocol) => rpc::send(gateway, call, protocol, body).await,
    }
}

/// Until when the call of a request may take.
fn deadline_of(found: &route::Found, parts: &Parts) -> Result<Deadline, Failure> {
    let endless = matches!(found.endpoint.shape, Shape::Events(_));
    Deadline::of(&parts.headers, found.endpoint.policy.timeout_ms, endless)
}
