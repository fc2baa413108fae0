//! A route: one binding of one rpc, and what to do with its replies.

mod resolve;
mod router;
mod rule;
mod trie;

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, Value};

use crate::{EncodeError, Options, Template, json};

pub(crate) use resolve::is_http_body;
pub use router::Router;
pub(crate) use router::json_path;

/// One binding of one rpc: the primary one or one of its `additional_bindings`.
#[derive(Debug, Clone)]
pub struct Route {
    /// The rpc.
    pub method: MethodDescriptor,
    /// The HTTP method; `*` for a custom rule that takes any.
    pub http_method: Method,
    /// The path template.
    pub template: Template,
    /// Where the HTTP body goes.
    pub body: Body,
    /// The reply field that becomes the HTTP body, if not the whole reply.
    pub response_body: Option<FieldDescriptor>,
    /// 0 for the primary binding, then the additional ones in order.
    pub binding: usize,
    /// The field each variable of the template sets, in the template's order.
    pub variables: Vec<Vec<FieldDescriptor>>,
    pub(crate) options: Arc<Options>,
}

/// What the HTTP body of a request becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// There is none; fields come from path and query.
    None,
    /// Every field the path does not bind; there are no query parameters.
    All,
    /// This field; the rest comes from path and query.
    Field(FieldDescriptor),
}

/// A route that takes a request, and what its path said.
#[derive(Debug, Clone)]
pub struct RouteMatch {
    /// The route.
    pub route: Arc<Route>,
    /// The field each variable sets, and its decoded text.
    pub variables: Vec<(Vec<FieldDescriptor>, String)>,
}

impl Route {
    /// The JSON of a reply, or of its `response_body` field.
    ///
    /// # Errors
    /// When a value has no JSON form, e.g. a timestamp out of range.
    pub fn encode(&self, message: &DynamicMessage) -> Result<Vec<u8>, EncodeError> {
        let Some(field) = &self.response_body else {
            return json::print(message, &self.options);
        };
        let value: Cow<'_, Value> = message.get_field(field);
        json::print_field(field, &value, &self.options)
    }

    /// Decodes the bytes of a reply.
    ///
    /// # Errors
    /// When the bytes are not a message of the rpc's reply type.
    pub fn decode_reply(&self, bytes: &[u8]) -> Result<DynamicMessage, EncodeError> {
        let output = self.method.output();
        let name = output.full_name().to_owned();
        DynamicMessage::decode(output, bytes).map_err(|error| EncodeError::Undecodable {
            message: name,
            reason: error.to_string(),
        })
    }

    /// Whether replies (or their `response_body` field) are `google.api.HttpBody`: raw bytes.
    #[must_use]
    pub fn returns_http_body(&self) -> bool {
        match &self.response_body {
            Some(field) => !field.is_list() && is_http_body(&field.kind()),
            None => self.method.output().full_name() == resolve::HTTP_BODY,
        }
    }

    /// The options this route was built with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }
}
