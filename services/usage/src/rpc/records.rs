//! What was charged: pages of records, and all of them as a file.

use contracts::google::api::HttpBody;
use contracts::usage::v1::{ExportUsageRequest, ListUsageRecordsRequest, ListUsageRecordsResponse};
use errors::Fault;
use futures::stream::BoxStream;
use tonic::{Request, Status};

use super::usage_service::UsageRpc;

/// The bytes of an export.
pub type Export = BoxStream<'static, Result<HttpBody, Status>>;

pub(super) async fn list(
    _rpc: &UsageRpc,
    _request: Request<ListUsageRecordsRequest>,
) -> Result<ListUsageRecordsResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn export(
    _rpc: &UsageRpc,
    _request: Request<ExportUsageRequest>,
) -> Result<Export, Fault> {
    Err(Fault::internal("to come"))
}
