//! Which providers are reached, where, with which key, and at what price.

mod facts;
mod models;

use std::time::Duration;

use config::Reader;
use egress::Policy;
use secrecy::SecretString;
use url::Url;

pub(super) use self::facts::{Facts, Price};
use self::models::read_models;
use super::money::Tariffs;
use super::{a1111, fal, flux, gemini, openai, replicate, sdxl, stability};
use crate::domain::provider::Model;
use crate::domain::routing::Limits;

/// A provider reached over the network.
#[derive(Debug, Clone)]
pub struct Account {
    /// As users see it.
    pub name: &'static str,
    /// The key, when set.
    pub key: Option<SecretString>,
    /// Where it is reached.
    pub base_url: Url,
    /// Models and prices, its own choice first; never empty.
    pub models: Vec<Model>,
    /// What else its models are priced by.
    pub(super) tariffs: Tariffs,
    /// Hosts, with their subdomains, that pictures are fetched from.
    pub(super) result_hosts: Vec<String>,
    /// How long an order may take.
    pub timeout: Duration,
    /// What it may be asked for at a time.
    pub limits: Limits,
    /// Whether it can be used.
    pub is_configured: bool,
}

/// The settings of all providers.
#[derive(Debug, Clone)]
pub struct Config {
    /// `BOTTEGA_PROVIDER_SKETCH`, default on: the built-in drawing.
    pub sketch: bool,
    /// `BOTTEGA_EGRESS_ALLOW`: names, `*.names`, addresses and networks that addresses named by
    /// others may lead to although they are not public; none by default.
    pub egress: Policy,
    /// The others. Each reads `BOTTEGA_PROVIDER_<NAME>_KEY`, `_BASE_URL`, `_MODEL` (a list, the
    /// first is the default), `_PRICE` (US dollars for one picture: one for all models or a list
    /// beside theirs), `_PRICE_AS_OF` (a date), `_RATES` (US dollars for a million tokens),
    /// `_TIMEOUT`, `_MAX_RUNNING` (tasks at once over all processes, at most 10000; 0 for any
    /// number, the default but for `a1111`, which does one) and `_RATE` (orders in a second, minute or hour over all processes, as `3/m`; none by
    /// default). Those whose answers name addresses read `_RESULT_HOSTS` (hosts, with their
    /// subdomains, that pictures are fetched from); those that count something else than tokens
    /// `_UNIT_PRICE` (US dollars for one of it, listed as `_PRICE`).
    pub accounts: Vec<Account>,
}

impl Config {
    /// Reads the settings; faults are noted in the reader.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let facts = [
            a1111::FACTS,
            openai::COMPATIBLE_FACTS,
            fal::FACTS,
            flux::FACTS,
            gemini::FACTS,
            openai::FACTS,
            replicate::FACTS,
            sdxl::FACTS,
            stability::FACTS,
        ];
        Self {
            sketch: reader.switch("BOTTEGA_PROVIDER_SKETCH", true),
            egress: reader.parse("BOTTEGA_EGRESS_ALLOW", Policy::default()),
            accounts: facts
                .iter()
                .filter_map(|facts| read_account(reader, facts))
                .collect(),
        }
    }
}

// None only when the built-in base URL does not parse, which a test rules out.
fn read_account(reader: &mut Reader<'_>, facts: &Facts) -> Option<Account> {
    let name = |setting: &str| {
        format!(
            "BOTTEGA_PROVIDER_{}_{setting}",
            facts.name.to_ascii_uppercase()
        )
    };
    let key = reader.secret(&name("KEY"));
    let given_url = reader.optional::<Url>(&name("BASE_URL"));
    if let Some(problem) = given_url.as_ref().and_then(wrong_url) {
        reader.fault(&name("BASE_URL"), problem);
    }
    let is_configured = key.is_some() || (facts.keyless && given_url.is_some());
    let timeout = reader.duration(&name("TIMEOUT"), facts.timeout);
    if !(Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&timeout) {
        reader.fault(&name("TIMEOUT"), "must be 100ms to 1h");
    }
    let limits = Limits {
        max_running: reader.number(&name("MAX_RUNNING"), facts.max_running, 0, 10_000),
        rate: reader.optional(&name("RATE")),
    };
    let (models, tariffs) = read_models(reader, facts, &name);
    let result_hosts = match facts.result_hosts {
        [] => Vec::new(),
        hosts => list(&reader.text(&name("RESULT_HOSTS"), &hosts.join(","))),
    };
    Some(Account {
        name: facts.name,
        key,
        base_url: given_url.or_else(|| facts.base_url.parse().ok())?,
        models,
        tariffs,
        result_hosts,
        timeout,
        limits,
        is_configured,
    })
}

fn wrong_url(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Some("must begin with http:// or https://");
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Some("must be a plain address: no user, query or fragment");
    }
    None
}

