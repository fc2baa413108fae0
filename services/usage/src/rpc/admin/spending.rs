//! The pace of spending, and its brake.

use contracts::usage::v1::{
    GetSpendingRequest, GetSpendingResponse, PauseSpendingRequest, PauseSpendingResponse,
    ResumeSpendingRequest, ResumeSpendingResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn get(
    _rpc: &UsageAdminRpc,
    _request: Request<GetSpendingRequest>,
) -> Result<GetSpendingResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn pause(
    _rpc: &UsageAdminRpc,
    _request: Request<PauseSpendingRequest>,
) -> Result<PauseSpendingResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn resume(
    _rpc: &UsageAdminRpc,
    _request: Request<ResumeSpendingRequest>,
) -> Result<ResumeSpendingResponse, Fault> {
    Err(Fault::internal("to come"))
}
