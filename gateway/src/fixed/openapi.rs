//! The OpenAPI document: the transcoder describes the routes, this adds what policies say of them.

use contracts::policy::v1::Policy;
use contracts::policy::v1::policy::{Access, Idempotency};
use errors::AboutReason;
use serde_json::{Map, Value, json};
use transcoding::{Body, Route, Router};

/// The error responses by name, and what each means.
const RESPONSES: [(&str, &str); 15] = [
    (
        "BadRequest",
        "The request is not what the route takes; each wrong field is named.",
    ),
    (
        "Unauthenticated",
        "No access token, or one that is not valid; or wrong credentials.",
    ),
    ("PermissionDenied", "The caller may not do this."),
    (
        "NotFound",
        "There is no such thing, or it is not the caller's.",
    ),
    (
        "NotAcceptable",
        "The route answers with a stream, and none of its forms is accepted.",
    ),
    ("RequestTimeout", "The body stopped arriving."),
    (
        "Conflict",
        "The thing exists already, or is not in a state for this.",
    ),
    ("TooLarge", "The body is larger than allowed."),
    (
        "UnsupportedMediaType",
        "The content is of a type that is not taken.",
    ),
    ("RangeNotSatisfiable", "The range lies outside the content."),
    (
        "Unprocessable",
        "The content could not be read as what it claims to be.",
    ),
    (
        "TooManyRequests",
        "A plan limit is used up, or requests come too fast.",
    ),
    (
        "Internal",
        "A fault of ours; the request id finds it in the log.",
    ),
    (
        "Unavailable",
        "A service does not answer; nothing was done.",
    ),
    (
        "DeadlineExceeded",
        "The call took longer than its deadline.",
    ),
];

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
    });
    let mut document = transcoding::openapi::document(router, &info, &extend);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Api-Key",
            "description": "A key of /v1/api-keys, `btg_…`; may be sent as `Authorization: Bearer` as well.",
        },
    });
    components["schemas"]["Error"] = error_schema();
    components["schemas"]["Reason"] = reason_schema();
    components["headers"] = rate_headers();
    components["responses"] = error_responses();
    document.to_string()
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
    for (status, name) in errors_of(route, &policy) {
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

/// The failures a route may answer with.
fn errors_of(route: &Route, policy: &Policy) -> Vec<(&'static str, &'static str)> {
    let has_body = route.body != Body::None;
    let has_path = !route.template.variables().is_empty();
    let is_bytes = route.method.is_server_streaming() && route.returns_http_body();
    let rows = [
        ("400", "BadRequest", true),
        ("401", "Unauthenticated", true),
        ("403", "PermissionDenied", policy.access() != Access::Public),
        ("404", "NotFound", has_path || has_body),
        ("406", "NotAcceptable", policy.events.is_some()),
        ("408", "RequestTimeout", has_body),
        ("409", "Conflict", has_body),
        ("413", "TooLarge", true),
        ("415", "UnsupportedMediaType", true),
        ("416", "RangeNotSatisfiable", is_bytes),
        ("422", "Unprocessable", has_body),
        ("429", "TooManyRequests", true),
        ("500", "Internal", true),
        ("503", "Unavailable", true),
        ("504", "DeadlineExceeded", true),
    ];
    rows.into_iter()
        .filter(|row| row.2)
        .map(|(status, name, _)| (status, name))
        .collect()
}

fn error_responses() -> Value {
    let mut responses = Map::new();
    for (name, description) in RESPONSES {
        let schema = json!({"$ref": "#/components/schemas/Error"});
        let mut response = json!({
            "description": description,
            "content": {"application/json": {"schema": schema}},
        });
        if name == "TooManyRequests" {
            let mut headers = rate_headers_of_response();
            headers["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After"});
            response["headers"] = headers;
        }
        responses.insert(name.to_owned(), response);
    }
    responses.into()
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

fn error_schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let details = json!({
        "type": "array",
        "description": "google.rpc details; the first is an ErrorInfo with the reason.",
        "items": {
            "type": "object",
            "properties": {
                "@type": {"type": "string"},
                "reason": {"$ref": "#/components/schemas/Reason"},
            },
            "required": ["@type"],
            "additionalProperties": true,
        },
    });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "status", "details", "requestId", "timestamp"],
                "properties": {
                    "code": {"type": "integer", "description": "The HTTP status."},
                    "message": text(
                        "A sentence for people, in the language of `Content-Language`. In English it tells \
                         developers more.",
                    ),
                    "status": text("The gRPC code, e.g. NOT_FOUND."),
                    "details": details,
                    "requestId": text("Finds the request in the log."),
                    "timestamp": {"type": "string", "format": "date-time"},
                },
            },
        },
    })
}

/// Every reason of a failed call, with what a tool may show of it.
fn reason_schema() -> Value {
    let of_calls: Vec<AboutReason> = errors::reasons()
        .into_iter()
        .filter(AboutReason::is_of_calls)
        .collect();
    let names: Vec<&str> = (of_calls.iter())
        .map(|about| about.reason.as_str_name())
        .collect();
    let explained = of_calls.iter().map(|about| {
        json!({
            "reason": about.reason.as_str_name(),
            "status": errors::http_status(about.reason).as_u16(),
            "when": about.when,
            "advice": about.advice,
        })
    });
    json!({
        "type": "string",
        "description": "Why a call failed: what programs go by.",
        "enum": names,
        "x-reasons": explained.collect::<Vec<Value>>(),
    })
}
