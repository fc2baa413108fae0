//! The service's settings.

use std::time::Duration;

use config::{Common, Listen, Reader};
use server::GrpcSettings;

use crate::domain::off_peak::{OffPeak, WHOLE};
use crate::domain::queue::QueueRules;
use crate::domain::retry::Retry;
use crate::providers;
use crate::worker::WorkSettings;

const PORT: u16 = 50_053;
const ADMIN_PORT: u16 = 51_053;
const RESULTS: &str = "BOTTEGA_GENERATION_CACHE_TTL";
const KEYS: &str = "BOTTEGA_GENERATION_IDEMPOTENCY_TTL";
const WEIGHTS: &str = "BOTTEGA_GENERATION_WEIGHTS";
const LEASE: &str = "BOTTEGA_GENERATION_LEASE";

/// What the generation service is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service is told.
    pub common: Common,
    /// `BOTTEGA_GENERATION_ADDR`, default `127.0.0.1:50053`; `BOTTEGA_GENERATION_ADMIN_ADDR`,
    /// default `127.0.0.1:51053`.
    pub listen: Listen,
    /// `BOTTEGA_GENERATION_DATABASE_URL`, else `BOTTEGA_DATABASE_URL`, else `generation.db` in the
    /// data directory.
    pub database: database::Settings,
    /// Bounds of the gRPC server.
    pub grpc: GrpcSettings,
    /// `BOTTEGA_MIGRATE`: whether the start brings the tables up to date (`on`, the default) or
    /// refuses to run on old ones (`off`).
    pub migrate: bool,
    /// `BOTTEGA_GENERATION_WORKERS`: tasks at once in this process, 0 to 1024, default 4; 0 takes
    /// orders and leaves the work to other processes. `BOTTEGA_GENERATION_LEASE`: how long a task
    /// is a worker's own without a sign of life, 3s to 1h, default `30s`: after a crash its tasks
    /// go on this much later. `BOTTEGA_GENERATION_POLL`: how often the database is asked for work
    /// made in other processes, 10ms to 1m, default `500ms`. `BOTTEGA_GENERATION_MAX_RUNNING`: how many
    /// tasks of one user are worked at at once, over all processes, at most 10000; 0, the default, for
    /// any number.
    pub work: WorkSettings,
    /// `BOTTEGA_GENERATION_MAX_PENDING`: how many orders of one user wait at most, default
    /// `10,basic=100,pro=200`: other numbers for plans are added; 0 for any number.
    /// `BOTTEGA_GENERATION_WEIGHTS`: how often each plan is served while orders wait, default
    /// `1,basic=2,pro=4`, 1 to 1000.
    /// `BOTTEGA_GENERATION_OFF_PEAK_WINDOW`: when off-peak orders begin, as in `22:00-06:00`, in UTC; unset, there are
    /// none. `BOTTEGA_GENERATION_OFF_PEAK_PERMILLE`: how much of the price they are asked for, in thousandths, 1 to
    /// 1000, default 1000.
    pub queue: QueueRules,
    /// `BOTTEGA_GENERATION_CHEAPEST_OVER_BUDGET`: whether an order that does not fit into a soft budget goes to the
    /// cheapest provider whatever policy it names, unless it names its provider; `off` by default.
    pub saves: bool,
    /// `BOTTEGA_GENERATION_MAX_SENDS`: how often a provider that fails for now is asked for one
    /// task, 1 to 10, default 3.
    pub retry: Retry,
    /// `BOTTEGA_GENERATION_IDEMPOTENCY_TTL`: how long an idempotency key names what it made, 1m to
    /// 720h, default `24h`; longer while that is under way.
    pub keys_kept_for: Duration,
    /// `BOTTEGA_GENERATION_CACHE_TTL`: for how long a result is given again to an owner who orders the
    /// same, at most 24h, default `1h`; `0s` gives none again.
    pub results_kept_for: Duration,
    /// `BOTTEGA_MODERATION_…`: which prompts are refused.
    pub moderation: Box<providers::ModerationConfig>,
    /// `BOTTEGA_PROVIDER_…`: who is asked, where, with which key and at what price.
    pub providers: providers::Config,
}

