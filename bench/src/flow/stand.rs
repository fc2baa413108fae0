//! The suite as an operator runs it: one process of the release binary, on PostgreSQL and the local disk.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::client::Client;
use super::painter::Painter;

const SERVICES: [&str; 5] = ["GATEWAY", "AUTH", "FILE", "GENERATION", "USAGE"];
const LOOK: Duration = Duration::from_millis(20);
// Counting takes time from those who are counted.
const COUNT: Duration = Duration::from_millis(200);
const START: usize = 1_500;
// Of nobody: what it seals is gone with the benchmark.
const SECRET: &str = "a benchmark's own secret, 32 bytes or more";

/// A running suite.
pub struct Stand {
    process: Child,
    host: String,
    tasks: database::Database,
    _folder: TempDir,
}

impl Stand {
    /// Starts it with so many workers.
    ///
    /// # Errors
    /// It is not built, or does not get ready.
    pub async fn start(url: &str, painter: &Painter, workers: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let binary = std::env::current_exe()?.with_file_name("bottega");
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BOTTEGA_")) {
            command.env_remove(name);
        }
        let mut gateway = String::new();
        for service in SERVICES {
            let addr = free_addr()?;
            command.env(format!("BOTTEGA_{service}_ADDR"), &addr);
            command.env(format!("BOTTEGA_{service}_ADMIN_ADDR"), free_addr()?);
            if service == "GATEWAY" {
                gateway = addr;
            }
        }
        let painter = format!("http://{}/v1", painter.addr);
        let settings = [
            ("BOTTEGA_LOG", "warn"),
            ("BOTTEGA_DATABASE_URL", url),
            ("BOTTEGA_SERVICE_SECRET", SECRET),
            ("BOTTEGA_RATE_LIMITS", "off"),
            ("BOTTEGA_USAGE_BREAKER_FLOOR", "1000000000"),
            (
                "BOTTEGA_USAGE_PLANS",
                "free:1000000000+$1000000000,basic:1,pro:1",
            ),
            ("BOTTEGA_GENERATION_MAX_PENDING", "0"),
            ("BOTTEGA_PROVIDER_OPENAI_BASE_URL", &painter),
            ("BOTTEGA_PROVIDER_OPENAI_MODEL", "painter"),
            ("BOTTEGA_PROVIDER_OPENAI_PRICE", "0.04"),
            ("BOTTEGA_PROVIDER_SKETCH", "off"),
        ];
        command
            .arg("up")
            .envs(settings)
            .env("BOTTEGA_DATA_DIR", folder.path())
            .env("BOTTEGA_GENERATION_WORKERS", workers.to_string())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let process = command.spawn().context("target/release/bottega")?;
        let tasks = database::Settings::of(url, "generation");
        wait_for(&gateway).await?;
        Ok(Self {
            process,
            host: gateway,
            tasks: database::Database::connect(&tasks).await?,
            _folder: folder,
        })
    }

    /// New users, each on a connection.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn clients(&self, number: usize) -> anyhow::Result<Vec<Client>> {
        let mut clients = Vec::with_capacity(number);
        // One after the other: a password's hash takes memory, which is measured, too.
        for _ in 0..number {
            clients.push(Client::register(&self.host).await?);
        }
        Ok(clients)
    }

    /// How many orders are completed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn completed(&self) -> anyhow::Result<u64> {
        self.count("status = 'completed'").await
    }

    /// Waits until every order is ended.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn drained(&self) -> anyhow::Result<()> {
        let open = "id = (SELECT id FROM tasks WHERE status = 'processing' LIMIT 1)
            OR id = (SELECT id FROM tasks WHERE status = 'pending' LIMIT 1)";
        while self.count(open).await? > 0 {
            tokio::time::sleep(COUNT).await;
        }
        Ok(())
    }

    /// Stops it, and tells the most memory it took.
    ///
    /// # Errors
    /// It is gone already.
    pub async fn stop(mut self, when: &str) -> anyhow::Result<()> {
        let pid = self.process.id().context("the suite is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim().split(' ').next());
            number
                .and_then(|number| number.parse::<f64>().ok())
                .unwrap_or_default()
        };
        let (peak, now) = (kilobytes("VmHWM:") / 1024.0, kilobytes("VmRSS:") / 1024.0);
        println!("  memory {when:<26} {peak:>9.0} MiB at most, {now:.0} MiB at the end");
        Command::new("kill").arg(pid.to_string()).status().await?;
        self.process.wait().await?;
        Ok(())
    }
}

impl Stand {
    async fn count(&self, which: &str) -> anyhow::Result<u64> {
        let db = self.tasks.read();
        let sql = format!("SELECT COUNT(*) FROM tasks WHERE {which}");
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await?.context("no count")?;
        Ok(u64::try_from(row.try_get_by_index::<i64>(0)?)?)
    }
}

fn free_addr() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

async fn wait_for(gateway: &str) -> anyhow::Result<()> {
    for _ in 0..START {
        // The gateway is the last that listens.
        if TcpStream::connect(gateway).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    anyhow::bail!("the suite did not start")
}
