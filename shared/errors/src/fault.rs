//! The error every room speaks.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use contracts::errors::v1::Reason;

use crate::{FieldViolation, Violations};

/// A failed call: what the caller may know, and the cause, which only the log sees.
#[derive(Debug)]
pub struct Fault {
    /// What clients switch on.
    pub reason: Reason,
    /// A sentence for developers; never internal details.
    pub message: String,
    /// Every wrong field, when the reason is `INVALID_FIELD`.
    pub violations: Vec<FieldViolation>,
    /// Facts about this occurrence.
    pub metadata: BTreeMap<String, String>,
    /// The limits that stand in the way, when the reason is `QUOTA_EXCEEDED`.
    pub quota: Vec<QuotaViolation>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
    /// Why, for the log only.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

/// A plan limit that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaViolation {
    /// Whose limit: `user:<id>`.
    pub subject: String,
    /// What the limit says.
    pub description: String,
    /// The meter, e.g. `GENERATIONS`.
    pub metric: String,
    /// The limit's name, e.g. `GENERATIONS/MONTH`.
    pub id: String,
    /// The limit's value.
    pub value: i64,
}

impl Fault {
    /// A failure the caller may read about.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            quota: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// A fault of ours. The caller reads one fixed sentence, the log the cause.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(
            Reason::Internal,
            "internal error; the request id finds it in the log",
        )
        .with_cause(cause)
    }

    /// A dependency does not answer; nothing was done.
    pub fn unavailable(what: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut fault = Self::new(
            Reason::Unavailable,
            format!("{what} does not answer right now; nothing was done, try again"),
        );
        fault.retry_after = Some(Duration::from_secs(1));
        fault.with_cause(cause)
    }

    /// There is no such thing, or it is not the caller's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Reason::NotFound, format!("no such {what}"))
    }

    /// One wrong field.
    pub fn field(field: &str, description: impl Into<String>) -> Self {
        let mut violations = Violations::new();
        violations.add(field, description);
        violations.into_fault()
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds a fact about this occurrence.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and literals read better bare"
    )]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Says how long to wait before trying again.
    #[must_use]
    pub fn retry_in(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str_name(), self.message)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}
