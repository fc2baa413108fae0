//! A generation service whose streams do what the id says.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::generation::v1::generation_service_server::GenerationService;
use contracts::generation::v1::{
    CancelGenerationRequest, CancelGenerationResponse, CreateGenerationRequest,
    CreateGenerationResponse, GenerationEvent, GetGenerationRequest, GetGenerationResponse,
    ListGenerationsRequest, ListGenerationsResponse, ListProvidersRequest, ListProvidersResponse,
    ReportReservationsRequest, ReportReservationsResponse, WatchGenerationRequest,
    WatchGenerationResponse,
};
use futures::stream::{self, Stream, StreamExt};
use telemetry::context;
use tonic::{Request, Response, Status};

use super::Seen;

pub struct Generations(pub Arc<Seen>);

type Events = Pin<Box<dyn Stream<Item = Result<WatchGenerationResponse, Status>> + Send>>;

fn event(message: &str) -> Result<WatchGenerationResponse, Status> {
    let event = GenerationEvent {
        message: message.to_owned(),
        ..GenerationEvent::default()
    };
    Ok(WatchGenerationResponse { event: Some(event) })
}

#[tonic::async_trait]
impl GenerationService for Generations {
    type WatchGenerationStream = Events;

    /// `open`: one event, then nothing for ever. `panic`: one event, then a panic. `id`: one event
    /// that tells the request's id. `end`: one event, then the end.
    async fn watch_generation(
        &self,
        request: Request<WatchGenerationRequest>,
    ) -> Result<Response<Events>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        let first = stream::iter([event("first")]);
        let events: Events = match request.into_inner().id.as_str() {
            "open" => first.chain(stream::pending()).boxed(),
            "panic" => {
                let rest = stream::once(async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    panic!("ordered to")
                });
                first.chain(rest).boxed()
            }
            "id" => {
                let id = || async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    event(
                        &context::current()
                            .map(|now| now.request_id)
                            .unwrap_or_default(),
                    )
                };
                stream::once(id()).boxed()
            }
            _ => first.boxed(),
        };
        Ok(Response::new(events))
    }

    async fn create_generation(
        &self,
        _: Request<CreateGenerationRequest>,
    ) -> Result<Response<CreateGenerationResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn quote_generation(
        &self,
        _: Request<contracts::generation::v1::QuoteGenerationRequest>,
    ) -> Result<Response<contracts::generation::v1::QuoteGenerationResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_generation(
        &self,
        _: Request<GetGenerationRequest>,
    ) -> Result<Response<GetGenerationResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn list_generations(
        &self,
        _: Request<ListGenerationsRequest>,
    ) -> Result<Response<ListGenerationsResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn cancel_generation(
        &self,
        _: Request<CancelGenerationRequest>,
    ) -> Result<Response<CancelGenerationResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn report_reservations(
        &self,
        _: Request<ReportReservationsRequest>,
    ) -> Result<Response<ReportReservationsResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }

    async fn list_providers(
        &self,
        _: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        Err(Status::unimplemented("not on this stage"))
    }
}
