//! Comma-separated values as RFC 4180 has them: lines end with CR and LF, the first one is the header.

use bytes::Bytes;
use csv::{Terminator, Writer, WriterBuilder};
use errors::Fault;

use super::text::{COLUMNS, Cell, cells, dollars_text, harmless};
use super::{Bodies, framed};
use crate::domain::records::{Pages, Record};

pub fn encode(pages: Pages) -> Bodies {
    framed(header(), pages, page, None)
}

fn header() -> Result<Bytes, Fault> {
    let mut writer = writer();
    writer.write_record(COLUMNS).map_err(Fault::internal)?;
    finish(writer)
}

fn page(records: Vec<Record>) -> Result<Bytes, Fault> {
    let mut writer = writer();
    for record in records {
        let fields = cells(record).map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Number(number) => number.to_string(),
            Cell::Dollars(amount) => dollars_text(amount),
            Cell::Moment(moment) => moment.to_string(),
        });
        writer.write_record(fields).map_err(Fault::internal)?;
    }
    finish(writer)
}

fn writer() -> Writer<Vec<u8>> {
    (WriterBuilder::new().terminator(Terminator::CRLF)).from_writer(Vec::new())
}

fn finish(writer: Writer<Vec<u8>>) -> Result<Bytes, Fault> {
    let bytes = writer.into_inner();
    Ok(bytes
        .map_err(|error| Fault::internal(error.into_error()))?
        .into())
}
