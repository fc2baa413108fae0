//! A path template of `google.api.http`, taken apart.

mod parse;

use std::fmt;

/// A path template, e.g. `/v1/{name=shelves/*/books/*}:read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    verb: Option<String>,
}

/// One segment of a template, variables resolved to what they capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This text, percent-encoded as on the wire, escapes in upper case.
    Literal(String),
    /// `*`: any one segment.
    Star,
    /// `**`: any number of segments, also none; always the last.
    DoubleStar,
}

/// A variable and the segments it captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The field path, in proto names.
    pub path: Vec<String>,
    /// The first captured segment.
    pub start: usize,
    /// One past the last captured segment of the template.
    pub end: usize,
    /// Whether it ends in `**` and so captures all the rest of the path.
    pub open: bool,
}

/// A template that breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct TemplateError {
    /// Where, counted from 1 in bytes.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl Template {
    /// Reads a template by the grammar of http.proto: `**` only as the last segment, no variable
    /// inside a variable, no variable twice, no empty segment. `/` alone is allowed.
    ///
    /// # Errors
    /// Where the text leaves the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text)
    }

    /// The segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The variables, in the order they are written.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The verb, without its colon.
    #[must_use]
    pub fn verb(&self) -> Option<&str> {
        self.verb.as_deref()
    }

    /// The variable that captures segment `index`, if one does.
    #[must_use]
    pub fn variable_at(&self, index: usize) -> Option<&Variable> {
        self.variables
            .iter()
            .find(|variable| (variable.start..variable.end).contains(&index))
    }
}

impl Variable {
    /// Whether it captures exactly one segment, and so may hold a decoded slash.
    #[must_use]
    pub fn is_single(&self) -> bool {
        !self.open && self.end - self.start == 1
    }

    /// The part of `path` (without its leading slash, without the verb) that it captures.
    pub(crate) fn capture<'p>(&self, path: &'p str) -> &'p str {
        let Some(from) = nth_segment(path, self.start) else {
            return "";
        };
        let captured = &path[from..];
        if self.open {
            return captured;
        }
        match nth_segment(captured, self.end - self.start) {
            Some(next) => &captured[..next - 1],
            None => captured,
        }
    }
}

/// Where segment `index` of the path begins.
fn nth_segment(path: &str, index: usize) -> Option<usize> {
    if index == 0 {
        return Some(0);
    }
    path.bytes()
        .enumerate()
        .filter(|(_, byte)| *byte == b'/')
        .nth(index - 1)
        .map(|(slash, _)| slash + 1)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Literal(text) => text,
            Self::Star => "*",
            Self::DoubleStar => "**",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_capture_their_segments() {
        let template = Template::parse("/v1/{name=shelves/*/books/*}/{rest=**}").unwrap();
        let path = "v1/shelves/1/books/2/a/b";
        assert_eq!(template.variables()[0].capture(path), "shelves/1/books/2");
        assert_eq!(template.variables()[1].capture(path), "a/b");
        assert_eq!(template.variables()[1].capture("v1/shelves/1/books/2"), "");
        assert_eq!(
            template.to_string(),
            "/v1/{name=shelves/*/books/*}/{rest=**}"
        );
    }

    #[test]
    fn a_variable_knows_whether_it_is_one_segment() {
        let single = |text| Template::parse(text).unwrap().variables()[0].is_single();
        assert!(single("/v1/{id}"));
        assert!(!single("/v1/{id=*/*}"));
        assert!(!single("/v1/{id=**}"));
    }
}
