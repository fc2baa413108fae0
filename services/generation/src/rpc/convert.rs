//! Wire to domain and back.

use std::time::Duration;

use contracts::generation::v1 as wire;
use contracts::generation::v1::generation::{Kind as WireKind, Status as WireStatus};
use contracts::generation::v1::generation_event::Type as WireType;
use contracts::generation::v1::image_spec::{Background as WireBackground, Quality as WireQuality};
use contracts::generation::v1::provider::State as WireState;
use contracts::generation::v1::report_reservations_response::Report as WireReport;
use contracts::generation::v1::report_reservations_response::report::Outcome;
use errors::{Fault, Violations};
use identity::Caller;
use types::{GenerationId, Page, PageRequest, ReservationId, Timestamp};

use super::convert_route;
use crate::domain::desk::{ProviderCard, ProviderState};
use crate::domain::events::{Event, EventKind};
use crate::domain::generation::{Failure, Filter, Generation, ImageRequest, Kind, Output, Status};
use crate::domain::keeper::Report;
use crate::domain::order::{ImageForm, OrderForm};
use crate::domain::ports::Patron;
use crate::domain::provider::{Background, Extras, Finish, Model, Quality};
use crate::domain::speed::Speed;

const MAX_RESERVATIONS: usize = 100;

pub(super) fn patron(caller: &Caller) -> Result<Patron, Fault> {
    Ok(Patron {
        id: caller.owner()?,
        tier: caller.tier.clone(),
        api_key: caller.grant.as_ref().map(|grant| grant.key),
    })
}

pub(super) fn read_order(request: wire::CreateGenerationRequest) -> OrderForm {
    OrderForm {
        kind: match request.kind() {
            WireKind::Image => Some(Kind::Image),
            WireKind::Unspecified => None,
        },
        image: request.image.map(read_image),
        session_id: request.session_id,
        wish: convert_route::read_wish(request.routing),
        not_before: request.not_before.map(read_moment),
        expire_after: request.expire_after.map(read_span),
        cache: request.cache,
        off_peak: request.off_peak,
    }
}

// What lies outside the years the calendar knows lies outside every bound as well.
fn read_moment(moment: prost_types::Timestamp) -> Timestamp {
    let micros = moment.seconds.saturating_mul(1_000_000);
    Timestamp(micros.saturating_add(i64::from(moment.nanos) / 1_000))
}

// A negative one is none at all, which is too short.
fn read_span(span: prost_types::Duration) -> Duration {
    Duration::try_from(span).unwrap_or(Duration::ZERO)
}

fn read_image(image: wire::ImageSpec) -> ImageForm {
    ImageForm {
        finish: read_finish(&image),
        mask_file_id: image.mask_file_id,
        prompt: image.prompt,
        negative_prompt: image.negative_prompt,
        width: image.width,
        height: image.height,
        seed: image.seed,
        input_file_ids: image.input_file_ids,
        provider: image.provider,
        model: image.model,
    }
}

// Numbers that are none of the contract's are not taken for nothing said.
fn read_finish(image: &wire::ImageSpec) -> Result<Finish, &'static str> {
    Ok(Finish {
        quality: match WireQuality::try_from(image.quality).map_err(|_| "image.quality")? {
            WireQuality::Unspecified => None,
            WireQuality::Low => Some(Quality::Low),
            WireQuality::Medium => Some(Quality::Medium),
            WireQuality::High => Some(Quality::High),
        },
        background: match WireBackground::try_from(image.background)
            .map_err(|_| "image.background")?
        {
            WireBackground::Unspecified => None,
            WireBackground::Opaque => Some(Background::Opaque),
            WireBackground::Transparent => Some(Background::Transparent),
        },
    })
}

pub(super) fn read_id(text: &str) -> Result<GenerationId, Fault> {
    text.parse()
        .map_err(|error: types::InvalidId| Fault::field("id", error.to_string()))
}

