//! Every reason with what developers are told of it: its comment in the contract, and advice.

use std::collections::HashMap;
use std::sync::LazyLock;

use contracts::errors::v1::Reason;

use super::sentences::read;
use crate::describes_a_call;

static ADVICE: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| read(include_str!("../../messages/advice.toml")));

/// One reason, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutReason {
    /// The reason.
    pub reason: Reason,
    /// When it is given, as the contract says.
    pub when: String,
    /// What a developer does about it.
    pub advice: &'static str,
}

impl AboutReason {
    /// Whether it says why a call failed; the others say why a generation did.
    #[must_use]
    pub fn is_of_calls(&self) -> bool {
        describes_a_call(self.reason)
    }

    /// The facts its comment promises in the metadata.
    #[must_use]
    pub fn facts(&self) -> Vec<&str> {
        let named = self.when.split_once("metadata: ").map(|(_, names)| names);
        let names = named.unwrap_or_default().trim_end_matches('.').split(',');
        names.map(str::trim).filter(|one| !one.is_empty()).collect()
    }
}

/// Every reason that is ever sent, in the order of the contract.
#[must_use]
pub fn reasons() -> Vec<AboutReason> {
    let Some(kind) = contracts::pool().get_enum_by_name("bottega.errors.v1.Reason") else {
        return Vec::new();
    };
    let file = kind.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let comment_at = |path: &[i32]| {
        let mut places = info.into_iter().flat_map(|info| &info.location);
        let place = places.find(|place| place.path == path)?;
        place.leading_comments.as_deref().map(on_one_line)
    };
    let values = kind.values().filter(|value| value.number() != 0);
    let about = values.filter_map(|value| {
        let reason = Reason::try_from(value.number()).ok()?;
        let advice = ADVICE.get(reason.as_str_name());
        Some(AboutReason {
            reason,
            when: comment_at(value.path()).unwrap_or_default(),
            advice: advice.map(String::as_str).unwrap_or_default(),
        })
    });
    about.collect()
}

fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
