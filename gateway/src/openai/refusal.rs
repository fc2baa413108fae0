//! Errors as OpenAI's API words them, under statuses and headers that do not make its clients pay twice:
//! they send again after 408, 409, 429 and all from 500 on, unless `x-should-retry` says no.

use axum::response::{IntoResponse, Response};
use contracts::generation::v1::Generation;
use errors::{Fault, Reason};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::failure::{Failure, Refused, reason_name};

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
const USER_ERROR: &str = "image_generation_user_error";

/// A request that is not answered with pictures.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: String,
    message: String,
    param: Option<&'static str>,
    headers: HeaderMap,
    /// Whether sending it again is safe and may help.
    is_worth_again: bool,
    reason: &'static str,
}

impl Refusal {
    /// A field that is not as it must be.
    pub(super) fn field(param: &'static str, message: impl Into<String>) -> Self {
        let message = format!("'{param}' {}", message.into());
        Self {
            param: Some(param),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message)
        }
    }

    pub(super) fn unknown_path() -> Self {
        let message = "there is no such route; see /v1/models, /v1/images/generations and /v1/images/edits under /openai";
        Self::new(StatusCode::NOT_FOUND, "unknown_url", message)
    }

    pub(super) fn unknown_model(model: &str) -> Self {
        let message = format!(
            "the model '{model}' does not exist; GET /openai/v1/models lists those that do"
        );
        Self {
            param: Some("model"),
            ..Self::new(StatusCode::NOT_FOUND, "model_not_found", message)
        }
    }

    pub(super) fn wrong_method(allow: &Method) -> Self {
        let message = format!("this route takes {allow}");
        let mut refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        );
        if let Ok(allow) = HeaderValue::from_str(allow.as_str()) {
            refusal.headers.insert(ALLOW, allow);
        }
        refusal
    }

    /// What a call was refused for before anything was bought.
    pub(super) fn of(failure: Failure, request_id: &str) -> Self {
        let told = failure.tell(request_id);
        let reason = errors::reason_of(&errors::rpc_status(&told.status));
        let fault = errors::from_status(told.status.clone());
        let (status, kind, code) = words_for(reason, told.http);
        let param = fault.violations.first();
        Self {
            kind,
            param: param.and_then(|one| param_of(&one.field)),
            headers: told.headers,
            is_worth_again: matches!(
                reason,
                Some(
                    Reason::RateLimited
                        | Reason::QueueFull
                        | Reason::Overloaded
                        | Reason::IdempotencyInFlight
                )
            ),
            reason: reason_name(&told.status),
            ..Self::new(status, &code, sentence(&fault))
        }
    }

    /// A generation that brought nothing.
    pub(super) fn failed(generation: &Generation) -> Self {
        let error = generation.error.clone().unwrap_or_default();
        let refusal = match error.reason.as_str() {
            "CONTENT_POLICY" | "CONTENT_REFUSED" | "RESULT_REFUSED" => Self {
                kind: USER_ERROR,
                ..Self::new(
                    StatusCode::BAD_REQUEST,
                    "content_policy_violation",
                    error.message,
                )
            },
            "" => Self::over("cancelled", "the generation was cancelled"),
            reason => Self::over(&reason.to_lowercase(), error.message),
        };
        refusal.about(generation)
    }

    /// A generation that is still being made.
    pub(super) fn unfinished(generation: &Generation) -> Self {
        let id = &generation.id;
        let message = format!(
            "the picture is still being made; it will be at GET /v1/generations/{id}. Sending the request \
            again would order another"
        );
        Self::over("still_running", message).about(generation)
    }

    /// A picture that is made, and cannot be brought.
    pub(super) fn unreachable(generation: &Generation) -> Self {
        let id = &generation.id;
        let message = format!(
            "the picture is made but cannot be fetched now; find it at GET /v1/generations/{id}. Sending the \
            request again would order another"
        );
        Self::over("result_unavailable", message).about(generation)
    }

    // 422: none of the statuses after which clients send again.
    fn over(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: "image_generation_error",
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
        }
    }

    fn about(mut self, generation: &Generation) -> Self {
        if let Ok(id) = HeaderValue::from_str(&generation.id) {
            self.headers.insert(GENERATION_ID, id);
        }
        self
    }

    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "invalid_request_error",
            code: code.to_owned(),
            message: message.into(),
            param: None,
            headers: HeaderMap::new(),
            is_worth_again: false,
            reason: Reason::InvalidRequest.as_str_name(),
        }
    }

    /// The response.
    pub(super) fn respond(self) -> Response {
        let body = json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }});
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let again = if self.is_worth_again { "true" } else { "false" };
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(again));
        response.extensions_mut().insert(Refused(self.reason));
        response
    }
}

/// Status, type and code for a reason; what has no word of OpenAI's keeps its own.
fn words_for(reason: Option<Reason>, http: StatusCode) -> (StatusCode, &'static str, String) {
    const INVALID: &str = "invalid_request_error";
    let (status, kind, code) = match reason {
        Some(Reason::Unauthenticated) => (http, INVALID, "invalid_api_key"),
        Some(Reason::PermissionDenied) => (http, INVALID, "insufficient_permissions"),
        Some(Reason::InvalidField) => (http, INVALID, "invalid_value"),
        Some(Reason::ContentRefused) => (
            StatusCode::BAD_REQUEST,
            USER_ERROR,
            "content_policy_violation",
        ),
        // Not 429, after which clients would come again and again until the month is over.
        Some(Reason::QuotaExceeded | Reason::BudgetExceeded) => (
            StatusCode::PAYMENT_REQUIRED,
            "insufficient_quota",
            "insufficient_quota",
        ),
        Some(Reason::RateLimited | Reason::QueueFull | Reason::Overloaded) => (
            StatusCode::TOO_MANY_REQUESTS,
            "requests",
            "rate_limit_exceeded",
        ),
        _ => {
            let kind = if http.is_server_error() {
                "server_error"
            } else {
                INVALID
            };
            let code = reason.map_or("error", |reason| reason.as_str_name());
            return (http, kind, code.to_lowercase());
        }
    };
    (status, kind, code.to_owned())
}

/// The message, and what exactly is wrong.
fn sentence(fault: &Fault) -> String {
    let wrong = fault.violations.iter();
    let wrong: Vec<String> = wrong
        .map(|one| {
            let name = param_of(&one.field).unwrap_or(&one.field);
            format!("'{name}' {}", one.description)
        })
        .collect();
    if wrong.is_empty() {
        fault.message.clone()
    } else {
        wrong.join("; ")
    }
}

/// The parameter of theirs that became this field of ours.
fn param_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "image.prompt" => "prompt",
        "image.width" | "image.height" => "size",
        "image.model" | "image.provider" => "model",
        "image.quality" => "quality",
        "image.background" => "background",
        "image.maskFileId" => "mask",
        field if field.starts_with("image.inputFileIds") => "image",
        _ => return None,
    })
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::of(failure, &crate::layers::request_id::current())
    }
}
