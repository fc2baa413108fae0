//! The forms a stream of messages can have over HTTP; the client's `Accept` chooses.

use std::sync::Arc;

use bytes::Bytes;
use errors::{Fault, Reason};
use http::StatusCode;
use http::header::ACCEPT;
use transcoding::{Route, media};

use super::event;
use crate::endpoint::EventRule;
use crate::failure::Failure;
use crate::pipeline::Call;
use crate::reply::contract_broken;

const EVENTS: &str = "text/event-stream";
const LINES: [&str; 2] = ["application/x-ndjson", "application/jsonl"];
const ARRAY: &str = "application/json";

/// How the messages of one stream are written.
pub(super) struct Framing {
    route: Arc<Route>,
    content_type: &'static str,
    form: Form,
}

enum Form {
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
    /// The form this client would rather have.
    ///
    /// # Errors
    /// 406 when it takes none of them.
    pub(super) fn of(call: &Call, rule: &EventRule) -> Result<Self, Failure> {
        let given = call.headers.get_all(ACCEPT).iter();
        let given = given.map(|value| value.to_str().unwrap_or_default());
        let offers = [EVENTS, LINES[0], LINES[1], ARRAY];
        let content_type = media::preferred(given, &offers).ok_or_else(not_acceptable)?;
        let form = match content_type {
            EVENTS => Form::Events(rule.clone()),
            ARRAY => Form::Array { has_element: false },
            _ => Form::Lines,
        };
        Ok(Self {
            route: Arc::clone(&call.found.route),
            content_type,
            form,
        })
    }

    pub(super) const fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// What stands before the first message.
    pub(super) const fn opening(&self) -> &'static [u8] {
        match self.form {
            Form::Events(_) => event::RETRY,
            Form::Lines => b"",
            Form::Array { .. } => b"[",
        }
    }

    /// Shows proxies and clients that a silent stream lives. Before a JSON value, space says nothing.
    pub(super) const fn keep_alive(&self) -> &'static [u8] {
        match self.form {
            Form::Events(_) => event::KEEP_ALIVE,
            Form::Lines | Form::Array { .. } => b" ",
        }
    }

    /// One message.
    ///
    /// # Errors
    /// `INTERNAL` when it breaks its contract.
    pub(super) fn message(&mut self, bytes: &[u8]) -> Result<Bytes, Failure> {
        let message = self.route.decode_reply(bytes).map_err(contract_broken)?;
        let json = self.route.encode(&message).map_err(contract_broken)?;
        Ok(match &mut self.form {
            Form::Events(rule) => {
                let id = event::text_at(&message, &rule.id);
                let name = event::text_at(&message, &rule.event);
                event::event(id.as_deref(), name.as_deref(), &json)
            }
            Form::Lines => line(&json),
            Form::Array { has_element } => element(has_element, &json),
        })
    }

    /// What says that the stream is whole.
    pub(super) const fn end(&self) -> &'static [u8] {
        match self.form {
            Form::Events(_) => event::END,
            Form::Lines => b"",
            Form::Array { .. } => b"]",
        }
    }

    /// What says that it was cut, and why.
    pub(super) fn cut(&mut self, failure: &Failure, request_id: &str) -> Bytes {
        let json = failure.json(request_id);
        match &mut self.form {
            Form::Events(_) => event::event(None, Some("error"), &json),
            Form::Lines => line(&json),
            Form::Array { has_element } => {
                let last = element(has_element, &json);
                [&last, b"]".as_slice()].concat().into()
            }
        }
    }
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
