//! How calls fail, as the OpenAPI document says it: the one body, its reasons, and which of them a route answers with.

use contracts::policy::v1::Policy;
use contracts::policy::v1::policy::Access;
use errors::AboutReason;
use serde_json::{Map, Value, json};
use transcoding::{Body, Route};

use super::rate_headers_of_response;

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

/// The failures a route may answer with.
pub(super) fn of_route(route: &Route, policy: &Policy) -> Vec<(&'static str, &'static str)> {
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

pub(super) fn responses() -> Value {
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

pub(super) fn schema() -> Value {
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
        "examples": [example()],
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

fn example() -> Value {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "NOT_FOUND",
        "domain": "bottega",
        "metadata": {},
    });
    json!({"error": {
        "code": 404,
        "message": "there is no such file",
        "status": "NOT_FOUND",
        "details": [info],
        "requestId": "0199c2f1-6d7e-7a3b-9c41-2f8e5d6a7b80",
        "timestamp": "2026-01-31T12:00:00Z",
    }})
}

/// Every reason of a failed call, with what a tool may show of it.
pub(super) fn reasons() -> Value {
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
