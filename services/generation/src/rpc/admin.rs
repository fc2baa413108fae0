//! The rpcs of `bottega.generation.v1.GenerationAdminService`.

use std::sync::Arc;

use contracts::generation::v1 as wire;
use contracts::generation::v1::generation_admin_service_server::GenerationAdminService;
use errors::{Fault, Violations};
use identity::caller_of;
use tonic::{Request, Response, Status};
use types::{GenerationId, Microusd, PageRequest};

use super::provider_report::Days;
use crate::domain::speed::Tallies;
use crate::domain::unknown::{Inquiry, MAX_COST, NOT_A_NOTE, UnknownAttempt, is_note};

/// The service over these.
pub struct GenerationAdminRpc {
    /// Into attempts.
    pub inquiry: Inquiry,
    /// How providers did.
    pub tallies: Arc<dyn Tallies>,
}

#[tonic::async_trait]
impl GenerationAdminService for GenerationAdminRpc {
    async fn list_unknown_attempts(
        &self,
        request: Request<wire::ListUnknownAttemptsRequest>,
    ) -> Result<Response<wire::ListUnknownAttemptsResponse>, Status> {
        let request = request.get_ref();
        let page = PageRequest::parse(request.page_size, &request.page_token)
            .map_err(|wrong| Fault::field(wrong.field(), wrong.to_string()))?;
        let page = self.inquiry.list(page).await.map_err(Fault::from)?;
        Ok(Response::new(wire::ListUnknownAttemptsResponse {
            attempts: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
        }))
    }

    async fn resolve_attempt(
        &self,
        request: Request<wire::ResolveAttemptRequest>,
    ) -> Result<Response<wire::ResolveAttemptResponse>, Status> {
        let actor = caller_of(&request)?.subject.clone();
        let (task, cost, note) = read_verdict(request.into_inner())?;
        let attempt = self.inquiry.resolve(task, cost, note, actor).await;
        Ok(Response::new(wire::ResolveAttemptResponse {
            attempt: Some(attempt.map_err(Fault::from)?.into()),
        }))
    }

    async fn report_providers(
        &self,
        request: Request<wire::ReportProvidersRequest>,
    ) -> Result<Response<wire::ReportProvidersResponse>, Status> {
        let days = Days::read(request.get_ref(), self.inquiry.clock.now())?;
        let tallies = self.tallies.tallies_of(days.numbers()).await;
        Ok(Response::new(days.answer(&tallies.map_err(Fault::from)?)))
    }
}

fn read_verdict(
    request: wire::ResolveAttemptRequest,
) -> Result<(GenerationId, Microusd, String), Fault> {
    let mut violations = Violations::new();
    let task = request.generation_id.parse::<GenerationId>();
    let task = violations.read("generationId", task);
    let cost = request.cost_microusd;
    let cost = cost.filter(|cost| (0..=MAX_COST).contains(cost));
    let problem = format!("must be given, 0 to {MAX_COST}; 0 gives all of it back");
    violations.check(cost.is_some(), "costMicrousd", problem);
    let note = request.note;
    violations.check(is_note(&note), "note", NOT_A_NOTE);
    match (task, cost) {
        (Some(task), Some(cost)) if violations.is_empty() => Ok((task, Microusd(cost), note)),
        _ => Err(violations.into_fault()),
    }
}

impl From<UnknownAttempt> for wire::UnknownAttempt {
    fn from(one: UnknownAttempt) -> Self {
        let verdict = one.verdict.as_ref();
        Self {
            generation_id: one.task.to_string(),
            attempt: one.number,
            owner_id: one.owner.to_string(),
            provider: one.provider,
            model: one.model,
            job_id: one.job.unwrap_or_default(),
            held_microusd: one.held.0,
            error_class: one.class,
            detail: one.detail,
            sent_at: one.sent_at.map(Into::into),
            unknown_since: one.since.map(Into::into),
            reservation_id: one.reservation.map(|id| id.to_string()).unwrap_or_default(),
            cost_microusd: verdict.map(|verdict| verdict.cost.0),
            resolved_at: verdict.map(|verdict| verdict.at.into()),
            resolved_by: verdict
                .map(|verdict| verdict.actor.clone())
                .unwrap_or_default(),
            note: verdict
                .map(|verdict| verdict.note.clone())
                .unwrap_or_default(),
        }
    }
}