impl Config {
    /// Reads the settings; the reader keeps what is wrong with them.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let common = Common::read(reader);
        let database = database::Settings::read(reader, "generation", &common.data_dir);
        let workers = reader.number("BOTTEGA_GENERATION_WORKERS", 4, 0, 1_024);
        let max_sends = reader.number("BOTTEGA_GENERATION_MAX_SENDS", 3, 1, 10);
        let lease = bounded(reader, LEASE, "30s", [3_000, 3_600_000]);
        let poll = bounded(reader, "BOTTEGA_GENERATION_POLL", "500ms", [10, 60_000]);
        let keys_kept_for = bounded(reader, KEYS, "24h", [60_000, 720 * 3_600_000]);
        Self {
            listen: Listen::read(reader, "generation", PORT, ADMIN_PORT),
            grpc: GrpcSettings::read(reader),
            migrate: reader.switch("BOTTEGA_MIGRATE", true),
            work: WorkSettings {
                workers: usize::try_from(workers).unwrap_or(4),
                max_running: reader.number("BOTTEGA_GENERATION_MAX_RUNNING", 0, 0, 10_000),
                lease,
                poll,
            },
            queue: read_queue(reader),
            saves: reader.switch("BOTTEGA_GENERATION_CHEAPEST_OVER_BUDGET", false),
            retry: Retry {
                max_sends: u32::try_from(max_sends).unwrap_or(3),
                ..Retry::default()
            },
            keys_kept_for,
            moderation: Box::new(providers::ModerationConfig::read(reader)),
            results_kept_for: bounded(reader, RESULTS, "1h", [0, 86_400_000]),
            providers: providers::Config::read(reader),
            common,
            database,
        }
    }

    /// Every provider by name, and whether it is set up; for the start's screen.
    #[must_use]
    pub fn provider_states(&self) -> Vec<(String, bool)> {
        let accounts = self.providers.accounts.iter();
        let mut states: Vec<(String, bool)> = accounts
            .map(|account| (account.name.to_owned(), account.is_configured))
            .collect();
        states.push(("sketch".to_owned(), self.providers.sketch));
        states.sort();
        states
    }
}

fn read_queue(reader: &mut Reader<'_>) -> QueueRules {
    let defaults = QueueRules::default();
    let weights = reader.parse(WEIGHTS, defaults.weights);
    if !weights
        .numbers()
        .all(|weight| (1..=1_000).contains(&weight))
    {
        reader.fault(WEIGHTS, "must be 1 to 1000 each");
    }
    let window = reader.optional("BOTTEGA_GENERATION_OFF_PEAK_WINDOW");
    let permille = reader.number("BOTTEGA_GENERATION_OFF_PEAK_PERMILLE", 1_000, 1, 1_000);
    let permille = i64::try_from(permille).unwrap_or(WHOLE);
    QueueRules {
        off_peak: window.map(|window| OffPeak { window, permille }),
        max_pending: reader.parse("BOTTEGA_GENERATION_MAX_PENDING", defaults.max_pending),
        weights,
    }
}

fn bounded(reader: &mut Reader<'_>, name: &str, default: &str, millis: [u64; 2]) -> Duration {
    let span = reader.duration(name, default);
    let [low, high] = millis.map(Duration::from_millis);
    if !(low..=high).contains(&span) {
        reader.fault(name, format!("must be {low:?} to {high:?}"));
    }
    span
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    #[test]
    fn defaults() {
        let source = MapSource::default();
        let mut reader = Reader::new(&source);
        let config = Config::read(&mut reader);
        assert!(reader.finish().is_ok());
        assert_eq!(config.work.workers, 4);
        assert_eq!(config.work.lease, Duration::from_secs(30));
        assert_eq!(config.listen.addr.port(), PORT);
        assert_eq!(config.listen.admin.port(), ADMIN_PORT);
        // Without any key there is a drawing all the same.
        let ready: Vec<String> = (config.provider_states().into_iter())
            .filter_map(|(name, is_ready)| is_ready.then_some(name))
            .collect();
        assert_eq!(ready, ["sketch"]);
    }

    #[test]
    fn names_every_fault() {
        let source = MapSource::from([
            ("BOTTEGA_GENERATION_WORKERS", "many"),
            (LEASE, "1s"),
            (KEYS, "59s"),
            (RESULTS, "25h"),
            ("BOTTEGA_GENERATION_POLL", "1ms"),
            ("BOTTEGA_GENERATION_MAX_SENDS", "0"),
            ("BOTTEGA_GENERATION_MAX_PENDING", "ten"),
            ("BOTTEGA_GENERATION_CHEAPEST_OVER_BUDGET", "perhaps"),
            ("BOTTEGA_GENERATION_OFF_PEAK_WINDOW", "night"),
            ("BOTTEGA_GENERATION_OFF_PEAK_PERMILLE", "1001"),
            (WEIGHTS, "1,pro=0"),
            ("BOTTEGA_PROVIDER_OPENAI_RATE", "3/d"),
            ("BOTTEGA_PROVIDER_OPENAI_MAX_RUNNING", "-1"),
        ]);
        let mut reader = Reader::new(&source);
        Config::read(&mut reader);
        assert_eq!(reader.finish().unwrap_err().0.len(), 13);
    }
}
