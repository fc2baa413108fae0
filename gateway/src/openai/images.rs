//! Pictures: ordered as generations, waited for, and brought.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contracts::generation::v1::generation::Kind;
use contracts::generation::v1::{CreateGenerationRequest, Generation, ImageSpec};
use errors::{Fault, Reason};
use futures::future::join_all;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use types::{Clock, SystemClock};
use uuid::Uuid;

use super::form::{self, Picture};
use super::refusal::Refusal;
use super::rpcs::{self, CONTENT, CREATE, FILES, GET, LIST, UPLOAD, WATCH};
use super::wish::{Form, Wish};
use super::{again, models};
use crate::body::RequestBody;
use crate::failure::Failure;
use crate::pipeline::inner::Inner;

/// What is known of a request besides its wish.
struct Frame {
    /// The client's own name for it.
    key: Option<String>,
    /// Whether it was sent before.
    is_again: bool,
    /// Where files are fetched, e.g. `http://127.0.0.1:8080/v1/files`.
    files: String,
}

/// `POST /openai/v1/images/generations`.
pub(super) async fn generate(
    inner: Inner,
    parts: &Parts,
    body: RequestBody,
) -> Result<Response, Refusal> {
    inner.admit(&[CREATE, GET, WATCH, CONTENT]).await?;
    let frame = Frame::of(&inner, parts).await?;
    let limit = inner.gateway.limits.json_bytes;
    let _room = inner.gateway.budget.take(&parts.headers, limit)?;
    let bytes = body.limited(&parts.headers, limit)?.collect().await?;
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
        let message = "the body must be a JSON object";
        return Err(Failure::from(Fault::new(Reason::InvalidRequest, message)).into());
    };
    let wish = Wish::read(&fields)?;
    let spec = wish.spec(models::resolve(&inner, wish.model.as_deref()).await?);
    make(inner, frame, wish, spec).await
}

/// `POST /openai/v1/images/edits`.
pub(super) async fn edit(
    inner: Inner,
    parts: &Parts,
    body: RequestBody,
) -> Result<Response, Refusal> {
    inner.admit(&[CREATE, GET, WATCH, CONTENT, UPLOAD]).await?;
    let frame = Frame::of(&inner, parts).await?;
    let limit = inner.gateway.limits.upload_bytes;
    let _room = inner.gateway.budget.take(&parts.headers, limit)?;
    let body = body.limited(&parts.headers, limit)?;
    let form = form::read(&parts.headers, body).await?;
    let wish = Wish::read(&form.fields)?;
    let mut spec = wish.spec(models::resolve(&inner, wish.model.as_deref()).await?);
    // The same pictures are the same files, or the order would not be the same either.
    let known = if frame.is_again || frame.key.is_some() {
        inner.admit(&[FILES]).await?;
        again::files(&inner).await?
    } else {
        Vec::new()
    };
    for picture in &form.images {
        let id = stored(&inner, &known, "image", picture).await?;
        spec.input_file_ids.push(id);
    }
    if let Some(mask) = &form.mask {
        spec.mask_file_id = stored(&inner, &known, "mask", mask).await?;
    }
    drop(form);
    make(inner, frame, wish, spec).await
}

async fn stored(
    inner: &Inner,
    known: &[contracts::file::v1::File],
    param: &'static str,
    picture: &Picture,
) -> Result<String, Refusal> {
    let sum = digest(&SHA256, &picture.bytes);
    let sum: String = sum
        .as_ref()
        .iter()
        .map(|one| format!("{one:02x}"))
        .collect();
    if let Some(file) = known.iter().find(|file| file.sha256 == sum) {
        return Ok(file.id.clone());
    }
    let name = if picture.name.is_empty() {
        param
    } else {
        &picture.name
    };
    let made = rpcs::upload(inner, name, &picture.content_type, &picture.bytes).await?;
    Ok(made.id)
}

/// Orders, waits and answers. What is ordered is made even when the client leaves.
async fn make(
    inner: Inner,
    frame: Frame,
    wish: Wish,
    spec: ImageSpec,
) -> Result<Response, Refusal> {
    let inner = &inner;
    let (placed, headers) = place(inner, &frame, &wish, spec).await?;
    let deadline = Instant::now() + inner.gateway.limits.openai_wait;
    let waits = placed.into_iter().map(|one| async move {
        let ended = rpcs::ended(inner, one.clone(), deadline).await;
        ended.unwrap_or(one)
    });
    let mut data = Vec::new();
    let mut refusal = None;
    for generation in join_all(waits).await {
        match bring(inner, &frame, wish.form, &generation).await {
            Ok(pictures) => data.extend(pictures),
            Err(other) => refusal = refusal.or(Some(other)),
        }
    }
    if let Some(refusal) = refusal.filter(|_| data.is_empty()) {
        return Err(refusal);
    }
    let body = json!({"created": SystemClock.now().micros() / 1_000_000, "data": data});
    let mut response = ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    response.headers_mut().extend(headers);
    Ok(response)
}

