//! Chooses who does an order among those who can, and says why not the others.

use std::sync::Arc;

use errors::FieldViolation;
use types::Microusd;

use crate::domain::cooling::Cooling;
use crate::domain::off_peak::OffPeak;
use crate::domain::prices::{Looks, PriceBoard};
use crate::domain::provider::{Fit, ImageProvider, ImageSpec, Model};
use crate::domain::route::{Candidate, Itinerary, Merits, Rejected, Why, Wish, rank};
use crate::domain::routing::{Catalog, Pinned};
use crate::domain::speed::SpeedBoard;

/// Who does an order.
#[derive(Clone)]
pub struct Route {
    /// The provider.
    pub provider: Arc<dyn ImageProvider>,
    /// One of its models.
    pub model: Model,
    /// Parts of the order that have no effect there.
    pub ignored: Vec<String>,
    /// Why it is this one, and who would be next.
    pub itinerary: Itinerary,
}

/// Why nobody does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// The order is at fault.
    Invalid(Vec<FieldViolation>),
    /// Nobody is set up for it.
    NoProvider(String),
}

/// What changes from moment to moment.
#[derive(Clone, Copy)]
pub struct Market<'a> {
    /// Who is left alone just now.
    pub cooling: &'a Cooling,
    /// What pictures cost today.
    pub prices: &'a PriceBoard,
    /// How long they take.
    pub speeds: &'a SpeedBoard,
    /// What holds for orders that can wait.
    pub off_peak: Option<OffPeak>,
}

type Refused<'a> = (&'a str, &'a Model, Vec<FieldViolation>);

// One that can do the order.
struct Fitting<'a> {
    provider: &'a Arc<dyn ImageProvider>,
    model: &'a Model,
    candidate: Candidate,
    merits: Merits,
}

impl Catalog {
    /// Chooses who does an order. A provider the order names is taken even while it cools down:
    /// the order waits for it. Others are passed over while they do, unless all of them do.
    ///
    /// # Errors
    /// The named provider or model is unknown or not set up, or nobody can do the order at its price.
    pub fn route(
        &self,
        spec: &ImageSpec,
        pinned: Pinned<'_>,
        wish: Wish,
        market: &Market<'_>,
    ) -> Result<Route, NoRoute> {
        let mut refused = Vec::new();
        let mut fitting = Vec::new();
        for (provider, model) in self.candidates(pinned)? {
            match fit(provider, model, spec) {
                Fit::Yes { ignored } => {
                    fitting.push(market.look_at(provider, model, ignored, spec))
                }
                Fit::No(violations) => refused.push((provider.name(), model, violations)),
            }
        }
        // A named provider is asked for its own choice, not for its cheapest.
        if pinned.provider.is_none() {
            rank(wish.policy, &mut fitting, |one| one.merits);
        }
        let most = wish.max_price.unwrap_or(Microusd(i64::MAX));
        let (affordable, dear): (Vec<_>, Vec<_>) = fitting
            .into_iter()
            .partition(|one| one.merits.price <= most);
        let mut affordable = affordable.into_iter();
        let Some(best) = affordable.next() else {
            let cheapest = dear.iter().map(|one| one.merits.price).min();
            let too_dear = cheapest.map(|price| NoRoute::Invalid(vec![too_dear(price)]));
            return Err(too_dear.unwrap_or_else(|| merge(&refused)));
        };
        let has_fallbacks = pinned.provider.is_none() && !wish.no_fallback;
        let (fallbacks, outranked): (Vec<_>, Vec<_>) = affordable
            .partition(|one| has_fallbacks && one.candidate.is_on_a_par_with(&best.candidate));
        let mut rejected = reasons(&refused, &dear, &outranked);
        if pinned.provider.is_none() {
            rejected.extend(self.unasked());
        }
        Ok(Route {
            provider: best.provider.clone(),
            model: best.model.clone(),
            ignored: best.candidate.ignored.clone(),
            itinerary: Itinerary {
                policy: wish.policy,
                is_pinned: pinned.provider.is_some(),
                chosen: best.candidate,
                fallbacks: fallbacks.into_iter().map(|one| one.candidate).collect(),
                rejected,
                is_saving: false,
            },
        })
    }

