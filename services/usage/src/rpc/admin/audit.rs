//! Who changed which rule.

use contracts::usage::v1::{
    AuditEvent as WireEvent, ListAuditEventsRequest, ListAuditEventsResponse,
};
use errors::{Fault, Violations};
use tonic::Request;

use super::{UsageAdminRpc, read};
use crate::domain::audit::AuditEvent;

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListAuditEventsRequest>,
) -> Result<ListAuditEventsResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, &request.page_token, &mut violations);
    let page = page.ok_or_else(|| violations.into_fault())?;
    let page = rpc.rulebook.audit(page).await?;
    Ok(ListAuditEventsResponse {
        events: page.items.into_iter().map(WireEvent::from).collect(),
        next_page_token: page.next_token,
    })
}

impl From<AuditEvent> for WireEvent {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            action: event.action,
            target: event.target,
            before: event.before,
            after: event.after,
            actor: event.actor,
            created_at: Some(event.created_at.into()),
        }
    }
}
