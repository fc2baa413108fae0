//! What the usage service would say to an order, in the domain's words.

use contracts::usage::v1::explain_usage_response::Constraint;
use contracts::usage::v1::{ExplainUsageRequest, ExplainUsageResponse, Scope, scope};
use types::Timestamp;

use crate::domain::generation::Kind;
use crate::domain::hold::Work;
use crate::domain::quote::{Explained, LimitState, Refusal};

pub(super) fn question(work: &Work) -> ExplainUsageRequest {
    ExplainUsageRequest {
        kind: match work.kind {
            Kind::Image => "IMAGE".to_owned(),
        },
        provider: work.provider.clone(),
        cost_microusd: work.list_price.0,
        model: work.model.clone(),
        size: work.looks.size.clone(),
        quality: work.looks.quality.clone(),
    }
}

pub(super) fn explained(answer: ExplainUsageResponse) -> Explained {
    Explained {
        refusal: (!answer.allowed).then_some(Refusal {
            reason: answer.reason,
            message: answer.message,
        }),
        limits: answer.constraints.into_iter().filter_map(state).collect(),
    }
}

fn state(constraint: Constraint) -> Option<LimitState> {
    let limit = constraint.limit?;
    Some(LimitState {
        meter: limit.meter().as_str_name().to_owned(),
        window: limit.window().as_str_name().to_owned(),
        scope: limit.scope.as_ref().map(scope_name).unwrap_or_default(),
        limit: limit.limit,
        used: limit.used,
        reserved: limit.reserved,
        remaining: limit.remaining,
        asked: constraint.asked,
        fits: constraint.fits,
        is_hard: constraint.hard,
        reset_at: limit.reset_at.map(|at| {
            let micros = at.seconds.saturating_mul(1_000_000);
            Timestamp(micros.saturating_add(i64::from(at.nanos) / 1_000))
        }),
    })
}

fn scope_name(scope: &Scope) -> String {
    let by = scope.r#type();
    let name = by.as_str_name().to_lowercase();
    match by {
        scope::Type::Global => name,
        _ => format!("{name}:{}", scope.value),
    }
}
