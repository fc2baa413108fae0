//! Prices.

use contracts::usage::v1::{
    CreatePriceRequest, CreatePriceResponse, ListPricesRequest, ListPricesResponse,
    RetirePriceRequest, RetirePriceResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn create(
    _rpc: &UsageAdminRpc,
    _request: Request<CreatePriceRequest>,
) -> Result<CreatePriceResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListPricesRequest>,
) -> Result<ListPricesResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn retire(
    _rpc: &UsageAdminRpc,
    _request: Request<RetirePriceRequest>,
) -> Result<RetirePriceResponse, Fault> {
    Err(Fault::internal("to come"))
}
