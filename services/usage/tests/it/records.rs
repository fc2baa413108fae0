//! What was charged, as pages and as files: complete, once, in order, the caller's own and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use contracts::usage::v1::{ExportUsageRequest, ListUsageRecordsRequest, UsageRecord};
use errors::{Reason, from_status};
use futures::StreamExt;
use testkit::{ManualClock, TestDb};
use tonic::{Code, Response};
use types::{Microusd, Page, PageRequest, Timestamp, UserId};
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::records::{Record, RecordKind, RecordStore, Records, Span};
use uuid::Uuid;

use crate::books::{Books, user};
use crate::served::{ANNA, Served};

const PLANS: &str = "free:1000";

async fn list(served: &Served, mut request: ListUsageRecordsRequest) -> Vec<Vec<UsageRecord>> {
    let mut client = served.client();
    let mut pages = Vec::new();
    loop {
        let answer = client.list_usage_records(served.as_user(ANNA, "free", request.clone()));
        let answer = answer.await.unwrap().into_inner();
        pages.push(answer.records);
        if answer.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = answer.next_page_token;
    }
}

async fn export(served: &Served, request: ExportUsageRequest) -> (String, String, Vec<u8>) {
    let answer = served
        .client()
        .export_usage(served.as_user(ANNA, "free", request))
        .await;
    let answer: Response<_> = answer.unwrap();
    let name = answer.metadata().get("content-disposition").unwrap();
    let name = name.to_str().unwrap().to_owned();
    let mut stream = answer.into_inner();
    let (mut kind, mut bytes) = (String::new(), Vec::new());
    while let Some(piece) = stream.message().await.unwrap() {
        kind.push_str(&piece.content_type);
        bytes.extend(piece.data);
    }
    (name, kind, bytes)
}

fn moment(at: Timestamp) -> Option<prost_types::Timestamp> {
    Some(at.into())
}

#[tokio::test]
async fn pages_are_the_callers_own_newest_first() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[]).await;
        let books = Books::open(&test, PLANS).await;
        books.history(&[ANNA, user()]).await;
        books.clock.advance(Duration::from_hours(1));
        books.charge(ANNA, "gemini", 41_000).await;
        let request = ListUsageRecordsRequest {
            page_size: 2,
            ..ListUsageRecordsRequest::default()
        };
        let pages = list(&served, request).await;
        // Seven charges, two of them for one piece of work, and two corrections.
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 2, 2, 1], "{}", test.name());
        let records: Vec<UsageRecord> = pages.into_iter().flatten().collect();
        assert!(records.is_sorted_by(|left, right| left.id > right.id));
        let money: Vec<i64> = records.iter().map(|one| one.charged_microusd).collect();
        let expected = [41_000, 0, -1_000, 31_000, 9_000, 40_000, 0, 40_000, 39_000];
        assert_eq!(money, expected);
        assert_eq!(records[1].generations, 1);
        assert_eq!((records[2].note.as_str(), records[2].r#type), ("sorry", 2));
        assert_eq!(
            (records[0].provider.as_str(), records[0].project_id.as_str()),
            ("gemini", "atlas")
        );

        let noon = served.clock.clone();
        let later = types::Clock::now(&noon).plus(Duration::from_secs(1));
        let within = |from, until| ListUsageRecordsRequest {
            from,
            until,
            ..ListUsageRecordsRequest::default()
        };
        assert_eq!(list(&served, within(moment(later), None)).await[0].len(), 1);
        assert_eq!(list(&served, within(None, moment(later))).await[0].len(), 8);
        served.stop().await;
    }
}

#[tokio::test]
async fn wrong_questions_name_their_fields() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    let mut client = served.client();
    let request = ListUsageRecordsRequest {
        page_size: 101,
        from: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..ListUsageRecordsRequest::default()
    };
    let refused = client
        .list_usage_records(served.as_user(ANNA, "free", request))
        .await;
    let fault = from_status(refused.unwrap_err());
    let fields: Vec<_> = fault
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["from", "pageSize"]);
    let request = ExportUsageRequest {
        format: "pdf".to_owned(),
        from: moment(Timestamp(5)),
        until: moment(Timestamp(5)),
    };
    let refused = client
        .export_usage(served.as_user(ANNA, "free", request))
        .await;
    let fault = from_status(refused.unwrap_err());
    assert_eq!(fault.reason, Reason::InvalidField);
    let fields: Vec<_> = fault
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["until", "format"]);
    let nobody = client.export_usage(ExportUsageRequest::default()).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    served.stop().await;
}

