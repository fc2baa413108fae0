//! One operation: what it is called, what it takes, what it answers.

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

use super::comments::{Comments, summary_of};
use super::parameters;
use super::paths::DocumentPath;
use super::schema::Schemas;
use crate::route::is_http_body;
use crate::{Body, Route};

/// Gives every operation an id of its own.
#[derive(Default)]
pub(super) struct OperationIds {
    taken: HashSet<String>,
}

impl OperationIds {
    fn id_of(&mut self, route: &Route) -> String {
        let method = &route.method;
        let mut id = format!("{}_{}", method.parent_service().name(), method.name());
        if route.binding > 0 {
            id = format!("{id}_{}", route.binding + 1);
        }
        while !self.taken.insert(id.clone()) {
            id.push('_');
        }
        id
    }
}

pub(super) fn describe(
    route: &Route,
    path: &DocumentPath,
    schemas: &mut Schemas<'_>,
    comments: &Comments,
    ids: &mut OperationIds,
) -> Value {
    let mut operation = json!({
        "operationId": ids.id_of(route),
        "tags": [route.method.parent_service().name()],
    });
    if let Some(comment) = comments.of_method(&route.method) {
        operation["summary"] = summary_of(comment).into();
        operation["description"] = comment.into();
    }
    let options = &route.method.method_descriptor_proto().options;
    if options.as_ref().is_some_and(|options| options.deprecated()) {
        operation["deprecated"] = true.into();
    }
    let mut parameters: Vec<Value> = path
        .parameters
        .iter()
        .map(|one| parameters::of_path(one, schemas))
        .collect();
    parameters.extend(parameters::of_query(route, schemas));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(route, schemas) {
        operation["requestBody"] = body;
    }
    operation["responses"] = json!({"200": response(route, schemas)});
    operation
}

fn request_body(route: &Route, schemas: &mut Schemas<'_>) -> Option<Value> {
    match &route.body {
        Body::None => None,
        Body::All if is_http_body(&Kind::Message(route.method.input())) => Some(binary(true)),
        Body::Field(field) if is_http_body(&field.kind()) && !field.is_list() => Some(binary(true)),
        Body::All => {
            let (schema, required) = whole_body(route, schemas);
            let content = json!({"application/json": {"schema": schema}});
            Some(json!({"required": required, "content": content}))
        }
        Body::Field(field) => {
            let schema = schemas.field(field);
            Some(json!({"content": {"application/json": {"schema": schema}}}))
        }
    }
}

/// The request message without what the path binds, and whether anything is left of it.
fn whole_body(route: &Route, schemas: &mut Schemas<'_>) -> (Value, bool) {
    let in_path: Vec<u32> = route
        .variables
        .iter()
        .filter(|fields| fields.len() == 1)
        .filter_map(|fields| fields.first().map(FieldDescriptor::number))
        .collect();
    let input = route.method.input();
    let has_more = input.fields().len() > in_path.len();
    if in_path.is_empty() {
        (schemas.message(&input), has_more)
    } else {
        (schemas.object(&input, &in_path), has_more)
    }
}

fn response(route: &Route, schemas: &mut Schemas<'_>) -> Value {
    if route.returns_http_body() {
        let mut response = binary(false);
        response["description"] = "The bytes.".into();
        return response;
    }
    let schema = match &route.response_body {
        Some(field) => schemas.field(field),
        None => schemas.message(&route.method.output()),
    };
    if route.method.is_server_streaming() {
        return stream(&schema);
    }
    json!({"description": "Success.", "content": {"application/json": {"schema": schema}}})
}

/// `Accept` chooses how the messages of a stream follow each other.
fn stream(schema: &Value) -> Value {
    json!({
        "description": "A stream. `text/event-stream`, also when nothing is accepted by name: the data of \
            each event is one JSON value. `application/x-ndjson` and `application/jsonl`: one JSON value \
            on each line. `application/json`: an array, an element a message.",
        "content": {
            "text/event-stream": {"schema": schema},
            "application/x-ndjson": {"schema": schema},
            "application/jsonl": {"schema": schema},
            "application/json": {"schema": {"type": "array", "items": schema}},
        },
    })
}

fn binary(is_request: bool) -> Value {
    let mut body = json!({"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}});
    if is_request {
        body["required"] = true.into();
    }
    body
}
