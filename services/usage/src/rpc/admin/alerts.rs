//! Alerts.

use contracts::usage::v1::alert::Type;
use contracts::usage::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, Alert as WireAlert, ListAlertsRequest,
    ListAlertsResponse, RedeliverAlertRequest, RedeliverAlertResponse,
};
use errors::{Fault, Violations};
use identity::caller_of;
use tonic::Request;
use types::{InvalidId, PageRequest};
use uuid::Uuid;

use super::UsageAdminRpc;
use crate::domain::alert::AlertKind;
use crate::domain::alerts::Posted;

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListAlertsRequest>,
) -> Result<ListAlertsResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let budget = match request.budget_id.as_str() {
        "" => None,
        text => violations.read("budgetId", id_of(text)),
    };
    let page = PageRequest::parse(request.page_size, &request.page_token);
    if let Err(error) = page {
        violations.add(error.field(), error.to_string());
    }
    let Some(page) = page.ok().filter(|_| violations.is_empty()) else {
        return Err(violations.into_fault());
    };
    let page = rpc.alerts.list(budget, page).await?;
    Ok(ListAlertsResponse {
        alerts: page.items.into_iter().map(WireAlert::from).collect(),
        next_page_token: page.next_token,
    })
}

pub(super) async fn acknowledge(
    rpc: &UsageAdminRpc,
    request: Request<AcknowledgeAlertRequest>,
) -> Result<AcknowledgeAlertResponse, Fault> {
    let by = caller_of(&request)?.subject.clone();
    let id = read_id(&request.get_ref().id)?;
    let alert = rpc.alerts.acknowledge(id, &by).await?;
    Ok(AcknowledgeAlertResponse {
        alert: Some(alert.into()),
    })
}

pub(super) async fn redeliver(
    rpc: &UsageAdminRpc,
    request: Request<RedeliverAlertRequest>,
) -> Result<RedeliverAlertResponse, Fault> {
    let by = caller_of(&request)?.subject.clone();
    let id = read_id(&request.get_ref().id)?;
    let alert = rpc.alerts.redeliver(id, &by).await?;
    Ok(RedeliverAlertResponse {
        alert: Some(alert.into()),
    })
}

fn read_id(text: &str) -> Result<Uuid, Fault> {
    id_of(text).map_err(|error| Fault::field("id", error.to_string()))
}

// One id, one spelling.
fn id_of(text: &str) -> Result<Uuid, InvalidId> {
    let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    if text.len() == 36 {
        Ok(id)
    } else {
        Err(InvalidId)
    }
}

impl From<Posted> for WireAlert {
    fn from(posted: Posted) -> Self {
        let alert = posted.alert;
        let kind = match alert.kind {
            AlertKind::BudgetThreshold => Type::BudgetThreshold,
            AlertKind::Loss => Type::Loss,
            AlertKind::SpendingPaused => Type::SpendingPaused,
            AlertKind::Imbalance => Type::Imbalance,
        };
        Self {
            id: alert.id.to_string(),
            r#type: kind.into(),
            message: alert.message,
            budget_id: alert.budget.map(|id| id.to_string()).unwrap_or_default(),
            percent: alert.percent,
            amount: alert.amount,
            limit: alert.limit,
            window_start: alert.window_start.map(Into::into),
            created_at: Some(alert.created_at.into()),
            delivered_at: posted.delivered_at.map(Into::into),
            deliveries: posted.tries,
            acknowledged_at: posted.acknowledged_at.map(Into::into),
            acknowledged_by: posted.acknowledged_by,
        }
    }
}
