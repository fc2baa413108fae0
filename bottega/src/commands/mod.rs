//! What each command does.

mod attempts;
mod change_time_zone;
mod check_config;
mod migrate;
mod openapi;
mod reconcile;
mod run;

pub use attempts::attempts;
pub use change_time_zone::change_time_zone;
pub use check_config::check_config;
pub use migrate::migrate;
pub use openapi::openapi;
pub use reconcile::reconcile;
pub use run::{serve, up};

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;
use telemetry::LogSettings;

use crate::Failure;

// Logging and cryptography are set up once, before anything that uses them.
fn run<F, C>(log: &LogSettings, work: F) -> Result<ExitCode, Failure>
where
    F: Future<Output = anyhow::Result<C>>,
    C: Into<Ending>,
{
    telemetry::init(log);
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a cryptography provider is installed already"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    let outcome = runtime.block_on(work);
    // What still runs has had its deadline.
    runtime.shutdown_background();
    telemetry::flush();
    Ok(outcome?.into().0)
}

/// The exit code of work that was done; 0 unless it says otherwise.
struct Ending(ExitCode);

impl From<()> for Ending {
    fn from((): ()) -> Self {
        Self(ExitCode::SUCCESS)
    }
}

impl From<ExitCode> for Ending {
    fn from(code: ExitCode) -> Self {
        Self(code)
    }
}
