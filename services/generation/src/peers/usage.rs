//! The usage service: a generation and its money are set aside before an order is stored, and used or
//! given back after.

use std::time::Duration;

use async_trait::async_trait;
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{
    AmendRequest, Amount, BeginRequest, ConfirmRequest, GetPriceListRequest, ReleaseRequest,
    ReserveRequest, SettleRequest, SuspendRequest,
};
use errors::Fault;
use identity::Credentials;
use server::Link;
use telemetry::context;
use tonic::Request;
use types::{OperationId, ReservationId};

use super::explained::{explained, question};
use super::usage_wire::{actuals, charges, hold, listed, purpose, quote, work};
use super::{limit, within};
use crate::domain::hold::{Hold, Quote, Work};
use crate::domain::ports::{Patron, Prices, Quota};
use crate::domain::prices::ListedPrice;
use crate::domain::quote::Explained;
use crate::domain::settlement::{Call, Resolution};

const QUESTION: Duration = Duration::from_secs(5);

/// The usage service behind its ports.
#[derive(Clone)]
pub struct UsagePeer {
    client: UsageServiceClient<Link>,
    credentials: Credentials,
}

impl UsagePeer {
    /// The usage service at the end of this link.
    #[must_use]
    pub fn new(link: Link, credentials: Credentials) -> Self {
        Self {
            client: UsageServiceClient::new(link),
            credentials,
        }
    }

    // By our own time, not the caller's: a unit that is set aside just as the caller's deadline ends
    // would be missing until it expires.
    async fn request<T>(&self, message: T) -> Result<Request<T>, Fault> {
        let request = context::unhurried(self.credentials.request(None, message));
        let mut request = request.await?;
        limit(&mut request, QUESTION);
        Ok(request)
    }

    async fn resolve(&self, resolution: &Resolution, reservation_id: String) -> Result<(), Fault> {
        let mut client = self.client.clone();
        match resolution {
            Resolution::Settle(used) => {
                let message = SettleRequest {
                    reservation_id,
                    actuals: actuals(used),
                    charges: charges(used),
                };
                let request = self.request(message).await?;
                within(QUESTION, client.settle(request)).await?;
            }
            Resolution::Release => {
                let request = self.request(ReleaseRequest { reservation_id }).await?;
                within(QUESTION, client.release(request)).await?;
            }
            Resolution::Suspend => {
                let request = self.request(SuspendRequest { reservation_id }).await?;
                within(QUESTION, client.suspend(request)).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Quota for UsagePeer {
    async fn reserve(
        &self,
        patron: &Patron,
        operation: OperationId,
        wanted: &Work,
    ) -> Result<Hold, Fault> {
        let message = ReserveRequest {
            operation_id: operation.to_string(),
            owner_id: patron.id.to_string(),
            tier: patron.tier.clone(),
            amounts: vec![Amount {
                meter: Meter::Generations.into(),
                amount: 1,
            }],
            purpose: Some(purpose(patron, wanted)),
            work: Some(work(wanted)),
            // The service's own time.
            ttl_seconds: 0,
        };
        let request = self.request(message).await?;
        let mut client = self.client.clone();
        let answer = context::unhurried(within(QUESTION, client.reserve(request))).await?;
        hold(answer.into_inner())
    }

    async fn amend(
        &self,
        patron: &Patron,
        reservation: ReservationId,
        wanted: &Work,
    ) -> Result<Quote, Fault> {
        let message = AmendRequest {
            reservation_id: reservation.to_string(),
            purpose: Some(purpose(patron, wanted)),
            work: Some(work(wanted)),
        };
        let request = self.request(message).await?;
        let mut client = self.client.clone();
        let answer = context::unhurried(within(QUESTION, client.amend(request))).await?;
        quote(answer.into_inner().price)
    }

    async fn explain(&self, patron: &Patron, wanted: &Work) -> Result<Explained, Fault> {
        let owner = Some((patron.id, patron.tier.as_str()));
        let request = self.credentials.request(owner, question(wanted));
        let mut request = request.await?;
        limit(&mut request, QUESTION);
        let mut client = self.client.clone();
        let answer = within(QUESTION, client.explain_usage(request)).await?;
        Ok(explained(answer.into_inner()))
    }

    async fn begin(&self, reservation: ReservationId) -> Result<(), Fault> {
        let reservation_id = reservation.to_string();
        let request = self.request(BeginRequest { reservation_id }).await?;
        let mut client = self.client.clone();
        within(QUESTION, client.begin(request)).await.map(|_| ())
    }

    async fn deliver(&self, call: &Call, reservation: ReservationId) -> Result<(), Fault> {
        let reservation_id = reservation.to_string();
        match call {
            Call::Confirm => {
                let request = self.request(ConfirmRequest { reservation_id }).await?;
                let mut client = self.client.clone();
                within(QUESTION, client.confirm(request)).await.map(|_| ())
            }
            Call::Resolve(resolution) => self.resolve(resolution, reservation_id).await,
        }
    }
}

#[async_trait]
impl Prices for UsagePeer {
    async fn list(&self) -> Result<Vec<ListedPrice>, Fault> {
        let mut listed_prices = Vec::new();
        let mut question = GetPriceListRequest::default();
        loop {
            let request = self.request(question.clone()).await?;
            let mut client = self.client.clone();
            let answer = within(QUESTION, client.get_price_list(request)).await?;
            let part = answer.into_inner();
            listed_prices.extend(part.prices.into_iter().filter_map(listed));
            if part.next_page_token.is_empty() {
                return Ok(listed_prices);
            }
            question.page_token = part.next_page_token;
        }
    }
}
