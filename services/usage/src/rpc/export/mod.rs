//! Records as a file. Records are read a page at a time, when the one before was taken, so that a
//! file of any length costs the memory of a page.

mod csv;
mod json;
#[cfg(test)]
mod tests;
mod text;
mod workbooks;
mod xlsx;

use std::str::FromStr;

use bytes::Bytes;
use contracts::google::api::HttpBody;
use errors::Fault;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt};
use tonic::Status;

use super::records::Export;
use crate::domain::records::Pages;

pub use workbooks::Workbooks;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, RFC 4180.
    Csv,
    /// One JSON array.
    Json,
    /// A workbook of one sheet.
    Xlsx,
}

/// There is no such format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be csv, json or xlsx")]
pub struct UnknownFormat;

type Bodies = BoxStream<'static, Result<Bytes, Fault>>;

impl Format {
    /// As requests and file names say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    /// How many records it holds at most.
    pub const fn most(self) -> Option<u64> {
        match self {
            Self::Csv | Self::Json => None,
            // A sheet has 1,048,576 rows, and one is the header.
            Self::Xlsx => Some(1_048_575),
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "" | "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "xlsx" => Ok(Self::Xlsx),
            _ => Err(UnknownFormat),
        }
    }
}

/// The file as messages; the first one, which there always is, says what it is.
pub fn encode(format: Format, pages: Pages) -> Export {
    let bodies: Bodies = match format {
        Format::Csv => csv::encode(pages),
        Format::Json => json::encode(pages),
        Format::Xlsx => xlsx::encode(pages),
    };
    let mut content_type = format.media_type().to_owned();
    let messages = bodies.map(move |body| {
        Ok(HttpBody {
            content_type: std::mem::take(&mut content_type),
            data: body.map_err(Status::from)?.to_vec(),
            extensions: Vec::new(),
        })
    });
    messages.boxed()
}

// Every page as bytes between a beginning and an end.
fn framed(
    begin: Result<Bytes, Fault>,
    pages: Pages,
    mut page: impl FnMut(Vec<crate::domain::records::Record>) -> Result<Bytes, Fault> + Send + 'static,
    end: Option<Bytes>,
) -> Bodies {
    let middle = pages.map(move |records| page(records?));
    let end = stream::iter(end.map(Ok));
    // What failed has no end that could be taken for one.
    let whole = stream::iter([begin]).chain(middle).chain(end);
    let until_failure = whole.scan(false, |has_failed, piece: Result<Bytes, Fault>| {
        let next = (!*has_failed).then_some(piece);
        *has_failed |= next.as_ref().is_some_and(Result::is_err);
        future::ready(next)
    });
    until_failure.boxed()
}
