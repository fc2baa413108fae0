//! A usage service that does what `operation_id` says and tells who asked.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::google::api::HttpBody;
use contracts::usage::v1::usage_service_server::UsageService;
use contracts::usage::v1::{
    AmendRequest, AmendResponse, BeginRequest, BeginResponse, ConfirmRequest, ConfirmResponse,
    ExplainUsageRequest, ExplainUsageResponse, ExportUsageRequest, ExtendRequest, ExtendResponse,
    GetPriceListRequest, GetPriceListResponse, GetUsageRequest, GetUsageResponse,
    ListUsageRecordsRequest, ListUsageRecordsResponse, ReleaseRequest, ReleaseResponse,
    ReserveRequest, ReserveResponse, SettleRequest, SettleResponse, SuspendRequest,
    SuspendResponse,
};
use errors::Fault;
use futures::Stream;
use telemetry::context;
use tonic::{Request, Response, Status};

use super::Seen;

pub struct Usage(pub Arc<Seen>);

#[tonic::async_trait]
impl UsageService for Usage {
    /// Answers `owner/tier` of the caller, and what metadata of that kind is left.
    async fn get_usage(
        &self,
        request: Request<GetUsageRequest>,
    ) -> Result<Response<GetUsageResponse>, Status> {
        let caller = identity::caller_of(&request)?;
        let owner = caller.owner()?;
        let left = request.metadata().get("x-bottega-owner").is_some();
        Ok(Response::new(GetUsageResponse {
            tier: format!("{owner}/{}/{left}", caller.tier),
            limits: Vec::new(),
        }))
    }

    /// `sleep:<ms>`, `hang`, `panic`, `fail`, `request-id`, `time-left`, `from`; answers in `reservation_id`.
    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveResponse>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        let from = request.remote_addr();
        let order = request.into_inner().operation_id;
        let mut answer = String::new();
        let current = context::current();
        match order.split_once(':').unwrap_or((&order, "")) {
            ("sleep", millis) => {
                tokio::time::sleep(Duration::from_millis(millis.parse().unwrap())).await;
            }
            ("hang", _) => std::future::pending().await,
            ("panic", _) => panic!("ordered to"),
            ("fail", _) => return Err(Fault::internal("the disk of db-7 is full").into()),
            ("request-id", _) => answer = current.map(|now| now.request_id).unwrap_or_default(),
            ("from", _) => answer = from.map(|one| one.ip().to_string()).unwrap_or_default(),
            ("time-left", _) => answer = format!("{:?}", current.and_then(|now| now.time_left())),
            _ => {}
        }
        self.0.finished.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(ReserveResponse {
            reservation_id: answer,
            ..ReserveResponse::default()
        }))
    }

    async fn explain_usage(
        &self,
        _: Request<ExplainUsageRequest>,
    ) -> Result<Response<ExplainUsageResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn list_usage_records(
        &self,
        _: Request<ListUsageRecordsRequest>,
    ) -> Result<Response<ListUsageRecordsResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn amend(&self, _: Request<AmendRequest>) -> Result<Response<AmendResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn extend(&self, _: Request<ExtendRequest>) -> Result<Response<ExtendResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn suspend(
        &self,
        _: Request<SuspendRequest>,
    ) -> Result<Response<SuspendResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn get_price_list(
        &self,
        _: Request<GetPriceListRequest>,
    ) -> Result<Response<GetPriceListResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    type ExportUsageStream = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

    async fn export_usage(
        &self,
        _: Request<ExportUsageRequest>,
    ) -> Result<Response<Self::ExportUsageStream>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn confirm(
        &self,
        _: Request<ConfirmRequest>,
    ) -> Result<Response<ConfirmResponse>, Status> {
        Ok(Response::new(ConfirmResponse {}))
    }

    async fn begin(&self, _: Request<BeginRequest>) -> Result<Response<BeginResponse>, Status> {
        Ok(Response::new(BeginResponse {}))
    }

    async fn settle(&self, _: Request<SettleRequest>) -> Result<Response<SettleResponse>, Status> {
        Ok(Response::new(SettleResponse {}))
    }

    async fn release(
        &self,
        _: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        Ok(Response::new(ReleaseResponse {}))
    }
}
