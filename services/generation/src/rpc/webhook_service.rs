//! The rpcs of `bottega.generation.v1.WebhookService`: who calls, what is asked, do it, say it.

use contracts::generation::v1::webhook_service_server::WebhookService;
use contracts::generation::v1::{
    CreateWebhookRequest, CreateWebhookResponse, DeleteWebhookRequest, DeleteWebhookResponse,
    GetWebhookRequest, GetWebhookResponse, ListWebhookDeliveriesRequest,
    ListWebhookDeliveriesResponse, ListWebhooksRequest, ListWebhooksResponse,
    RedeliverWebhookRequest, RedeliverWebhookResponse, RotateWebhookSecretRequest,
    RotateWebhookSecretResponse, TestWebhookRequest, TestWebhookResponse, UpdateWebhookRequest,
    UpdateWebhookResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::convert_webhook as convert;
use crate::domain::webhook::desk::WebhookDesk;

/// The service, as tonic calls it.
pub struct WebhookRpc(pub WebhookDesk);

#[tonic::async_trait]
impl WebhookService for WebhookRpc {
    async fn create_webhook(
        &self,
        request: Request<CreateWebhookRequest>,
    ) -> Result<Response<CreateWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let request = request.get_ref();
        let types = convert::read_types(&request.event_types)?;
        let made = self.0.create(owner, &request.url, types).await;
        let (webhook, secret) = made.map_err(Fault::from)?;
        let webhook = Some(convert::webhook(webhook));
        Ok(Response::new(CreateWebhookResponse { webhook, secret }))
    }

    async fn list_webhooks(
        &self,
        request: Request<ListWebhooksRequest>,
    ) -> Result<Response<ListWebhooksResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let found = self.0.list(owner).await.map_err(Fault::from)?;
        let webhooks = found.into_iter().map(convert::webhook).collect();
        Ok(Response::new(ListWebhooksResponse { webhooks }))
    }

    async fn get_webhook(
        &self,
        request: Request<GetWebhookRequest>,
    ) -> Result<Response<GetWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        let found = self.0.find(owner, id).await.map_err(Fault::from)?;
        let webhook = Some(convert::webhook(found));
        Ok(Response::new(GetWebhookResponse { webhook }))
    }

    async fn update_webhook(
        &self,
        request: Request<UpdateWebhookRequest>,
    ) -> Result<Response<UpdateWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        let change = convert::read_change(request.get_ref())?;
        let changed = self.0.update(owner, id, change).await;
        let webhook = Some(convert::webhook(changed.map_err(Fault::from)?));
        Ok(Response::new(UpdateWebhookResponse { webhook }))
    }

    async fn delete_webhook(
        &self,
        request: Request<DeleteWebhookRequest>,
    ) -> Result<Response<DeleteWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        self.0.delete(owner, id).await.map_err(Fault::from)?;
        Ok(Response::new(DeleteWebhookResponse {}))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<RotateWebhookSecretRequest>,
    ) -> Result<Response<RotateWebhookSecretResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        let overlap = convert::read_overlap(request.get_ref().overlap_seconds)?;
        let rotated = self.0.rotate(owner, id, overlap).await;
        let (webhook, secret) = rotated.map_err(Fault::from)?;
        let webhook = Some(convert::webhook(webhook));
        Ok(Response::new(RotateWebhookSecretResponse {
            webhook,
            secret,
        }))
    }

    async fn test_webhook(
        &self,
        request: Request<TestWebhookRequest>,
    ) -> Result<Response<TestWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        let posted = self.0.test(owner, id).await.map_err(Fault::from)?;
        let delivery = Some(convert::delivery(posted));
        Ok(Response::new(TestWebhookResponse { delivery }))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<ListWebhookDeliveriesRequest>,
    ) -> Result<Response<ListWebhookDeliveriesResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let (id, page) = convert::read_log(request.get_ref())?;
        let found = self.0.log(owner, id, page).await.map_err(Fault::from)?;
        Ok(Response::new(convert::log(found)))
    }

    async fn redeliver_webhook(
        &self,
        request: Request<RedeliverWebhookRequest>,
    ) -> Result<Response<RedeliverWebhookResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let webhook = convert::read_id("webhookId", &request.get_ref().webhook_id)?;
        let id = convert::read_id("id", &request.get_ref().id)?;
        let again = self.0.redeliver(owner, webhook, id).await;
        let delivery = Some(convert::delivery(again.map_err(Fault::from)?));
        Ok(Response::new(RedeliverWebhookResponse { delivery }))
    }
}
