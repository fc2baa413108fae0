//! `up` and `serve`: start, tell where, run until told to stop.

use std::process::ExitCode;

use server::Shutdown;

use crate::Failure;
use crate::cli::{Flags, Service};
use crate::screen::{self, Screen};
use crate::settings::{OneConfig, SuiteConfig};
use crate::{signals, suite};

/// Runs all five services in this process.
///
/// # Errors
/// The configuration is wrong, or something needed does not start.
pub fn up(flags: &Flags) -> Result<ExitCode, Failure> {
    let (config, _) = SuiteConfig::load(&flags.layers()?)?;
    let log = config.log.clone();
    super::run(&log, async move {
        let shutdown = Shutdown::new(config.common.drain);
        signals::obey(shutdown.clone())?;
        let data_dir = config.common.data_dir.clone();
        let providers = config.generation.provider_states();
        let is_encrypted = config.gateway.tls.is_some();
        let running = suite::start(config, &shutdown).await?;
        Screen {
            places: running.places(),
            data_dir: &data_dir,
            providers: &providers,
            is_encrypted,
        }
        .print()?;
        running.wait(&shutdown).await
    })
}

/// Runs one service.
///
/// # Errors
/// The configuration is wrong, or something needed does not start.
pub fn serve(service: Service, flags: &Flags) -> Result<ExitCode, Failure> {
    let config = OneConfig::load(service, &flags.layers()?)?;
    let log = config.log.clone();
    super::run(&log, async move {
        let shutdown = Shutdown::new(config.common.drain);
        signals::obey(shutdown.clone())?;
        let running = suite::start_one(config, &shutdown).await?;
        screen::print_places(running.places())?;
        running.wait(&shutdown).await
    })
}
