//! What was charged: pages of records, and all of them as a file.

use contracts::google::api::HttpBody;
use contracts::usage::v1::usage_record::Type;
use contracts::usage::v1::{
    ExportUsageRequest, ListUsageRecordsRequest, ListUsageRecordsResponse, UsageRecord,
};
use errors::{Fault, Violations};
use futures::stream::{BoxStream, StreamExt};
use identity::caller_of;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Extensions, Request, Response, Status};
use types::{PageRequest, Timestamp};

use super::export::{self, Format};
use super::usage_service::UsageRpc;
use crate::domain::records::{Record, RecordKind, Span};

/// The bytes of an export.
pub type Export = BoxStream<'static, Result<HttpBody, Status>>;

pub(super) async fn list(
    rpc: &UsageRpc,
    request: Request<ListUsageRecordsRequest>,
) -> Result<ListUsageRecordsResponse, Fault> {
    let owner = caller_of(&request)?.owner()?;
    let request = request.into_inner();
    let mut violations = Violations::new();
    let span = span(request.from, request.until, &mut violations);
    let page = match PageRequest::parse(request.page_size, &request.page_token) {
        Ok(page) if violations.is_empty() => page,
        Ok(_) => return Err(violations.into_fault()),
        Err(error) => {
            violations.add(error.field(), error.to_string());
            return Err(violations.into_fault());
        }
    };
    let page = rpc.records.list(owner, span, page).await?;
    Ok(ListUsageRecordsResponse {
        records: page.items.into_iter().map(UsageRecord::from).collect(),
        next_page_token: page.next_token,
    })
}

pub(super) async fn export(
    rpc: &UsageRpc,
    request: Request<ExportUsageRequest>,
) -> Result<Response<Export>, Fault> {
    let owner = caller_of(&request)?.owner()?;
    let request = request.into_inner();
    let mut violations = Violations::new();
    let span = span(request.from, request.until, &mut violations);
    let format = violations.read("format", request.format.parse::<Format>());
    let Some(format) = format.filter(|_| violations.is_empty()) else {
        return Err(violations.into_fault());
    };
    let pages = match format.most() {
        Some(most) => rpc.records.all_if_at_most(owner, span, most).await?,
        None => rpc.records.all(owner, span),
    };
    let leave = match format {
        Format::Xlsx => Some(rpc.workbooks.take()?),
        Format::Csv | Format::Json => None,
    };
    let metadata = headers(format)?;
    let body = export::encode(format, pages).inspect(move |_| {
        // Lasts as long as the file is on its way.
        let _ = &leave;
    });
    let body = body.boxed();
    Ok(Response::from_parts(metadata, body, Extensions::default()))
}

// HTTP fields as gRPC metadata, the way every download says them.
fn headers(format: Format) -> Result<MetadataMap, Fault> {
    let name = format!("attachment; filename=\"usage.{}\"", format.as_str());
    let mut metadata = MetadataMap::new();
    for (field, text) in [
        ("content-disposition", name.as_str()),
        ("cache-control", "private, no-store"),
    ] {
        let value = MetadataValue::try_from(text).map_err(Fault::internal)?;
        metadata.insert(field, value);
    }
    Ok(metadata)
}

fn span(
    from: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
    violations: &mut Violations,
) -> Span {
    let mut read = |field: &str, moment: Option<prost_types::Timestamp>| {
        let moment = moment?;
        let micros = micros(&moment);
        violations.check(
            micros.is_some(),
            field,
            "must be a moment of the years 1 to 9999",
        );
        micros.map(Timestamp)
    };
    let span = Span {
        from: read("from", from),
        until: read("until", until),
    };
    if let (Some(from), Some(until)) = (span.from, span.until) {
        violations.check(from < until, "until", "must be after 'from'");
    }
    span
}

fn micros(moment: &prost_types::Timestamp) -> Option<i64> {
    let is_known = (-62_135_596_800..=253_402_300_799).contains(&moment.seconds)
        && (0..1_000_000_000).contains(&moment.nanos);
    is_known.then(|| moment.seconds * 1_000_000 + i64::from(moment.nanos) / 1_000)
}

impl From<Record> for UsageRecord {
    fn from(record: Record) -> Self {
        Self {
            id: record.id.to_string(),
            r#type: match record.kind {
                RecordKind::Charge => Type::Charge.into(),
                RecordKind::Adjustment => Type::Adjustment.into(),
            },
            created_at: Some(record.created_at.into()),
            kind: record.work,
            provider: record.provider,
            model: record.model,
            project_id: record.project,
            api_key_id: record.api_key,
            task_id: record.task,
            attempt: record.attempt,
            generations: record.units,
            tokens: record.tokens,
            charged_microusd: record.charged.0,
            price_version: record.price_version,
            note: record.note,
        }
    }
}