pub(super) fn read_watch(
    request: &wire::WatchGenerationRequest,
) -> Result<(GenerationId, i64), Fault> {
    let mut violations = Violations::new();
    let id = violations.read("id", request.id.parse::<GenerationId>());
    let after = request.after_sequence;
    violations.check(after >= 0, "afterSequence", "must not be negative");
    match id {
        Some(id) if violations.is_empty() => Ok((id, after)),
        _ => Err(violations.into_fault()),
    }
}

pub(super) fn read_list(
    request: &wire::ListGenerationsRequest,
) -> Result<(Filter, PageRequest), Fault> {
    let mut violations = Violations::new();
    let status = match WireStatus::try_from(request.status) {
        Ok(WireStatus::Unspecified) => None,
        Ok(WireStatus::Pending) => Some(Status::Pending),
        Ok(WireStatus::Processing) => Some(Status::Processing),
        Ok(WireStatus::Completed) => Some(Status::Completed),
        Ok(WireStatus::Failed) => Some(Status::Failed),
        Ok(WireStatus::Cancelled) => Some(Status::Cancelled),
        Err(_) => {
            let known = "must be PENDING, PROCESSING, COMPLETED, FAILED or CANCELLED";
            violations.add("status", known);
            None
        }
    };
    let session = match request.session_id.as_str() {
        "" => None,
        text => violations.read("sessionId", text.parse()),
    };
    let page = PageRequest::parse(request.page_size, &request.page_token)
        .map_err(|error| violations.add(error.field(), error.to_string()));
    match page {
        Ok(page) if violations.is_empty() => Ok((Filter { status, session }, page)),
        _ => Err(violations.into_fault()),
    }
}

pub(super) fn read_reservations(
    request: &wire::ReportReservationsRequest,
) -> Result<Vec<ReservationId>, Fault> {
    let mut violations = Violations::new();
    let count = request.reservation_ids.len();
    let is_fine = (1..=MAX_RESERVATIONS).contains(&count);
    violations.check(is_fine, "reservationIds", "must have 1 to 100 items");
    let mut asked = Vec::new();
    for (place, text) in (request.reservation_ids.iter().enumerate()).take(MAX_RESERVATIONS) {
        let field = format!("reservationIds[{place}]");
        asked.extend(violations.read(&field, text.parse::<ReservationId>()));
    }
    match violations.is_empty() {
        true => Ok(asked),
        false => Err(violations.into_fault()),
    }
}

pub(super) fn reports(
    asked: &[ReservationId],
    reports: &[Report],
) -> wire::ReportReservationsResponse {
    let reports = (asked.iter().zip(reports)).map(|(reservation, report)| WireReport {
        reservation_id: reservation.to_string(),
        outcome: match report {
            Report::Unknown => Outcome::Unknown.into(),
            Report::Open => Outcome::Open.into(),
        },
    });
    wire::ReportReservationsResponse {
        reports: reports.collect(),
    }
}

pub(super) fn generation(generation: Generation) -> wire::Generation {
    let created_at = Some(generation.created_at.into());
    let updated_at = Some(generation.updated_at.into());
    let price = generation.price.as_ref();
    let place = generation.place;
    wire::Generation {
        id: generation.id.to_string(),
        status: status(generation.status).into(),
        kind: match generation.kind {
            Kind::Image => WireKind::Image.into(),
        },
        progress: i32::from(generation.progress),
        image: Some(image(generation.request)),
        session_id: optional(generation.session),
        provider: generation.provider,
        model: generation.model,
        attempts: i32::try_from(generation.attempts).unwrap_or(i32::MAX),
        cost_microusd: generation.cost.0,
        price_microusd: price.map(|price| price.amount.0),
        price_version: price.map_or_else(String::new, |price| price.version.clone()),
        outputs: generation.outputs.into_iter().map(output).collect(),
        error: generation.failure.map(failure),
        ignored_parameters: generation.ignored,
        cached: generation.is_cached,
        off_peak: generation.is_off_peak,
        created_at,
        updated_at,
        completed_at: generation.completed_at.map(Into::into),
        route: generation.itinerary.map(convert_route::route),
        expires_at: generation.expires_at.map(Into::into),
        queue_position: place
            .and_then(|place| place.position)
            .map(|position| i32::try_from(position).unwrap_or(i32::MAX)),
        estimated_start_at: place.and_then(|place| place.starts_at).map(Into::into),
    }
}

