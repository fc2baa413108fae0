//! The way of one request, step by step; cheap refusals come first, and nothing is reserved for a
//! request that could not be sent.

mod allowance;
mod authenticate;
mod call;
mod decode;
mod rate;
mod replay;
mod reserve;
mod route;

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
use crate::reply;
use crate::upload;
use crate::upstream::Deadline;

pub(crate) use call::Call;
pub(crate) use decode::fault_of;

/// Answers one request.
pub(crate) async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
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
    let found = match route::find(&gateway, &parts) {
        Ok(found) => found,
        Err(failure) => return failure.respond(&request_id::current()),
    };
    let label = Rpc(found.endpoint.name.clone());
    let outcome = walk(gateway, found, parts, body).await;
    let mut response = outcome.unwrap_or_else(|failure| failure.respond(&request_id::current()));
    response.extensions_mut().insert(label);
    response
}

async fn walk(
    gateway: Arc<Gateway>,
    found: route::Found,
    parts: Parts,
    body: RequestBody,
) -> Result<Response, Failure> {
    // A token that is refused counts too, so it is looked at before the limits and judged after.
    let caller = authenticate::caller(&gateway, &found.endpoint, &parts.headers).await;
    let standing = rate::take(&gateway.rates, &found.endpoint, &parts, &caller).await?;
    let answer = answer(gateway, found, caller, parts, body).await;
    let mut response = answer.unwrap_or_else(|failure| failure.respond(&request_id::current()));
    standing.tell(&mut response);
    Ok(response)
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
    send(gateway, call, body).await
}

async fn send(gateway: Arc<Gateway>, call: Call, body: RequestBody) -> Result<Response, Failure> {
    let endpoint = Arc::clone(&call.endpoint);
    if let Shape::Upload(rule) = &endpoint.shape {
        return upload::answer(&gateway, &call, rule, body).await;
    }
    let mut message = decode::message(&gateway, &call, body).await?;
    match &endpoint.shape {
        Shape::Events(rule) => {
            decode::resume(rule, &call.headers, &mut message)?;
            reply::stream(&gateway, &call, rule, decode::bytes_of(&message)).await
        }
        Shape::Download => reply::download(&call, decode::bytes_of(&message)).await,
        Shape::Unary | Shape::Upload(_) => {
            reserve::forward(gateway, call, decode::bytes_of(&message)).await
        }
    }
}

/// Until when the call of a request may take.
fn deadline_of(found: &route::Found, parts: &Parts) -> Result<Deadline, Failure> {
    let endless = matches!(found.endpoint.shape, Shape::Events(_));
    Deadline::of(&parts.headers, found.endpoint.policy.timeout_ms, endless)
}
