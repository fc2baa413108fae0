//! The rpcs of `bottega.generation.v1.BatchService`: who calls, what is asked, do it, say it.

use contracts::generation::v1 as wire;
use contracts::generation::v1::batch::{Result as WireResult, Status as WireStatus, result};
use contracts::generation::v1::batch_service_server::BatchService;
use contracts::generation::v1::{
    CreateBatchRequest, CreateBatchResponse, GetBatchRequest, GetBatchResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, repeat};
use crate::domain::batch::desk::BatchDesk;
use crate::domain::batch::{Batch, BatchForm, Outcome};
use crate::domain::generation::Status as State;

/// The service, as tonic calls it.
pub struct BatchRpc(pub BatchDesk);

#[tonic::async_trait]
impl BatchService for BatchRpc {
    async fn create_batch(
        &self,
        request: Request<CreateBatchRequest>,
    ) -> Result<Response<CreateBatchResponse>, Status> {
        let patron = convert::patron(caller_of(&request)?)?;
        let keyed = repeat::keyed("CreateBatch", &request)?;
        let form = read_form(request.into_inner());
        let placed = self.0.create(patron, form, keyed).await;
        Ok(repeat::answer(placed.map_err(Fault::from)?, |made| {
            CreateBatchResponse {
                batch: Some(batch(made)),
            }
        }))
    }

    async fn get_batch(
        &self,
        request: Request<GetBatchRequest>,
    ) -> Result<Response<GetBatchResponse>, Status> {
        let owner = caller_of(&request)?.owner()?;
        let id: Uuid = convert::read_id(&request.get_ref().id)?.uuid();
        let found = self.0.find(owner, id).await.map_err(|error| match error {
            crate::domain::error::Error::NotFound => Fault::not_found("batch"),
            error => error.into(),
        })?;
        let batch = Some(batch(found));
        Ok(Response::new(GetBatchResponse { batch }))
    }
}

fn read_form(request: CreateBatchRequest) -> BatchForm {
    let orders = request.requests.into_iter().map(convert::read_order);
    BatchForm {
        orders: orders.collect(),
        all_or_nothing: request.all_or_nothing,
    }
}

fn batch(batch: Batch) -> wire::Batch {
    let states = batch.outcomes.iter().map(|outcome| match outcome {
        Outcome::Generation(one) => Some(one.status),
        Outcome::Refused(_) => None,
    });
    let states: Vec<Option<State>> = states.collect();
    let count = |is_so: fn(State) -> bool| {
        let found = states.iter().flatten().filter(|state| is_so(**state));
        i32::try_from(found.count()).unwrap_or(i32::MAX)
    };
    let status = match batch.ended_at {
        Some(_) => WireStatus::Ended,
        None => WireStatus::Running,
    };
    let refused = states.iter().filter(|state| state.is_none()).count();
    wire::Batch {
        id: batch.id.to_string(),
        status: status.into(),
        refused: i32::try_from(refused).unwrap_or(i32::MAX),
        completed: count(|state| state == State::Completed),
        failed: count(|state| matches!(state, State::Failed | State::Cancelled)),
        running: count(|state| !state.is_terminal()),
        results: batch.outcomes.into_iter().map(outcome).collect(),
        created_at: Some(batch.created_at.into()),
        ended_at: batch.ended_at.map(Into::into),
    }
}

fn outcome(outcome: Outcome) -> WireResult {
    let outcome = match outcome {
        Outcome::Generation(one) => result::Outcome::Generation(convert::generation(*one)),
        Outcome::Refused(refused) => result::Outcome::Error(errors::within_answer(refused.into())),
    };
    WireResult {
        outcome: Some(outcome),
    }
}
