//! The rpcs of `UsageService`. Who may call which is checked before they run, from the policies.

use std::sync::Arc;

use contracts::usage::v1::usage_service_server::UsageService;
use contracts::usage::v1::{
    ConfirmRequest, ConfirmResponse, GetUsageRequest, GetUsageResponse, ReleaseRequest,
    ReleaseResponse, ReserveRequest, ReserveResponse, SettleRequest, SettleResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::convert;
use crate::domain::reservation::Action;
use crate::domain::usage::Usage;

/// The rpcs.
#[derive(Clone)]
pub struct UsageRpc {
    usage: Arc<Usage>,
}

impl UsageRpc {
    /// Serves these use cases.
    #[must_use]
    pub fn new(usage: Arc<Usage>) -> Self {
        Self { usage }
    }

    async fn resolve(&self, reservation_id: &str, action: Action) -> Result<(), Fault> {
        let id = convert::reservation_id(reservation_id)?;
        Ok(self.usage.resolve(id, action).await?)
    }
}

#[tonic::async_trait]
impl UsageService for UsageRpc {
    async fn get_usage(
        &self,
        request: Request<GetUsageRequest>,
    ) -> Result<Response<GetUsageResponse>, Status> {
        let caller = caller_of(&request)?;
        let owner = caller.owner()?;
        let plan = convert::plan(&caller.tier, self.usage.plans())?;
        let limits = self.usage.look(owner, plan).await.map_err(Fault::from)?;
        Ok(Response::new(convert::usage(plan, &limits)))
    }

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveResponse>, Status> {
        let ask = convert::ask(request.get_ref(), self.usage.plans())?;
        let reserved = self.usage.reserve(&ask).await.map_err(Fault::from)?;
        Ok(Response::new(reserved.into()))
    }

    async fn confirm(
        &self,
        request: Request<ConfirmRequest>,
    ) -> Result<Response<ConfirmResponse>, Status> {
        let id = &request.get_ref().reservation_id;
        self.resolve(id, Action::Confirm).await?;
        Ok(Response::new(ConfirmResponse {}))
    }

    async fn settle(
        &self,
        request: Request<SettleRequest>,
    ) -> Result<Response<SettleResponse>, Status> {
        let id = &request.get_ref().reservation_id;
        self.resolve(id, Action::Settle).await?;
        Ok(Response::new(SettleResponse {}))
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        let id = &request.get_ref().reservation_id;
        self.resolve(id, Action::Release).await?;
        Ok(Response::new(ReleaseResponse {}))
    }
}
