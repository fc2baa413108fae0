//! The generation service: keeps the record of generations, and knows which reservations they hold.

use std::time::Duration;

use async_trait::async_trait;
use contracts::generation::v1::ReportReservationsRequest;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::generation::v1::report_reservations_response;
use errors::Fault;
use identity::Credentials;
use report_reservations_response::report::Outcome;
use server::Link;
use types::ReservationId;

use crate::domain::error::Error;
use crate::domain::ports::{Keepers, Report};
use crate::domain::scope::Keeper;

const QUESTION: Duration = Duration::from_secs(5);

/// The generation service behind its port.
#[derive(Clone)]
pub struct GenerationPeer {
    client: GenerationServiceClient<Link>,
    credentials: Credentials,
}

impl GenerationPeer {
    /// The generation service at the end of this link.
    #[must_use]
    pub fn new(link: Link, credentials: Credentials) -> Self {
        Self {
            client: GenerationServiceClient::new(link),
            credentials,
        }
    }

    async fn ask(&self, reservations: &[ReservationId]) -> Result<Vec<Report>, Fault> {
        let message = ReportReservationsRequest {
            reservation_ids: reservations.iter().map(ToString::to_string).collect(),
        };
        let mut request = self.credentials.request(None, message).await?;
        request.set_timeout(QUESTION);
        let mut client = self.client.clone();
        // The peer is told its deadline; should it not keep it, we do.
        let answer = tokio::time::timeout(QUESTION, client.report_reservations(request));
        let answer = answer
            .await
            .map_err(|late| Fault::unavailable("the generation service", late))?;
        let reports = answer.map_err(errors::from_status)?.into_inner().reports;
        read(reservations, &reports)
    }
}

// One report for each, in their order, each with an outcome: anything else is no answer.
fn read(
    asked: &[ReservationId],
    reports: &[report_reservations_response::Report],
) -> Result<Vec<Report>, Fault> {
    let is_for_them = reports.len() == asked.len()
        && (asked.iter().zip(reports)).all(|(id, one)| one.reservation_id == id.to_string());
    if !is_for_them {
        return Err(Fault::internal("reports of other reservations than asked"));
    }
    let outcome = |one: &report_reservations_response::Report| match one.outcome() {
        Outcome::Unknown => Ok(Report::Unknown),
        Outcome::Open => Ok(Report::Open),
        Outcome::Unspecified => Err(Fault::internal("a report without an outcome")),
    };
    reports.iter().map(outcome).collect()
}

#[async_trait]
impl Keepers for GenerationPeer {
    async fn report(
        &self,
        keeper: Keeper,
        reservations: &[ReservationId],
    ) -> Result<Vec<Report>, Error> {
        match keeper {
            Keeper::Generation => {
                let reports = self.ask(reservations).await;
                reports.map_err(|fault| Error::Unavailable(fault.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use types::ReservationId;
    use uuid::Uuid;

    use super::*;

    fn report(id: &ReservationId, outcome: Outcome) -> report_reservations_response::Report {
        report_reservations_response::Report {
            reservation_id: id.to_string(),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn only_a_whole_answer_is_one() {
        let [one, two] = [1, 2].map(|n| ReservationId(Uuid::from_u128(n)));
        let whole = [report(&one, Outcome::Open), report(&two, Outcome::Unknown)];
        let read_whole = read(&[one, two], &whole).unwrap();
        assert_eq!(read_whole, [Report::Open, Report::Unknown]);
        assert!(read(&[two, one], &whole).is_err());
        assert!(read(&[one], &whole).is_err());
        assert!(read(&[one, two], &whole[..1]).is_err());
        assert!(read(&[one], &[report(&one, Outcome::Unspecified)]).is_err());
    }
}
