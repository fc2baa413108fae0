//! The rpcs of `UsageService`. Who may call which is checked before they run, from the policies.

use std::sync::Arc;

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
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::export::Workbooks;
use super::{convert, records};
use crate::domain::clerk::{Done, Instruction};
use crate::domain::records::Records;
use crate::domain::usage::Usage;

/// The rpcs.
#[derive(Clone)]
pub struct UsageRpc {
    usage: Arc<Usage>,
    pub(super) records: Records,
    pub(super) workbooks: Workbooks,
}

impl UsageRpc {
    /// Serves these use cases.
    #[must_use]
    pub fn new(usage: Arc<Usage>, records: Records) -> Self {
        Self {
            usage,
            records,
            workbooks: Workbooks::default(),
        }
    }

    async fn post(&self, instruction: Instruction) -> Result<Done, Fault> {
        Ok(self.usage.post(instruction).await?)
    }
}

#[tonic::async_trait]
impl UsageService for UsageRpc {
    async fn get_usage(
        &self,
        request: Request<GetUsageRequest>,
    ) -> Result<Response<GetUsageResponse>, Status> {
        let caller = caller_of(&request)?;
        let looked = self.usage.look(caller.owner()?, &caller.tier).await;
        let (plan, standings) = looked.map_err(Fault::from)?;
        Ok(Response::new(convert::usage(&plan, &standings)))
    }

    async fn explain_usage(
        &self,
        request: Request<ExplainUsageRequest>,
    ) -> Result<Response<ExplainUsageResponse>, Status> {
        let caller = caller_of(&request)?;
        let thought = convert::thought(request.get_ref())?;
        let owner = caller.owner()?;
        let explained = self.usage.explain(owner, &caller.tier, thought).await;
        Ok(Response::new(convert::explained(
            explained.map_err(Fault::from)?,
        )))
    }

    async fn list_usage_records(
        &self,
        request: Request<ListUsageRecordsRequest>,
    ) -> Result<Response<ListUsageRecordsResponse>, Status> {
        Ok(Response::new(records::list(self, request).await?))
    }

    type ExportUsageStream = records::Export;

    async fn export_usage(
        &self,
        request: Request<ExportUsageRequest>,
    ) -> Result<Response<Self::ExportUsageStream>, Status> {
        Ok(records::export(self, request).await?)
    }

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveResponse>, Status> {
        let ask = convert::ask(request.into_inner())?;
        let done = self.post(Instruction::Reserve(ask)).await?;
        Ok(Response::new(done.into()))
    }

    async fn amend(
        &self,
        request: Request<AmendRequest>,
    ) -> Result<Response<AmendResponse>, Status> {
        let amendment = convert::amendment(request.into_inner())?;
        let done = self.post(Instruction::Amend(amendment)).await?;
        Ok(Response::new(done.into()))
    }

    async fn extend(
        &self,
        request: Request<ExtendRequest>,
    ) -> Result<Response<ExtendResponse>, Status> {
        let (id, hold) = convert::extension(request.get_ref())?;
        let done = self.post(Instruction::Extend(id, hold)).await?;
        Ok(Response::new(done.into()))
    }

    async fn confirm(
        &self,
        request: Request<ConfirmRequest>,
    ) -> Result<Response<ConfirmResponse>, Status> {
        let id = convert::reservation_id(&request.get_ref().reservation_id)?;
        self.post(Instruction::Confirm(id)).await?;
        Ok(Response::new(ConfirmResponse {}))
    }

    async fn begin(
        &self,
        request: Request<BeginRequest>,
    ) -> Result<Response<BeginResponse>, Status> {
        let id = convert::reservation_id(&request.get_ref().reservation_id)?;
        self.post(Instruction::Begin(id)).await?;
        Ok(Response::new(BeginResponse {}))
    }

    async fn settle(
        &self,
        request: Request<SettleRequest>,
    ) -> Result<Response<SettleResponse>, Status> {
        let (id, settlement) = convert::settlement(request.into_inner())?;
        self.post(Instruction::Settle(id, settlement)).await?;
        Ok(Response::new(SettleResponse {}))
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        let id = convert::reservation_id(&request.get_ref().reservation_id)?;
        self.post(Instruction::Release(id)).await?;
        Ok(Response::new(ReleaseResponse {}))
    }

    async fn suspend(
        &self,
        request: Request<SuspendRequest>,
    ) -> Result<Response<SuspendResponse>, Status> {
        let id = convert::reservation_id(&request.get_ref().reservation_id)?;
        self.post(Instruction::Suspend(id)).await?;
        Ok(Response::new(SuspendResponse {}))
    }

    async fn get_price_list(
        &self,
        request: Request<GetPriceListRequest>,
    ) -> Result<Response<GetPriceListResponse>, Status> {
        let page = convert::price_page(request.get_ref())?;
        let rules = self.usage.rules().await.map_err(Fault::from)?;
        Ok(Response::new(convert::price_list(&rules, page)))
    }
}
