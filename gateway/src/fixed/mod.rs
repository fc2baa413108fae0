//! The pages that are no rpcs.

mod docs;
mod health;
pub(crate) mod openapi;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::layers::{Rpc, request_id};

pub(crate) use health::{watch_peers, watch_rates};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Root,
    Health,
    Readiness,
    OpenApi,
    /// A file of the page that shows it to people.
    Docs(&'static docs::File),
    /// Which methods a page takes.
    Options,
    /// A page asked for with a method it does not take.
    Refused,
}

/// The page at a path, if there is one.
pub(crate) fn find(parts: &Parts) -> Option<Page> {
    let page = match parts.uri.path() {
        "/" => Page::Root,
        "/healthz" => Page::Health,
        "/readyz" => Page::Readiness,
        "/openapi.json" => Page::OpenApi,
        path => Page::Docs(docs::find(path)?),
    };
    let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
    Some(match parts.method {
        _ if is_read => page,
        Method::OPTIONS => Page::Options,
        _ => Page::Refused,
    })
}

impl Page {
    /// The page.
    pub(crate) async fn answer(self, gateway: &Gateway) -> Response {
        let mut response = match self {
            Self::Root => root(),
            Self::Health => json_page(StatusCode::OK, json!({"status": "healthy"}).to_string()),
            Self::Readiness => health::readiness(gateway).await,
            Self::OpenApi => openapi_page(gateway),
            Self::Docs(file) => file.page(),
            Self::Options => {
                (StatusCode::NO_CONTENT, [(ALLOW, "GET, HEAD, OPTIONS")]).into_response()
            }
            Self::Refused => {
                Failure::method_not_allowed("GET, HEAD").respond(&request_id::current())
            }
        };
        response
            .extensions_mut()
            .insert(Rpc(self.name().to_owned()));
        response
    }

    /// For log and metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Health => "health",
            Self::Readiness => "readiness",
            Self::OpenApi => "openapi",
            Self::Docs(_) => "docs",
            Self::Options => "options",
            Self::Refused => "refused",
        }
    }
}

fn root() -> Response {
    let page = json!({
        "name": "Bottega",
        "version": env!("CARGO_PKG_VERSION"),
        "openapi": "/openapi.json",
        "docs": "/docs",
        "health": "/healthz",
        "readiness": "/readyz",
    });
    json_page(StatusCode::OK, page.to_string())
}

fn openapi_page(gateway: &Gateway) -> Response {
    let mut response = json_page(StatusCode::OK, gateway.openapi.clone());
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn json_page(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.into()).into_response()
}
