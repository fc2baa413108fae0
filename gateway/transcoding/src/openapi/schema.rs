//! Component schemas: one per message and enum that a route can reach.

use std::collections::HashMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::scalar;
use crate::Router;
use crate::behavior::{Behavior, Behaviors};

pub(super) struct Schemas<'d> {
    comments: &'d Comments,
    behaviors: Behaviors,
    json_numbers_for_64_bit: bool,
    components: Map<String, Value>,
    /// The component of each full name.
    names: HashMap<String, String>,
}

impl<'d> Schemas<'d> {
    /// Of no messages yet; the names of the schemas `given` are taken.
    pub(super) fn new(router: &Router, comments: &'d Comments, given: Map<String, Value>) -> Self {
        let pool = router
            .routes()
            .first()
            .map(|route| route.method.parent_pool());
        Self {
            comments,
            behaviors: Behaviors::of_pool(pool),
            json_numbers_for_64_bit: router.options().json_numbers_for_64_bit,
            components: given,
            names: HashMap::new(),
        }
    }

    pub(super) fn into_components(self) -> Map<String, Value> {
        self.components
    }

    pub(super) fn behavior(&self, field: &FieldDescriptor) -> Behavior {
        self.behaviors.of(field)
    }

    /// The schema of a field, with its comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = if field.is_map() {
            let entry = field.kind();
            let value = entry
                .as_message()
                .map(|entry| entry.map_entry_value_field().kind());
            let value = value.map_or_else(|| json!({}), |kind| self.kind(&kind));
            json!({"type": "object", "additionalProperties": value})
        } else if field.is_list() {
            json!({"type": "array", "items": self.kind(&field.kind())})
        } else {
            self.kind(&field.kind())
        };
        if let Some(comment) = self.comments.of_field(field) {
            schema["description"] = comment.into();
        }
        if is_deprecated(field) {
            schema["deprecated"] = true.into();
        }
        schema
    }

    /// The schema of one value of a kind.
    pub(super) fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Message(message) => self.message(message),
            Kind::Enum(descriptor) => self.enumeration(descriptor),
            scalar => scalar::of_kind(scalar, self.json_numbers_for_64_bit).unwrap_or_default(),
        }
    }

    /// A reference to a message's component, or the schema itself where it has its own JSON form.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(schema) = scalar::of_well_known(message, self.json_numbers_for_64_bit) {
            return schema;
        }
        let package = message.package_name().to_owned();
        let (name, is_new) = self.component_name(message.full_name(), &package);
        if is_new {
            // The place is taken first, so that a message inside itself finds it.
            self.components.insert(name.clone(), Value::Null);
            let schema = self.object(message, &[]);
            self.components.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// The schema of a message without the fields named, written out.
    pub(super) fn object(&mut self, message: &MessageDescriptor, without: &[u32]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message
            .fields()
            .filter(|field| !without.contains(&field.number()))
        {
            let mut schema = self.field(&field);
            let behavior = self.behavior(&field);
            if behavior.output_only {
                schema["readOnly"] = true.into();
            }
            if behavior.input_only {
                schema["writeOnly"] = true.into();
            }
            if behavior.required {
                required.push(Value::from(field.json_name()));
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({"type": "object"});
        if !properties.is_empty() {
            schema["properties"] = properties.into();
        }
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if let Some(description) = self.message_description(message) {
            schema["description"] = description.into();
        }
        if let Some(example) = self.comments.example_of(message) {
            schema["examples"] = json!([example]);
        }
        schema
    }

    fn message_description(&self, message: &MessageDescriptor) -> Option<String> {
        let comment = self.comments.of_message(message);
        let choices = message
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .map(|oneof| choice(&oneof));
        let parts: Vec<String> = comment.into_iter().chain(choices).collect();
        if parts.is_empty() {
            None
        } else {
            Some(parts.join("\n\n"))
        }
    }

    /// A reference to an enum's component. The value that stands for none is among the others: a field
    /// that nobody set has it in answers.
    fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Value {
        if descriptor.full_name() == "google.protobuf.NullValue" {
            return json!({"type": "null"});
        }
        let package = descriptor.package_name().to_owned();
        let (name, is_new) = self.component_name(descriptor.full_name(), &package);
        if is_new {
            let names: Vec<String> = descriptor
                .values()
                .map(|value| value.name().to_owned())
                .collect();
            let mut schema = json!({"type": "string", "enum": names});
            if let Some(comment) = self.comments.of_enum(descriptor) {
                schema["description"] = comment.into();
            }
            self.components.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// The name without its package, or the full one where that is taken.
    fn component_name(&mut self, full_name: &str, package: &str) -> (String, bool) {
        if let Some(name) = self.names.get(full_name) {
            return (name.clone(), false);
        }
        let short = full_name
            .strip_prefix(package)
            .map(|name| name.trim_start_matches('.'));
        let short = short.filter(|short| !self.components.contains_key(*short));
        let name = short.unwrap_or(full_name).to_owned();
        self.names.insert(full_name.to_owned(), name.clone());
        (name, true)
    }
}

fn choice(oneof: &OneofDescriptor) -> String {
    let names: Vec<String> = oneof
        .fields()
        .map(|field| format!("`{}`", field.json_name()))
        .collect();
    format!("At most one of {} is set.", names.join(", "))
}

pub(super) fn is_deprecated(field: &FieldDescriptor) -> bool {
    let options = &field.field_descriptor_proto().options;
    options.as_ref().is_some_and(|options| options.deprecated())
}
