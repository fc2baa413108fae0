//! Reservations that stand open or in suspense.

use contracts::usage::v1::reservation::State as WireState;
use contracts::usage::v1::{
    Amount, ListReservationsRequest, ListReservationsResponse, Purpose as WirePurpose,
    Reservation as WireReservation, ResolveReservationRequest, ResolveReservationResponse,
    purpose::Keeper as WireKeeper,
};
use errors::{Fault, Violations};
use tonic::Request;
use types::{Microusd, ReservationId};

use super::{UsageAdminRpc, read};
use crate::domain::reservation::{Reservation, State};
use crate::domain::scope::{Keeper, Purpose};
use crate::rpc::convert;

const MAX_COST: i64 = 1_000_000_000_000;

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListReservationsRequest>,
) -> Result<ListReservationsResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, &request.page_token, &mut violations);
    let state = state(request.state);
    let states = State::ALL.map(wire_state).map(|one| one.as_str_name());
    let states = states.join(", ");
    violations.check(state.is_some(), "state", format!("must be one of {states}"));
    let (Some(page), Some(state)) = (page, state) else {
        return Err(violations.into_fault());
    };
    let page = rpc.corrector.reservations(state, page).await?;
    Ok(ListReservationsResponse {
        reservations: page.items.into_iter().map(WireReservation::from).collect(),
        next_page_token: page.next_token,
    })
}

pub(super) async fn resolve(
    rpc: &UsageAdminRpc,
    request: Request<ResolveReservationRequest>,
) -> Result<ResolveReservationResponse, Fault> {
    let actor = read::actor(&request)?;
    let request = request.get_ref();
    let id = ReservationId(read::id(&request.id)?);
    let cost = request.cost_microusd;
    if !cost.is_none_or(|cost| (0..=MAX_COST).contains(&cost)) {
        let problem = format!("must be 0 to {MAX_COST}, or absent");
        return Err(Fault::field("costMicrousd", problem));
    }
    let ended = rpc
        .corrector
        .resolve(id, cost.map(Microusd), &actor)
        .await?;
    Ok(ResolveReservationResponse {
        reservation: Some(ended.into()),
    })
}

fn state(wire: i32) -> Option<State> {
    Some(match WireState::try_from(wire).ok()? {
        WireState::Unspecified | WireState::Suspended => State::Suspended,
        WireState::Held => State::Held,
        WireState::Confirmed => State::Confirmed,
        WireState::Settled => State::Settled,
        WireState::Released => State::Released,
        WireState::Expired => State::Expired,
    })
}

const fn wire_state(state: State) -> WireState {
    match state {
        State::Held => WireState::Held,
        State::Confirmed => WireState::Confirmed,
        State::Suspended => WireState::Suspended,
        State::Settled => WireState::Settled,
        State::Released => WireState::Released,
        State::Expired => WireState::Expired,
    }
}

impl From<Reservation> for WireReservation {
    fn from(one: Reservation) -> Self {
        let amount = |(meter, amount)| Amount {
            meter: convert::wire_meter(meter).into(),
            amount,
        };
        Self {
            id: one.id.to_string(),
            state: wire_state(one.state).into(),
            owner_id: one.owner.to_string(),
            tier: one.tier,
            amounts: one.amounts.into_iter().map(amount).collect(),
            purpose: Some(purpose(one.purpose)),
            price_version: one.price_version,
            created_at: Some(one.created_at.into()),
            expires_at: Some(one.expires_at.into()),
            resolved_at: one.resolved_at.map(Into::into),
        }
    }
}

fn purpose(one: Purpose) -> WirePurpose {
    let keeper = match one.keeper {
        None => WireKeeper::Unspecified,
        Some(Keeper::Generation) => WireKeeper::Generation,
    };
    WirePurpose {
        kind: one.kind,
        provider: one.provider,
        model: one.model,
        project_id: one.project,
        api_key_id: one.api_key,
        task_id: one.task,
        attempt: one.attempt,
        keeper: keeper.into(),
    }
}
