//! The form of an edit: texts, up to four pictures and a mask.

use bytes::Bytes;
use errors::{Fault, Reason};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::{Error, Multipart};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::body::{Broken, RequestBody};
use crate::failure::Failure;

/// A picture of a form.
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// What a form holds.
#[derive(Default)]
pub(super) struct EditForm {
    pub(super) fields: Map<String, Value>,
    pub(super) images: Vec<Picture>,
    pub(super) mask: Option<Picture>,
}

/// Reads a form, in whatever order its parts come. The body bounds how much that is.
///
/// # Errors
/// What is no such form, or has no picture.
pub(super) async fn read(headers: &HeaderMap, body: RequestBody) -> Result<EditForm, Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|one| one.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default());
    let boundary = boundary.map_err(|_| {
        let message = "this route takes 'multipart/form-data'";
        Failure::from(Fault::new(Reason::UnsupportedMediaType, message))
    })?;
    let mut parts = Multipart::new(body, boundary);
    let mut form = EditForm::default();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "image" | "image[]" => form.images.push(picture(part).await?),
            "mask" => form.mask = Some(picture(part).await?),
            _ => {
                let text = part.text().await.map_err(broken)?;
                form.fields.insert(name, Value::String(text));
            }
        }
    }
    if form.images.is_empty() {
        return Err(Refusal::field("image", "must be there"));
    }
    Ok(form)
}

async fn picture(part: multer::Field<'_>) -> Result<Picture, Refusal> {
    let name = part.file_name().unwrap_or_default().to_owned();
    let content_type = part.content_type().map(ToString::to_string);
    Ok(Picture {
        name,
        content_type: content_type.unwrap_or_default(),
        bytes: part.bytes().await.map_err(broken)?,
    })
}

fn broken(error: Error) -> Refusal {
    let failure = match error {
        Error::StreamReadFailed(cause) => match cause.downcast::<Broken>() {
            Ok(broken) => Failure::from(*broken),
            Err(other) => Fault::new(Reason::IncompleteBody, "the body ended before it was whole")
                .with_cause(other)
                .into(),
        },
        other => {
            let message = format!("the form is malformed: {other}");
            Fault::new(Reason::InvalidRequest, message).into()
        }
    };
    failure.into()
}
