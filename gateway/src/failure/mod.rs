//! What goes wrong on the way of a request, and its one form on the wire.

mod body;
mod details;

use std::fmt;

use axum::response::{IntoResponse, Response};
use errors::{Fault, Language, Reason};
use http::header::{
    ALLOW, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_TYPE, HeaderName, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use tonic::{Code, Status};

pub(crate) use body::reason_name;
use body::{body_of, http_status, retry_after, sentence_of};
pub(crate) use details::detail;

use crate::layers::language;

/// A failed request: a gRPC status of a service or of our own, and what HTTP adds to it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: Status,
    /// Instead of the status the reason or the code says.
    http: Option<StatusCode>,
    headers: HeaderMap,
}

/// A failure as a client may know it.
pub(crate) struct Told {
    pub(crate) status: Status,
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// The reason a response was refused for, left in its extensions for the access log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused(pub(crate) &'static str);

impl Failure {
    /// Answers with this HTTP status instead of the table's.
    pub(crate) fn with_http_status(mut self, status: StatusCode) -> Self {
        self.0.http = Some(status);
        self
    }

    /// Adds response headers.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.0.headers.extend(headers);
        self
    }

    /// Adds a response header, unless its text cannot stand in one.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }

    /// `METHOD_NOT_ALLOWED`, with the methods the path does take.
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let message = format!("this route takes {allow}");
        let fault = Fault::new(Reason::MethodNotAllowed, message).with("allow", allow);
        Self::from(fault).with_header(ALLOW, allow)
    }

    /// What an OPTIONS is answered: the methods, where this says that there are others; else itself.
    ///
    /// # Errors
    /// Itself.
    pub(crate) fn options(self) -> Result<Response, Self> {
        let allow = self.0.headers.get(ALLOW).and_then(|one| one.to_str().ok());
        let Some(allow) = allow else {
            return Err(self);
        };
        let allow = [(ALLOW, format!("{allow}, OPTIONS"))];
        Ok((StatusCode::NO_CONTENT, allow).into_response())
    }

    /// The JSON of the error body, for places that are already past the status line.
    pub(crate) fn json(&self, request_id: &str, language: Option<Language>) -> Vec<u8> {
        let status = presentable(&self.0.status);
        let http = http_status(&status, self.0.http);
        let (message, _) = sentence_of(&status, language);
        body_of(&status, http, &message, request_id)
    }

    /// What a client may know of it, in whatever words. The cause of a fault of ours goes to the log
    /// here, and only here.
    pub(crate) fn tell(self, request_id: &str) -> Told {
        let Inner {
            status,
            http,
            mut headers,
        } = *self.0;
        log_cause(&status, request_id);
        // Tells who asked for too much how much there is (RFC 9110, section 15.5.17).
        let range = status.metadata().get(CONTENT_RANGE.as_str());
        let range = range.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        if let Some(range) = range {
            headers.insert(CONTENT_RANGE, range);
        }
        let status = presentable(&status);
        if let Some(seconds) = retry_after(&status) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let http = http_status(&status, http);
        if http == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Told {
            status,
            http,
            headers,
        }
    }

    /// The response of the JSON API.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        let told = self.tell(request_id);
        let (message, language) = sentence_of(&told.status, language::current());
        let body = body_of(&told.status, told.http, &message, request_id);
        let mut response = (told.http, body).into_response();
        *response.headers_mut() = told.headers;
        for (name, value) in [
            (CONTENT_TYPE, "application/json"),
            (CONTENT_LANGUAGE, language.tag()),
            (VARY, "accept-language"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        let reason = Refused(reason_name(&told.status));
        response.extensions_mut().insert(reason);
        response
    }

    /// What a client of an rpc protocol may know of it when the answer has begun already: its status.
    pub(crate) fn status(&self, language: Option<Language>) -> Status {
        in_words(presentable(&self.0.status), language)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self(Box::new(Inner {
            status,
            http: None,
            headers: HeaderMap::new(),
        }))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::from(Status::from(fault))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status.code(), self.0.status.message())
    }
}

/// With a sentence for people, when their language is known.
pub(crate) fn in_words(status: Status, language: Option<Language>) -> Status {
    match language {
        Some(language) => errors::localized(status, language),
        None => status,
    }
}

/// What a client may read. A status with a reason of ours was written for clients; a bare one that
/// blames our side may tell of hosts and sockets, so only its code is told.
fn presentable(status: &Status) -> Status {
    let has_reason = errors::reason_of(&errors::rpc_status(status)).is_some();
    if has_reason || (blames_the_client(status.code()) && !is_local(status)) {
        return status.clone();
    }
    Status::from(errors::from_status(status.clone()))
}

const fn blames_the_client(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::ResourceExhausted
    )
}

/// Whether the transport on our side made the status.
fn is_local(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

fn log_cause(status: &Status, request_id: &str) {
    let source = std::error::Error::source(status);
    let cause = source.map(chain).unwrap_or_default();
    match status.code() {
        Code::Internal | Code::Unknown | Code::DataLoss => tracing::error!(
            request.id = request_id,
            grpc.code = %status.code(),
            message = status.message(),
            cause,
            "request failed"
        ),
        Code::Unavailable | Code::DeadlineExceeded => tracing::warn!(
            request.id = request_id,
            grpc.code = %status.code(),
            message = status.message(),
            cause,
            "upstream failed"
        ),
        _ => {}
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        at = cause.source();
    }
    text
}
