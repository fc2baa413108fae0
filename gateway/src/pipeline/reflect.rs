//! Reflection through the same port: it tells of the rpcs that can be called here. Counted by address,
//! like whatever asks for no token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use contracts::policy::v1::policy::Rate;
use http::header::CONTENT_TYPE;
use tower::ServiceExt;

use super::rate;
use crate::gateway::Gateway;
use crate::layers::{Rpc, request_id};
use crate::rate::Class;
use crate::wire::{self, Protocol, Wire};

const PREFIX: &str = "/grpc.reflection.";

/// Whether a request is one for reflection, in gRPC.
pub(super) fn is_asked(request: &Request) -> bool {
    let is_grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    is_grpc && request.uri().path().starts_with(PREFIX)
}

/// Answers it.
pub(super) async fn answer(gateway: &Arc<Gateway>, request: Request) -> Response {
    let wire = Wire::of(request.method(), request.uri(), request.headers());
    let refuse = |failure| wire.refuse(failure, &request_id::current());
    let (parts, body) = request.into_parts();
    let counted = rate::take(gateway, Class::of(Rate::Read), &parts, &Ok(None)).await;
    let standing = match counted {
        Ok(standing) => standing,
        Err(failure) => return refuse(failure),
    };
    let reflection = gateway.reflection.clone();
    let (Some(reflection), Wire::Rpc(Protocol::Grpc(_))) = (reflection, wire) else {
        return refuse(wire::unknown());
    };
    let request = Request::from_parts(parts, body);
    let mut response = match reflection.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => never.into_response(),
    };
    standing.tell(&mut response);
    response
        .extensions_mut()
        .insert(Rpc("reflection".to_owned()));
    response
}
