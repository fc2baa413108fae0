//! Where the bytes of an upload come from, once it is known what they are.

use bytes::Bytes;
use futures::StreamExt;
use prost_reflect::DynamicMessage;
use transcoding::HttpBodySlot;

use super::multipart::PartSource;
use crate::body::RequestBody;
use crate::failure::Failure;

/// An upload of which all but the bytes is read.
pub(super) struct Opened {
    /// The first message, without bytes.
    pub(super) head: DynamicMessage,
    pub(super) slot: HttpBodySlot,
    /// May be empty.
    pub(super) content_type: String,
    pub(super) source: Source,
}

/// The bytes.
pub(super) enum Source {
    /// The whole body.
    Raw(RequestBody),
    /// One part of a form.
    Part(Box<PartSource>),
}

impl Source {
    /// The next bytes; none when they were all there, and the body behind them too.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INCOMPLETE_BODY`, and what is wrong with a form.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Raw(body) => Ok(body.next().await.transpose()?),
            Self::Part(part) => part.next().await,
        }
    }
}
