//! Webhooks as a user deals with them, and the time that goes by.

use std::sync::Arc;
use std::time::Duration;

use contracts::generation::v1::webhook_service_client::WebhookServiceClient;
use contracts::generation::v1::{
    CreateWebhookRequest, CreateWebhookResponse, GetWebhookRequest, ListWebhookDeliveriesRequest,
    RotateWebhookSecretRequest, TestWebhookRequest, UpdateWebhookRequest, Webhook, WebhookDelivery,
};
use generation::store::entity::{deliveries, webhooks};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use testkit::TestDb;
use tonic::Status;
use tonic::transport::Channel;

use super::suite::User;
use super::{Play, Scripted, Suite};

/// A user at the desk for webhooks.
pub struct Desk {
    pub user: User,
    pub client: WebhookServiceClient<Channel>,
}

impl Desk {
    pub fn of(suite: &Suite, user: User) -> Self {
        Self {
            user,
            client: WebhookServiceClient::new(suite.channel()),
        }
    }

    pub async fn create(&self, url: &str, types: &[&str]) -> Result<CreateWebhookResponse, Status> {
        let request = self.user.request(CreateWebhookRequest {
            url: url.to_owned(),
            event_types: types.iter().map(|one| (*one).to_owned()).collect(),
        });
        let answer = self.client.clone().create_webhook(request).await?;
        Ok(answer.into_inner())
    }

    /// The id of a new one for every event.
    pub async fn made(&self, url: &str) -> String {
        let made = self.create(url, &[]).await.unwrap();
        made.webhook.unwrap().id
    }

    pub async fn get(&self, id: &str) -> Result<Webhook, Status> {
        let request = self.user.request(GetWebhookRequest { id: id.to_owned() });
        let answer = self.client.clone().get_webhook(request).await?;
        Ok(answer.into_inner().webhook.unwrap())
    }

    pub async fn test(&self, id: &str) -> Result<WebhookDelivery, Status> {
        let request = self.user.request(TestWebhookRequest { id: id.to_owned() });
        let answer = self.client.clone().test_webhook(request).await?;
        Ok(answer.into_inner().delivery.unwrap())
    }

    pub async fn enable(&self, id: &str) -> Webhook {
        let request = self.user.request(UpdateWebhookRequest {
            id: id.to_owned(),
            enabled: Some(true),
            ..UpdateWebhookRequest::default()
        });
        let answer = self.client.clone().update_webhook(request).await;
        answer.unwrap().into_inner().webhook.unwrap()
    }

    pub async fn rotate(&self, id: &str, overlap: Option<i64>) -> String {
        let request = self.user.request(RotateWebhookSecretRequest {
            id: id.to_owned(),
            overlap_seconds: overlap,
        });
        let answer = self.client.clone().rotate_webhook_secret(request).await;
        answer.unwrap().into_inner().secret
    }

    pub async fn log(&self, id: &str, token: &str) -> (Vec<WebhookDelivery>, String) {
        let request = self.user.request(ListWebhookDeliveriesRequest {
            webhook_id: id.to_owned(),
            page_size: 2,
            page_token: token.to_owned(),
        });
        let answer = self.client.clone().list_webhook_deliveries(request).await;
        let answer = answer.unwrap().into_inner();
        (answer.deliveries, answer.next_page_token)
    }

    /// The newest delivery, once it is as it should be.
    pub async fn newest(
        &self,
        id: &str,
        is_so: impl Fn(&WebhookDelivery) -> bool,
    ) -> WebhookDelivery {
        for _ in 0..400 {
            let (log, _) = self.log(id, "").await;
            if let Some(first) = log.into_iter().next().filter(|one| is_so(one)) {
                return first;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it does not get there: {:?}", self.log(id, "").await);
    }
}

/// A suite whose provider plays this, and a user.
pub async fn start(db: TestDb, plays: impl IntoIterator<Item = Play>) -> (Suite, Desk) {
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let suite = Suite::with(db, &provider).await;
    let desk = Desk::of(&suite, suite.user());
    (suite, desk)
}

/// Time goes by: whatever waits is due, and whoever rests has rested.
pub async fn hurry(suite: &Suite) {
    deliveries::Entity::update_many()
        .col_expr(deliveries::Column::DueAt, Expr::value(0_i64))
        .exec(suite.db.write())
        .await
        .unwrap();
    webhooks::Entity::update_many()
        .col_expr(webhooks::Column::FreeAt, Expr::value(0_i64))
        .exec(suite.db.write())
        .await
        .unwrap();
}
