//! Reads an order: everything that is wrong with it at once, and who will do it.

use errors::FieldViolation;
use std::time::Duration;

use types::{FileId, GenerationId, Microusd, SessionId, Timestamp};

use crate::domain::choice::{Market, NoRoute, Route};
use crate::domain::error::Error;
use crate::domain::generation::{ImageRequest, Kind};
use crate::domain::hold::Work;
use crate::domain::off_peak::OffPeak;
use crate::domain::prices::Looks;
use crate::domain::provider::Finish;
use crate::domain::queue::Schedule;
use crate::domain::reuse::ResultKey;
use crate::domain::route::{Policy, Wish};
use crate::domain::routing::{Catalog, Pinned};
use crate::domain::safety::text::clean;

/// The side of a picture whose order names none.
pub const DEFAULT_SIDE: u32 = 1_024;
const MAX_PROMPT: usize = 10_000;
const MAX_INPUTS: usize = 4;
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
const HORIZON: Duration = Duration::from_hours(30 * 24);

/// An order as it was sent.
#[derive(Debug, Clone, Default)]
pub struct OrderForm {
    /// What to make, if it is something we know.
    pub kind: Option<Kind>,
    /// The picture.
    pub image: Option<ImageForm>,
    /// A UUID, or nothing.
    pub session_id: String,
    /// Who is to do it, if it is said in words we know.
    pub wish: Option<Wish>,
    /// Not to begin before.
    pub not_before: Option<Timestamp>,
    /// Not to begin later than so long from now.
    pub expire_after: Option<Duration>,
    /// Whether a result from before will do; when it does not say, it does if a seed is named.
    pub cache: Option<bool>,
    /// Whether it waits for the off-peak window.
    pub off_peak: bool,
}

/// A picture as it was ordered.
#[derive(Debug, Clone)]
pub struct ImageForm {
    /// What to show.
    pub prompt: String,
    /// What not to show.
    pub negative_prompt: String,
    /// In pixels.
    pub width: Option<i32>,
    /// In pixels.
    pub height: Option<i32>,
    /// What makes it repeatable.
    pub seed: Option<u32>,
    /// UUIDs of files.
    pub input_file_ids: Vec<String>,
    /// A provider's name, or nothing.
    pub provider: String,
    /// A model's name, or nothing.
    pub model: String,
    /// The UUID of a file, or nothing.
    pub mask_file_id: String,
    /// What only some models know; or the field that says something nobody knows.
    pub finish: Result<Finish, &'static str>,
}

/// An order that can be done.
#[derive(Clone)]
pub struct Order {
    /// What is made.
    pub kind: Kind,
    /// The picture, every choice made.
    pub request: ImageRequest,
    /// The client's own grouping.
    pub session: Option<SessionId>,
    /// Who it says is to do it.
    pub wish: Wish,
    /// When it may begin.
    pub schedule: Schedule,
    /// How much of the price counts, in thousandths; all of it when absent.
    pub permille: Option<i64>,
    /// Who does it.
    pub route: Route,
    /// Whether a result from before will do, and with which seed: any one when none is named.
    pub reuse: Option<Option<u32>>,
    /// What the result will be known by, if it may be given again.
    pub result_key: Option<ResultKey>,
}

impl Order {
    /// What is to be paid for, as the task it will be.
    #[must_use]
    pub fn work(&self, task: GenerationId) -> Work {
        Work {
            kind: self.kind,
            provider: self.route.provider.name().to_owned(),
            model: self.route.model.name.clone(),
            task,
            looks: Looks::of(&self.request.spec()),
            max_price: self.wish.max_price,
            list_price: self.route.model.price_per_image,
            list_price_as_of: self.route.model.price_as_of.clone(),
            permille: self.permille,
        }
    }
}

impl Order {
    /// The work at the price it would be held at now, as far as that is known here.
    #[must_use]
    pub fn priced(&self, task: GenerationId) -> Work {
        Work {
            list_price: Microusd(self.route.itinerary.chosen.price_microusd),
            ..self.work(task)
        }
    }

