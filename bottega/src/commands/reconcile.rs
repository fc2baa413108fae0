//! `admin reconcile`: whether the books of usage agree with each other.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use usage::domain::reconcile::{Difference, Findings, MOST};

use crate::Failure;
use crate::cli::Flags;
use crate::settings::SuiteConfig;

/// Compares the books, which may be in use meanwhile, and prints what differs.
///
/// # Errors
/// The configuration is wrong, or the database is not there, does not answer or is not up to date.
pub fn reconcile(as_json: bool, flags: &Flags) -> Result<ExitCode, Failure> {
    let (config, _) = SuiteConfig::load(&flags.layers()?)?;
    let log = config.log.clone();
    let outcome = super::run(&log, async move {
        let findings = usage::reconcile(&config.usage);
        let findings = findings.await.context("the books cannot be compared")?;
        let mut out = io::stdout().lock();
        match as_json {
            true => writeln!(out, "{:#}", told(&findings))?,
            false => print(&mut out, &findings)?,
        }
        Ok(ExitCode::from(u8::from(!findings.is_clean())))
    });
    outcome.map_err(|failure| match failure {
        Failure::Start(error) => Failure::Unknown(error),
        failure => failure,
    })
}

fn print(out: &mut impl Write, findings: &Findings) -> io::Result<()> {
    let mut lines = vec![["books", "what", "expected", "found", "subject"].map(str::to_owned)];
    lines.extend(findings.differences.iter().map(line));
    if !findings.is_clean() {
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max();
        let [books, what, expected, found] = [0, 1, 2, 3].map(|column| width(column).unwrap_or(0));
        for [a, b, c, d, e] in &lines {
            writeln!(
                out,
                "{a:books$}  {b:what$}  {c:>expected$}  {d:>found$}  {e}"
            )?;
        }
    }
    let count = findings.differences.len();
    let more = if findings.has_more { " or more" } else { "" };
    writeln!(
        out,
        "{count}{more} differences; balances are off by {}; {} counters could not be compared",
        findings.imbalance, findings.skipped
    )
}

fn line(one: &Difference) -> [String; 5] {
    [
        one.check.as_str().to_owned(),
        one.what.clone(),
        one.expected.to_string(),
        one.found.to_string(),
        one.subject.clone(),
    ]
}

fn told(findings: &Findings) -> serde_json::Value {
    let differences = findings.differences.iter().map(|one| {
        json!({
            "books": one.check.as_str(),
            "subject": one.subject,
            "what": one.what,
            "expected": one.expected,
            "found": one.found,
        })
    });
    json!({
        "differences": differences.collect::<Vec<_>>(),
        "hasMore": findings.has_more,
        "most": MOST,
        "imbalanceMicrousd": findings.imbalance.0,
        "skippedCounters": findings.skipped,
    })
}
