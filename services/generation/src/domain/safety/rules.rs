//! Rules that need nobody else: those that are built in, and the operator's own list.

use regex::{RegexSet, RegexSetBuilder};

/// How large the operator's list may be: entries, characters of one, and memory for all.
const MOST_ENTRIES: usize = 2_000;
const LONGEST: usize = 500;
const MEMORY: usize = 16 * 1024 * 1024;

/// The rule that nobody lets a prompt break, whoever looked at it: ours, or a moderation service's
/// category of the same name.
pub const FINAL: &str = "sexual/minors";

// Few and certain; what needs judgement is a moderation service's.
const BUILT_IN: [(&str, &str); 2] = [
    (
        FINAL,
        r"\b(child|children|kid|kids|minor|minors|toddler|infant|underage|preteen|schoolgirl|schoolboy|loli|shota)\b.{0,60}\b(nude|naked|sex|sexual|sexy|porn|pornographic|erotic|explicit|nsfw|lingerie)\b|\b(nude|naked|sex|sexual|sexy|porn|pornographic|erotic|explicit|nsfw|lingerie)\b.{0,60}\b(child|children|kid|kids|minor|minors|toddler|infant|underage|preteen|schoolgirl|schoolboy|loli|shota)\b",
    ),
    (FINAL, r"\b(csam|lolicon|shotacon|child ?porn\w*)\b"),
];

/// A list that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {line}: {problem}")]
pub struct InvalidRule {
    /// Counted from 1; 0 for the list as a whole.
    pub line: usize,
    problem: String,
}

/// Rules, ready to be applied: in time that grows with the words and not with their cunning.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    built_in: RegexSet,
    own: RegexSet,
    // Which line of the list a pattern stood on.
    lines: Vec<usize>,
}

impl Rules {
    /// The built-in ones, and those of a list: an entry a line, a word or a phrase, or `/a regular
    /// expression/`; empty lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// The first entry that cannot be used. The entry itself is not told: the list is nobody's to read.
    pub fn parse(list: &str) -> Result<Self, InvalidRule> {
        let mut patterns = Vec::new();
        let mut lines = Vec::new();
        for (line, text) in (1..).zip(list.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let pattern = pattern_of(text).map_err(|problem| InvalidRule { line, problem })?;
            patterns.push(pattern);
            lines.push(line);
        }
        if patterns.len() > MOST_ENTRIES {
            let problem = format!("must have at most {MOST_ENTRIES} entries");
            return Err(InvalidRule { line: 0, problem });
        }
        let whole = |_| InvalidRule {
            line: 0,
            problem: "the list takes too much memory".to_owned(),
        };
        Ok(Self {
            built_in: set_of(BUILT_IN.map(|rule| rule.1)).map_err(whole)?,
            own: set_of(patterns).map_err(whole)?,
            lines,
        })
    }

    /// The first rule that folded words break, by its name.
    #[must_use]
    pub fn broken_by(&self, folded: &str) -> Option<String> {
        if let Some(place) = self.built_in.matches(folded).iter().next() {
            return BUILT_IN.get(place).map(|rule| rule.0.to_owned());
        }
        let place = self.own.matches(folded).iter().next()?;
        self.lines
            .get(place)
            .map(|line| format!("deny-list/{line}"))
    }
}

fn pattern_of(text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST {
        return Err(format!("must have at most {LONGEST} characters"));
    }
    let inner = text
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let pattern = match inner {
        Some(pattern) => pattern.to_owned(),
        None => {
            let words = super::text::folded(&super::text::clean(text));
            format!(r"(^|\W){}(\W|$)", regex::escape(&words))
        }
    };
    match set_of([&pattern]) {
        Ok(_) => Ok(pattern),
        Err(_) => Err("is no regular expression, or too large a one".to_owned()),
    }
}

fn set_of<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(MEMORY)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(list: &str, text: &str) -> Option<String> {
        let folded = super::super::text::folded(&super::super::text::clean(text));
        Rules::parse(list).unwrap().broken_by(&folded)
    }

    #[test]
    fn a_list_names_words_and_expressions() {
        let list = "# ours\nAcme Corp\n\n/wid+gets?/\ncafé";
        for (text, rule) in [
            ("the ACME corp tower", Some("deny-list/2")),
            ("ＡＣＭＥ c\u{200b}orp", Some("deny-list/2")),
            ("acme corporation", None),
            ("a widddget", Some("deny-list/4")),
            ("a CAFE\u{301} at night", Some("deny-list/5")),
            ("a fox", None),
        ] {
            assert_eq!(broken(list, text).as_deref(), rule, "{text}");
        }
    }

    #[test]
    fn some_rules_are_built_in() {
        assert_eq!(
            broken("", "a naked child").as_deref(),
            Some("sexual/minors")
        );
        for fine in [
            "a naked mole-rat",
            "a child at the sea",
            "Middlesex",
            "a fox",
        ] {
            assert_eq!(broken("", fine), None, "{fine}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_used_is_told_by_line() {
        let long = "x".repeat(LONGEST + 1);
        for (list, line) in [("fine\n/(/", 2), ("/(a{1000}){1000}{1000}/", 1), (&long, 1)] {
            let error = Rules::parse(list).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(!error.to_string().contains("xx"));
        }
        let many = "a\n".repeat(MOST_ENTRIES + 1);
        assert_eq!(Rules::parse(&many).unwrap_err().line, 0);
    }
}
