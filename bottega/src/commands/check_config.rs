//! `check-config`: the settings as they will be used.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::Failure;
use crate::cli::Flags;
use crate::settings::SuiteConfig;

/// Prints every setting with its value, secrets hidden; a `*` marks those that were set.
///
/// # Errors
/// Every fault of the configuration at once.
pub fn check_config(flags: &Flags) -> Result<ExitCode, Failure> {
    let (_, settings) = SuiteConfig::load(&flags.layers()?)?;
    let mut out = io::stdout().lock();
    for setting in settings {
        let mark = if setting.set { '*' } else { ' ' };
        writeln!(out, "{mark} {} = {}", setting.name, setting.value)?;
    }
    Ok(ExitCode::SUCCESS)
}
