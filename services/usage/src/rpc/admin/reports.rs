//! Sums of what was used.

use contracts::usage::v1::{ReportUsageRequest, ReportUsageResponse};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn report(
    _rpc: &UsageAdminRpc,
    _request: Request<ReportUsageRequest>,
) -> Result<ReportUsageResponse, Fault> {
    Err(Fault::internal("to come"))
}
