//! The pace of spending, and its brake.

use contracts::usage::v1::{
    GetSpendingRequest, GetSpendingResponse, PauseSpendingRequest, PauseSpendingResponse,
    ResumeSpendingRequest, ResumeSpendingResponse, Spending as WireSpending,
};
use errors::Fault;
use identity::caller_of;
use tonic::Request;

use super::UsageAdminRpc;
use crate::domain::spending::Spending;

const MAX_REASON: usize = 200;

pub(super) async fn get(
    rpc: &UsageAdminRpc,
    _request: Request<GetSpendingRequest>,
) -> Result<GetSpendingResponse, Fault> {
    let spending = rpc.brake.look().await?;
    Ok(GetSpendingResponse {
        spending: Some(spending.into()),
    })
}

pub(super) async fn pause(
    rpc: &UsageAdminRpc,
    request: Request<PauseSpendingRequest>,
) -> Result<PauseSpendingResponse, Fault> {
    let by = caller_of(&request)?.subject.clone();
    let reason = reason(&request.get_ref().reason)?;
    let spending = rpc.brake.pause(reason, &by).await?;
    Ok(PauseSpendingResponse {
        spending: Some(spending.into()),
    })
}

pub(super) async fn resume(
    rpc: &UsageAdminRpc,
    request: Request<ResumeSpendingRequest>,
) -> Result<ResumeSpendingResponse, Fault> {
    let by = caller_of(&request)?.subject.clone();
    let spending = rpc.brake.resume(&by).await?;
    Ok(ResumeSpendingResponse {
        spending: Some(spending.into()),
    })
}

fn reason(text: &str) -> Result<&str, Fault> {
    let text = text.trim();
    let is_fine = text.chars().count() <= MAX_REASON && !text.chars().any(char::is_control);
    if is_fine {
        return Ok(text);
    }
    let description =
        format!("must be at most {MAX_REASON} characters, without control characters");
    Err(Fault::field("reason", description))
}

impl From<Spending> for WireSpending {
    fn from(spending: Spending) -> Self {
        let stop = spending.stop.as_ref();
        let told = stop.map(|stop| match stop.reason.as_str() {
            "" => format!("paused by {}", stop.by),
            reason => format!("{reason} (paused by {})", stop.by),
        });
        Self {
            paused: stop.is_some(),
            pause_reason: told.unwrap_or_default(),
            paused_at: stop.map(|stop| stop.at.into()),
            recent_microusd: spending.rate.recent.0,
            usual_microusd: spending.rate.usual.0,
            breaker_factor: spending.breaker.factor,
        }
    }
}
