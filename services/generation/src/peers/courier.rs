//! Carries events to users' own servers, and nowhere else.

use async_trait::async_trait;
use egress::Client;
use webhooks::{Delivery as Sent, Event, Secrets, Sender, wait_before};

use crate::domain::webhook::ports::{Courier, Letter};
use crate::domain::webhook::verdict::Outcome;

/// Other people's servers, through the client that knows what is refused.
#[derive(Debug, Clone)]
pub struct WebhookCourier(pub Client);

#[async_trait]
impl Courier for WebhookCourier {
    async fn look(&self, url: &str) -> Result<String, String> {
        let target = self.0.target(url).map_err(|refusal| refusal.to_string())?;
        let looked = self.0.look(&target).await;
        looked.map_err(|refusal| refusal.to_string())?;
        Ok(target.to_string())
    }

    async fn send(&self, letter: &Letter<'_>) -> Outcome {
        let tries = letter.delivery.tries;
        let failed = |why: String, status, asked| Outcome::Failed {
            why,
            status,
            again: wait_before(tries, asked),
            asked,
        };
        // The rules may have changed since it was made.
        let target = match self.0.target(letter.url) {
            Ok(target) => target,
            Err(refusal) => return failed(format!("the address {refusal}"), None, None),
        };
        let secrets = match Secrets::parse(letter.secrets) {
            Ok(secrets) => secrets,
            Err(error) => return failed(error.to_string(), None, None),
        };
        let event = Event {
            id: letter.delivery.event_id.clone(),
            body: letter.delivery.body.clone().into(),
        };
        match Sender::to(self.0.clone(), target, secrets)
            .send(&event, letter.now)
            .await
        {
            Sent::Taken => Outcome::Taken,
            Sent::Failed {
                why,
                status,
                retry_after,
            } => failed(why, status, retry_after),
        }
    }
}
