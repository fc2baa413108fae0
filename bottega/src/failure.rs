//! Why a command could not be done, and the exit code that says so (sysexits.h).

use std::fmt;
use std::process::ExitCode;

use config::{ConfigFault, ConfigFaults};

/// A command that failed.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong: exit 64.
    Config(ConfigFaults),
    /// Something needed did not start or did not hold: exit 1.
    Start(anyhow::Error),
    /// What was asked could not be found out: exit 2, for 1 is an answer.
    Unknown(anyhow::Error),
}

impl Failure {
    /// Tells it on standard error.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        eprintln!("bottega: {self}");
        match self {
            Self::Config(_) => ExitCode::from(64),
            Self::Start(_) => ExitCode::FAILURE,
            Self::Unknown(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(faults) => faults.fmt(f),
            // The alternate form tells the causes too.
            Self::Start(error) | Self::Unknown(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<ConfigFaults> for Failure {
    fn from(faults: ConfigFaults) -> Self {
        Self::Config(faults)
    }
}

impl From<ConfigFault> for Failure {
    fn from(fault: ConfigFault) -> Self {
        Self::Config(ConfigFaults(vec![fault]))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Start(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Start(error.into())
    }
}
