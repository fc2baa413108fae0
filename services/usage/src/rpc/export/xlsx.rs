//! A workbook: written row by row into temporary files, on a thread that may wait for disks, then
//! handed out.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use bytes::Bytes;
use errors::Fault;
use futures::stream::{self, StreamExt};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::Bodies;
use super::text::{COLUMNS, Cell, cells};
use crate::domain::records::{Pages, Record};

const PIECE: usize = 64 * 1024;
// The writer waits for the database and the database for the writer; neither runs far ahead.
const PAGES_AHEAD: usize = 2;

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
    let mut line = 1;
    loop {
        match told.blocking_recv() {
            Some(Told::Page(records)) => {
                for record in records {
                    row(sheet, line, record).map_err(Fault::internal)?;
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

// Text is written as text, which no spreadsheet runs. Numbers beyond 2^53 would lose digits.
fn row(sheet: &mut Worksheet, line: u32, record: Record) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells(record)) {
        match cell {
            Cell::Text(text) | Cell::Decimal(text) => sheet.write_string(line, column, text)?,
            Cell::Number(number) if number.unsigned_abs() < 1 << 53 =>
            {
                #[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
                sheet.write_number(line, column, number as f64)?
            }
            Cell::Number(number) => sheet.write_string(line, column, number.to_string())?,
        };
    }
    Ok(())
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
