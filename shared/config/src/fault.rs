//! What is wrong with a configuration.

use std::fmt;

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable, e.g. `BOTTEGA_GATEWAY_ADDR`.
    pub name: String,
    /// What is wrong and what would be right; never the value of a secret.
    pub problem: String,
}

/// Every setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {} fault(s):", self.0.len())?;
        for fault in &self.0 {
            writeln!(f, "  {}: {}", fault.name, fault.problem)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
