//! Files of a few records, as whoever opens them finds them.

use std::io::{Cursor, Read};

use futures::stream::{self, StreamExt};
use types::{Microusd, Timestamp};
use uuid::Uuid;

use super::{Format, encode};
use crate::domain::records::{Record, RecordKind};

fn record(charged: i64, note: &str) -> Record {
    Record {
        id: Uuid::nil(),
        kind: RecordKind::Adjustment,
        created_at: Timestamp(0),
        work: String::new(),
        provider: "gemini".to_owned(),
        model: String::new(),
        project: String::new(),
        api_key: String::new(),
        task: String::new(),
        attempt: 0,
        units: 0,
        tokens: 0,
        charged: Microusd(charged),
        price_version: String::new(),
        note: note.to_owned(),
    }
}

async fn file(format: Format, pages: Vec<Vec<Record>>) -> Vec<u8> {
    let pages = stream::iter(pages.into_iter().map(Ok)).boxed();
    let mut messages = encode(format, pages);
    let mut bytes = Vec::new();
    while let Some(message) = messages.next().await {
        bytes.extend(message.unwrap().data);
    }
    bytes
}

#[tokio::test]
async fn elements_are_separated_over_pages() {
    let pages = vec![vec![record(1, "a"), record(2, "b")], vec![record(3, "c")]];
    let array: serde_json::Value =
        serde_json::from_slice(&file(Format::Json, pages).await).unwrap();
    let charged: Vec<_> = (array.as_array().unwrap().iter())
        .map(|one| one["chargedMicrousd"].as_i64().unwrap())
        .collect();
    assert_eq!(charged, [1, 2, 3]);
}

#[tokio::test]
async fn a_sheet_counts_with_numbers_and_runs_no_text() {
    let mut late = record(-1, "\"x\"\n<y>");
    late.created_at = Timestamp(86_400_000_000);
    let pages = vec![vec![record(i64::MIN, "=1+1"), late]];
    let bytes = file(Format::Xlsx, pages).await;
    let mut workbook = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut sheet = String::new();
    let mut part = workbook.by_name("xl/worksheets/sheet1.xml").unwrap();
    part.read_to_string(&mut sheet).unwrap();

    // A moment in days, a whole number, dollars: cells without a type are numbers.
    let number = |cell: &str, value: &str| {
        let cell = sheet.split(&format!("<c r=\"{cell}\"")).nth(1).unwrap();
        let (attributes, rest) = cell.split_once("><v>").unwrap();
        assert!(!attributes.contains("t="), "{cell}");
        assert!(rest.starts_with(&format!("{value}</v>")), "{cell}");
    };
    number("C3", "25570");
    number("M3", "-1");
    number("N3", "-0.000001");
    // No spreadsheet counts as far as that, so it stays whole as text; and no text is a formula.
    assert!(sheet.contains("-9223372036854775808"));
    assert!(sheet.contains("=1+1") && !sheet.contains("<f>"));
}

#[tokio::test]
async fn a_failure_ends_the_file() {
    for format in [Format::Csv, Format::Json, Format::Xlsx] {
        let pages = vec![
            Ok(vec![record(1, "")]),
            Err(crate::domain::error::Error::NotFound("page")),
        ];
        let mut messages = encode(format, stream::iter(pages).boxed());
        let mut outcome = Ok(());
        while let Some(message) = messages.next().await {
            outcome = message.map(|_| ());
        }
        assert!(outcome.is_err(), "{format:?}");
    }
}
