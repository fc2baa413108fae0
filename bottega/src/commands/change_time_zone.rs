//! `admin change-time-zone`: the books of usage count by the zone that is set.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

use crate::Failure;
use crate::cli::Flags;
use crate::settings::SuiteConfig;

/// Takes the zone of the settings into the books, which nobody may use meanwhile.
///
/// # Errors
/// The configuration is wrong, or the database is not there, does not answer or is not up to date.
pub fn change_time_zone(flags: &Flags) -> Result<ExitCode, Failure> {
    let (config, _) = SuiteConfig::load(&flags.layers()?)?;
    let log = config.log.clone();
    super::run(&log, async move {
        let before = usage::change_time_zone(&config.usage).await;
        let before = before.context("the time zone was not changed")?;
        let before = before.as_deref().unwrap_or("none");
        let after = &config.usage.calendar;
        writeln!(
            io::stdout().lock(),
            "the books count by {after} from now on; before: {before}"
        )?;
        Ok(())
    })
}