    /// What it would wish for if money mattered most; none when that changes nothing.
    #[must_use]
    pub fn saves_as(&self) -> Option<Wish> {
        let route = &self.route.itinerary;
        let is_dearer = !route.is_pinned && route.policy != Policy::Cheapest;
        is_dearer.then_some(Wish {
            policy: Policy::Cheapest,
            ..self.wish
        })
    }
}

#[derive(Default)]
struct Faults(Vec<FieldViolation>);

impl Faults {
    // The first word on a field is ours; what a provider says about the same field adds nothing.
    fn add(&mut self, field: &str, description: impl Into<String>) {
        if !self.0.iter().any(|one| one.field == field) {
            self.0.push(FieldViolation {
                field: field.to_owned(),
                description: description.into(),
            });
        }
    }
}

/// Reads an order. `seed` is used when it names none, so that it can be repeated.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field, [`Error::NoProvider`].
pub fn read(
    form: OrderForm,
    catalog: &Catalog,
    market: &Market<'_>,
    seed: u32,
    now: Timestamp,
) -> Result<Order, Error> {
    let mut faults = Faults::default();
    let session = read_session(&form.session_id, &mut faults);
    let off_peak = market.off_peak.filter(|_| form.off_peak);
    if form.off_peak && off_peak.is_none() {
        faults.add("offPeak", "must be false: there is no off-peak window here");
    }
    let market = &Market {
        off_peak,
        ..*market
    };
    let schedule = read_schedule(&form, off_peak, now, &mut faults);
    let wish = read_wish(form.wish, &mut faults);
    if form.kind.is_none() {
        faults.add("kind", "must be IMAGE");
    }
    let Some(image) = form.image else {
        faults.add("image", "must be there when kind is IMAGE");
        return Err(Error::Invalid(faults.0));
    };
    let seed_named = image.seed;
    let sides = [("image.width", image.width), ("image.height", image.height)];
    let request = read_image(image, seed, &mut faults);
    let pinned = Pinned {
        provider: request.provider.as_deref(),
        model: request.model.as_deref(),
    };
    let route = match catalog.route(&request.spec(), pinned, wish, market) {
        Ok(route) => Some(route),
        Err(NoRoute::NoProvider(said)) if faults.0.is_empty() => {
            return Err(Error::NoProvider(said));
        }
        Err(NoRoute::NoProvider(_)) => None,
        Err(NoRoute::Invalid(violations)) => {
            for violation in violations {
                faults.add(&violation.field, violation.description);
            }
            None
        }
    };
    for (field, side) in sides {
        if side.is_some_and(|side| side < 1) {
            faults.add(field, "must be greater than 0");
        }
    }
    match (form.kind, route) {
        (Some(kind), Some(route)) if faults.0.is_empty() => Ok(Order {
            kind,
            request,
            session,
            wish,
            schedule,
            permille: off_peak.map(|one| one.permille),
            route,
            reuse: (form.cache.unwrap_or(seed_named.is_some())).then_some(seed_named),
            result_key: None,
        }),
        _ => Err(Error::Invalid(faults.0)),
    }
}

fn read_wish(wish: Option<Wish>, faults: &mut Faults) -> Wish {
    if wish.is_none() {
        faults.add(
            "routing.policy",
            "must be one of CHEAPEST, FASTEST, BALANCED",
        );
    }
    let wish = wish.unwrap_or_default();
    if wish.max_price.is_some_and(|most| most.0 < 0) {
        faults.add("routing.maxPriceMicrousd", "must not be negative");
    }
    wish
}

fn read_session(text: &str, faults: &mut Faults) -> Option<SessionId> {
    if text.is_empty() {
        return None;
    }
    let read: Result<SessionId, _> = text.parse();
    read.map_err(|error| faults.add("sessionId", error.to_string()))
        .ok()
}

