//! An upload in a form: text parts first, then the part with the bytes, streamed as it comes.

use bytes::Bytes;
use errors::{Fault, Reason};
use multer::{Error, Field, Multipart};
use transcoding::RouteMatch;

use super::source::{Opened, Source};
use crate::body::{Broken, RequestBody};
use crate::endpoint::UploadRule;
use crate::failure::Failure;
use crate::pipeline::{Call, fault_of};

/// How many bytes the text parts may have, all together.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The boundary of a form; none when the body is something else.
///
/// # Errors
/// A form that names no boundary.
pub(super) fn boundary_of(content_type: &str) -> Result<Option<String>, Failure> {
    if !content_type
        .to_ascii_lowercase()
        .starts_with("multipart/form-data")
    {
        return Ok(None);
    }
    multer::parse_boundary(content_type)
        .map(Some)
        .map_err(refusal)
}

/// Reads the text parts, up to the one with the bytes.
///
/// # Errors
/// Wrong fields, a form without the part, a body that is broken.
pub(super) async fn open(
    call: &Call,
    found: &RouteMatch,
    rule: &UploadRule,
    body: RequestBody,
    boundary: &str,
) -> Result<Opened, Failure> {
    if rule.part.is_empty() {
        let message = "this route takes the bytes themselves, not a form";
        return Err(Fault::new(Reason::UnsupportedMediaType, message).into());
    }
    let mut form = Multipart::new(body, boundary);
    let mut texts = Vec::new();
    let mut left = MAX_TEXT_BYTES;
    loop {
        let part = form
            .next_field()
            .await
            .map_err(refusal)?
            .ok_or_else(|| missing(rule))?;
        if part.name() == Some(rule.part.as_str()) {
            return open_part(call, found, rule, form, part, &texts);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let text = text_of(part, &mut left).await?;
        texts.push((name, text));
    }
}

fn open_part(
    call: &Call,
    found: &RouteMatch,
    rule: &UploadRule,
    form: Multipart<'static>,
    part: Field<'static>,
    texts: &[(String, String)],
) -> Result<Opened, Failure> {
    let query = call.query.as_deref();
    let mut head = found.bind_without_body(query, texts).map_err(fault_of)?;
    if let (Some(field), Some(name)) = (&rule.name, part.file_name())
        && !head.has_field(field)
    {
        head.set_field(field, prost_reflect::Value::String(name.to_owned()));
    }
    let slot = found.takes_http_body();
    Ok(Opened {
        head,
        slot: slot.ok_or_else(|| Fault::internal("an upload without a place for its bytes"))?,
        content_type: part
            .content_type()
            .map(ToString::to_string)
            .unwrap_or_default(),
        source: Source::Part(Box::new(PartSource {
            form,
            part: Some(part),
            name: rule.part.clone(),
        })),
    })
}

/// The part with the bytes, and the form around it.
pub(super) struct PartSource {
    form: Multipart<'static>,
    part: Option<Field<'static>>,
    name: String,
}

impl PartSource {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(part) = &mut self.part else {
            return Ok(None);
        };
        if let Some(bytes) = part.chunk().await.map_err(refusal)? {
            return Ok(Some(bytes));
        }
        self.part = None;
        // Only the closing boundary says that the form is whole.
        match self.form.next_field().await.map_err(refusal)? {
            None => Ok(None),
            Some(part) => Err(misplaced(&self.name, part.name().unwrap_or_default())),
        }
    }
}

async fn text_of(mut part: Field<'static>, left: &mut usize) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(refusal)? {
        *left = left.checked_sub(piece.len()).ok_or_else(|| {
            let message = format!("the text parts must not exceed {MAX_TEXT_BYTES} bytes");
            Fault::new(Reason::TooLarge, message)
        })?;
        bytes.extend_from_slice(&piece);
    }
    let name = part.name().unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| Fault::field(name, "must be text in UTF-8").into())
}

fn missing(rule: &UploadRule) -> Failure {
    Fault::field(&rule.part, "must be a part of the form, with the bytes").into()
}

fn misplaced(part: &str, name: &str) -> Failure {
    let problem = if name == part {
        "must be there only once".to_owned()
    } else {
        format!("must stand before '{part}' in the form")
    };
    Fault::field(name, problem).into()
}

fn refusal(error: Error) -> Failure {
    let message = "the body ended before the form was whole";
    match error {
        Error::StreamReadFailed(cause) => match cause.downcast::<Broken>() {
            Ok(broken) => Failure::from(*broken),
            Err(other) => Fault::new(Reason::IncompleteBody, message)
                .with_cause(other)
                .into(),
        },
        Error::IncompleteFieldData { .. } | Error::IncompleteHeaders | Error::IncompleteStream => {
            Fault::new(Reason::IncompleteBody, message).into()
        }
        other => Fault::new(
            Reason::InvalidRequest,
            format!("the form is malformed: {other}"),
        )
        .into(),
    }
}
