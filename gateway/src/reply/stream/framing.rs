//! The forms a stream of messages can have: in the JSON API the client's `Accept` chooses, else its
//! protocol.

use std::sync::Arc;

use bytes::Bytes;
use errors::{Fault, Language, Reason};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use prost_reflect::MethodDescriptor;
use transcoding::{Route, RouteMatch, media};

use super::event;
use crate::endpoint::EventRule;
use crate::failure::Failure;
use crate::reply::contract_broken;
use crate::wire::Protocol;

const EVENTS: &str = "text/event-stream";
const LINES: [&str; 2] = ["application/x-ndjson", "application/jsonl"];
const ARRAY: &str = "application/json";

/// How the messages of one stream are written.
pub(super) enum Framing {
    Api(Form),
    Rpc(Protocol, MethodDescriptor),
}

/// A form of the JSON API.
pub(super) struct Form {
    route: Arc<Route>,
    shape: FormShape,
}

enum FormShape {
    /// Server-sent events.
    Events(EventRule),
    /// One JSON value on each line.
    Lines,
    /// One JSON array.
    Array {
        /// Whether an element was written: the next begins with a comma.
        has_element: bool,
    },
}

impl Framing {
    /// What stands before the first message.
    pub(super) fn opening(&self) -> Option<Frame<Bytes>> {
        match self {
            Self::Api(form) => form.opening().map(literal),
            Self::Rpc(..) => None,
        }
    }

    /// Shows proxies and clients that a silent stream lives.
    pub(super) fn keep_alive(&self) -> Frame<Bytes> {
        match self {
            Self::Api(form) => literal(form.keep_alive()),
            Self::Rpc(..) => literal(b""),
        }
    }

    /// One message.
    ///
    /// # Errors
    /// `INTERNAL` when it breaks its contract.
    pub(super) fn message(&mut self, bytes: Bytes) -> Result<Frame<Bytes>, Failure> {
        match self {
            Self::Api(form) => form.message(&bytes).map(Frame::data),
            Self::Rpc(protocol, rpc) => protocol.message(rpc, bytes),
        }
    }

    /// What says that the stream is whole.
    pub(super) fn end(&self) -> Option<Frame<Bytes>> {
        match self {
            Self::Api(form) => form.end().map(literal),
            Self::Rpc(protocol, _) => Some(protocol.end(Ok(()))),
        }
    }

    /// What says that it was cut, and why.
    pub(super) fn cut(
        &mut self,
        failure: &Failure,
        request_id: &str,
        language: Option<Language>,
    ) -> Frame<Bytes> {
        match self {
            Self::Api(form) => Frame::data(form.cut(&failure.json(request_id, language))),
            Self::Rpc(protocol, _) => protocol.end(Err(&failure.status(language))),
        }
    }
}

impl Form {
    /// The form this client would rather have, and its content type.
    ///
    /// # Errors
    /// 406 when it takes none of them.
    pub(super) fn of(
        headers: &HeaderMap,
        found: &RouteMatch,
        rule: &EventRule,
    ) -> Result<(&'static str, Self), Failure> {
        let given = headers.get_all(ACCEPT).iter();
        let given = given.map(|value| value.to_str().unwrap_or_default());
        let offers = [EVENTS, LINES[0], LINES[1], ARRAY];
        let content_type = media::preferred(given, &offers).ok_or_else(not_acceptable)?;
        let shape = match content_type {
            EVENTS => FormShape::Events(rule.clone()),
            ARRAY => FormShape::Array { has_element: false },
            _ => FormShape::Lines,
        };
        let route = Arc::clone(&found.route);
        Ok((content_type, Self { route, shape }))
    }

    const fn opening(&self) -> Option<&'static [u8]> {
        match self.shape {
            FormShape::Events(_) => Some(event::RETRY),
            FormShape::Lines => None,
            FormShape::Array { .. } => Some(b"["),
        }
    }

    // Before a JSON value, space says nothing.
    const fn keep_alive(&self) -> &'static [u8] {
        match self.shape {
            FormShape::Events(_) => event::KEEP_ALIVE,
            FormShape::Lines | FormShape::Array { .. } => b" ",
        }
    }

    fn message(&mut self, bytes: &[u8]) -> Result<Bytes, Failure> {
        let message = self.route.decode_reply(bytes).map_err(contract_broken)?;
        let json = self.route.encode(&message).map_err(contract_broken)?;
        Ok(match &mut self.shape {
            FormShape::Events(rule) => {
                let id = event::text_at(&message, &rule.id);
                let name = event::text_at(&message, &rule.event);
                event::event(id.as_deref(), name.as_deref(), &json)
            }
            FormShape::Lines => line(&json),
            FormShape::Array { has_element } => element(has_element, &json),
        })
    }

    const fn end(&self) -> Option<&'static [u8]> {
        match self.shape {
            FormShape::Events(_) => Some(event::END),
            FormShape::Lines => None,
            FormShape::Array { .. } => Some(b"]"),
        }
    }

    fn cut(&mut self, json: &[u8]) -> Bytes {
        match &mut self.shape {
            FormShape::Events(_) => event::event(None, Some("error"), json),
            FormShape::Lines => line(json),
            FormShape::Array { has_element } => {
                let last = element(has_element, json);
                [&last, b"]".as_slice()].concat().into()
            }
        }
    }
}

fn literal(text: &'static [u8]) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text))
}

fn line(json: &[u8]) -> Bytes {
    [json, b"\n"].concat().into()
}

fn element(has_element: &mut bool, json: &[u8]) -> Bytes {
    let before: &[u8] = if *has_element { b"," } else { b"" };
    *has_element = true;
    [before, json].concat().into()
}

fn not_acceptable() -> Failure {
    let message = "this route answers with a stream: accept 'text/event-stream', \
        'application/x-ndjson', 'application/jsonl' or 'application/json'";
    let failure = Failure::from(Fault::new(Reason::InvalidRequest, message));
    failure.with_http_status(StatusCode::NOT_ACCEPTABLE)
}
