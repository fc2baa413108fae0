//! Counts to five.

use std::pin::Pin;

use contracts::google::api::HttpBody;
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::usage_service_server::{UsageService, UsageServiceServer};
use contracts::usage::v1::*;
use errors::{Fault, Reason};
use futures::Stream;
use identity::{Caller, caller_of};
use tonic::{Request, Response, Status};
use types::{Clock, SystemClock, Timestamp};
use uuid::Uuid;

use super::Shared;

pub const LIMIT: i64 = 5;

/// What happened here.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub reserved: Shared<Vec<(Caller, ReserveRequest, String)>>,
    pub released: Shared<Vec<String>>,
    /// How many calls of `Release` fail before one works.
    pub failures: Shared<u32>,
}

pub fn service(log: &Log) -> UsageServiceServer<Usage> {
    UsageServiceServer::new(Usage(log.clone()))
}

pub struct Usage(Log);

fn in_an_hour() -> Timestamp {
    Timestamp(SystemClock.now().micros() + 3_600_000_000)
}

#[tonic::async_trait]
impl UsageService for Usage {
    async fn get_usage(
        &self,
        request: Request<GetUsageRequest>,
    ) -> Result<Response<GetUsageResponse>, Status> {
        let tier = caller_of(&request)?.tier.clone();
        Ok(Response::new(GetUsageResponse {
            tier,
            limits: Vec::new(),
        }))
    }

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveResponse>, Status> {
        let caller = caller_of(&request)?.clone();
        let mut reserved = self.0.reserved.lock();
        let used = i64::try_from(reserved.len()).unwrap_or(i64::MAX);
        if used >= LIMIT {
            let fault = Fault::new(Reason::QuotaExceeded, "5 of 5 generations are used")
                .with("meter", "GENERATIONS")
                .with("window", "MONTH")
                .with("limit", LIMIT)
                .with("used", used)
                .with("reserved", 0)
                .with("resetAt", in_an_hour());
            return Err(fault.into());
        }
        let id = Uuid::now_v7().to_string();
        reserved.push((caller, request.into_inner(), id.clone()));
        let limit = Limit {
            meter: Meter::Generations.into(),
            window: Window::Month.into(),
            limit: LIMIT,
            used: 0,
            reserved: used + 1,
            remaining: LIMIT - used - 1,
            reset_at: Some(in_an_hour().into()),
            scope: None,
        };
        let expires_at = Some(in_an_hour().into());
        Ok(Response::new(ReserveResponse {
            reservation_id: id,
            limits: vec![limit],
            expires_at,
            price: None,
        }))
    }

    async fn explain_usage(
        &self,
        _: Request<ExplainUsageRequest>,
    ) -> Result<Response<ExplainUsageResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn list_usage_records(
        &self,
        _: Request<ListUsageRecordsRequest>,
    ) -> Result<Response<ListUsageRecordsResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type ExportUsageStream = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

    async fn export_usage(
        &self,
        _: Request<ExportUsageRequest>,
    ) -> Result<Response<Self::ExportUsageStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn amend(&self, _: Request<AmendRequest>) -> Result<Response<AmendResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn extend(&self, _: Request<ExtendRequest>) -> Result<Response<ExtendResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn suspend(
        &self,
        _: Request<SuspendRequest>,
    ) -> Result<Response<SuspendResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_price_list(
        &self,
        _: Request<GetPriceListRequest>,
    ) -> Result<Response<GetPriceListResponse>, Status> {
        Err(Status::unimplemented("not here"))
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
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        let mut failures = self.0.failures.lock();
        if *failures > 0 {
            *failures -= 1;
            return Err(Status::unavailable("not now"));
        }
        self.0
            .released
            .lock()
            .push(request.into_inner().reservation_id);
        Ok(Response::new(ReleaseResponse {}))
    }
}
