//! How fast Bottega is on this machine: `make bench`. Every figure stands beside one of the database
//! or the machine taken in the same run, because only their ratio travels.
#![expect(
    clippy::print_stdout,
    reason = "a benchmark's figures are what it is for"
)]

mod flow;
mod load;
mod pgbench;
mod quota;
mod rates;
mod suite;
mod transcoding;

use clap::Parser;

/// Measures how fast Bottega is.
#[derive(Debug, Parser)]
struct Options {
    /// The PostgreSQL to measure against; its databases named `bench_…` are made and dropped.
    #[arg(long, env = "BOTTEGA_TEST_POSTGRES_URL")]
    postgres: String,
    /// The Redis to measure against; without one only the process is measured.
    #[arg(long, env = "BOTTEGA_TEST_REDIS_URL")]
    redis: Option<String>,
    /// How long each figure is measured.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many callers there are at a time.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// How many tellers keep the books (`BOTTEGA_USAGE_TELLERS`).
    #[arg(long, default_value_t = 1)]
    tellers: usize,
    /// How many orders wait when the workers start.
    #[arg(long, default_value_t = 5_000)]
    tasks: u64,
    /// What is measured; without it, everything.
    #[arg(long)]
    only: Option<suite::Part>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let machine = pgbench::Server::new(&options.postgres)?;
    println!("{} callers, {} s each", options.callers, options.seconds);
    suite::run(&machine, &options).await
}
