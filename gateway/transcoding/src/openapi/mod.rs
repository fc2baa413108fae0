//! An OpenAPI 3.1 document of every route, from the descriptors and their comments.

mod comments;
mod example;
mod operation;
mod parameters;
mod paths;
mod scalar;
mod schema;

use serde_json::{Map, Value, json};

use crate::{Route, Router};
use comments::Comments;
use operation::OperationIds;
use paths::PathNames;
use schema::Schemas;

/// Members of `info` that belong to the document itself.
const OF_THE_DOCUMENT: [&str; 4] = ["servers", "security", "tags", "externalDocs"];

/// The methods a path item of OpenAPI 3.1 can hold.
const METHODS: [&str; 8] = [
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
];

/// Describes every route of a router.
///
/// `info` is OpenAPI's info object (`title`, `version`, `description`); `servers`, `security`,
/// `tags`, `externalDocs` and `components` beside them move to where they belong. Messages that
/// share a name with one of these schemas go by their full names. `extend` may change each
/// operation: success status, errors, security. Routes whose HTTP method OpenAPI cannot name are
/// left out.
///
/// A paragraph `Example: {…}` in the comment of a message is its example, and stands with every body
/// that is this message or holds it.
pub fn document(router: &Router, info: &Value, extend: &dyn Fn(&Route, &mut Value)) -> Value {
    let mut info = info.as_object().cloned().unwrap_or_default();
    let mut components = take_object(&mut info, "components");
    let given = take_object(&mut components, "schemas");
    let comments = Comments::of_routes(router.routes());
    let mut schemas = Schemas::new(router, &comments, given);
    let mut names = PathNames::default();
    let mut ids = OperationIds::default();
    let mut paths = Map::new();
    for route in router.routes() {
        if !METHODS.contains(&route.http_method.as_str()) {
            continue;
        }
        let path = names.path_of(route);
        let mut operation = operation::describe(route, &path, &mut schemas, &comments, &mut ids);
        extend(route, &mut operation);
        let item = paths.entry(path.text).or_insert_with(|| json!({}));
        item[route.http_method.as_str().to_ascii_lowercase()] = operation;
    }
    let tags = tags_of(router, &comments);
    let schemas = schemas.into_components();
    example::fill_in(&mut paths, &schemas);
    components.insert("schemas".to_owned(), schemas.into());
    assemble(info, tags, paths, components)
}

fn take_object(from: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match from.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// One tag per service, in the order of the routes.
fn tags_of(router: &Router, comments: &Comments) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for route in router.routes() {
        let service = route.method.parent_service();
        if tags.iter().any(|tag| tag["name"] == service.name()) {
            continue;
        }
        let mut tag = json!({"name": service.name()});
        if let Some(comment) = comments.of_service(service) {
            tag["description"] = comment.into();
        }
        tags.push(tag);
    }
    tags
}

fn assemble(
    mut info: Map<String, Value>,
    tags: Vec<Value>,
    paths: Map<String, Value>,
    components: Map<String, Value>,
) -> Value {
    let mut document = Map::new();
    document.insert("openapi".into(), "3.1.0".into());
    document.insert("tags".into(), tags.into());
    for name in OF_THE_DOCUMENT {
        if let Some(value) = info.remove(name) {
            document.insert(name.into(), value);
        }
    }
    info.entry("title").or_insert_with(|| "API".into());
    info.entry("version").or_insert_with(|| "1".into());
    document.insert("info".into(), info.into());
    document.insert("paths".into(), paths.into());
    document.insert("components".into(), components.into());
    document.into()
}
