//! Examples of bodies: what the comments of messages give, put together where messages hold messages.

use serde_json::{Map, Value};

const JSON: &str = "application/json";
/// Deeper messages are left out.
const DEEPEST: usize = 6;
/// So are further values.
const MOST_VALUES: usize = 300;

/// Gives every JSON body an example: what is asked, and what is answered when it succeeds.
pub(super) fn fill_in(paths: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    let operations = paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations {
        if let Some(content) = operation.pointer_mut("/requestBody/content") {
            illustrate(content, schemas);
        }
        let responses = operation["responses"].as_object_mut().into_iter().flatten();
        for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
            if let Some(content) = response.get_mut("content") {
                illustrate(content, schemas);
            }
        }
    }
}

fn illustrate(content: &mut Value, schemas: &Map<String, Value>) {
    let Some(body) = content.get_mut(JSON) else {
        return;
    };
    let mut maker = Maker {
        schemas,
        open: Vec::new(),
        left: MOST_VALUES,
    };
    if let Some(example) = maker.of(&body["schema"]) {
        body["example"] = example;
    }
}

/// Makes one example.
struct Maker<'s> {
    schemas: &'s Map<String, Value>,
    /// The messages it is inside of.
    open: Vec<&'s str>,
    /// How many values it may still have.
    left: usize,
}

impl<'s> Maker<'s> {
    /// A value that fits a schema; none for a message inside itself, and beyond what is worth reading.
    fn of(&mut self, schema: &'s Value) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if let Some(given) = schema["examples"].get(0) {
            return Some(given.clone());
        }
        if let Some(name) = schema["$ref"].as_str().and_then(component) {
            return self.message(name);
        }
        if let Some(names) = schema["enum"].as_array() {
            let named = names.iter().find(|name| !stands_for_none(name));
            return named.or(names.first()).cloned();
        }
        if let Some(choice) = schema["anyOf"].get(0) {
            return self.of(choice);
        }
        Some(match schema["type"].as_str() {
            Some("array") => Vec::from_iter(self.of(&schema["items"])).into(),
            Some("object") => self.object(schema),
            Some("string") => text(schema).into(),
            Some("boolean") => false.into(),
            Some("integer" | "number") => 0.into(),
            _ => Value::Null,
        })
    }

    fn message(&mut self, name: &'s str) -> Option<Value> {
        if self.open.len() >= DEEPEST || self.open.contains(&name) {
            return None;
        }
        let schema = self.schemas.get(name)?;
        self.open.push(name);
        let value = self.of(schema);
        self.open.pop();
        value
    }

    fn object(&mut self, schema: &'s Value) -> Value {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields = properties.filter_map(|(name, field)| Some((name.clone(), self.of(field)?)));
        Map::from_iter(fields).into()
    }
}

fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

fn stands_for_none(name: &Value) -> bool {
    name.as_str()
        .is_some_and(|name| name.ends_with("_UNSPECIFIED"))
}

fn text(schema: &Value) -> &'static str {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => "2026-01-31T12:00:00Z",
        (Some("int64" | "uint64"), _) => "0",
        (_, Some(pattern)) if pattern.ends_with("s$") => "1.500s",
        _ => "",
    }
}
