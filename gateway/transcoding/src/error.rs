//! What can be wrong with a request, a reply or a rule, in words for the one who sent or wrote it.

use std::fmt;

use http::Method;

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's JSON path, e.g. `image.width` or `tags[2]`; empty for the body as a whole.
    pub field: String,
    /// What is expected instead, in plain English.
    pub description: String,
}

/// The kind of the gravest thing wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InvalidKind {
    /// A known field has a value it cannot take.
    BadValue,
    /// A field of the body or a name of the query is not known.
    UnknownField,
    /// There is a body where the rpc takes none.
    UnexpectedBody,
    /// More query pairs than allowed.
    TooLarge,
    /// The body is not JSON, or the query is not well-formed.
    Syntax,
}

/// A request that cannot become a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The gravest kind among the violations.
    pub kind: InvalidKind,
    /// All that was found wrong, in the order body, path, query; capped by `max_violations`.
    pub violations: Vec<Violation>,
    /// One sentence for people.
    pub message: String,
}

/// Why no route takes a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No template matches the path.
    #[error("there is nothing at this path")]
    NotFound,
    /// The path exists, with other methods.
    #[error("this path does not take that method")]
    MethodNotAllowed {
        /// The methods it does take, for the `Allow` header.
        allow: Vec<Method>,
    },
    /// The path itself is malformed: too long, a broken escape, bytes that are not UTF-8.
    #[error("{}", .0.description)]
    BadPath(Violation),
}

/// A reply that cannot become JSON: its bytes or its values break the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The bytes are not a message of the rpc's reply type.
    #[error("the reply does not decode as {message}: {reason}")]
    Undecodable {
        /// The expected type's full name.
        message: String,
        /// What the decoder says.
        reason: String,
    },
    /// A value has no JSON form.
    #[error("{message} has no JSON form: {reason}")]
    Unprintable {
        /// The full name of the message type that holds it.
        message: String,
        /// Why not.
        reason: String,
    },
}

/// One rule that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// The proto file.
    pub file: String,
    /// The rpc's full name.
    pub method: String,
    /// The template as written; empty when the rule has none.
    pub template: String,
    /// What is wrong, with the column of the template where there is one.
    pub reason: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} \"{}\": {}",
            self.file, self.method, self.template, self.reason
        )
    }
}

/// Every rule that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildErrors(pub Vec<BuildError>);

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} http rules cannot be served", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for BuildErrors {}

/// Gathers violations while a request is read, so that all are reported at once.
#[derive(Debug)]
pub(crate) struct Faults {
    found: Vec<Violation>,
    gravest: Option<InvalidKind>,
    limit: usize,
}

impl Faults {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            found: Vec::new(),
            gravest: None,
            limit: limit.max(1),
        }
    }

    /// Notes a violation; beyond the limit it only counts towards the kind.
    pub(crate) fn add(&mut self, kind: InvalidKind, field: &str, description: impl Into<String>) {
        self.gravest = self.gravest.max(Some(kind));
        if self.found.len() < self.limit {
            self.found.push(Violation {
                field: field.to_owned(),
                description: description.into(),
            });
        }
    }

    /// Whether there is no room left: reading on cannot tell the caller more.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    /// `Ok` when nothing was found wrong.
    pub(crate) fn into_result(self) -> Result<(), Invalid> {
        let Some(kind) = self.gravest else {
            return Ok(());
        };
        let message = sentence(&self.found);
        Err(Invalid {
            kind,
            violations: self.found,
            message,
        })
    }
}

fn sentence(found: &[Violation]) -> String {
    let first = match found.first() {
        Some(violation) if violation.field.is_empty() => violation.description.clone(),
        Some(violation) => format!("{} {}", violation.field, violation.description),
        None => "the request is not valid".to_owned(),
    };
    match found.len() {
        0 | 1 => first,
        2 => format!("{first} (and 1 more)"),
        count => format!("{first} (and {} more)", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_leads_with_the_first_and_counts_the_rest() {
        let mut faults = Faults::new(10);
        faults.add(
            InvalidKind::BadValue,
            "image.width",
            "must be a whole number",
        );
        faults.add(InvalidKind::UnknownField, "colour", "is not a known field");
        let invalid = faults.into_result().unwrap_err();
        assert_eq!(
            invalid.message,
            "image.width must be a whole number (and 1 more)"
        );
        assert_eq!(invalid.kind, InvalidKind::UnknownField);
        assert_eq!(invalid.violations.len(), 2);
    }

    #[test]
    fn the_list_is_capped() {
        let mut faults = Faults::new(2);
        for index in 0..5 {
            faults.add(
                InvalidKind::BadValue,
                &format!("tags[{index}]"),
                "must be a string",
            );
        }
        assert!(faults.is_full());
        assert_eq!(faults.into_result().unwrap_err().violations.len(), 2);
    }
}
