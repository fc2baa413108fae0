//! What programs made for OpenAI's image API speak, on top of generations: an order is placed, waited for
//! and answered with its pictures. Nothing is bought twice because a client sends again what it gave up.

mod again;
mod form;
mod images;
mod models;
mod refusal;
mod rpcs;
mod wish;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::body::RequestBody;
use crate::gateway::Gateway;
use crate::layers::{Rpc, request_id};
use crate::pipeline::inner;
use crate::rate::Class;
use refusal::Refusal;

const PREFIX: &str = "/openai/";

/// One of the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Models,
    Generations,
    Edits,
}

/// Whether a request is for these routes.
pub(crate) fn is_asked(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Answers one request.
pub(crate) async fn serve(gateway: Arc<Gateway>, parts: Parts, body: RequestBody) -> Response {
    let Some(place) = Place::at(parts.uri.path()) else {
        return Refusal::unknown_path().respond();
    };
    if parts.method == Method::OPTIONS {
        let allow = [(ALLOW, format!("{}, OPTIONS", place.method()))];
        return (StatusCode::NO_CONTENT, allow).into_response();
    }
    if parts.method != place.method() {
        return Refusal::wrong_method(&place.method()).respond();
    }
    let refuse = |failure| Refusal::of(failure, &request_id::current()).respond();
    let mut response = inner::serve(
        gateway,
        parts,
        place.class(),
        refuse,
        |inner, parts| async move {
            let outcome = match place {
                Place::Models => models::list(&inner).await,
                Place::Generations => images::generate(inner, &parts, body).await,
                Place::Edits => images::edit(inner, &parts, body).await,
            };
            outcome.unwrap_or_else(Refusal::respond)
        },
    )
    .await;
    response
        .extensions_mut()
        .insert(Rpc(place.name().to_owned()));
    response
}

impl Place {
    fn at(path: &str) -> Option<Self> {
        match path.strip_prefix(PREFIX)? {
            "v1/models" => Some(Self::Models),
            "v1/images/generations" => Some(Self::Generations),
            "v1/images/edits" => Some(Self::Edits),
            _ => None,
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::Models => Method::GET,
            Self::Generations | Self::Edits => Method::POST,
        }
    }

    const fn class(self) -> Class {
        match self {
            Self::Models => Class::Read,
            Self::Generations | Self::Edits => Class::Write,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Models => "openai.models",
            Self::Generations => "openai.images.generations",
            Self::Edits => "openai.images.edits",
        }
    }
}
