//! OpenAI's moderation, which costs nothing, and every server that speaks it: of words, and of pictures.
//!
//! Facts: providers.md section 5.8. Of the answer only `flagged` and the categories with their scores
//! are read; names of categories that are not known yet are told as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use config::Reader;
use errors::Fault;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::Http;
use super::registry::BuildError;
use crate::domain::safety::{Moderator, Rules, Verdict, WhenAway};

const BASE_URL: &str = "https://api.openai.com/v1";
const MODEL: &str = "omni-moderation-latest";
const AWAY: &str = "BOTTEGA_MODERATION_WHEN_AWAY";
const TIMEOUT: &str = "BOTTEGA_MODERATION_TIMEOUT";
const DENY: &str = "BOTTEGA_MODERATION_DENY";
const BASE: &str = "BOTTEGA_MODERATION_BASE_URL";

/// How prompts are looked at.
#[derive(Debug, Clone)]
pub struct ModerationConfig {
    /// `BOTTEGA_MODERATION_KEY`: what the moderation service is asked with; without it, and without a base
    /// URL, none is asked.
    pub key: Option<SecretString>,
    /// `BOTTEGA_MODERATION_BASE_URL`, default `https://api.openai.com/v1`.
    pub base_url: Option<Url>,
    /// `BOTTEGA_MODERATION_MODEL`, default `omni-moderation-latest`.
    pub model: String,
    /// `BOTTEGA_MODERATION_TIMEOUT`, 100ms to 1m, default `5s`.
    pub timeout: Duration,
    /// `BOTTEGA_MODERATION_WHEN_AWAY`: what holds while it does not answer: `refuse`, the default, takes no
    /// orders (503) and keeps back results, `allow` takes those that the rules let pass.
    pub when_away: WhenAway,
    /// `BOTTEGA_MODERATION_RESULTS`, default on: whether it is shown what came of the prompts, too.
    pub results: bool,
    /// `BOTTEGA_MODERATION_DENY`: the operator's own rules: an entry a line, a word or a phrase, or `/a
    /// regular expression/`; better kept in a file, `BOTTEGA_MODERATION_DENY_FILE`. Never shown.
    pub rules: Rules,
}

impl ModerationConfig {
    /// Reads the settings; faults are noted in the reader.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let timeout = reader.duration(TIMEOUT, "5s");
        if !(Duration::from_millis(100)..=Duration::from_mins(1)).contains(&timeout) {
            reader.fault(TIMEOUT, "must be 100ms to 1m");
        }
        let when_away = match reader.text(AWAY, "refuse").as_str() {
            "refuse" => WhenAway::Refuse,
            "allow" => WhenAway::Allow,
            _ => {
                reader.fault(AWAY, "must be refuse or allow");
                WhenAway::Refuse
            }
        };
        let base_url = reader.optional::<Url>(BASE);
        if base_url
            .as_ref()
            .is_some_and(|url| !matches!(url.scheme(), "http" | "https"))
        {
            reader.fault(BASE, "must begin with http:// or https://");
        }
        Self {
            key: reader.secret("BOTTEGA_MODERATION_KEY"),
            base_url,
            model: reader.text("BOTTEGA_MODERATION_MODEL", MODEL),
            timeout,
            when_away,
            results: reader.switch("BOTTEGA_MODERATION_RESULTS", true),
            rules: read_rules(reader),
        }
    }
}

// A fault is told by its line: what stands there is nobody's to read.
fn read_rules(reader: &mut Reader<'_>) -> Rules {
    let list = reader.secret(DENY);
    let list = list.as_ref().map_or("", ExposeSecret::expose_secret);
    Rules::parse(list).unwrap_or_else(|invalid| {
        reader.fault(DENY, invalid.to_string());
        Rules::default()
    })
}

/// The adapter.
pub struct Moderation {
    http: Http,
    model: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Reply {
    results: Vec<Judgement>,
}

#[derive(Deserialize)]
struct Judgement {
    flagged: bool,
    #[serde(default)]
    categories: BTreeMap<String, Option<bool>>,
    #[serde(default)]
    category_scores: BTreeMap<String, Option<f64>>,
}

impl Moderation {
    /// The adapter, if one is set up.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn of(config: &ModerationConfig) -> Result<Option<Self>, BuildError> {
        if config.key.is_none() && config.base_url.is_none() {
            return Ok(None);
        }
        let base: Option<Url> = config.base_url.clone().or_else(|| BASE_URL.parse().ok());
        let Some(base) = base else {
            return Ok(None);
        };
        let (key, timeout) = (config.key.clone(), config.timeout);
        let http = Http::new(&base, key, AUTHORIZATION, "Bearer ", timeout);
        let name = "moderation";
        Ok(Some(Self {
            http: http.map_err(|source| BuildError { name, source })?,
            model: config.model.clone(),
            timeout,
        }))
    }
}

impl Judgement {
    // The one it is surest of.
    fn category(self) -> Verdict {
        if !self.flagged {
            return None;
        }
        let score = |name: &str| {
            self.category_scores
                .get(name)
                .copied()
                .flatten()
                .unwrap_or(0.0)
        };
        let set = self
            .categories
            .iter()
            .filter(|(_, is_set)| **is_set == Some(true));
        let surest = set.max_by(|one, other| score(one.0).total_cmp(&score(other.0)));
        Some(surest.map_or_else(|| "flagged".to_owned(), |(name, _)| name.clone()))
    }
}

#[async_trait]
impl Moderator for Moderation {
    async fn judge(&self, words: &str) -> Result<Verdict, Fault> {
        self.judge_input(json!(words)).await
    }

    async fn judge_picture(&self, content_type: &str, bytes: &Bytes) -> Result<Verdict, Fault> {
        let url = format!("data:{content_type};base64,{}", STANDARD.encode(bytes));
        let input = json!([{ "type": "image_url", "image_url": { "url": url } }]);
        self.judge_input(input).await
    }
}

impl Moderation {
    async fn judge_input(&self, input: Value) -> Result<Verdict, Fault> {
        let away = |cause: String| Fault::unavailable("the moderation service", cause);
        let body = json!({ "model": self.model, "input": input });
        let request = self.http.post("/moderations").json(&body);
        let answer = self.http.ask(request, self.timeout).await;
        let answer = answer.map_err(|error| away(error.detail))?;
        if !answer.status.is_success() {
            return Err(away(format!("{}: {}", answer.status, answer.words())));
        }
        let reply: Option<Reply> = answer.json();
        let judged = reply.and_then(|reply| reply.results.into_iter().next());
        let judged = judged.ok_or_else(|| away("the answer is no judgement".to_owned()))?;
        Ok(judged.category())
    }
}