fn list(text: &str) -> Vec<String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use config::MapSource;
    use types::Microusd;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Config, Vec<String>) {
        let owned = pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let source = MapSource(owned.collect());
        let mut reader = Reader::new(&source);
        let config = Config::read(&mut reader);
        let faults = reader
            .finish()
            .err()
            .map(|faults| faults.0)
            .unwrap_or_default();
        let faults = faults
            .into_iter()
            .map(|fault| format!("{} {}", fault.name, fault.problem));
        (config, faults.collect())
    }

    fn account<'a>(config: &'a Config, name: &str) -> &'a Account {
        let mut all = config.accounts.iter();
        all.find(|account| account.name == name).unwrap()
    }

    #[test]
    fn without_settings_only_the_drawing_is_there() {
        let (config, faults) = read(&[]);
        assert_eq!(faults, Vec::<String>::new());
        assert!(config.sketch);
        assert!(config.accounts.iter().all(|account| !account.is_configured));
        let shown: Vec<String> = (config.accounts.iter())
            .map(|account| {
                format!(
                    "{} {} {}",
                    account.name, account.models[0].name, account.models[0].price_per_image
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a1111 default $0.000000",
                "compatible default $0.000000",
                "fal fal-ai/flux/schnell $0.009000",
                "flux flux-2-klein-4b $0.021000",
                "gemini gemini-2.5-flash-image $0.039000",
                "openai gpt-image-2 $0.250000",
                "replicate black-forest-labs/flux-schnell $0.003000",
                "sdxl stable-diffusion-xl-1024-v1-0 $0.015000",
                "stability core $0.030000",
            ]
        );
    }

    #[test]
    fn models_have_prices_and_dates() {
        let (config, faults) = read(&[
            ("BOTTEGA_PROVIDER_FLUX_KEY", "k"),
            ("BOTTEGA_PROVIDER_FLUX_MODEL", "flux-2-pro, flux-new"),
            ("BOTTEGA_PROVIDER_FLUX_PRICE", "0.05,0.02"),
            ("BOTTEGA_PROVIDER_FLUX_PRICE_AS_OF", "2026-12-01"),
            ("BOTTEGA_PROVIDER_STABILITY_MODEL", "ultra,sd3.5-large"),
            ("BOTTEGA_PROVIDER_FAL_MODEL", "fal-ai/flux/dev,fal-ai/new"),
            ("BOTTEGA_PROVIDER_FAL_PRICE", "0.1"),
            ("BOTTEGA_PROVIDER_FAL_UNIT_PRICE", "0.025,0.001"),
            (
                "BOTTEGA_PROVIDER_FAL_RESULT_HOSTS",
                "fal.media, cdn.example.org",
            ),
        ]);
        assert_eq!(faults, Vec::<String>::new());
        let flux = account(&config, "flux");
        assert!(flux.is_configured);
        assert_eq!(flux.models[1].price_per_image, Microusd(20_000));
        assert_eq!(flux.models[1].price_as_of, "2026-12-01");
        let stability = account(&config, "stability");
        assert_eq!(stability.models[1].price_per_image, Microusd(65_000));
        let fal = account(&config, "fal");
        let unit = |model: &str| fal.tariffs.of(model).unit;
        assert_eq!(unit("fal-ai/flux/dev"), Some(Microusd(25_000)));
        assert_eq!(unit("fal-ai/new"), Some(Microusd(1_000)));
        assert_eq!(fal.result_hosts, ["fal.media", "cdn.example.org"]);
    }

    #[test]
    fn every_fault_is_named() {
        let (_, faults) = read(&[
            ("BOTTEGA_PROVIDER_GEMINI_MODEL", "gemini-unheard-of"),
            ("BOTTEGA_PROVIDER_GEMINI_PRICE_AS_OF", "yesterday"),
            ("BOTTEGA_PROVIDER_FLUX_MODEL", "flux-pro-1.0-fill"),
            ("BOTTEGA_PROVIDER_FAL_UNIT_PRICE", "much"),
            ("BOTTEGA_PROVIDER_REPLICATE_MODEL", "somebody/videos"),
            ("BOTTEGA_PROVIDER_SDXL_PRICE", "1,2,3"),
            ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", "ftp://example.org"),
            ("BOTTEGA_PROVIDER_OPENAI_RATES", "5"),
            ("BOTTEGA_PROVIDER_STABILITY_TIMEOUT", "1ms"),
            ("BOTTEGA_PROVIDER_STABILITY_MODEL", ","),
        ]);
        for (name, times) in [
            ("GEMINI_PRICE ", 1),
            ("GEMINI_PRICE_AS_OF ", 1),
            ("FLUX_MODEL ", 1),
            ("FLUX_PRICE ", 1),
            ("FAL_UNIT_PRICE ", 1),
            ("REPLICATE_MODEL ", 1),
            ("REPLICATE_PRICE ", 1),
            ("SDXL_PRICE ", 1),
            ("OPENAI_BASE_URL ", 1),
            ("OPENAI_RATES ", 1),
            ("STABILITY_TIMEOUT ", 1),
            ("STABILITY_MODEL ", 1),
        ] {
            let found = faults.iter().filter(|fault| fault.contains(name)).count();
            assert_eq!(found, times, "{name} in {faults:#?}");
        }
        assert_eq!(faults.len(), 12);
    }

    #[test]
    fn an_own_server_needs_no_key() {
        let (config, faults) = read(&[(
            "BOTTEGA_PROVIDER_OPENAI_BASE_URL",
            "http://localhost:8080/v1",
        )]);
        assert_eq!(faults, Vec::<String>::new());
        assert!(account(&config, "openai").is_configured);
    }
}
