//! `admin attempts`: what operators do about attempts nobody knows the outcome of.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use generation::domain::unknown::{Inquiry, UnknownAttempt};
use serde_json::json;
use types::{Microusd, PageRequest};

use crate::Failure;
use crate::cli::{Attempts, Flags};
use crate::settings::SuiteConfig;

// Who is said to have resolved what was resolved here.
const ACTOR: &str = "bottega admin";
const AT_ONCE: u64 = 100;

/// Lists them, or ends one and shows it.
///
/// # Errors
/// The configuration is wrong; the database is not there, does not answer or is not up to date; there is no such
/// attempt, or its cost is known otherwise.
pub fn attempts(wanted: Attempts, flags: &Flags) -> Result<ExitCode, Failure> {
    let (config, _) = SuiteConfig::load(&flags.layers()?)?;
    let log = config.log.clone();
    super::run(&log, async move {
        let opened = generation::inquiry(&config.generation).await;
        let (inquiry, database) = opened.context("the attempts cannot be looked at")?;
        let found = find(&inquiry, &wanted).await;
        database.close().await;
        let mut out = io::stdout().lock();
        match wanted.json {
            true => {
                let told: Vec<_> = found?.iter().map(told).collect();
                writeln!(out, "{:#}", json!({ "attempts": told }))?;
            }
            false => print(&mut out, &found?)?,
        }
        Ok(())
    })
}

async fn find(inquiry: &Inquiry, wanted: &Attempts) -> anyhow::Result<Vec<UnknownAttempt>> {
    let settled = wanted.settle.zip(wanted.cost);
    let released = wanted.release.map(|task| (task, 0));
    if let Some((task, cost)) = settled.or(released) {
        let cost = Microusd(cost);
        let (note, actor) = (wanted.note.clone(), ACTOR.to_owned());
        let resolved = inquiry.resolve(task, cost, note, actor).await;
        return Ok(vec![resolved.context("the attempt was not resolved")?]);
    }
    let mut all = Vec::new();
    let mut page = PageRequest {
        size: AT_ONCE,
        before: None,
    };
    loop {
        let part = inquiry.list(page).await?;
        let last = part.items.last().map(|one| one.task.uuid());
        all.extend(part.items);
        if part.next_token.is_empty() || last.is_none() {
            return Ok(all);
        }
        page.before = last;
    }
}

fn print(out: &mut impl Write, attempts: &[UnknownAttempt]) -> io::Result<()> {
    for one in attempts {
        let job = one.job.as_deref().unwrap_or("unknown");
        writeln!(out, "generation {}, attempt {}", one.task, one.number)?;
        writeln!(out, "  owner     {}", one.owner)?;
        writeln!(
            out,
            "  provider  {} {}, order {job}",
            one.provider, one.model
        )?;
        if let Some(sent) = one.sent_at {
            writeln!(out, "  sent      {sent}")?;
        }
        writeln!(out, "  held      {}", one.held)?;
        writeln!(out, "  because   {}: {}", one.class, one.detail)?;
        if let Some(verdict) = &one.verdict {
            writeln!(out, "  cost      {}, {}", verdict.cost, verdict.note)?;
        }
    }
    let open = attempts.iter().filter(|one| one.verdict.is_none());
    let held: i64 = open.clone().map(|one| one.held.0).sum();
    writeln!(
        out,
        "{} unknown, {} in suspense",
        open.count(),
        Microusd(held)
    )
}

fn told(one: &UnknownAttempt) -> serde_json::Value {
    let verdict = one.verdict.as_ref();
    json!({
        "generationId": one.task.to_string(),
        "attempt": one.number,
        "ownerId": one.owner.to_string(),
        "provider": one.provider,
        "model": one.model,
        "jobId": one.job,
        "heldMicrousd": one.held.0,
        "errorClass": one.class,
        "detail": one.detail,
        "sentAt": one.sent_at.map(|at| at.to_string()),
        "unknownSince": one.since.map(|at| at.to_string()),
        "reservationId": one.reservation.map(|id| id.to_string()),
        "costMicrousd": verdict.map(|verdict| verdict.cost.0),
        "resolvedAt": verdict.map(|verdict| verdict.at.to_string()),
        "resolvedBy": verdict.map(|verdict| &verdict.actor),
        "note": verdict.map(|verdict| &verdict.note),
    })
}
