//! A workbook: written row by row into temporary files, on a thread that may wait for disks, then
//! handed out.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use bytes::Bytes;
use errors::Fault;
use futures::stream::{self, StreamExt};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::Bodies;
use super::text::{COLUMNS, Cell, cells, dollars_text};
use crate::domain::records::{Pages, Record};

const PIECE: usize = 64 * 1024;
// The writer waits for the database and the database for the writer; neither runs far ahead.
const PAGES_AHEAD: usize = 2;
const DAY_MICROS: f64 = 86_400e6;
// A spreadsheet counts days, in UTC here, from the last one of 1899.
const EPOCH_DAYS: f64 = 25_569.0;

/// What the writer is told.
enum Told {
    /// More rows.
    Page(Vec<Record>),
    /// That was all. When it is never told, the reader is gone.
    End,
}

pub fn encode(pages: Pages) -> Bodies {
    let file = stream::once(async move {
        match write(pages).await {
            Ok(file) => read(file),
            Err(fault) => stream::iter([Err(fault)]).boxed(),
        }
    });
    file.flatten().boxed()
}

async fn write(mut pages: Pages) -> Result<File, Fault> {
    let (sender, told) = mpsc::channel(PAGES_AHEAD);
    let written = tokio::task::spawn_blocking(move || workbook(told));
    while let Some(records) = pages.next().await {
        if sender.send(Told::Page(records?)).await.is_err() {
            // The writer failed, and says why below.
            break;
        }
    }
    let _ = sender.send(Told::End).await;
    drop(sender);
    written.await.map_err(Fault::internal)?
}

fn workbook(mut told: mpsc::Receiver<Told>) -> Result<File, Fault> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory();
    let sheet = sheet.map_err(Fault::internal)?;
    sheet.set_name("usage").map_err(Fault::internal)?;
    header(sheet).map_err(Fault::internal)?;
    let formats = Formats::new();
    let mut line = 1;
    loop {
        match told.blocking_recv() {
            Some(Told::Page(records)) => {
                for record in records {
                    row(sheet, line, record, &formats).map_err(Fault::internal)?;
                    line += 1;
                }
            }
            Some(Told::End) => break,
            None => return Err(Fault::internal("the reader of the export is gone")),
        }
    }
    let mut file = tempfile::tempfile().map_err(Fault::internal)?;
    workbook
        .save_to_writer(&mut file)
        .map_err(Fault::internal)?;
    file.seek(SeekFrom::Start(0)).map_err(Fault::internal)?;
    Ok(file)
}

fn header(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string(0, column, name)?;
    }
    Ok(())
}

/// How cells show what they hold.
struct Formats {
    moment: Format,
    dollars: Format,
}

impl Formats {
    fn new() -> Self {
        Self {
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss.000"),
            dollars: Format::new().set_num_format("0.000000"),
        }
    }
}

// Text is written as text, which no spreadsheet runs. Numbers beyond 2^53 would lose digits: they are
// text too, and so are moments before the first that a spreadsheet knows.
fn row(
    sheet: &mut Worksheet,
    line: u32,
    record: Record,
    formats: &Formats,
) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells(record)) {
        match cell {
            Cell::Text(text) => sheet.write_string(line, column, text)?,
            Cell::Number(number) => match exact(number) {
                Some(number) => sheet.write_number(line, column, number)?,
                None => sheet.write_string(line, column, number.to_string())?,
            },
            Cell::Dollars(amount) => match exact(amount.0) {
                Some(micros) => {
                    let dollars = micros / 1e6;
                    sheet.write_number_with_format(line, column, dollars, &formats.dollars)?
                }
                None => sheet.write_string(line, column, dollars_text(amount))?,
            },
            Cell::Moment(moment) => match exact(moment.micros()).filter(|micros| *micros >= 0.0) {
                Some(micros) => {
                    let days = micros / DAY_MICROS + EPOCH_DAYS;
                    sheet.write_number_with_format(line, column, days, &formats.moment)?
                }
                None => sheet.write_string(line, column, moment.to_string())?,
            },
        };
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
fn exact(number: i64) -> Option<f64> {
    (number.unsigned_abs() < 1 << 53).then_some(number as f64)
}

fn read(file: File) -> Bodies {
    let file = tokio::fs::File::from_std(file);
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await.map_err(Fault::internal)?;
        piece.truncate(count);
        Ok((count > 0).then(|| (Bytes::from(piece), file)))
    });
    pieces.boxed()
}
