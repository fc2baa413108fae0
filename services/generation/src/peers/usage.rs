//! The usage service: units are set aside before an order is stored, and used or given back after.

use std::time::Duration;

use async_trait::async_trait;
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{Amount, ConfirmRequest, ReleaseRequest, ReserveRequest, SettleRequest};
use errors::Fault;
use identity::Credentials;
use telemetry::context;
use tonic::Request;
use tonic::transport::Channel;
use types::{OperationId, ReservationId};

use super::{limit, within};
use crate::domain::ports::{DebtKind, Patron, Quota};

const QUESTION: Duration = Duration::from_secs(5);

/// The usage service behind its port.
#[derive(Clone)]
pub struct UsagePeer {
    client: UsageServiceClient<Channel>,
    credentials: Credentials,
}

impl UsagePeer {
    /// The usage service at the end of this channel.
    #[must_use]
    pub fn new(channel: Channel, credentials: Credentials) -> Self {
        Self {
            client: UsageServiceClient::new(channel),
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
}

#[async_trait]
impl Quota for UsagePeer {
    async fn reserve(
        &self,
        patron: &Patron,
        operation: OperationId,
    ) -> Result<ReservationId, Fault> {
        let message = ReserveRequest {
            operation_id: operation.to_string(),
            owner_id: patron.id.to_string(),
            tier: patron.tier.clone(),
            amounts: vec![Amount {
                meter: Meter::Generations.into(),
                amount: 1,
            }],
            ..ReserveRequest::default()
        };
        let request = self.request(message).await?;
        let mut client = self.client.clone();
        let answer = context::unhurried(within(QUESTION, client.reserve(request))).await?;
        let reservation = answer.into_inner().reservation_id;
        reservation.parse().map_err(Fault::internal)
    }

    async fn resolve(&self, kind: DebtKind, reservation: ReservationId) -> Result<(), Fault> {
        let reservation_id = reservation.to_string();
        let mut client = self.client.clone();
        match kind {
            DebtKind::Confirm => {
                let request = self.request(ConfirmRequest { reservation_id }).await?;
                within(QUESTION, client.confirm(request)).await?;
            }
            DebtKind::Settle => {
                let request = self
                    .request(SettleRequest {
                        reservation_id,
                        actuals: Vec::new(),
                    })
                    .await?;
                within(QUESTION, client.settle(request)).await?;
            }
            DebtKind::Release => {
                let request = self.request(ReleaseRequest { reservation_id }).await?;
                within(QUESTION, client.release(request)).await?;
            }
        }
        Ok(())
    }
}