    // Those who are not looked at unless the order names them. Who is not set up, is nobody's concern.
    fn unasked(&self) -> impl Iterator<Item = Rejected> {
        let unasked = self.entries();
        let unasked = unasked.filter(|entry| entry.provider.is_some() && !entry.is_automatic);
        unasked.map(|entry| Rejected {
            provider: entry.name.clone(),
            model: String::new(),
            why: Why::Procedural,
            message: "draws by rule; it has to be named".to_owned(),
        })
    }
}

// What the adapter says, and what it says to what only some models know.
fn fit(provider: &Arc<dyn ImageProvider>, model: &Model, spec: &ImageSpec) -> Fit {
    let extras = provider.extras(model);
    let mut wrong = Vec::new();
    if spec.has_mask && !extras.masks {
        wrong.push(FieldViolation {
            field: "image.maskFileId".to_owned(),
            description: format!("{} takes no masks", model.name),
        });
    }
    match provider.fit(model, spec) {
        Fit::No(violations) => Fit::No(violations.into_iter().chain(wrong).collect()),
        Fit::Yes { .. } if !wrong.is_empty() => Fit::No(wrong),
        Fit::Yes { mut ignored } => {
            let (quality, background) = (spec.finish.quality, spec.finish.background);
            if !extras.finish {
                ignored.extend(quality.map(|_| "quality".to_owned()));
                ignored.extend(background.map(|_| "background".to_owned()));
            }
            Fit::Yes { ignored }
        }
    }
}

impl Market<'_> {
    fn look_at<'a>(
        &self,
        provider: &'a Arc<dyn ImageProvider>,
        model: &'a Model,
        ignored: Vec<String>,
        spec: &ImageSpec,
    ) -> Fitting<'a> {
        let name = provider.name();
        let looks = Looks::of(spec);
        let price = self.prices.of(name, model, &looks).price;
        let price = self.off_peak.map_or(price, |one| one.price(price));
        Fitting {
            provider,
            model,
            candidate: Candidate {
                provider: name.to_owned(),
                model: model.name.clone(),
                price_microusd: price.0,
                ignored,
            },
            merits: Merits {
                is_cooling: self.cooling.until(name).is_some(),
                price,
                seconds: self.speeds.of(name, &model.name).p50,
            },
        }
    }
}

/// The order allows less than the cheapest takes who can do it.
#[must_use]
pub fn too_dear(cheapest: Microusd) -> FieldViolation {
    FieldViolation {
        field: "routing.maxPriceMicrousd".to_owned(),
        description: format!(
            "must be at least {}, which the cheapest takes who can do the order",
            cheapest.0
        ),
    }
}

fn reasons(
    refused: &[Refused<'_>],
    dear: &[Fitting<'_>],
    outranked: &[Fitting<'_>],
) -> Vec<Rejected> {
    let unfit = refused.iter().map(|(provider, model, violations)| {
        let said: Vec<String> = (violations.iter())
            .map(|one| format!("{}: {}", one.field, one.description))
            .collect();
        Rejected {
            provider: (*provider).to_owned(),
            model: model.name.clone(),
            why: Why::Unfit,
            message: said.join("; "),
        }
    });
    let dear = dear.iter().map(|one| {
        let message = format!("costs {} microusd", one.merits.price.0);
        one.rejected(Why::TooExpensive, message)
    });
    let outranked = outranked.iter().map(|one| match one.merits.is_cooling {
        true => one.rejected(Why::Cooling, "failed lately and is left alone"),
        false => one.rejected(Why::Outranked, "suits the policy less than the chosen one"),
    });
    unfit.chain(dear).chain(outranked).collect()
}

impl Fitting<'_> {
    fn rejected(&self, why: Why, message: impl Into<String>) -> Rejected {
        Rejected {
            provider: self.candidate.provider.clone(),
            model: self.candidate.model.clone(),
            why,
            message: message.into(),
        }
    }
}

// Each field once. When several providers were asked, each says what it would take.
fn merge(refused: &[Refused<'_>]) -> NoRoute {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for (provider, _, violations) in refused {
        for violation in violations {
            let said = match refused {
                [_] => violation.description.clone(),
                _ => format!("{} ({provider})", violation.description),
            };
            match fields
                .iter_mut()
                .find(|(field, _)| *field == violation.field)
            {
                Some((_, sayings)) if sayings.contains(&said) => {}
                Some((_, sayings)) => sayings.push(said),
                None => fields.push((violation.field.clone(), vec![said])),
            }
        }
    }
    let merged = fields.into_iter().map(|(field, sayings)| FieldViolation {
        field,
        description: sayings.join("; or "),
    });
    NoRoute::Invalid(merged.collect())
}
