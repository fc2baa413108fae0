//! What is measured, in which order: the ceiling and ours side by side.

use std::time::Duration;

use crate::Options;
use crate::load::drive;
use crate::pgbench::Server;
use crate::quota::Books;
use crate::rates::Counted;

const USERS: usize = 1_000;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Reserve and Settle beside pgbench.
    Quota,
    /// Rate limits.
    Rates,
    /// Orders over HTTP.
    Flow,
    /// The gateway's engine beside Envoy.
    Transcoding,
}

/// Measures everything and prints it.
///
/// # Errors
/// A database or Redis does not answer.
pub async fn run(server: &Server, options: &Options) -> anyhow::Result<()> {
    let wanted = |part| options.only.is_none_or(|only| only == part);
    if wanted(Part::Quota) {
        measure_quota(server, options).await?;
    }
    if wanted(Part::Rates) {
        measure_rates(options).await?;
    }
    if wanted(Part::Flow) {
        crate::flow::run(server, options).await?;
    }
    if wanted(Part::Transcoding) {
        crate::transcoding::run(options).await?;
    }
    Ok(())
}

async fn measure_rates(options: &Options) -> anyhow::Result<()> {
    println!("\nrate limits, two for each of {USERS} users");
    let redis = options.redis.as_deref();
    let shared = redis.map(|url| ("through Redis", Some(url)));
    for (name, url) in [("in the process", None)].into_iter().chain(shared) {
        let counted = Counted::open(url, USERS).await?;
        let span = Duration::from_secs(options.seconds);
        let checks = drive(options.callers, span, move |_| {
            let counted = counted.clone();
            async move { counted.once(rand(USERS)).await }
        });
        println!("  {name:<33} {}", checks.await?);
    }
    Ok(())
}

async fn measure_quota(server: &Server, options: &Options) -> anyhow::Result<()> {
    for (name, rows, hot) in [
        ("distinct users", 1_000, false),
        ("one hot budget", 1, true),
    ] {
        println!("\n{name}");
        let before = server.updates(rows, options.seconds).await?;
        let url = server.make("bench_quota").await?;
        let books = Books::open(&url, USERS, hot, options.tellers).await?;
        let span = Duration::from_secs(options.seconds);
        let callers = options.callers;
        let pairs = drive(callers, span, move |caller| {
            let books = books.clone();
            async move {
                let user = caller + callers * rand(USERS / callers + 1);
                books.pair(user).await
            }
        });
        let pairs = pairs.await?;
        let after = server.updates(rows, options.seconds).await?;
        let ceiling = f64::midpoint(before, after);
        println!("  pgbench, one conditional UPDATE   {before:>9.0}/s before, {after:.0}/s after");
        println!("  Reserve + Settle pairs            {pairs}");
        println!(
            "  pairs to updates                  {:>9.2}",
            pairs.per_second / ceiling
        );
    }
    Ok(())
}

// The last bits of a fresh UUIDv7 are random.
fn rand(below: usize) -> usize {
    let [.., a, b] = *uuid::Uuid::now_v7().as_bytes();
    usize::from(u16::from_be_bytes([a, b])) % below.max(1)
}
