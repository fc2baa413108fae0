//! The rpcs of `bottega.generation.v1.ModerationService`.

use contracts::generation::v1 as wire;
use contracts::generation::v1::moderation_service_server::ModerationService;
use errors::{Fault, Violations};
use identity::caller_of;
use tonic::{Request, Response, Status};
use types::PageRequest;
use uuid::Uuid;

use super::convert;
use crate::domain::error::Error;
use crate::domain::safety::{Decision, Guard};

const MAX_NOTE: usize = 500;

/// The service over this guard.
pub struct ModerationRpc(pub Guard);

#[tonic::async_trait]
impl ModerationService for ModerationRpc {
    async fn list_moderation_decisions(
        &self,
        request: Request<wire::ListModerationDecisionsRequest>,
    ) -> Result<Response<wire::ListModerationDecisionsResponse>, Status> {
        let request = request.get_ref();
        let page = PageRequest::parse(request.page_size, &request.page_token)
            .map_err(|wrong| Fault::field(wrong.field(), wrong.to_string()))?;
        let found = self.0.decisions.decisions(page).await;
        let found = found.map_err(Fault::from)?;
        Ok(Response::new(wire::ListModerationDecisionsResponse {
            decisions: found.items.into_iter().map(decision).collect(),
            next_page_token: found.next_token,
        }))
    }

    async fn allow_prompt(
        &self,
        request: Request<wire::AllowPromptRequest>,
    ) -> Result<Response<wire::AllowPromptResponse>, Status> {
        let actor = caller_of(&request)?.subject.clone();
        let (id, note) = read_appeal(request.into_inner())?;
        let allowed = self.0.allow(id, actor, note).await;
        let allowed = allowed.map_err(|error| match error {
            Error::NotFound => Fault::not_found("decision"),
            error => error.into(),
        })?;
        let decision = Some(decision(allowed));
        Ok(Response::new(wire::AllowPromptResponse { decision }))
    }
}

fn read_appeal(request: wire::AllowPromptRequest) -> Result<(Uuid, String), Fault> {
    let mut violations = Violations::new();
    let note = request.note;
    let fine = note.len() <= MAX_NOTE && !note.chars().any(char::is_control);
    let problem = format!("must be at most {MAX_NOTE} bytes without control characters");
    violations.check(fine, "note", problem);
    match convert::read_id(&request.id) {
        Ok(id) if violations.is_empty() => Ok((id.uuid(), note)),
        Ok(_) => Err(violations.into_fault()),
        Err(mut fault) => {
            violations.extend(std::mem::take(&mut fault.violations));
            Err(violations.into_fault())
        }
    }
}

fn decision(decision: Decision) -> wire::ModerationDecision {
    let (allowed_by, note, allowed_at) = match decision.appeal {
        Some(appeal) => (appeal.actor, appeal.note, Some(appeal.at.into())),
        None => (String::new(), String::new(), None),
    };
    wire::ModerationDecision {
        id: decision.id.to_string(),
        owner_id: decision.owner.to_string(),
        prompt: decision.prompt,
        rule: decision.rule,
        refused_at: Some(decision.created_at.into()),
        allowed_by,
        allowed_at,
        note,
        generation_id: (decision.result_of).map_or_else(String::new, |id| id.to_string()),
    }
}
