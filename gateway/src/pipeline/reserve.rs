//! Steps 5 and 6: takes the quota, forwards the call, gives the quota back when the service has
//! refused. What was reserved is seen through even when the client leaves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{
    Amount, Limit, Purpose, ReleaseRequest, ReserveRequest, ReserveResponse, purpose::Keeper,
};
use errors::{Fault, Reason, from_status};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use identity::receipt::{self, Receipt};
use telemetry::{RequestContext, context};
use tonic::{Code, Status};
use types::{ReservationId, Timestamp, UserId};
use uuid::Uuid;

use super::{Call, allowance, kept, replay};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::reply;
use crate::upstream::goes_again;
use axum::response::Response;

/// How long the usage service has to answer.
const RESERVE: Duration = Duration::from_secs(5);
/// The pauses between the tries to give a reservation back; after the last it expires by itself.
const RELEASE_PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// Forwards a call of one message and answers with the reply.
///
/// # Errors
/// What the usage service or the service itself answers.
pub(super) async fn forward(
    gateway: Arc<Gateway>,
    call: Call,
    message: Bytes,
) -> Result<Response, Failure> {
    let Some((meter, amount)) = call.endpoint.quota else {
        return kept::forward(&gateway, &call, message).await;
    };
    let scope = call.context.clone();
    let section = paid(gateway, call, message, meter, amount);
    // A task of its own: from the reservation to its release nobody's disconnect ends it.
    let task = tokio::spawn(context::scope(scope, section));
    task.await
        .unwrap_or_else(|error| Err(Fault::internal(error).into()))
}

async fn paid(
    gateway: Arc<Gateway>,
    call: Call,
    message: Bytes,
    meter: Meter,
    amount: i64,
) -> Result<Response, Failure> {
    let held = match reserve(&gateway, &call, meter, amount).await {
        Ok(held) => held,
        Err(refused) => return replay::or_refuse(&call, message, refused).await,
    };
    if call.deadline.is_past() {
        let headers = held.headers(amount);
        tokio::spawn(release(gateway, held, call.context));
        let late = "the call took longer than its deadline; nothing was done";
        let fault = Fault::new(Reason::DeadlineExceeded, late);
        return Err(Failure::from(fault).with_headers(headers));
    }
    let mut upstream = call.upstream();
    if let Ok(seal) = held.seal.parse() {
        upstream.metadata.insert(receipt::METADATA, seal);
    }
    match upstream.unary(message).await {
        Ok(replied) => {
            let is_replay = replay::is_one(&replied);
            let headers = held.headers(if is_replay { amount } else { 0 });
            if is_replay {
                tokio::spawn(release(gateway, held, call.context.clone()));
            }
            let mut response = reply::unary(&call, replied)?;
            response.headers_mut().extend(headers);
            Ok(response)
        }
        Err(status) if is_refusal(&status) => {
            let headers = held.headers(amount);
            tokio::spawn(release(gateway, held, call.context));
            Err(Failure::from(status).with_headers(headers))
        }
        // The work may have been accepted: the hold stays until the service confirms it or it
        // expires.
        Err(status) => Err(Failure::from(status).with_headers(held.headers(0))),
    }
}

/// Whether the answer says for certain that nothing was accepted.
fn is_refusal(status: &Status) -> bool {
    let reason = errors::reason_of(&errors::rpc_status(status));
    // Said before any handler runs, and by a handler that found nobody to do the work, no money for
    // it or no place in the queue.
    let certain = matches!(
        reason,
        Some(
            Reason::Overloaded
                | Reason::IdempotencyInFlight
                | Reason::NoProvider
                | Reason::QueueFull
                | Reason::QuotaExceeded
                | Reason::BudgetExceeded
                | Reason::PriceUnknown
                | Reason::SpendingPaused
        )
    );
    if certain {
        return true;
    }
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
    )
}

/// Units set aside for one call.
struct Held {
    id: String,
    owner: UserId,
    tier: String,
    limits: Vec<Limit>,
    seal: String,
}

impl Held {
    fn headers(&self, given_back: i64) -> HeaderMap {
        allowance::of_limits(&self.limits, given_back)
    }
}

async fn reserve(
    gateway: &Gateway,
    call: &Call,
    meter: Meter,
    amount: i64,
) -> Result<Held, Failure> {
    let caller = call
        .caller
        .as_ref()
        .ok_or_else(|| Fault::internal("a quota without a caller"))?;
    let owner = caller.owner()?;
    let wanted = ReserveRequest {
        operation_id: Uuid::now_v7().to_string(),
        owner_id: owner.to_string(),
        tier: caller.tier.clone(),
        amounts: vec![Amount {
            meter: meter.into(),
            amount,
        }],
        purpose: Some(purpose(call)),
        ..ReserveRequest::default()
    };
    let made = ask(gateway, call, owner, wanted).await.map_err(refusal)?;
    let reservation: ReservationId = made.reservation_id.parse().map_err(Fault::internal)?;
    let receipt = Receipt {
        reservation,
        owner,
        meter: meter.as_str_name().to_owned(),
        amount,
        expires_at: expiry_of(&made),
    };
    Ok(Held {
        seal: receipt::seal(&gateway.secret, &receipt),
        id: made.reservation_id,
        owner,
        tier: caller.tier.clone(),
        limits: made.limits,
    })
}

