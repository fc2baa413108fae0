//! One request that has found its rpc and its caller.

use std::sync::Arc;

use contracts::policy::v1::policy::{Access, Idempotency};
use errors::Fault;
use http::request::Parts;
use http::{HeaderMap, Method};
use identity::{Caller, idempotency};
use server::Shutdown;
use telemetry::{RequestContext, context};
use tokio::time::Instant;
use types::IdempotencyKey;

use super::route::Way;
use super::{deadline_of, route};
use crate::budget::Held;
use crate::endpoint::{Endpoint, Shape};
use crate::failure::Failure;
use crate::upstream::{Deadline, Upstream, pass_on};

/// All that is known of a request, but for its body.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) way: Way,
    /// None on rpcs anybody may call.
    pub(crate) caller: Option<Caller>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// What its client names it by, on rpcs that look at it.
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) query: Option<String>,
    pub(crate) deadline: Deadline,
    pub(crate) context: RequestContext,
    /// The room its body has in memory, for as long as the call lasts.
    _held: Held,
    /// Thrown when the process begins to stop: endless streams end then.
    pub(crate) shutdown: Option<Shutdown>,
}

impl Call {
    /// Puts together what the steps before have found.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a timeout that is none, `INVALID_FIELD` for a key that is none.
    pub(super) fn new(
        found: route::Found,
        caller: Option<Caller>,
        parts: Parts,
        held: Held,
    ) -> Result<Self, Failure> {
        let deadline = deadline_of(&found, &parts)?;
        let key = key_of(&found.endpoint, &parts.headers)?;
        let known = context::current();
        let context = RequestContext {
            request_id: known
                .as_ref()
                .map(|one| one.request_id.clone())
                .unwrap_or_default(),
            deadline: deadline.instant(),
            traceparent: known.and_then(|one| one.traceparent),
        };
        Ok(Self {
            endpoint: found.endpoint,
            way: found.way,
            caller,
            shutdown: parts.extensions.get().cloned(),
            query: parts.uri.query().map(str::to_owned),
            method: parts.method,
            headers: parts.headers,
            key,
            deadline,
            context,
            _held: held,
        })
    }

    /// The call to the service.
    pub(crate) fn upstream(&self) -> Upstream {
        let is_public = self.endpoint.access == Access::Public;
        let peer = &self.endpoint.peer;
        let link = match self.endpoint.shape {
            Shape::Events(_) => &peer.events,
            Shape::Unary | Shape::Upload(_) | Shape::Download => &peer.link,
        };
        let mut metadata = pass_on(&self.headers, is_public);
        if let Some(key) = &self.key
            && let Ok(key) = key.as_str().parse()
        {
            metadata.insert(idempotency::KEY, key);
        }
        Upstream {
            link: link.clone(),
            path: self.endpoint.path.clone(),
            metadata,
            deadline: self.deadline,
            peer: peer.clone(),
            is_repeatable: self.endpoint.is_safe || self.key.is_some(),
            began: Instant::now(),
        }
    }
}

fn key_of(endpoint: &Endpoint, headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Fault> {
    match endpoint.policy.idempotency() {
        Idempotency::Unspecified => Ok(None),
        Idempotency::Key => {
            idempotency::read(headers).map_err(|problem| Fault::field("Idempotency-Key", problem))
        }
    }
}
