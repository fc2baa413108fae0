//! The rpcs of `bottega.generation.v1.GenerationService`: who calls, what is asked, do it, say it.

use std::sync::Arc;

use contracts::generation::v1::generation_service_server::GenerationService;
use contracts::generation::v1::{
    CancelGenerationRequest, CancelGenerationResponse, CreateGenerationRequest,
    CreateGenerationResponse, GetGenerationRequest, GetGenerationResponse, ListGenerationsRequest,
    ListGenerationsResponse, ListProvidersRequest, ListProvidersResponse, QuoteGenerationRequest,
    QuoteGenerationResponse, ReportReservationsRequest, ReportReservationsResponse,
    WatchGenerationRequest,
};
use errors::Fault;
use identity::caller_of;
use identity::receipt::{self, Receipt};
use secrecy::SecretString;
use server::Shutdown;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use types::UserId;

use super::repeat;
use super::watch::{EventStream, Watcher};
use super::{convert, convert_quote};
use crate::domain::desk::Desk;
use crate::domain::error::Error;
use crate::domain::keeper::Keeper;

/// The service, as tonic calls it.
pub struct GenerationRpc {
    desk: Arc<Desk>,
    keeper: Keeper,
    watcher: Watcher,
    secret: SecretString,
}

impl GenerationRpc {
    /// The service over this desk; receipts are sealed with the suite's `secret`, and watchers are
    /// sent away when `shutdown` is thrown.
    #[must_use]
    pub fn new(desk: Arc<Desk>, secret: SecretString, shutdown: Shutdown) -> Self {
        let watcher = Watcher {
            tasks: Arc::clone(&desk.tasks),
            signals: Arc::clone(&desk.signals),
            shutdown,
        };
        let keeper = Keeper {
            adoptions: Arc::clone(&desk.adoptions),
            signals: Arc::clone(&desk.signals),
        };
        Self {
            desk,
            keeper,
            watcher,
            secret,
        }
    }

    fn receipt(&self, metadata: &MetadataMap) -> Result<Option<Receipt>, Fault> {
        let Some(value) = metadata.get(receipt::METADATA) else {
            return Ok(None);
        };
        let now = self.desk.clock.now();
        let opened = (value.to_str().ok()).and_then(|text| receipt::open(&self.secret, text, now));
        opened.map(Some).ok_or_else(|| Error::ReceiptRefused.into())
    }
}

#[tonic::async_trait]
impl GenerationService for GenerationRpc {
    async fn create_generation(
        &self,
        request: Request<CreateGenerationRequest>,
    ) -> Result<Response<CreateGenerationResponse>, Status> {
        let patron = convert::patron(caller_of(&request)?)?;
        let receipt = self.receipt(request.metadata())?;
        let keyed = repeat::keyed("CreateGeneration", &request)?;
        let form = convert::read_order(request.into_inner());
        let placed = self.desk.create(patron, form, receipt, keyed).await;
        Ok(repeat::answer(placed.map_err(Fault::from)?, |generation| {
            CreateGenerationResponse {
                generation: Some(convert::generation(generation)),
            }
        }))
    }

    async fn quote_generation(
        &self,
        request: Request<QuoteGenerationRequest>,
    ) -> Result<Response<QuoteGenerationResponse>, Status> {
        let patron = convert::patron(caller_of(&request)?)?;
        let form = convert_quote::read(request.into_inner());
        let quoted = self.desk.quote(&patron, form).await;
        let quoted = convert_quote::quotation(quoted.map_err(Fault::from)?);
        Ok(Response::new(quoted))
    }

    async fn get_generation(
        &self,
        request: Request<GetGenerationRequest>,
    ) -> Result<Response<GetGenerationResponse>, Status> {
        let owner = owner_of(&request)?;
        let id = convert::read_id(&request.get_ref().id)?;
        let found = self.desk.find(owner, id).await;
        let generation = Some(convert::generation(found.map_err(Fault::from)?));
        Ok(Response::new(GetGenerationResponse { generation }))
    }

    async fn list_generations(
        &self,
        request: Request<ListGenerationsRequest>,
    ) -> Result<Response<ListGenerationsResponse>, Status> {
        let owner = owner_of(&request)?;
        let (filter, page) = convert::read_list(request.get_ref())?;
        let found = self.desk.list(owner, filter, page).await;
        let page = convert::page(found.map_err(Fault::from)?);
        Ok(Response::new(page))
    }

    type WatchGenerationStream = EventStream;

    async fn watch_generation(
        &self,
        request: Request<WatchGenerationRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let owner = owner_of(&request)?;
        let (id, after) = convert::read_watch(request.get_ref())?;
        let events = self.watcher.clone().watch(owner, id, after).await;
        Ok(Response::new(events.map_err(Fault::from)?))
    }

    async fn cancel_generation(
        &self,
        request: Request<CancelGenerationRequest>,
    ) -> Result<Response<CancelGenerationResponse>, Status> {
        let owner = owner_of(&request)?;
        let id = convert::read_id(&request.get_ref().id)?;
        let cancelled = self.desk.cancel(owner, id).await;
        let generation = Some(convert::generation(cancelled.map_err(Fault::from)?));
        Ok(Response::new(CancelGenerationResponse { generation }))
    }

    async fn report_reservations(
        &self,
        request: Request<ReportReservationsRequest>,
    ) -> Result<Response<ReportReservationsResponse>, Status> {
        let asked = convert::read_reservations(request.get_ref())?;
        let reports = self.keeper.report(&asked).await.map_err(Fault::from)?;
        Ok(Response::new(convert::reports(&asked, &reports)))
    }

    async fn list_providers(
        &self,
        _request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        Ok(Response::new(convert::providers(self.desk.providers())))
    }
}

fn owner_of<T>(request: &Request<T>) -> Result<UserId, Fault> {
    caller_of(request)?.owner()
}
