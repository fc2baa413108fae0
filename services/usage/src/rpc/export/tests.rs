//! Files of a few records, as whoever opens them finds them.

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
async fn a_sheet_holds_what_numbers_cannot() {
    let pages = vec![vec![record(i64::MIN, "=1+1"), record(-1, "\"x\"\n<y>")]];
    let bytes = file(Format::Xlsx, pages).await;
    assert!(bytes.starts_with(b"PK"));
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
