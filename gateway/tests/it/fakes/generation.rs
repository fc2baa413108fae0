//! Accepts or refuses what the prompt says, and tells events by id.

use std::pin::Pin;
use std::time::Duration;

use contracts::generation::v1::generation_event::Type;
use contracts::generation::v1::generation_service_server::{
    GenerationService, GenerationServiceServer,
};
use contracts::generation::v1::*;
use errors::{Fault, QuotaViolation, Reason};
use futures::{Stream, StreamExt, stream};
use identity::idempotency;
use identity::receipt::{self, Receipt};
use secrecy::SecretString;
use tonic::{Request, Response, Status};
use types::{Clock, SystemClock};

use super::{Alarm, Shared};
use crate::house::SECRET;

/// What happened here.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The receipts that came with orders; none for a bad one.
    pub receipts: Shared<Vec<Option<Receipt>>>,
    /// The keys that came with orders, and whether only an earlier answer was asked for.
    pub keys: Shared<Vec<(String, bool)>>,
    /// How often the providers were asked for.
    pub listed: Shared<usize>,
    pub finished: Shared<bool>,
    /// Whether a quiet event stream was let go.
    pub dropped: Shared<bool>,
    pub watched_after: Shared<Vec<i64>>,
}

pub fn service(log: &Log) -> GenerationServiceServer<Generations> {
    GenerationServiceServer::new(Generations(log.clone()))
}

pub struct Generations(Log);

type Events = Pin<Box<dyn Stream<Item = Result<WatchGenerationResponse, Status>> + Send>>;

/// An answer that was given before.
fn again() -> Response<CreateGenerationResponse> {
    let generation = Some(Generation {
        id: "g-0".into(),
        ..Generation::default()
    });
    let mut response = Response::new(CreateGenerationResponse { generation });
    let mark = "true".parse().unwrap();
    response.metadata_mut().insert(idempotency::REPLAYED, mark);
    response
}

fn about_the_key(reason: Reason) -> Status {
    Fault::new(reason, "this key").into()
}

fn event(sequence: i64) -> Result<WatchGenerationResponse, Status> {
    let kind = if sequence == 1 {
        Type::Queued
    } else {
        Type::Started
    };
    let event = GenerationEvent {
        sequence,
        r#type: kind.into(),
        ..GenerationEvent::default()
    };
    Ok(WatchGenerationResponse { event: Some(event) })
}

#[tonic::async_trait]
impl GenerationService for Generations {
    type WatchGenerationStream = Events;

    async fn create_generation(
        &self,
        request: Request<CreateGenerationRequest>,
    ) -> Result<Response<CreateGenerationResponse>, Status> {
        let secret = SecretString::from(SECRET);
        let seal = request
            .metadata()
            .get(receipt::METADATA)
            .and_then(|seal| seal.to_str().ok());
        let opened = seal.and_then(|seal| receipt::open(&secret, seal, SystemClock.now()));
        let key = request.metadata().get(idempotency::KEY);
        let key = key.map(|key| key.to_str().unwrap().to_owned());
        let is_replay_only = request.metadata().contains_key(idempotency::REPLAY_ONLY);
        if let Some(key) = &key {
            self.0.keys.lock().push((key.clone(), is_replay_only));
        }
        if !is_replay_only {
            self.0.receipts.lock().push(opened);
        }
        let image = request.into_inner().image.unwrap_or_default();
        match key.as_deref() {
            Some("known") => return Ok(again()),
            Some("other") => return Err(about_the_key(Reason::IdempotencyMismatch)),
            Some("busy") => return Err(about_the_key(Reason::IdempotencyInFlight)),
            _ if is_replay_only => return Err(Fault::not_found("generation").into()),
            _ => {}
        }
        match image.prompt.as_str() {
            "refuse" => Err(Fault::field("image.prompt", "must be another").into()),
            "crowd" => Err(Fault::new(Reason::Overloaded, "there is no room").into()),
            "dear" => {
                let mut fault = Fault::new(Reason::BudgetExceeded, "your budget gives $5 a month")
                    .with("scope", "user")
                    .with("meter", "MICROUSD")
                    .with("remaining", 7_000)
                    .retry_in(Duration::from_secs(3_600));
                fault.quota.push(QuotaViolation {
                    subject: "user:u".to_owned(),
                    description: "your budget gives $5 a month".to_owned(),
                    metric: "MICROUSD".to_owned(),
                    id: "MICROUSD/MONTH".to_owned(),
                    value: 5_000_000,
                });
                Err(fault.into())
            }
            "unpriced" => Err(Fault::new(Reason::PriceUnknown, "no price is known").into()),
            "paused" => Err(Fault::new(Reason::SpendingPaused, "paid work is paused").into()),
            "vanish" => Err(Status::unavailable("gone in the middle")),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                *self.0.finished.lock() = true;
                Err(Fault::field("image.prompt", "must be quicker").into())
            }
            _ => {
                let generation = Generation {
                    id: "g-1".into(),
                    ..Generation::default()
                };
                let generation = Some(generation);
                Ok(Response::new(CreateGenerationResponse { generation }))
            }
        }
    }

    async fn quote_generation(
        &self,
        _: Request<contracts::generation::v1::QuoteGenerationRequest>,
    ) -> Result<Response<contracts::generation::v1::QuoteGenerationResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_generation(
        &self,
        request: Request<GetGenerationRequest>,
    ) -> Result<Response<GetGenerationResponse>, Status> {
        let generation = Generation {
            id: request.into_inner().id,
            cost_microusd: 9_007_199_254_740,
            status: generation::Status::Processing.into(),
            ..Generation::default()
        };
        Ok(Response::new(GetGenerationResponse {
            generation: Some(generation),
        }))
    }

    async fn list_generations(
        &self,
        _: Request<ListGenerationsRequest>,
    ) -> Result<Response<ListGenerationsResponse>, Status> {
        Ok(Response::new(ListGenerationsResponse::default()))
    }

    async fn watch_generation(
        &self,
        request: Request<WatchGenerationRequest>,
    ) -> Result<Response<Events>, Status> {
        let asked = request.into_inner();
        self.0.watched_after.lock().push(asked.after_sequence);
        let rest = stream::iter((asked.after_sequence + 1)..=3).map(event);
        let events: Events = match asked.id.as_str() {
            "missing" => return Err(Fault::not_found("generation").into()),
            "late" => Box::pin(stream::iter([Err(Fault::not_found("generation").into())])),
            "broken" => {
                let end = Err(Status::unavailable("the database at 10.0.0.7 went away"));
                Box::pin(rest.take(2).chain(stream::iter([end])))
            }
            "quiet" => {
                let alarm = Alarm(self.0.dropped.clone());
                Box::pin(rest.take(1).chain(stream::pending().map(move |(): ()| {
                    let _held = &alarm;
                    event(2)
                })))
            }
            _ => Box::pin(rest),
        };
        Ok(Response::new(events))
    }

    async fn cancel_generation(
        &self,
        request: Request<CancelGenerationRequest>,
    ) -> Result<Response<CancelGenerationResponse>, Status> {
        let generation = Generation {
            id: request.into_inner().id,
            ..Generation::default()
        };
        Ok(Response::new(CancelGenerationResponse {
            generation: Some(generation),
        }))
    }

    async fn report_reservations(
        &self,
        _: Request<ReportReservationsRequest>,
    ) -> Result<Response<ReportReservationsResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn list_providers(
        &self,
        _: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        *self.0.listed.lock() += 1;
        Ok(Response::new(ListProvidersResponse::default()))
    }
}