fn read_schedule(
    form: &OrderForm,
    off_peak: Option<OffPeak>,
    now: Timestamp,
    faults: &mut Faults,
) -> Schedule {
    if form.not_before > Some(now.plus(HORIZON)) {
        faults.add("notBefore", "must be at most 30 days from now");
    }
    let earliest = form.not_before.map_or(now, |at| at.max(now));
    let opening = off_peak.map(|one| one.window.opening(earliest));
    let not_before = opening.filter(|at| *at > now).or(form.not_before);
    let expires_at = form.expire_after.map(|span| now.plus(span));
    if (form.expire_after).is_some_and(|span| !(SHORTEST_LIFE..=HORIZON).contains(&span)) {
        faults.add("expireAfter", "must be 1s to 2592000s (30 days)");
    } else if expires_at.is_some() && expires_at <= form.not_before {
        faults.add("expireAfter", "must end after notBefore");
    } else if expires_at.is_some() && expires_at <= not_before {
        faults.add("expireAfter", "must end after the off-peak window opens");
    }
    Schedule {
        not_before,
        expires_at,
        off_peak: off_peak.is_some(),
    }
}

fn read_image(form: ImageForm, seed: u32, faults: &mut Faults) -> ImageRequest {
    if clean(&form.prompt).is_empty() {
        faults.add(
            "image.prompt",
            "must have 1 to 10000 characters, not only spaces",
        );
    }
    check_words("image.prompt", &form.prompt, faults);
    check_words("image.negativePrompt", &form.negative_prompt, faults);
    let width = read_side(form.width);
    let height = read_side(form.height);
    let inputs = read_inputs(&form.input_file_ids, faults);
    let mask = read_mask(&form, faults);
    let finish = form.finish.unwrap_or_else(|field| {
        faults.add(field, "must be a value the contract knows");
        Finish::default()
    });
    let chosen = |text: String| Some(text).filter(|name| !name.is_empty());
    ImageRequest {
        prompt: clean(&form.prompt),
        negative_prompt: clean(&form.negative_prompt),
        width,
        height,
        seed: form.seed.unwrap_or(seed),
        inputs,
        mask,
        finish,
        provider: chosen(form.provider),
        model: chosen(form.model),
    }
}

fn check_words(field: &str, text: &str, faults: &mut Faults) {
    if text.chars().count() > MAX_PROMPT {
        faults.add(field, "must have at most 10000 characters");
    }
    if text.contains('\0') {
        faults.add(field, "must not contain the character U+0000");
    }
}

// A side of nothing or less is passed on as one pixel: no provider paints that, so the answer tells
// what it does paint, and no provider divides by zero.
fn read_side(side: Option<i32>) -> u32 {
    side.map_or(DEFAULT_SIDE, |side| u32::try_from(side).unwrap_or(0).max(1))
}

fn read_inputs(texts: &[String], faults: &mut Faults) -> Vec<FileId> {
    if texts.len() > MAX_INPUTS {
        faults.add("image.inputFileIds", "must have at most 4 items");
        return Vec::new();
    }
    let mut files = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(file) => files.push(file),
            Err(types::InvalidId) => faults.add(&input_field(place), types::InvalidId.to_string()),
        }
    }
    files
}

fn read_mask(form: &ImageForm, faults: &mut Faults) -> Option<FileId> {
    if form.mask_file_id.is_empty() {
        return None;
    }
    if form.input_file_ids.is_empty() {
        faults.add(
            MASK_FIELD,
            "must be empty without inputFileIds: there is nothing to change",
        );
    }
    let read = form.mask_file_id.parse();
    read.map_err(|error: types::InvalidId| faults.add(MASK_FIELD, error.to_string()))
        .ok()
}

/// The name of the mask's field, as JSON names it.
pub const MASK_FIELD: &str = "image.maskFileId";

/// The name of an input file's field, as JSON names it.
#[must_use]
pub fn input_field(place: usize) -> String {
    format!("image.inputFileIds[{place}]")
}
