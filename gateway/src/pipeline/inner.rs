//! Calls the gateway makes for a caller by itself, when one request takes several: each goes the way of
//! any other, but all of them count as one.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use contracts::policy::v1::policy::Access;
use errors::{Fault, Reason};
use futures::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use identity::Caller;
use prost::Message;
use tonic::Streaming;

use super::route::Found;
use super::{Call, Way, answer, authenticate, rate};
use crate::body::RequestBody;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::rate::Class;
use crate::upload;
use crate::wire::{Codec, Protocol};

/// What of a request's head its calls are told, too.
const PASSED: [&str; 6] = [
    "authorization",
    "x-api-key",
    "accept-language",
    "traceparent",
    "tracestate",
    "user-agent",
];
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A caller, signed in and counted.
pub(crate) struct Inner {
    pub(crate) gateway: Arc<Gateway>,
    /// With the credential as it came: what an API key is exchanged for does not last as long as some
    /// requests take.
    headers: HeaderMap,
}

/// Signs a request's caller in, counts it, and answers it by `work`.
pub(crate) async fn serve<F>(
    gateway: Arc<Gateway>,
    mut parts: Parts,
    class: Class,
    refuse: impl Fn(Failure) -> Response,
    work: impl FnOnce(Inner, Parts) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let mut headers = HeaderMap::new();
    for name in PASSED {
        for value in parts.headers.get_all(name) {
            headers.append(HeaderName::from_static(name), value.clone());
        }
    }
    let caller = authenticate::caller(&gateway, Access::User, &mut parts.headers).await;
    let standing = match rate::take(&gateway, Some(class), &parts, &caller).await {
        Ok(standing) => standing,
        Err(failure) => return refuse(failure),
    };
    let mut response = match caller {
        Ok(_) => work(Inner { gateway, headers }, parts).await,
        Err(fault) => refuse(fault.into()),
    };
    standing.tell(&mut response);
    response
}

impl Inner {
    /// Checks that the caller may make all these calls, so that none is refused half-way.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`.
    pub(crate) async fn admit(&self, rpcs: &[&str]) -> Result<(), Failure> {
        let (caller, _) = self.caller().await?;
        for rpc in rpcs {
            authenticate::admit(&self.found(rpc)?.endpoint, Some(&caller))?;
        }
        Ok(())
    }

    /// Sends one message; the reply, and the headers it would have been answered with.
    ///
    /// # Errors
    /// Whatever such a call is refused for.
    pub(crate) async fn unary<R: Message + Default>(
        &self,
        rpc: &str,
        message: &impl Message,
        key: Option<&str>,
    ) -> Result<(R, HeaderMap), Failure> {
        let bytes = Bytes::from(message.encode_to_vec());
        let (caller, mut headers) = self.caller().await?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(key) = key {
            let value = HeaderValue::from_str(key);
            let value = value.map_err(|_| Fault::field("Idempotency-Key", "must be text"))?;
            headers.insert(KEY, value);
        }
        let parts = parts_of(rpc, headers)?;
        let body = RequestBody::of(Body::from(bytes), &parts.headers);
        let gateway = Arc::clone(&self.gateway);
        let response = answer(gateway, self.found(rpc)?, Ok(Some(caller)), parts, body).await?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(Fault::internal)?.to_bytes();
        let reply = R::decode(bytes).map_err(Fault::internal)?;
        Ok((reply, head.headers))
    }

    /// Sends one message and follows what comes back.
    ///
    /// # Errors
    /// Whatever such a call is refused for.
    pub(crate) async fn stream(
        &self,
        rpc: &str,
        message: &impl Message,
    ) -> Result<Streaming<Bytes>, Failure> {
        let call = self.call(rpc).await?;
        let bytes = Bytes::from(message.encode_to_vec());
        let replied = call.upstream().stream(bytes).await?;
        Ok(replied.into_inner())
    }

    /// Sends messages, one reply back.
    ///
    /// # Errors
    /// Whatever such a call is refused for.
    pub(crate) async fn upload<R: Message + Default>(
        &self,
        rpc: &str,
        messages: impl Stream<Item = Vec<u8>>,
    ) -> Result<R, Failure> {
        let call = self.call(rpc).await?;
        let messages = messages.map(|message| Ok(Bytes::from(message)));
        let replied = upload::send(&call, messages).await?;
        Ok(R::decode(replied.into_inner()).map_err(Fault::internal)?)
    }

    async fn call(&self, rpc: &str) -> Result<Call, Failure> {
        let (caller, mut headers) = self.caller().await?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        let found = self.found(rpc)?;
        authenticate::admit(&found.endpoint, Some(&caller))?;
        // Its bytes have room already: they came with the request it belongs to.
        let held = self.gateway.budget.take(&headers, 0)?;
        Call::new(found, Some(caller), parts_of(rpc, headers)?, held)
    }

    async fn caller(&self) -> Result<(Caller, HeaderMap), Failure> {
        let mut headers = self.headers.clone();
        let caller = authenticate::caller(&self.gateway, Access::User, &mut headers).await?;
        let nobody = || Fault::new(Reason::Unauthenticated, "an access token is needed");
        Ok((caller.ok_or_else(nobody)?, headers))
    }

    fn found(&self, rpc: &str) -> Result<Found, Failure> {
        let endpoint = self.gateway.endpoints.at(rpc).map(Arc::clone);
        let missing = || Fault::internal(format!("{rpc} has no route"));
        Ok(Found {
            endpoint: endpoint.ok_or_else(missing)?,
            way: Way::Rpc(Protocol::Connect(Codec::Proto)),
        })
    }
}

fn parts_of(rpc: &str, headers: HeaderMap) -> Result<Parts, Failure> {
    let request = http::Request::builder().method(Method::POST).uri(rpc);
    let request = request.body(()).map_err(Fault::internal)?;
    let (mut parts, ()) = request.into_parts();
    parts.headers = headers;
    Ok(parts)
}
