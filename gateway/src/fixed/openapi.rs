//! The OpenAPI document: the transcoder describes the routes, this adds what policies say of them.

mod failures;

use contracts::policy::v1::Policy;
use contracts::policy::v1::policy::{Access, Idempotency};
use serde_json::{Map, Value, json};
use transcoding::{Route, Router};

/// What the head of a response cannot say.
const HOW_STREAMS_END: &str = "A stream that is cut says so at its end with the error body: as an event \
    `error`, as the last line or as the last element. One that is whole ends with an event `end`, with its \
    last line, or with `]`.";

/// The document, printed.
pub(crate) fn document(router: &Router) -> String {
    let info = json!({
        "title": "Bottega",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "A self-hosted backend for products that generate things with paid models.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "servers": [{"url": "/"}],
        "components": components(),
    });
    transcoding::openapi::document(router, &info, &extend).to_string()
}

/// What is the same for every operation.
fn components() -> Value {
    let schemes = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Api-Key",
            "description": "A key of /v1/api-keys, `btg_…`; may be sent as `Authorization: Bearer` as well.",
        },
    });
    json!({
        "securitySchemes": schemes,
        "schemas": {"Error": failures::schema(), "Reason": failures::reasons()},
        "headers": rate_headers(),
        "responses": failures::responses(),
    })
}

fn extend(route: &Route, operation: &mut Value) {
    let Some(policy) = contracts::policy_of(&route.method) else {
        return;
    };
    operation["security"] = match policy.access() {
        Access::Public => json!([]),
        // Of an API key, the names are the scopes it needs.
        _ if !policy.scope.is_empty() => json!([{"bearer": []}, {"apiKey": [policy.scope]}]),
        _ => json!([{"bearer": []}]),
    };
    describe_success(route, &policy, operation);
    describe_stream(&policy, operation);
    describe_key(&policy, operation);
    describe_upload(&policy, operation);
    for (status, name) in failures::of_route(route, &policy) {
        operation["responses"][status] =
            json!({ "$ref": format!("#/components/responses/{name}") });
    }
}

fn describe_success(route: &Route, policy: &Policy, operation: &mut Value) {
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    let mut success = responses
        .remove("200")
        .unwrap_or_else(|| json!({"description": "Success."}));
    success["headers"] = rate_headers_of_response();
    if route.method.is_server_streaming() && route.returns_http_body() {
        let mut part = success.clone();
        part["description"] = "The range that was asked for.".into();
        responses.insert("206".to_owned(), part);
        responses.insert(
            "304".to_owned(),
            json!({"description": "What the client has is current."}),
        );
    }
    let status = if policy.status == 0 {
        200
    } else {
        policy.status
    };
    responses.insert(status.to_string(), success);
}

fn describe_stream(policy: &Policy, operation: &mut Value) {
    if policy.events.is_none() {
        return;
    }
    let schema = json!({"type": "string"});
    add_header(
        operation,
        "Last-Event-ID",
        "Goes on after this event.",
        &schema,
    );
    let status = policy.status.max(200).to_string();
    let success = &mut operation["responses"][status];
    let said = success["description"].as_str().unwrap_or_default();
    success["description"] = format!("{said} {HOW_STREAMS_END}").into();
    let items = &mut success["content"]["application/json"]["schema"]["items"];
    let error = json!({"$ref": "#/components/schemas/Error"});
    *items = json!({"anyOf": [items.take(), error]});
}

fn describe_key(policy: &Policy, operation: &mut Value) {
    if policy.idempotency() != Idempotency::Key {
        return;
    }
    let description = "Names the call: whoever repeats it with the same key and body within 24 hours is \
        answered the same thing, and nothing is done or counted again.";
    let schema = json!({"type": "string", "pattern": "^[!-~]{1,255}$"});
    add_header(operation, "Idempotency-Key", description, &schema);
    let status = policy.status.max(200).to_string();
    operation["responses"][status]["headers"]["Idempotency-Replayed"] = json!({
        "description": "true when the answer is that of an earlier call with the same key.",
        "schema": {"type": "string"},
    });
}

fn add_header(operation: &mut Value, name: &str, description: &str, schema: &Value) {
    let parameter = json!({
        "name": name,
        "in": "header",
        "description": description,
        "schema": schema,
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

fn describe_upload(policy: &Policy, operation: &mut Value) {
    let Some(upload) = policy
        .upload
        .as_ref()
        .filter(|upload| !upload.part.is_empty())
    else {
        return;
    };
    let mut properties = Map::new();
    let part = json!({"type": "string", "format": "binary", "description": "The bytes."});
    properties.insert(upload.part.clone(), part);
    operation["requestBody"]["content"]["multipart/form-data"] = json!({
        "schema": {
            "type": "object",
            "properties": properties,
            "required": [upload.part],
            "description": "Text parts before the file are taken like query parameters.",
        },
    });
}

/// Every rpc counts in some class, and may have a quota besides.
fn rate_headers_of_response() -> Value {
    json!({
        "RateLimit": {"$ref": "#/components/headers/RateLimit"},
        "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
        "X-RateLimit-Mode": {"$ref": "#/components/headers/X-RateLimit-Mode"},
    })
}

fn rate_headers() -> Value {
    let header = |description: &str, kind: &str| json!({"description": description, "schema": {"type": kind}});
    json!({
        "RateLimit": header("Of each limit, what is left (r) and the seconds until it comes back (t).", "string"),
        "RateLimit-Policy": header("The limits (q) and their windows in seconds (w).", "string"),
        "X-RateLimit-Mode": header(
            "Who counted: local, shared, fail_open, fail_closed or allowance.",
            "string",
        ),
        "Retry-After": header("Seconds to wait before trying again.", "integer"),
    })
}
