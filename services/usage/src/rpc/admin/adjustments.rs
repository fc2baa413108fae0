//! Corrections by hand.

use contracts::usage::v1::{
    CreateAdjustmentRequest, CreateAdjustmentResponse, ListAdjustmentsRequest,
    ListAdjustmentsResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn create(
    _rpc: &UsageAdminRpc,
    _request: Request<CreateAdjustmentRequest>,
) -> Result<CreateAdjustmentResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListAdjustmentsRequest>,
) -> Result<ListAdjustmentsResponse, Fault> {
    Err(Fault::internal("to come"))
}
