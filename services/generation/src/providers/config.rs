//! Which providers are reached, where, with which key, and at what price.

use std::time::Duration;

use config::Reader;
use egress::Policy;
use secrecy::SecretString;
use time::OffsetDateTime;
use types::Microusd;
use url::Url;

use super::money::Rates;
use super::{flux, gemini, openai, sdxl, stability};
use crate::domain::provider::Model;
use crate::domain::routing::Limits;

/// What is known of a provider before anything is configured.
pub(super) struct Facts {
    /// As users see it.
    pub name: &'static str,
    /// Where it is reached.
    pub base_url: &'static str,
    /// Models with the highest price of one picture; the first is used unless others are named.
    pub models: &'static [Price],
    /// How long an order may take.
    pub timeout: &'static str,
    /// Whether a base URL alone configures it: own servers often want no key.
    pub keyless: bool,
    /// Whether it can run a model, and whether that takes input pictures.
    pub takes: fn(&str) -> Result<bool, &'static str>,
}

/// A list price.
pub(super) struct Price {
    /// The model.
    pub model: &'static str,
    /// US dollars for one picture.
    pub dollars: &'static str,
    /// When that was so.
    pub as_of: &'static str,
    /// Prices of a million tokens, for providers that say how many were used.
    pub rates: Option<&'static str>,
}

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
    /// For each model the prices of its tokens, when known.
    pub(super) rates: Vec<Option<Rates>>,
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
    /// `BOTTEGA_PROVIDER_FLUX_RESULT_HOSTS`, default `bfl.ai`: hosts, with their subdomains, that
    /// pictures are fetched from.
    pub flux_result_hosts: Vec<String>,
    /// `BOTTEGA_EGRESS_ALLOW`: names, `*.names`, addresses and networks that addresses named by
    /// others may lead to although they are not public; none by default.
    pub egress: Policy,
    /// The others. Each reads `BOTTEGA_PROVIDER_<NAME>_KEY`, `_BASE_URL`, `_MODEL` (a list, the
    /// first is the default), `_PRICE` (US dollars for one picture: one for all models or a list
    /// beside theirs), `_PRICE_AS_OF` (a date), `_RATES` (US dollars for a million tokens),
    /// `_TIMEOUT`, `_MAX_RUNNING` (tasks at once over all processes, at most 10000; 0, the default, for any
    /// number) and `_RATE` (orders in a second, minute or hour over all processes, as `3/m`; none by
    /// default).
    pub accounts: Vec<Account>,
}

