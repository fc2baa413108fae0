//! Steps 4 to 6 of a call of the JSON API: the message of path, query and body, and where it goes.

use std::sync::Arc;

use axum::response::Response;
use errors::Fault;

use super::{Call, Way, decode, reserve};
use crate::body::RequestBody;
use crate::endpoint::Shape;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::{reply, upload};

/// Sends a call.
///
/// # Errors
/// What is wrong with the request; else what the services answer.
pub(super) async fn send(
    gateway: Arc<Gateway>,
    call: Call,
    body: RequestBody,
) -> Result<Response, Failure> {
    let Way::Api(found) = &call.way else {
        return Err(Fault::internal("an rpc by its name is no call of the JSON API").into());
    };
    let endpoint = Arc::clone(&call.endpoint);
    if let Shape::Upload(rule) = &endpoint.shape {
        return upload::answer(&gateway, &call, found, rule, body).await;
    }
    let mut message = decode::message(&gateway, &call, found, body).await?;
    match &endpoint.shape {
        Shape::Events(rule) => {
            decode::resume(rule, &call.headers, &mut message)?;
            reply::events(&gateway, &call, found, rule, decode::bytes_of(&message)).await
        }
        Shape::Download => reply::download(&call, found, decode::bytes_of(&message)).await,
        Shape::Unary | Shape::Upload(_) => {
            reserve::forward(gateway, call, decode::bytes_of(&message)).await
        }
    }
}
