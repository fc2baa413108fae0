//! Makes the request message of a match: the body first, then the path, which beats it, then the
//! query, which may only add.

mod name;
mod query;
mod set;
mod text;

use prost_reflect::{DynamicMessage, FieldDescriptor};

pub use query::query_pairs;

use crate::error::Faults;
use crate::route::{is_http_body, json_path};
use crate::{Body, Invalid, InvalidKind, Options, RouteMatch, json};

/// Where the raw bytes of a request go: a `google.api.HttpBody`.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpBodySlot {
    /// The whole request message is one.
    Whole,
    /// This field of it is one.
    Field(FieldDescriptor),
}

impl RouteMatch {
    /// The request message of path, query and JSON body. An absent or empty body is an empty
    /// message.
    ///
    /// # Errors
    /// Everything wrong with the request at once.
    pub fn bind(
        &self,
        query: Option<&str>,
        json: Option<&[u8]>,
    ) -> Result<DynamicMessage, Invalid> {
        let mut binding = Binding::new(self);
        binding.body(json.unwrap_or_default());
        binding.path();
        binding.query(query.unwrap_or_default());
        binding.finish()
    }

    /// The request message of path and query, the body field left for the caller to fill. `extra`
    /// pairs (decoded already, e.g. the text fields of a form) bind like query pairs.
    ///
    /// # Errors
    /// Everything wrong with the request at once.
    pub fn bind_without_body(
        &self,
        query: Option<&str>,
        extra: &[(String, String)],
    ) -> Result<DynamicMessage, Invalid> {
        let mut binding = Binding::new(self);
        binding.path();
        binding.query(query.unwrap_or_default());
        binding.extra(extra);
        binding.finish()
    }

    /// Where the raw body of the request goes, when it is not JSON but a `google.api.HttpBody`.
    #[must_use]
    pub fn takes_http_body(&self) -> Option<HttpBodySlot> {
        match &self.route.body {
            Body::All if is_http_body(&prost_reflect::Kind::Message(self.route.method.input())) => {
                Some(HttpBodySlot::Whole)
            }
            Body::Field(field) if !field.is_list() && is_http_body(&field.kind()) => {
                Some(HttpBodySlot::Field(field.clone()))
            }
            _ => None,
        }
    }
}

/// A message in the making.
struct Binding<'m> {
    matched: &'m RouteMatch,
    options: &'m Options,
    message: DynamicMessage,
    faults: Faults,
    /// The JSON paths the query has set, to tell what is given twice.
    given: Vec<String>,
    pairs: usize,
}

impl<'m> Binding<'m> {
    fn new(matched: &'m RouteMatch) -> Self {
        let options = matched.route.options();
        Self {
            matched,
            options,
            message: DynamicMessage::new(matched.route.method.input()),
            faults: Faults::new(options.max_violations),
            given: Vec::new(),
            pairs: 0,
        }
    }

    fn body(&mut self, text: &[u8]) {
        match &self.matched.route.body {
            Body::None if text.is_empty() => {}
            Body::None => {
                self.faults.add(
                    InvalidKind::UnexpectedBody,
                    "",
                    "there must be no body here",
                );
            }
            Body::All => {
                let input = self.matched.route.method.input();
                let variables = self.matched.variables.iter();
                let bound: Vec<String> = variables.map(|(fields, _)| json_path(fields)).collect();
                self.message =
                    json::parse_body(&input, text, self.options, &bound, &mut self.faults);
            }
            Body::Field(field) => {
                json::parse_field(
                    &mut self.message,
                    field,
                    text,
                    self.options,
                    &mut self.faults,
                );
            }
        }
    }

    fn path(&mut self) {
        for (fields, text) in &self.matched.variables {
            if let Err(reason) = set::path_value(&mut self.message, fields, text) {
                self.faults
                    .add(InvalidKind::BadValue, &json_path(fields), reason);
            }
        }
    }

    fn query(&mut self, query: &str) {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if !self.has_room() {
                return;
            }
            match query::decode_pair(pair) {
                Ok((name, value)) => self.pair(&name, &value, false),
                Err((name, reason)) => self.faults.add(InvalidKind::Syntax, &name, reason),
            }
        }
    }

    fn extra(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            if !self.has_room() {
                return;
            }
            self.pair(name, value, true);
        }
    }

    fn has_room(&mut self) -> bool {
        self.pairs += 1;
        if self.pairs > self.options.max_query_pairs {
            let most = self.options.max_query_pairs;
            let reason = format!("there must be no more than {most} parameters");
            self.faults.add(InvalidKind::TooLarge, "", reason);
            return false;
        }
        !self.faults.is_full()
    }

    /// One name and its value; `is_form` marks a pair that came in the body.
    fn pair(&mut self, name: &str, value: &str, is_form: bool) {
        if self.options.ignores_query(name) {
            return;
        }
        let input = self.matched.route.method.input();
        let fields = match name::resolve(&input, name, self.options.max_depth) {
            Ok(fields) => fields,
            Err((kind, reason)) => return self.faults.add(kind, name::shown(name), reason),
        };
        if self.is_of_the_path(&fields) {
            return;
        }
        let path = json_path(&fields);
        if let Some(reason) = self.is_of_the_body(&fields, is_form) {
            return self.faults.add(InvalidKind::UnknownField, &path, reason);
        }
        let is_list = fields.last().is_some_and(FieldDescriptor::is_list);
        if self
            .given
            .iter()
            .any(|known| overlaps(known, &path) && !(is_list && *known == path))
        {
            return self
                .faults
                .add(InvalidKind::BadValue, &path, "must be given only once");
        }
        if let Err(reason) = set::query_value(&mut self.message, &fields, value) {
            self.faults.add(InvalidKind::BadValue, &path, reason);
        }
        self.given.push(path);
    }

    /// Whether the path sets this field, the value it is in or a part of it: then the path wins.
    fn is_of_the_path(&self, fields: &[FieldDescriptor]) -> bool {
        let mut bound = self
            .matched
            .variables
            .iter()
            .map(|(bound, _)| bound.as_slice());
        bound.any(|bound| bound.starts_with(fields) || fields.starts_with(bound))
    }

    /// Why a field cannot come from the query, if the body is where it belongs.
    fn is_of_the_body(&self, fields: &[FieldDescriptor], is_form: bool) -> Option<&'static str> {
        match &self.matched.route.body {
            Body::All if !is_form => Some("must be given in the body, not in the query"),
            Body::Field(body) if fields.first() == Some(body) => {
                Some("is the body itself and cannot be a parameter")
            }
            _ => None,
        }
    }

    fn finish(self) -> Result<DynamicMessage, Invalid> {
        self.faults.into_result()?;
        Ok(self.message)
    }
}

/// Whether two paths are the same, or one is inside the other.
fn overlaps(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
