//! Plans.

use contracts::usage::v1::{
    DeletePlanRequest, DeletePlanResponse, GetPlanRequest, GetPlanResponse, ListPlansRequest,
    ListPlansResponse, PutPlanRequest, PutPlanResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListPlansRequest>,
) -> Result<ListPlansResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn get(
    _rpc: &UsageAdminRpc,
    _request: Request<GetPlanRequest>,
) -> Result<GetPlanResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn put(
    _rpc: &UsageAdminRpc,
    _request: Request<PutPlanRequest>,
) -> Result<PutPlanResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn delete(
    _rpc: &UsageAdminRpc,
    _request: Request<DeletePlanRequest>,
) -> Result<DeletePlanResponse, Fault> {
    Err(Fault::internal("to come"))
}
