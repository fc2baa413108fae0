//! What each command does.

mod check_config;
mod migrate;
mod run;

pub use check_config::check_config;
pub use migrate::migrate;
pub use run::{serve, up};

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;
use telemetry::LogSettings;

use crate::Failure;

// Logging and cryptography are set up once, before anything that uses them.
fn run<F>(log: &LogSettings, work: F) -> Result<ExitCode, Failure>
where
    F: Future<Output = anyhow::Result<()>>,
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
    outcome?;
    Ok(ExitCode::SUCCESS)
}
