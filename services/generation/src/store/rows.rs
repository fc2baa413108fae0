//! Rows to what they mean.

use errors::Reason;
use types::{FileId, GenerationId, Microusd, ReservationId, SessionId, Timestamp, UserId};

use super::entity::{attempts, events, outbox, outputs, tasks};
use super::unreadable;
use crate::domain::attempt::{Attempt, AttemptState};
use crate::domain::bill::Billed;
use crate::domain::error::Error;
use crate::domain::events::{Event, EventKind};
use crate::domain::generation::{Failure, Generation, ImageRequest, Kind, Output, Status};
use crate::domain::hold::Quote;
use crate::domain::ports::{Claim, Claimed, Patron};
use crate::domain::provider::Job;
use crate::domain::route::Itinerary;
use crate::domain::settlement::{Actuals, Call, Debt};
use crate::domain::unknown::{UnknownAttempt, Verdict};

pub(super) fn generation(
    row: tasks::Model,
    files: Vec<outputs::Model>,
) -> Result<Generation, Error> {
    let failure = match (&row.failure_reason, row.failure_message) {
        (Some(reason), message) => Some(Failure {
            reason: Reason::from_str_name(reason).ok_or_else(|| unreadable("reason"))?,
            message: message.unwrap_or_default(),
        }),
        (None, _) => None,
    };
    Ok(Generation {
        id: GenerationId(row.id),
        owner: UserId(row.owner),
        status: Status::read(&row.status).ok_or_else(|| unreadable("status"))?,
        kind: Kind::read(&row.kind).ok_or_else(|| unreadable("kind"))?,
        progress: percent(row.progress),
        request: request(&row.request)?,
        session: row.session_id.map(SessionId),
        provider: row.provider,
        model: row.model,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        cost: Microusd(row.cost_microusd),
        price: quote(row.price_microusd, row.price_version),
        outputs: files.into_iter().map(output).collect(),
        failure,
        ignored: serde_json::from_str(&row.ignored).map_err(|_| unreadable("list"))?,
        itinerary: itinerary(row.route.as_deref())?,
        place: None,
        expires_at: row.expires_at.map(Timestamp),
        is_cached: row.cached,
        is_off_peak: row.off_peak,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        completed_at: row.completed_at.map(Timestamp),
    })
}

pub(super) fn claimed(row: tasks::Model) -> Result<Claimed, Error> {
    Ok(Claimed {
        price: price(&row),
        claim: Claim {
            task: GenerationId(row.id),
            fence: row.fence,
        },
        patron: Patron {
            id: UserId(row.owner),
            tier: row.tier,
            api_key: None,
        },
        request: request(&row.request)?,
        session: row.session_id.map(SessionId),
        provider: row.provider,
        model: row.model,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        reservation: row.reservation_id.map(ReservationId),
        expires_at: row.expires_at.map(Timestamp),
        itinerary: itinerary(row.route.as_deref())?,
    })
}

fn itinerary(text: Option<&str>) -> Result<Option<Itinerary>, Error> {
    let read = text.map(serde_json::from_str).transpose();
    read.map_err(|_| unreadable("route"))
}

pub(super) fn billed(row: attempts::Model) -> Result<Billed, Error> {
    Ok(Billed {
        number: row.number,
        state: AttemptState::read(&row.state).ok_or_else(|| unreadable("attempt"))?,
        provider: row.provider,
        model: row.model,
        cost: row.cost_microusd.map(Microusd),
        tokens: row.tokens,
    })
}

pub(super) fn attempt(row: &attempts::Model) -> Result<Attempt, Error> {
    let job: Option<Job> = match &row.job {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| unreadable("job"))?),
        None => None,
    };
    Ok(Attempt {
        number: row.number,
        provider: row.provider.clone(),
        state: AttemptState::read(&row.state).ok_or_else(|| unreadable("attempt"))?,
        job,
        sent_at: row.sent_at.map(Timestamp),
    })
}

pub(super) fn unknown(task: &tasks::Model, row: attempts::Model) -> Result<UnknownAttempt, Error> {
    let job = attempt(&row)?.job.map(|job| job.id);
    let verdict = row.resolved_at.map(|at| Verdict {
        cost: Microusd(row.cost_microusd.unwrap_or(0)),
        note: row.note.unwrap_or_default(),
        actor: row.resolved_by.unwrap_or_default(),
        at: Timestamp(at),
    });
    Ok(UnknownAttempt {
        task: GenerationId(task.id),
        number: row.number,
        owner: UserId(task.owner),
        provider: row.provider,
        model: row.model,
        job,
        held: price(task).unwrap_or(Microusd(0)),
        class: row.error_class.unwrap_or_default(),
        detail: row.error_detail.unwrap_or_default(),
        sent_at: row.sent_at.map(Timestamp),
        since: row.ended_at.map(Timestamp),
        reservation: task.reservation_id.map(ReservationId),
        verdict,
    })
}

pub(super) fn event(row: events::Model) -> Result<Event, Error> {
    Ok(Event {
        sequence: row.sequence,
        kind: EventKind::read(&row.kind).ok_or_else(|| unreadable("event"))?,
        status: Status::read(&row.status).ok_or_else(|| unreadable("status"))?,
        progress: percent(row.progress),
        message: row.message,
        created_at: Timestamp(row.created_at),
    })
}

pub(super) fn debt(row: &outbox::Model) -> Result<Debt, Error> {
    Ok(Debt {
        id: row.id,
        call: call(row)?,
        reservation: ReservationId(row.reservation_id),
        task: GenerationId(row.task_id),
        tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
    })
}

fn call(row: &outbox::Model) -> Result<Call, Error> {
    let unreadable = || unreadable("call");
    let actuals: Option<Actuals> = match &row.actuals {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| unreadable())?),
        None => None,
    };
    Call::read(&row.kind, actuals).ok_or_else(unreadable)
}

/// What a task was accepted at.
pub(super) fn price(row: &tasks::Model) -> Option<Microusd> {
    row.price_microusd.map(Microusd)
}

fn quote(amount: Option<i64>, version: Option<String>) -> Option<Quote> {
    Some(Quote {
        amount: Microusd(amount?),
        version: version?,
    })
}

pub(super) fn output(row: outputs::Model) -> Output {
    Output {
        file: FileId(row.file_id),
        content_type: row.content_type,
        width: u32::try_from(row.width).unwrap_or(0),
        height: u32::try_from(row.height).unwrap_or(0),
    }
}

fn request(text: &str) -> Result<ImageRequest, Error> {
    serde_json::from_str(text).map_err(|_| unreadable("order"))
}

fn percent(value: i64) -> u8 {
    u8::try_from(value.clamp(0, 100)).unwrap_or(100)
}
