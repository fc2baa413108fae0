//! Wrong fields, all of them at once.

use contracts::errors::v1::Reason;

use crate::Fault;

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The path to the field as JSON names it, e.g. `image.width`.
    pub field: String,
    /// What would be right, e.g. "must be 64 to 2048".
    pub description: String,
}

/// Collects wrong fields while a request is read.
#[derive(Debug, Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a wrong field.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation {
            field: field.into(),
            description: description.into(),
        });
    }

    /// Notes `field` unless `fine`.
    pub fn check(&mut self, fine: bool, field: &str, description: impl Into<String>) {
        if !fine {
            self.add(field, description);
        }
    }

    /// Takes the value out of a result, or notes `field` with the error as its description.
    pub fn read<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|error| self.add(field, error.to_string()))
            .ok()
    }

    /// Notes everything another check found.
    pub fn extend(&mut self, others: impl IntoIterator<Item = FieldViolation>) {
        self.0.extend(others);
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `INVALID_FIELD` with every violation, when there is one.
    pub fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_fault())
        }
    }

    /// The error of these violations.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        let list: Vec<String> = self
            .0
            .iter()
            .map(|one| format!("{} {}", one.field, one.description))
            .collect();
        let mut fault = Fault::new(Reason::InvalidField, list.join("; "));
        fault.violations = self.0;
        fault
    }
}
