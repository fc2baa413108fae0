//! The catalogue: a file for each language, a line for each reason.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use contracts::errors::v1::Reason;
use contracts::google::rpc;

use super::Language;
use super::pattern::fill;
use crate::status::fault_of;

type Lines = HashMap<String, String>;

static ENGLISH: LazyLock<Lines> = LazyLock::new(|| read(include_str!("../../messages/en.toml")));
static GERMAN: LazyLock<Lines> = LazyLock::new(|| read(include_str!("../../messages/de.toml")));
static SPANISH: LazyLock<Lines> = LazyLock::new(|| read(include_str!("../../messages/es.toml")));
static CHINESE: LazyLock<Lines> = LazyLock::new(|| read(include_str!("../../messages/zh.toml")));

/// A file of the catalogue. One that cannot be read says nothing; a test sees that all can.
pub(super) fn read(text: &str) -> Lines {
    toml::from_str(text).unwrap_or_default()
}

/// What a language says of a reason, with places for facts.
#[must_use]
pub fn pattern_of(language: Language, reason: Reason) -> Option<&'static str> {
    let lines = match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
        Language::Spanish => &SPANISH,
        Language::Chinese => &CHINESE,
    };
    lines.get(reason.as_str_name()).map(String::as_str)
}

/// What a status says to people in a language; none when it carries no reason of ours.
///
/// Its facts are the error's metadata, besides `fields` (the wrong ones), `retryAfter` (whole seconds)
/// and `detail` (the sentence for developers).
#[must_use]
pub fn sentence(language: Language, status: &rpc::Status) -> Option<String> {
    let fault = fault_of(status)?;
    let pattern = pattern_of(language, fault.reason)?;
    let mut facts: BTreeMap<String, String> = fault.metadata;
    let fields: Vec<&str> = fault.violations.iter().map(|one| &*one.field).collect();
    if !fields.is_empty() {
        facts.insert("fields".to_owned(), fields.join(", "));
    }
    if let Some(wait) = fault.retry_after {
        facts.insert("retryAfter".to_owned(), whole_seconds(wait).to_string());
    }
    facts.insert("detail".to_owned(), fault.message);
    Some(fill(pattern, &facts))
}

// Rounded up: who comes a moment early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, rpc_status};

    #[test]
    fn a_sentence_tells_the_facts_it_knows() {
        let full = Fault::new(Reason::QuotaExceeded, "5 of 5 generations are used")
            .with("used", 5)
            .with("limit", 5);
        let said = sentence(Language::German, &rpc_status(&full.into()));
        let expected = "Das Kontingent Ihres Tarifs ist verbraucht: 5 von 5.";
        assert_eq!(said.as_deref(), Some(expected));
        let fast = Fault::new(Reason::RateLimited, "slow down");
        let fast = fast.retry_in(Duration::from_millis(1_200));
        let said = sentence(Language::Chinese, &rpc_status(&fast.into()));
        assert_eq!(said.as_deref(), Some("请求过于频繁，请稍候至少 2 秒再试。"));
        let wrong = Fault::field("image.width", "must be 64 to 2048");
        let said = sentence(Language::Spanish, &rpc_status(&wrong.into()));
        let expected = "Faltan datos o algunos no son válidos: image.width.";
        assert_eq!(said.as_deref(), Some(expected));
    }

    #[test]
    fn what_has_no_reason_of_ours_has_no_sentence() {
        let bare = rpc_status(&tonic::Status::not_found("no such thing"));
        assert_eq!(sentence(Language::German, &bare), None);
    }
}