impl Config {
    /// Reads the settings; faults are noted in the reader.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let facts = [
            flux::FACTS,
            gemini::FACTS,
            openai::FACTS,
            sdxl::FACTS,
            stability::FACTS,
        ];
        let hosts = reader.text("BOTTEGA_PROVIDER_FLUX_RESULT_HOSTS", "bfl.ai");
        Self {
            sketch: reader.switch("BOTTEGA_PROVIDER_SKETCH", true),
            flux_result_hosts: list(&hosts),
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
        max_running: reader.number(&name("MAX_RUNNING"), 0, 0, 10_000),
        rate: reader.optional(&name("RATE")),
    };
    let (models, rates) = read_models(reader, facts, &name);
    Some(Account {
        name: facts.name,
        key,
        base_url: given_url.or_else(|| facts.base_url.parse().ok())?,
        models,
        rates,
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

fn read_models(
    reader: &mut Reader<'_>,
    facts: &Facts,
    name: &impl Fn(&str) -> String,
) -> (Vec<Model>, Vec<Option<Rates>>) {
    let default = facts.models.first().map_or("", |price| price.model);
    let mut names = list(&reader.text(&name("MODEL"), default));
    if names.is_empty() {
        reader.fault(&name("MODEL"), "must name at least one model");
        names.push(default.to_owned());
    }
    let prices = read_prices(reader, &name("PRICE"), names.len());
    let as_of = reader.optional::<String>(&name("PRICE_AS_OF"));
    if as_of.as_deref().is_some_and(|date| !is_date(date)) {
        reader.fault(&name("PRICE_AS_OF"), "must be a date, like 2026-11-20");
    }
    let own_rates = reader.optional::<Rates>(&name("RATES"));
    let today = OffsetDateTime::now_utc().date().to_string();
    let mut models = Vec::new();
    let mut rates = Vec::new();
    for (index, model) in names.into_iter().enumerate() {
        let takes_input_images = (facts.takes)(&model).unwrap_or_else(|problem| {
            reader.fault(&name("MODEL"), format!("'{model}' {problem}"));
            false
        });
        let listed = facts.models.iter().find(|price| price.model == model);
        let given = prices
            .as_deref()
            .and_then(|all| all.get(index).or(all.first()))
            .copied();
        let list_price = listed.and_then(|price| price.dollars.parse::<Microusd>().ok());
        if given.or(list_price).is_none() {
            let problem = format!("is needed: the price of '{model}' is not known");
            reader.fault(&name("PRICE"), problem);
        }
        let dated = if given.is_some() {
            Some(today.as_str())
        } else {
            listed.map(|price| price.as_of)
        };
        rates.push(own_rates.or_else(|| listed?.rates?.parse().ok()));
        models.push(Model {
            name: model,
            price_per_image: given.or(list_price).unwrap_or_default(),
            price_as_of: as_of
                .clone()
                .or(dated.map(str::to_owned))
                .unwrap_or_default(),
            takes_input_images,
        });
    }
    (models, rates)
}

fn read_prices(reader: &mut Reader<'_>, name: &str, models: usize) -> Option<Vec<Microusd>> {
    let text = reader.optional::<String>(name)?;
    let prices: Result<Vec<Microusd>, _> = list(&text).iter().map(|part| part.parse()).collect();
    match prices {
        Ok(prices) if prices.len() == 1 || prices.len() == models => Some(prices),
        Ok(_) => {
            reader.fault(name, "must be one price, or one for each model");
            None
        }
        Err(error) => {
            reader.fault(name, error.to_string());
            None
        }
    }
}

fn list(text: &str) -> Vec<String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn is_date(text: &str) -> bool {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(text, &format).is_ok()
}

#[cfg(test)]
mod tests {
    use config::MapSource;

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
                "flux flux-2-klein-4b $0.021000",
                "gemini gemini-2.5-flash-image $0.039000",
                "openai gpt-image-2 $0.250000",
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
        ]);
        assert_eq!(faults, Vec::<String>::new());
        let flux = &config.accounts[0];
        assert!(flux.is_configured);
        assert_eq!(flux.models[1].price_per_image, Microusd(20_000));
        assert_eq!(flux.models[1].price_as_of, "2026-12-01");
        let stability = &config.accounts[4];
        assert_eq!(stability.models[1].price_per_image, Microusd(65_000));
    }

    #[test]
    fn every_fault_is_named() {
        let (_, faults) = read(&[
            ("BOTTEGA_PROVIDER_GEMINI_MODEL", "gemini-unheard-of"),
            ("BOTTEGA_PROVIDER_GEMINI_PRICE_AS_OF", "yesterday"),
            ("BOTTEGA_PROVIDER_FLUX_MODEL", "flux-pro-1.0-fill"),
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
            ("SDXL_PRICE ", 1),
            ("OPENAI_BASE_URL ", 1),
            ("OPENAI_RATES ", 1),
            ("STABILITY_TIMEOUT ", 1),
            ("STABILITY_MODEL ", 1),
        ] {
            let found = faults.iter().filter(|fault| fault.contains(name)).count();
            assert_eq!(found, times, "{name} in {faults:#?}");
        }
        assert_eq!(faults.len(), 9);
    }

    #[test]
    fn an_own_server_needs_no_key() {
        let (config, faults) = read(&[(
            "BOTTEGA_PROVIDER_OPENAI_BASE_URL",
            "http://localhost:8080/v1",
        )]);
        assert_eq!(faults, Vec::<String>::new());
        assert!(config.accounts[2].is_configured);
    }
}
