//! Corrections by hand.

use contracts::usage::v1::{
    Adjustment as WireAdjustment, CreateAdjustmentRequest, CreateAdjustmentResponse,
    ListAdjustmentsRequest, ListAdjustmentsResponse,
};
use errors::{Fault, Violations};
use tonic::Request;
use types::{OperationId, ReservationId, UserId};

use super::{UsageAdminRpc, read};
use crate::domain::plan::is_name;
use crate::domain::reservation::Adjustment;
use crate::domain::rulebook::Correction;
use crate::rpc::convert;

const NOTE: (usize, usize) = (1, 500);
const MAX_AMOUNT: i64 = 1_000_000_000_000;

pub(super) async fn create(
    rpc: &UsageAdminRpc,
    request: Request<CreateAdjustmentRequest>,
) -> Result<CreateAdjustmentResponse, Fault> {
    let actor = read::actor(&request)?;
    let adjustment = adjustment(request.into_inner(), actor)?;
    let made = rpc.corrector.adjust(adjustment).await?;
    Ok(CreateAdjustmentResponse {
        adjustment: Some(made.into()),
    })
}

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListAdjustmentsRequest>,
) -> Result<ListAdjustmentsResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, &request.page_token, &mut violations);
    let owner = match request.owner_id.as_str() {
        "" => None,
        text => violations.read("ownerId", text.parse::<UserId>()),
    };
    let (true, Some(page)) = (violations.is_empty(), page) else {
        return Err(violations.into_fault());
    };
    let page = rpc.corrector.adjustments(owner, page).await?;
    Ok(ListAdjustmentsResponse {
        adjustments: page.items.into_iter().map(WireAdjustment::from).collect(),
        next_page_token: page.next_token,
    })
}

fn adjustment(request: CreateAdjustmentRequest, actor: String) -> Result<Adjustment, Fault> {
    let mut violations = Violations::new();
    let id = violations.read("operationId", request.operation_id.parse::<OperationId>());
    let owner = violations.read("ownerId", request.owner_id.parse::<UserId>());
    let tier = is_name(&request.tier);
    violations.check(tier, "tier", "must be a plan's name");
    let meter = read::counted_meter(request.meter, "meter", &mut violations);
    let span = -MAX_AMOUNT..=MAX_AMOUNT;
    violations.check(
        span.contains(&request.amount) && request.amount != 0,
        "amount",
        format!("must be -{MAX_AMOUNT} to {MAX_AMOUNT}, and not 0"),
    );
    read::check_text(&request.note, NOTE, "note", &mut violations);
    let (true, Some(id), Some(owner), Some(meter)) = (violations.is_empty(), id, owner, meter)
    else {
        return Err(violations.into_fault());
    };
    Ok(Adjustment {
        id: ReservationId(id.uuid()),
        owner,
        tier: request.tier,
        meter,
        amount: request.amount,
        note: request.note,
        actor,
    })
}

impl From<Correction> for WireAdjustment {
    fn from(made: Correction) -> Self {
        Self {
            id: made.operation.to_string(),
            owner_id: made.owner.to_string(),
            meter: convert::wire_meter(made.meter).into(),
            amount: made.amount,
            note: made.note,
            created_at: Some(made.created_at.into()),
            created_by: made.created_by,
        }
    }
}
