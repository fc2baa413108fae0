//! Who there is to do orders: every provider Bottega knows, and those an order may mean.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use errors::FieldViolation;

use crate::domain::choice::NoRoute;
use crate::domain::provider::{ImageProvider, Model};
use crate::domain::rate::Rate;

/// What a provider may be asked for at a time, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// This many tasks at once; 0 for any number.
    pub max_running: u64,
    /// This many orders in a time.
    pub rate: Option<Rate>,
}

/// A provider Bottega knows.
#[derive(Clone)]
pub struct Entry {
    /// The name orders pin.
    pub name: String,
    /// What it can run.
    pub models: Vec<Model>,
    /// Whether its pictures are drawn by rule.
    pub is_procedural: bool,
    /// Whether orders that name no provider may go to it.
    pub is_automatic: bool,
    /// What it may be asked for at a time.
    pub limits: Limits,
    /// The provider itself; none while no key or address is set.
    pub provider: Option<Arc<dyn ImageProvider>>,
}

impl Entry {
    /// A provider that is set up.
    pub fn ready(provider: Arc<dyn ImageProvider>, is_automatic: bool) -> Self {
        Self {
            name: provider.name().to_owned(),
            models: provider.models().to_vec(),
            is_procedural: provider.is_procedural(),
            is_automatic,
            limits: Limits::default(),
            provider: Some(provider),
        }
    }

    /// The same within limits.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Every provider Bottega knows, by name.
#[derive(Clone, Default)]
pub struct Catalog(BTreeMap<String, Entry>);

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What an order says about who is to do it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pinned<'a> {
    /// The provider it insists on.
    pub provider: Option<&'a str>,
    /// The model it insists on.
    pub model: Option<&'a str>,
}

pub(super) type Pair<'a> = (&'a Arc<dyn ImageProvider>, &'a Model);

impl Catalog {
    /// A catalogue of these.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self(
            (entries.into_iter())
                .map(|entry| (entry.name.clone(), entry))
                .collect(),
        )
    }

    /// Every provider, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// Providers whose every model costs money.
    pub fn paid(&self) -> impl Iterator<Item = String> {
        let is_paid = |entry: &&Entry| entry.models.iter().all(|one| one.price_per_image.0 > 0);
        (self.entries().filter(is_paid)).map(|entry| entry.name.clone())
    }

    /// Providers that may not be asked for anything at any time.
    #[must_use]
    pub fn limits(&self) -> Vec<(String, Limits)> {
        let limited = self.entries().filter(|one| one.limits != Limits::default());
        limited.map(|one| (one.name.clone(), one.limits)).collect()
    }

    /// Providers that stop jobs when they are asked.
    pub fn stoppable(&self) -> impl Iterator<Item = String> {
        let stops = |entry: &&Entry| {
            entry
                .provider
                .as_ref()
                .is_some_and(|one| one.stops().is_some())
        };
        (self.entries().filter(stops)).map(|entry| entry.name.clone())
    }

    /// A provider that is set up, by name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Arc<dyn ImageProvider>> {
        self.0.get(name)?.provider.as_ref()
    }

    pub(super) fn candidates(&self, pinned: Pinned<'_>) -> Result<Vec<Pair<'_>>, NoRoute> {
        let entries: Vec<&Entry> = match pinned.provider {
            Some(name) => vec![self.0.get(name).ok_or_else(|| self.unknown_provider())?],
            None => self.0.values().filter(|entry| entry.is_automatic).collect(),
        };
        let ready: Vec<(&Entry, &Arc<dyn ImageProvider>)> = (entries.iter())
            .filter_map(|entry| Some((*entry, entry.provider.as_ref()?)))
            .collect();
        if ready.is_empty() {
            return Err(NoRoute::NoProvider(match pinned.provider {
                Some(name) => format!("provider '{name}' is not set up here"),
                None => "no provider is set up here".to_owned(),
            }));
        }
        let all = (ready.into_iter()).flat_map(|(_, provider)| {
            let models = provider.models().iter();
            models.map(move |model| (provider, model))
        });
        let Some(wanted) = pinned.model else {
            return Ok(all.collect());
        };
        let mut known: Vec<&str> = Vec::new();
        let mut chosen = Vec::new();
        for (provider, model) in all {
            known.push(&model.name);
            if model.name == wanted {
                chosen.push((provider, model));
            }
        }
        if chosen.is_empty() {
            let description = format!("must be one of {}", known.join(", "));
            return Err(invalid("image.model", description));
        }
        Ok(chosen)
    }

    fn unknown_provider(&self) -> NoRoute {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        invalid(
            "image.provider",
            format!("must be one of {}", names.join(", ")),
        )
    }
}

fn invalid(field: &str, description: String) -> NoRoute {
    NoRoute::Invalid(vec![FieldViolation {
        field: field.to_owned(),
        description,
    }])
}
