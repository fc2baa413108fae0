//! Query parameters: every field that neither path nor body binds, messages opened up by dots.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::paths::PathParameter;
use super::schema::{Schemas, is_deprecated};
use crate::well_known::WellKnown;
use crate::{Body, Route};

/// Messages are opened so many levels deep; deeper names work, but nobody reads them.
const MAX_LEVELS: usize = 3;
/// No operation lists more; a recursive message would otherwise fill the document.
const MAX_PARAMETERS: usize = 200;

/// A parameter of the path.
pub(super) fn of_path(parameter: &PathParameter, schemas: &mut Schemas<'_>) -> Value {
    let mut described = json!({"name": parameter.name, "in": "path", "required": true});
    let mut schema = match &parameter.field {
        Some(field) => schemas.field(field),
        None => json!({"type": "string"}),
    };
    if let Some(comment) = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"))
    {
        described["description"] = comment;
    }
    if parameter.is_rest {
        let note = "The rest of the path: any number of segments, slashes not escaped.";
        described["description"] = note.into();
    }
    described["schema"] = schema;
    described
}

/// The query parameters of a route.
pub(super) fn of_query(route: &Route, schemas: &mut Schemas<'_>) -> Vec<Value> {
    let body = match &route.body {
        Body::All => return Vec::new(),
        Body::Field(field) => Some(field.number()),
        Body::None => None,
    };
    let mut opened = Opened {
        route,
        schemas,
        found: Vec::new(),
        fields: Vec::new(),
        holders: Vec::new(),
    };
    opened.message(&route.method.input(), body);
    opened.found
}

struct Opened<'o, 'd> {
    route: &'o Route,
    schemas: &'o mut Schemas<'d>,
    found: Vec<Value>,
    /// The fields gone through so far.
    fields: Vec<FieldDescriptor>,
    /// The messages gone through so far: a message inside itself is opened once.
    holders: Vec<String>,
}

impl Opened<'_, '_> {
    fn message(&mut self, message: &MessageDescriptor, without: Option<u32>) {
        let name = message.full_name();
        if self.fields.len() >= MAX_LEVELS || self.holders.iter().any(|holder| holder == name) {
            return;
        }
        self.holders.push(name.to_owned());
        for field in message
            .fields()
            .filter(|field| Some(field.number()) != without)
        {
            self.fields.push(field);
            self.field();
            self.fields.pop();
        }
        self.holders.pop();
    }

    fn field(&mut self) {
        let Some(field) = self.fields.last().cloned() else {
            return;
        };
        let is_bound = self.route.variables.contains(&self.fields);
        if is_bound || field.is_map() || self.schemas.behavior(&field).output_only {
            return;
        }
        if let Kind::Message(message) = field.kind() {
            match WellKnown::of(&message) {
                Some(kind) if kind.is_text() => {}
                Some(_) => return,
                None if field.is_list() => return,
                None => return self.message(&message, None),
            }
        }
        if self.found.len() < MAX_PARAMETERS {
            let parameter = self.parameter(&field);
            self.found.push(parameter);
        }
    }

    fn parameter(&mut self, field: &FieldDescriptor) -> Value {
        let name = crate::route::json_path(&self.fields);
        let mut parameter = json!({"name": name, "in": "query"});
        let mut schema = self.schemas.field(field);
        if let Some(members) = schema.as_object_mut() {
            if let Some(comment) = members.remove("description") {
                parameter["description"] = comment;
            }
            members.remove("deprecated");
        }
        if is_deprecated(field) {
            parameter["deprecated"] = true.into();
        }
        if self.fields.len() == 1 && self.schemas.behavior(field).required {
            parameter["required"] = true.into();
        }
        parameter["schema"] = schema;
        parameter
    }
}
