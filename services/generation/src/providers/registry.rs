//! All providers there are, by name: those that can be used and those that wait for a key.

use std::sync::Arc;

use super::a1111::A1111;
use super::config::{Account, Config};
use super::fal::Fal;
use super::flux::Flux;
use super::gemini::Gemini;
use super::http::HttpError;
use super::openai::OpenAi;
use super::replicate::Replicate;
use super::sdxl::Sdxl;
use super::sketch::{self, Sketch};
use super::stability::Stability;
use crate::domain::provider::{ImageProvider, Model};
use crate::domain::routing::Limits;

/// A provider, usable or not.
#[derive(Clone)]
pub struct Known {
    /// As users see it.
    pub name: String,
    /// What it runs, or would run; its own choice first.
    pub models: Vec<Model>,
    /// What it may be asked for at a time.
    pub limits: Limits,
    /// How it is asked; `None` until it is configured.
    pub provider: Option<Arc<dyn ImageProvider>>,
}

/// All providers, sorted by name.
#[derive(Clone)]
pub struct Registry {
    known: Vec<Known>,
}

/// A configured provider cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("provider {name}: {source}")]
pub struct BuildError {
    /// Which.
    pub name: &'static str,
    pub(super) source: HttpError,
}

impl Registry {
    /// A registry of these providers.
    #[must_use]
    pub fn new(mut known: Vec<Known>) -> Self {
        known.sort_by(|a, b| a.name.cmp(&b.name));
        Self { known }
    }

    /// The provider of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.name == name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.known.iter()
    }

    /// Those an order may go to that names none. A drawing by rule costs nothing and would always
    /// be the cheapest; it stands in only where nothing else is configured.
    pub fn automatic(&self) -> impl Iterator<Item = &Arc<dyn ImageProvider>> {
        let usable = || {
            self.known
                .iter()
                .filter_map(|known| known.provider.as_ref())
        };
        let any_model = usable().any(|provider| !provider.is_procedural());
        usable().filter(move |provider| !(any_model && provider.is_procedural()))
    }
}

/// Makes every configured provider ready.
///
/// # Errors
/// A key that cannot be sent, or no root certificates on the system.
pub fn build(config: &Config) -> Result<Registry, BuildError> {
    let mut known = vec![Known {
        name: sketch::NAME.to_owned(),
        models: vec![sketch::model()],
        limits: Limits::default(),
        provider: config
            .sketch
            .then(|| Arc::new(Sketch::new()) as Arc<dyn ImageProvider>),
    }];
    for account in &config.accounts {
        let provider = match account.is_configured {
            true => Some(connect(account, config).map_err(|source| BuildError {
                name: account.name,
                source,
            })?),
            false => None,
        };
        known.push(Known {
            name: account.name.to_owned(),
            models: account.models.clone(),
            limits: account.limits,
            provider,
        });
    }
    Ok(Registry::new(known))
}

fn connect(account: &Account, config: &Config) -> Result<Arc<dyn ImageProvider>, HttpError> {
    Ok(match account.name {
        super::gemini::NAME => Arc::new(Gemini::new(account)?),
        super::sdxl::NAME => Arc::new(Sdxl::new(account)?),
        super::stability::NAME => Arc::new(Stability::new(account)?),
        super::a1111::NAME => Arc::new(A1111::new(account)?),
        super::fal::NAME => Arc::new(Fal::new(account, &config.egress)?),
        super::flux::NAME => Arc::new(Flux::new(account, &config.egress)?),
        super::replicate::NAME => Arc::new(Replicate::new(account, &config.egress)?),
        _ => Arc::new(OpenAi::new(account)?),
    })
}