// The service that takes the call keeps its record: it is asked before the unit goes back.
fn purpose(call: &Call) -> Purpose {
    let keeper = Keeper::from_str_name(&call.endpoint.peer.name.to_uppercase());
    let grant = call.caller.as_ref().and_then(|one| one.grant.as_ref());
    Purpose {
        keeper: keeper.unwrap_or_default().into(),
        api_key_id: grant.map(|grant| grant.key.to_string()).unwrap_or_default(),
        ..Purpose::default()
    }
}

async fn ask(
    gateway: &Gateway,
    call: &Call,
    owner: UserId,
    wanted: ReserveRequest,
) -> Result<ReserveResponse, Fault> {
    let tier = call
        .caller
        .as_ref()
        .map_or("", |caller| caller.tier.as_str());
    let usage = &gateway.peers.usage;
    let send = || async {
        let signed = (gateway.credentials).request(Some((owner, tier)), wanted.clone());
        let request = signed.await?;
        Ok::<_, Fault>(
            UsageServiceClient::new(usage.link.clone())
                .reserve(request)
                .await,
        )
    };
    let work = async {
        usage.standing.check(usage.name)?;
        let answer = match send().await? {
            // It is one operation, however often it is asked for.
            Err(status) if goes_again(usage, call.deadline, true, &status).await => send().await?,
            answer => answer,
        };
        answer.map_err(reserve_error)
    };
    // By our own time, not the caller's: a unit that is set aside just as the caller's deadline ends
    // would be missing until it expires.
    let answer = context::unhurried(tokio::time::timeout(RESERVE, work)).await;
    let answer = answer.unwrap_or_else(|late| Err(Fault::unavailable("the usage service", late)));
    Ok(answer?.into_inner())
}

// Nothing was forwarded yet, so whatever keeps the usage service from answering is "unavailable";
// a fault of the gateway's own credentials is not the client's either. A plan that does not exist is
// told: waiting does not help, another plan does.
fn reserve_error(status: Status) -> Fault {
    let reason = errors::reason_of(&errors::rpc_status(&status));
    if let Some(Reason::SpendingPaused | Reason::PriceUnknown) = reason {
        return from_status(status);
    }
    match status.code() {
        Code::ResourceExhausted | Code::FailedPrecondition => from_status(status),
        Code::InvalidArgument if is_unknown_plan(&status) => from_status(status),
        _ => Fault::unavailable("the usage service", status),
    }
}

fn is_unknown_plan(status: &Status) -> bool {
    let violations = from_status(status.clone()).violations;
    !violations.is_empty() && violations.iter().all(|one| one.field == "tier")
}

fn refusal(mut fault: Fault) -> Failure {
    if fault.reason != Reason::QuotaExceeded {
        return fault.into();
    }
    let headers = allowance::of_refusal(&fault);
    let reset = allowance::reset_of(&fault);
    let says_when = fault.retry_after.is_some();
    fault
        .metadata
        .entry("remaining".to_owned())
        .or_insert_with(|| "0".to_owned());
    let failure = Failure::from(fault).with_headers(headers);
    match reset {
        Some(seconds) if !says_when => failure.with_header(RETRY_AFTER, &seconds.to_string()),
        _ => failure,
    }
}

fn expiry_of(made: &ReserveResponse) -> Timestamp {
    made.expires_at.as_ref().map_or(Timestamp(0), |at| {
        let micros = at.seconds.saturating_mul(1_000_000);
        Timestamp(micros.saturating_add(i64::from(at.nanos) / 1_000))
    })
}

async fn release(gateway: Arc<Gateway>, held: Held, known: RequestContext) {
    // The call's deadline has nothing to say about the release.
    let known = RequestContext {
        deadline: None,
        ..known
    };
    let id = known.request_id.clone();
    let work = context::scope(known, async {
        for pause in RELEASE_PAUSES {
            if try_release(&gateway, &held).await.is_ok() {
                return None;
            }
            tokio::time::sleep(pause).await;
        }
        try_release(&gateway, &held).await.err()
    });
    if let Some(fault) = work.await {
        tracing::warn!(
            request.id = id,
            reservation.id = held.id,
            error = %fault,
            "reservation not released; it will expire"
        );
    }
}

async fn try_release(gateway: &Gateway, held: &Held) -> Result<(), Fault> {
    let message = ReleaseRequest {
        reservation_id: held.id.clone(),
    };
    let owner = Some((held.owner, held.tier.as_str()));
    let work = async {
        let request = gateway.credentials.request(owner, message).await?;
        let mut usage = UsageServiceClient::new(gateway.peers.usage.link.clone());
        usage.release(request).await.map_err(from_status)
    };
    match tokio::time::timeout(RESERVE, work).await {
        Ok(answer) => answer.map(|_| ()),
        Err(elapsed) => Err(Fault::unavailable("the usage service", elapsed)),
    }
}
