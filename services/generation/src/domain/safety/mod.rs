//! What may be asked for: words are made plain, then looked at by rules and, where there is one, by a
//! moderation service; all before any money is held. What was refused is written down, and an admin may
//! allow it. What came of the words is looked at likewise ([`results`]).

pub mod results;
pub mod rules;
pub mod text;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use errors::Fault;
use ring::digest::{SHA256, digest};
use types::{Clock, GenerationId, IdSource, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::ports::Patron;

pub use rules::{FINAL, Rules};

/// What a moderation service says of words: which of its categories they fall into, if any.
pub type Verdict = Option<String>;

/// A moderation service.
#[async_trait]
pub trait Moderator: Send + Sync + 'static {
    /// Its opinion; it does not answer at its leisure.
    async fn judge(&self, words: &str) -> Result<Verdict, Fault>;

    /// Its opinion of a picture.
    async fn judge_picture(&self, content_type: &str, bytes: &Bytes) -> Result<Verdict, Fault>;
}

/// What holds while the moderation service is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAway {
    /// Nothing is taken that it did not see.
    Refuse,
    /// What the rules let pass is taken.
    Allow,
}

/// What was decided about a prompt, or what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose prompt.
    pub owner: UserId,
    /// The SHA-256 of its folded words; another one where it is about what came of them.
    pub digest: Vec<u8>,
    /// The words.
    pub prompt: String,
    /// Which rule they broke.
    pub rule: String,
    /// When.
    pub created_at: Timestamp,
    /// The generation whose result was refused, if it was not the prompt.
    pub result_of: Option<GenerationId>,
    /// What an admin said of it.
    pub appeal: Option<Appeal>,
}

/// A prompt that may pass after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Who said so.
    pub actor: String,
    /// Why.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What was decided, as it is kept.
#[async_trait]
pub trait Decisions: Send + Sync + 'static {
    /// Whether an admin allowed an owner these words.
    async fn is_allowed(&self, owner: UserId, digest: &[u8]) -> Result<bool, Error>;

    /// Writes a refusal down; of one that was refused before only the time changes.
    async fn record(&self, decision: &Decision) -> Result<(), Error>;

    /// The newest first.
    async fn decisions(&self, page: PageRequest) -> Result<Page<Decision>, Error>;

    /// Allows an owner the words of a decision, unless somebody did before or their rule is [`FINAL`];
    /// [`Error::NotFound`].
    async fn allow(&self, id: Uuid, appeal: &Appeal) -> Result<Decision, Error>;

    /// Forgets up to `limit` that are older than `age` and were never allowed; how many there were.
    async fn sweep_decisions(&self, age: Duration, limit: u64) -> Result<u64, Error>;
}

/// Looks at what is asked for.
#[derive(Clone)]
pub struct Guard {
    /// What needs nobody else.
    pub rules: Rules,
    /// Who is asked besides.
    pub moderator: Option<Arc<dyn Moderator>>,
    /// What holds while that one is away.
    pub when_away: WhenAway,
    /// Whether that one sees results, too.
    pub sees_results: bool,
    /// Where decisions are kept.
    pub decisions: Arc<dyn Decisions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

// What is refused, and why.
struct Refusal<'a> {
    owner: UserId,
    prompt: &'a str,
    digest: Vec<u8>,
    rule: String,
    result_of: Option<GenerationId>,
}

impl Guard {
    /// Lets a prompt pass, or not.
    ///
    /// # Errors
    /// [`Error::ContentRefused`] with the rule it breaks; a store that does not answer, or a moderation service
    /// that does not and without which nothing passes.
    pub async fn check(&self, patron: &Patron, prompt: &str) -> Result<(), Error> {
        let folded = text::folded(prompt);
        let Some(rule) = self.rule_broken(prompt, &folded).await? else {
            return Ok(());
        };
        let refusal = Refusal {
            owner: patron.id,
            prompt,
            digest: digest(&SHA256, folded.as_bytes()).as_ref().to_vec(),
            rule,
            result_of: None,
        };
        self.refuse(refusal).await
    }

    // Unless an admin allowed it.
    async fn refuse(&self, refused: Refusal<'_>) -> Result<(), Error> {
        let Refusal { owner, rule, .. } = refused;
        if !is_final(&rule) && self.decisions.is_allowed(owner, &refused.digest).await? {
            return Ok(());
        }
        let source = rule.split('/').next().unwrap_or_default().to_owned();
        let counted = match refused.result_of {
            None => metrics::counter!("generation_refused_prompts_total", "rule" => source),
            Some(_) => metrics::counter!("generation_refused_results_total", "rule" => source),
        };
        counted.increment(1);
        let decision = Decision {
            id: self.ids.next(),
            owner,
            digest: refused.digest,
            prompt: refused.prompt.to_owned(),
            rule: rule.clone(),
            created_at: self.clock.now(),
            result_of: refused.result_of,
            appeal: None,
        };
        self.decisions.record(&decision).await?;
        Err(Error::ContentRefused(rule))
    }

    /// Lets the words of a refused prompt pass for its owner from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::ContentRefused`] when it breaks the [`FINAL`] rule; a store that does
    /// not answer.
    pub async fn allow(&self, id: Uuid, actor: String, note: String) -> Result<Decision, Error> {
        let at = self.clock.now();
        let appeal = Appeal { actor, note, at };
        let decision = self.decisions.allow(id, &appeal).await?;
        match decision.appeal {
            Some(_) => Ok(decision),
            None => Err(Error::ContentRefused(decision.rule)),
        }
    }

    async fn rule_broken(&self, prompt: &str, folded: &str) -> Result<Option<String>, Error> {
        if let Some(rule) = self.rules.broken_by(folded) {
            return Ok(Some(rule));
        }
        let Some(moderator) = &self.moderator else {
            return Ok(None);
        };
        match (moderator.judge(prompt).await, self.when_away) {
            (Ok(verdict), _) => Ok(verdict.map(|category| format!("moderation/{category}"))),
            (Err(fault), WhenAway::Allow) => {
                metrics::counter!("generation_unmoderated_prompts_total").increment(1);
                tracing::warn!(error = %fault, "a prompt passes that the moderation service did not see");
                Ok(None)
            }
            (Err(fault), WhenAway::Refuse) => Err(Error::Peer(fault)),
        }
    }
}

/// Whether nobody may let a prompt break a rule.
#[must_use]
pub fn is_final(rule: &str) -> bool {
    rule.ends_with(FINAL)
}
