//! The database's own ceiling: how many conditional updates pgbench brings it to.

use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::process::Command;

const CLIENTS: &str = "32";

/// A PostgreSQL server.
pub struct Server {
    base: String,
}

impl Server {
    /// The server a URL names; the URL's own database is left alone.
    ///
    /// # Errors
    /// The URL names no database.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let (base, _) = url.rsplit_once('/').context("the URL names no database")?;
        Ok(Self {
            base: base.to_owned(),
        })
    }

    /// Makes an empty database and answers its URL.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn make(&self, name: &str) -> anyhow::Result<String> {
        let admin = format!("{}/postgres", self.base);
        psql(
            &admin,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await?;
        psql(&admin, &format!("CREATE DATABASE {name}")).await?;
        Ok(format!("{}/{name}", self.base))
    }

    /// Conditional updates a second over so many rows, each chosen at random.
    ///
    /// # Errors
    /// pgbench is missing or fails.
    pub async fn updates(&self, rows: u32, seconds: u64) -> anyhow::Result<f64> {
        let url = self.make("bench_ceiling").await?;
        let table = format!(
            "CREATE TABLE ceiling (id int PRIMARY KEY, held bigint NOT NULL, cap bigint NOT NULL); \
             INSERT INTO ceiling SELECT i, 0, 9000000000000 FROM generate_series(1, {rows}) i"
        );
        psql(&url, &table).await?;
        let script = tempfile::NamedTempFile::new()?;
        let sql = format!(
            "\\set id random(1, {rows})\n\
             UPDATE ceiling SET held = held + 1 WHERE id = :id AND held + 1 <= cap;\n"
        );
        std::fs::write(script.path(), sql)?;
        let mut pgbench = Command::new("pgbench");
        pgbench
            .args(["--no-vacuum", "--protocol=prepared", "--client", CLIENTS])
            .args(["--jobs", "2", "--time", &seconds.to_string(), "--file"])
            .arg(script.path())
            .arg(&url);
        let told = run(pgbench).await?;
        let line = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let number = line
            .and_then(|line| line.split(' ').next())
            .context("pgbench told no tps")?;
        Ok(number.parse()?)
    }
}

async fn psql(url: &str, sql: &str) -> anyhow::Result<()> {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]);
    psql.args(["--command", sql, url]);
    run(psql).await.map(drop)
}

async fn run(mut program: Command) -> anyhow::Result<String> {
    let output = program.stdin(Stdio::null()).output().await;
    let output = output.context("psql and pgbench, which come with PostgreSQL, do not run")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{complaint}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
