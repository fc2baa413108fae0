//! Who changed which rule.

use contracts::usage::v1::{ListAuditEventsRequest, ListAuditEventsResponse};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListAuditEventsRequest>,
) -> Result<ListAuditEventsResponse, Fault> {
    Err(Fault::internal("to come"))
}