#[tokio::test]
async fn files_hold_every_record_oldest_first() {
    for test in TestDb::both("usage").await {
        let served = Served::start(&test, &[]).await;
        let books = Books::open(&test, PLANS).await;
        books.charge(ANNA, "gemini", 39_000).await;
        books.charge(user(), "gemini", 1).await;
        books
            .adjust(
                ANNA,
                Meter::Microusd,
                -1_500_000,
                "=cmd|'/c calc'!A1, \"so\"\nsorry",
            )
            .await;

        let (name, kind, bytes) = export(&served, ExportUsageRequest::default()).await;
        assert_eq!(name, "attachment; filename=\"usage.csv\"");
        assert!(kind.starts_with("text/csv"), "{kind}");
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.starts_with("id,type,created_at,") && text.ends_with("\r\n"),
            "{text}"
        );
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2, "{}: {text}", test.name());
        let columns = |row: usize, at: [usize; 4]| at.map(|column| rows[row][column].to_owned());
        assert_eq!(
            columns(0, [1, 4, 12, 13]),
            ["CHARGE", "gemini", "39000", "0.039000"]
        );
        assert_eq!(
            columns(1, [1, 4, 12, 13]),
            ["ADJUSTMENT", "", "-1500000", "-1.500000"]
        );
        assert_eq!(&rows[1][15], "'=cmd|'/c calc'!A1, \"so\"\nsorry");
        assert_eq!(&rows[0][2], "2026-11-20T12:00:00Z");

        let as_what = |format: &str| ExportUsageRequest {
            format: format.to_owned(),
            ..ExportUsageRequest::default()
        };
        let (name, kind, bytes) = export(&served, as_what("json")).await;
        assert_eq!(
            (name.as_str(), kind.as_str()),
            ("attachment; filename=\"usage.json\"", "application/json")
        );
        let array: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(array.as_array().unwrap().len(), 2);
        assert_eq!(array[1]["chargedMicrousd"], -1_500_000);
        assert!(array[1]["note"].as_str().unwrap().starts_with("=cmd"));

        let (name, kind, bytes) = export(&served, as_what("xlsx")).await;
        assert!(
            name.ends_with("usage.xlsx\"") && kind.contains("spreadsheetml"),
            "{name} {kind}"
        );
        assert!(bytes.starts_with(b"PK") && bytes.len() > 2_000);
        served.stop().await;
    }
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let test = TestDb::sqlite("usage").await;
    let served = Served::start(&test, &[]).await;
    for (format, expected) in [("csv", "id,type"), ("json", "[\n]\n"), ("xlsx", "PK")] {
        let request = ExportUsageRequest {
            format: format.to_owned(),
            ..ExportUsageRequest::default()
        };
        let (_, kind, bytes) = export(&served, request).await;
        assert!(
            bytes.starts_with(expected.as_bytes()) && !kind.is_empty(),
            "{format}"
        );
    }
    served.stop().await;
}

/// So many records, made when they are read.
struct Endless {
    most: u128,
    read: AtomicUsize,
}

fn made_up(number: u128) -> Record {
    Record {
        id: Uuid::from_u128(number),
        kind: RecordKind::Charge,
        created_at: Timestamp(0),
        work: "IMAGE".to_owned(),
        provider: "gemini".to_owned(),
        model: String::new(),
        project: String::new(),
        api_key: String::new(),
        task: String::new(),
        attempt: 1,
        units: 1,
        tokens: 0,
        charged: Microusd(39_000),
        price_version: String::new(),
        note: String::new(),
    }
}

#[async_trait]
impl RecordStore for Endless {
    async fn newest(&self, _: UserId, _: Span, _: PageRequest) -> Result<Page<Record>, Error> {
        Err(Error::NotFound("page"))
    }

    async fn after(
        &self,
        _: UserId,
        _: Span,
        id: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Record>, Error> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let first = id.map_or(1, |id| id.as_u128() + 1);
        let end = (first + u128::from(most)).min(self.most + 1);
        Ok((first..end).map(made_up).collect())
    }

    async fn count(&self, _: UserId, _: Span, most: u64) -> Result<u64, Error> {
        Ok(u64::try_from(self.most).unwrap().min(most))
    }
}

#[tokio::test]
async fn pages_are_read_when_they_are_wanted() {
    let store = Arc::new(Endless {
        most: 2_500,
        read: AtomicUsize::new(0),
    });
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let records = Records::new(store.clone(), clock);
    let mut pages = records.all(user(), Span::default());
    for read in 1..=2 {
        assert_eq!(pages.next().await.unwrap().unwrap().len(), 1_000);
        assert_eq!(store.read.load(Ordering::SeqCst), read);
    }
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 500);
    assert!(pages.next().await.is_none());
    assert_eq!(store.read.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_sheet_has_an_end() {
    let records = |most| {
        let store = Endless {
            most,
            read: AtomicUsize::new(0),
        };
        Records::new(Arc::new(store), Arc::new(ManualClock::new(Timestamp(0))))
    };
    let most = 1_048_575;
    assert!(
        records(u128::from(most))
            .all_if_at_most(user(), Span::default(), most)
            .await
            .is_ok()
    );
    let refused = records(u128::from(most) + 1)
        .all_if_at_most(user(), Span::default(), most)
        .await;
    match refused.err() {
        Some(Error::Invalid(fields)) => {
            assert_eq!(fields[0].field, "format");
            assert!(fields[0].description.contains("1048575"));
        }
        other => panic!("{other:?}"),
    }
}
