//! Sentences with places for facts: `Used up[: {used} of {limit}].`

use std::collections::BTreeMap;

/// The sentence of a pattern. A part in brackets whose facts are not all known is left out.
pub(super) fn fill(pattern: &str, facts: &BTreeMap<String, String>) -> String {
    let parts = parts_of(pattern);
    let filled = parts.filter_map(|part| match part {
        Part::Plain(text) => Some(text.to_owned()),
        Part::Optional(text) => with_facts(text, facts),
    });
    filled.collect()
}

fn with_facts(text: &str, facts: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(facts.get(name)?);
        rest = behind;
    }
    filled.push_str(rest);
    Some(filled)
}

/// The names of the facts a pattern has places for, in their order.
#[must_use]
pub fn facts_in(pattern: &str) -> Vec<&str> {
    let places = pattern.split('{').skip(1);
    let names = places.filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name).collect()
}

/// Whether a pattern is a sentence also when no fact is known: its brackets are closed, and every
/// place is in one.
#[must_use]
pub fn is_whole_without_facts(pattern: &str) -> bool {
    let marks = ['[', ']', '{', '}'];
    parts_of(pattern).all(|part| match part {
        Part::Plain(text) => !text.contains(marks),
        Part::Optional(text) => !text.contains(&marks[..2]) && !facts_in(text).is_empty(),
    })
}

enum Part<'a> {
    Plain(&'a str),
    /// What stands in brackets.
    Optional(&'a str),
}

fn parts_of(pattern: &str) -> impl Iterator<Item = Part<'_>> {
    pattern
        .split('[')
        .enumerate()
        .flat_map(|(index, text)| match text.split_once(']') {
            Some((optional, plain)) if index > 0 => {
                vec![Part::Optional(optional), Part::Plain(plain)]
            }
            _ => vec![Part::Plain(text)],
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_their_facts_are_left_out() {
        let pattern = "Used up[: {used} of {limit}][ until {resetAt}].";
        let mut facts = BTreeMap::from([("used".to_owned(), "5".to_owned())]);
        assert_eq!(fill(pattern, &facts), "Used up.");
        // What a fact says is not a pattern.
        facts.insert("limit".to_owned(), "{used}[x".to_owned());
        assert_eq!(fill(pattern, &facts), "Used up: 5 of {used}[x.");
        assert_eq!(facts_in(pattern), ["used", "limit", "resetAt"]);
    }

    #[test]
    fn what_is_no_sentence_without_facts_is_told() {
        assert!(is_whole_without_facts("Fine[, {really}]."));
        for wrong in ["{bare}", "[open {a}", "shut]", "[no fact]", "[{half]"] {
            assert!(!is_whole_without_facts(wrong), "{wrong}");
        }
    }
}