pub(super) fn page(page: Page<Generation>) -> wire::ListGenerationsResponse {
    wire::ListGenerationsResponse {
        generations: page.items.into_iter().map(generation).collect(),
        next_page_token: page.next_token,
    }
}

pub(super) fn event(event: Event) -> wire::WatchGenerationResponse {
    let kind = match event.kind {
        EventKind::Queued => WireType::Queued,
        EventKind::Started => WireType::Started,
        EventKind::Generating => WireType::Generating,
        EventKind::Storing => WireType::Storing,
        EventKind::Retrying => WireType::Retrying,
        EventKind::Requeued => WireType::Requeued,
        EventKind::Completed => WireType::Completed,
        EventKind::Failed => WireType::Failed,
        EventKind::Cancelled => WireType::Cancelled,
    };
    wire::WatchGenerationResponse {
        event: Some(wire::GenerationEvent {
            sequence: event.sequence,
            r#type: kind.into(),
            created_at: Some(event.created_at.into()),
            message: event.message,
            progress: i32::from(event.progress),
            status: status(event.status).into(),
        }),
    }
}

pub(super) fn providers(cards: Vec<ProviderCard>) -> wire::ListProvidersResponse {
    wire::ListProvidersResponse {
        providers: cards.into_iter().map(provider).collect(),
    }
}

fn provider(card: ProviderCard) -> wire::Provider {
    let (state, available_at) = match card.state {
        ProviderState::Available => (WireState::Available, None),
        ProviderState::Cooling(until) => (WireState::Cooling, Some(until.into())),
        ProviderState::Unconfigured => (WireState::Unconfigured, None),
    };
    wire::Provider {
        name: card.name,
        models: card.models.into_iter().map(model).collect(),
        state: state.into(),
        available_at,
        procedural: card.is_procedural,
    }
}

fn model((model, speed, extras): (Model, Speed, Extras)) -> wire::Model {
    wire::Model {
        performance: convert_route::performance(&speed),
        name: model.name,
        price_per_image_microusd: model.price_per_image.0,
        takes_input_images: model.takes_input_images,
        takes_masks: extras.masks,
        price_as_of: model.price_as_of,
    }
}

fn status(status: Status) -> WireStatus {
    match status {
        Status::Pending => WireStatus::Pending,
        Status::Processing => WireStatus::Processing,
        Status::Completed => WireStatus::Completed,
        Status::Failed => WireStatus::Failed,
        Status::Cancelled => WireStatus::Cancelled,
    }
}

fn image(request: ImageRequest) -> wire::ImageSpec {
    let quality = match request.finish.quality {
        None => WireQuality::Unspecified,
        Some(Quality::Low) => WireQuality::Low,
        Some(Quality::Medium) => WireQuality::Medium,
        Some(Quality::High) => WireQuality::High,
    };
    let background = match request.finish.background {
        None => WireBackground::Unspecified,
        Some(Background::Opaque) => WireBackground::Opaque,
        Some(Background::Transparent) => WireBackground::Transparent,
    };
    wire::ImageSpec {
        prompt: request.prompt,
        negative_prompt: request.negative_prompt,
        width: Some(pixels(request.width)),
        height: Some(pixels(request.height)),
        seed: Some(request.seed),
        input_file_ids: request.inputs.iter().map(ToString::to_string).collect(),
        provider: request.provider.unwrap_or_default(),
        model: request.model.unwrap_or_default(),
        quality: quality.into(),
        background: background.into(),
        mask_file_id: optional(request.mask),
    }
}

fn output(output: Output) -> wire::Output {
    wire::Output {
        file_id: output.file.to_string(),
        content_type: output.content_type,
        width: pixels(output.width),
        height: pixels(output.height),
    }
}

fn failure(failure: Failure) -> wire::Failure {
    wire::Failure {
        reason: failure.reason.as_str_name().to_owned(),
        message: failure.message,
    }
}

fn pixels(side: u32) -> i32 {
    i32::try_from(side).unwrap_or(i32::MAX)
}

pub(super) fn optional(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
