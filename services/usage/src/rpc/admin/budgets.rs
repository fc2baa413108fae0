//! Budgets.

use contracts::usage::v1::{
    CreateBudgetRequest, CreateBudgetResponse, DeleteBudgetRequest, DeleteBudgetResponse,
    GetBudgetRequest, GetBudgetResponse, ListBudgetsRequest, ListBudgetsResponse,
    UpdateBudgetRequest, UpdateBudgetResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn create(
    _rpc: &UsageAdminRpc,
    _request: Request<CreateBudgetRequest>,
) -> Result<CreateBudgetResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListBudgetsRequest>,
) -> Result<ListBudgetsResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn get(
    _rpc: &UsageAdminRpc,
    _request: Request<GetBudgetRequest>,
) -> Result<GetBudgetResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn update(
    _rpc: &UsageAdminRpc,
    _request: Request<UpdateBudgetRequest>,
) -> Result<UpdateBudgetResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn delete(
    _rpc: &UsageAdminRpc,
    _request: Request<DeleteBudgetRequest>,
) -> Result<DeleteBudgetResponse, Fault> {
    Err(Fault::internal("to come"))
}
