//! Alerts.

use contracts::usage::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, ListAlertsRequest, ListAlertsResponse,
    RedeliverAlertRequest, RedeliverAlertResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListAlertsRequest>,
) -> Result<ListAlertsResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn acknowledge(
    _rpc: &UsageAdminRpc,
    _request: Request<AcknowledgeAlertRequest>,
) -> Result<AcknowledgeAlertResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn redeliver(
    _rpc: &UsageAdminRpc,
    _request: Request<RedeliverAlertRequest>,
) -> Result<RedeliverAlertResponse, Fault> {
    Err(Fault::internal("to come"))
}