/// Places what was not placed before. When some of several are taken and another is not, those that were
/// are the answer: they are paid for.
async fn place(
    inner: &Inner,
    frame: &Frame,
    wish: &Wish,
    spec: ImageSpec,
) -> Result<(Vec<Generation>, HeaderMap), Refusal> {
    let mut placed = Vec::new();
    if frame.is_again && frame.key.is_none() {
        inner.admit(&[LIST]).await?;
        placed = again::ordered(inner, &spec, wish.count).await?;
    }
    let mut order = CreateGenerationRequest {
        kind: Kind::Image.into(),
        image: Some(spec),
        ..CreateGenerationRequest::default()
    };
    // What nobody waits for any more is not begun.
    order.expire_after = inner.gateway.limits.openai_wait.try_into().ok();
    let mut told = HeaderMap::new();
    for number in placed.len()..wish.count {
        match rpcs::create(inner, &order, &frame.key_of(number)).await {
            Ok((generation, headers)) => {
                placed.push(generation);
                told = quota_of(&headers);
            }
            Err(failure) if placed.is_empty() => return Err(failure.into()),
            Err(failure) => {
                tracing::info!(error = %failure, "fewer pictures than asked for");
                break;
            }
        }
    }
    Ok((placed, told))
}

/// What a generation brought.
async fn bring(
    inner: &Inner,
    frame: &Frame,
    form: Form,
    generation: &Generation,
) -> Result<Vec<Value>, Refusal> {
    use contracts::generation::v1::generation::Status;
    match generation.status() {
        Status::Completed => {}
        Status::Failed | Status::Cancelled => return Err(Refusal::failed(generation)),
        _ => return Err(Refusal::unfinished(generation)),
    }
    let mut pictures = Vec::new();
    for output in &generation.outputs {
        let mut picture = json!({"generation_id": generation.id});
        match form {
            Form::Url => {
                picture["url"] = format!("{}/{}/content", frame.files, output.file_id).into()
            }
            Form::Base64 => {
                let bytes = rpcs::content(inner, &output.file_id).await;
                let bytes = bytes.map_err(|failure| {
                    tracing::warn!(error = %failure, "a picture cannot be brought");
                    Refusal::unreachable(generation)
                })?;
                picture["b64_json"] = STANDARD.encode(bytes).into();
            }
        }
        pictures.push(picture);
    }
    Ok(pictures)
}

impl Frame {
    async fn of(inner: &Inner, parts: &Parts) -> Result<Self, Refusal> {
        let key = identity::idempotency::read(&parts.headers);
        let key = key.map_err(|problem| Failure::from(Fault::field("Idempotency-Key", problem)))?;
        let is_again = again::is_one(&parts.headers);
        // Found out before, so that what was paid for is not lost over a missing scope.
        if is_again && key.is_none() {
            inner.admit(&[LIST]).await?;
        }
        Ok(Self {
            key: key.map(|key| key.as_str().to_owned()),
            is_again,
            files: format!("{}/v1/files", origin_of(parts)),
        })
    }

    /// The key of one of its orders. Without one of the client's own, it is for our own tries.
    fn key_of(&self, number: usize) -> String {
        match &self.key {
            Some(key) if number == 0 => key.clone(),
            // A key may be as long as a key can be.
            Some(key) => {
                let sum = digest(&SHA256, format!("{key}/{number}").as_bytes());
                STANDARD.encode(sum)
            }
            None => Uuid::now_v7().to_string(),
        }
    }
}

/// Where the client found us, as it says itself.
fn origin_of(parts: &Parts) -> String {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let proxied = parts.headers.get("x-forwarded-proto");
    let scheme = match proxied.and_then(|scheme| scheme.to_str().ok()) {
        Some("https") => "https",
        _ => parts.uri.scheme_str().unwrap_or("http"),
    };
    format!("{scheme}://{}", authority.or(host).unwrap_or("localhost"))
}

fn quota_of(headers: &HeaderMap) -> HeaderMap {
    let names = ["ratelimit", "ratelimit-policy"].map(http::HeaderName::from_static);
    let known = names.into_iter();
    known
        .filter_map(|name| Some((name.clone(), headers.get(&name)?.clone())))
        .collect()
}
