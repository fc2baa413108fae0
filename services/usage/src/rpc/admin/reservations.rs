//! Reservations that stand open or in suspense.

use contracts::usage::v1::{
    ListReservationsRequest, ListReservationsResponse, ResolveReservationRequest,
    ResolveReservationResponse,
};
use errors::Fault;
use tonic::Request;

use super::UsageAdminRpc;

pub(super) async fn list(
    _rpc: &UsageAdminRpc,
    _request: Request<ListReservationsRequest>,
) -> Result<ListReservationsResponse, Fault> {
    Err(Fault::internal("to come"))
}

pub(super) async fn resolve(
    _rpc: &UsageAdminRpc,
    _request: Request<ResolveReservationRequest>,
) -> Result<ResolveReservationResponse, Fault> {
    Err(Fault::internal("to come"))
}
