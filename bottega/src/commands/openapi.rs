//! `openapi`: the OpenAPI document, for tools that have no running gateway to ask.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::Failure;

/// Prints what `GET /openapi.json` answers.
///
/// # Errors
/// The contracts cannot be served.
pub fn openapi() -> Result<ExitCode, Failure> {
    let document = gateway::openapi().map_err(anyhow::Error::from)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{document}")?;
    Ok(ExitCode::SUCCESS)
}
