//! Every reason has a sentence in every language, and all of them tell the same facts.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use errors::{Language, facts_in, is_whole_without_facts, pattern_of, reasons};

/// What a status tells besides its metadata.
const OF_EVERY_STATUS: [&str; 3] = ["fields", "retryAfter", "detail"];

#[test]
fn every_reason_has_a_comment_advice_and_a_sentence_in_every_language() {
    assert!(reasons().len() > 40, "the contract's reasons are not found");
    for about in reasons() {
        let name = about.reason.as_str_name();
        assert!(
            !about.when.is_empty(),
            "{name} has no comment in errors.proto"
        );
        assert!(!about.advice.is_empty(), "{name} is not in advice.toml");
        for language in Language::ALL {
            let pattern = pattern_of(language, about.reason).unwrap_or("[");
            assert_ne!(pattern, "[", "{name} is not in {}.toml", language.tag());
            assert!(
                is_whole_without_facts(pattern),
                "{name} in {language:?}: facts stand in brackets: {pattern}"
            );
        }
    }
}

#[test]
fn all_languages_tell_the_same_facts_and_only_those_there_are() {
    for about in reasons() {
        let english = facts(Language::English, about.reason);
        for language in Language::ALL {
            assert_eq!(facts(language, about.reason), english, "{language:?}");
        }
        let promised = about.facts();
        for fact in english {
            assert!(
                OF_EVERY_STATUS.contains(&fact) || promised.contains(&fact),
                "{}: errors.proto does not promise the metadata {fact}",
                about.reason.as_str_name()
            );
        }
    }
}

fn facts(language: Language, reason: errors::Reason) -> BTreeSet<&'static str> {
    facts_in(pattern_of(language, reason).unwrap())
        .into_iter()
        .collect()
}

#[test]
fn the_files_name_reasons_and_nothing_else() {
    let known: BTreeSet<String> = reasons()
        .iter()
        .map(|about| about.reason.as_str_name().to_owned())
        .collect();
    for file in ["en", "de", "es", "zh", "advice"] {
        let path = format!("messages/{file}.toml");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
        let lines: HashMap<String, String> = toml::from_str(&text).unwrap();
        let named: BTreeSet<String> = lines.into_keys().collect();
        assert_eq!(named, known, "{path}");
    }
}
