//! The service's settings.

use std::time::Duration;

use config::{Common, Listen, Reader};
use server::GrpcSettings;

use crate::caretaker::CareSettings;
use crate::domain::plan::Plans;
use crate::domain::window::Calendar;

const PORT: u16 = 50_054;
const ADMIN_PORT: u16 = 51_054;

/// What the usage service is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service is told.
    pub common: Common,
    /// `BOTTEGA_USAGE_ADDR`, default `127.0.0.1:50054`; `BOTTEGA_USAGE_ADMIN_ADDR`, default
    /// `127.0.0.1:51054`.
    pub listen: Listen,
    /// `BOTTEGA_USAGE_DATABASE_URL`, else `BOTTEGA_DATABASE_URL`, else `usage.db` in the data
    /// directory.
    pub database: database::Settings,
    /// Bounds of the gRPC server.
    pub grpc: GrpcSettings,
    /// `BOTTEGA_MIGRATE`: whether the start brings the tables up to date (`on`, the default) or
    /// refuses to run on old ones (`off`).
    pub migrate: bool,
    /// `BOTTEGA_USAGE_PLANS`: the plans and their limits, default `free:5,basic:25,pro:100`; for
    /// the grammar see [`Plans`]. Limits of generations and money; others would do nothing yet.
    pub plans: Plans,
    /// `BOTTEGA_USAGE_HOLD_TTL`: how long a reservation holds its units before somebody confirms,
    /// settles or releases it; 1s to 24h, default `15m`.
    pub hold_ttl: Duration,
    /// `BOTTEGA_USAGE_TIME_ZONE`: where days and months begin and end, by its name in the IANA
    /// database; default `UTC`.
    pub calendar: Calendar,
    /// `BOTTEGA_USAGE_SWEEP_INTERVAL`: how often expired reservations are looked for; 10ms to 1h,
    /// default `5s`.
    pub sweep_interval: Duration,
    /// `BOTTEGA_USAGE_KEEP_RESERVATIONS`: for how long resolved reservations are kept, and their
    /// operations can be repeated; 24h to 9600h, default `840h`, 35 days.
    pub keep_reservations: Duration,
    /// `BOTTEGA_USAGE_TELLERS`: how many transactions write the books at a time, 1 to 16, default
    /// 1; always one on SQLite. Each takes a connection and everything that waits.
    pub tellers: usize,
    /// How the books are looked after.
    pub care: CareSettings,
}

impl Config {
    /// Reads the settings; the reader keeps what is wrong with them.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let common = Common::read(reader);
        let database = database::Settings::read(reader, "usage", &common.data_dir);
        Self {
            listen: Listen::read(reader, "usage", PORT, ADMIN_PORT),
            grpc: GrpcSettings::read(reader),
            migrate: reader.switch("BOTTEGA_MIGRATE", true),
            plans: plans(reader),
            hold_ttl: hold_ttl(reader),
            calendar: reader.parse("BOTTEGA_USAGE_TIME_ZONE", Calendar::utc()),
            sweep_interval: sweep_interval(reader),
            keep_reservations: keep_reservations(reader),
            tellers: usize::try_from(reader.number("BOTTEGA_USAGE_TELLERS", 1, 1, 16)).unwrap_or(1),
            care: CareSettings::read(reader),
            common,
            database,
        }
    }
}

// The plans an account can have (bottega.auth.v1.User.Tier): without one of them its users could
// neither order nor see what they have.
const TIERS: [&str; 3] = ["free", "basic", "pro"];

fn plans(reader: &mut Reader<'_>) -> Plans {
    let name = "BOTTEGA_USAGE_PLANS";
    let plans = reader.parse(name, Plans::default());
    for tier in TIERS {
        if plans.find(tier).is_err() {
            reader.fault(
                name,
                format!("has no plan '{tier}', which accounts can have"),
            );
        }
    }
    for plan in plans.iter() {
        if let Some(meter) = plan.uncounted() {
            reader.fault(
                name,
                format!(
                    "plan '{}' limits {}, which nothing counts yet: the limit would do nothing",
                    plan.name(),
                    meter.as_str()
                ),
            );
        }
    }
    plans
}

fn hold_ttl(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_USAGE_HOLD_TTL";
    let span = reader.duration(name, "15m");
    if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&span) {
        reader.fault(name, "must be 1s to 24h");
    }
    span
}

fn sweep_interval(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_USAGE_SWEEP_INTERVAL";
    let span = reader.duration(name, "5s");
    if !(Duration::from_millis(10)..=Duration::from_secs(3_600)).contains(&span) {
        reader.fault(name, "must be 10ms to 1h");
    }
    span
}

fn keep_reservations(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_USAGE_KEEP_RESERVATIONS";
    let span = reader.duration(name, "840h");
    let hour = Duration::from_secs(3_600);
    if !(24 * hour..=9_600 * hour).contains(&span) {
        reader.fault(name, "must be 24h to 9600h");
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
        assert_eq!(config.plans.to_string(), "free:5,basic:25,pro:100");
        assert_eq!(config.hold_ttl, Duration::from_secs(900));
        assert_eq!(config.listen.addr.port(), PORT);
    }

    #[test]
    fn limits_of_what_nothing_counts_are_faults() {
        let plans = "free:5+tokens=9,basic:$1,pro:1+storage=7/lifetime";
        let source = MapSource::from([
            ("BOTTEGA_USAGE_PLANS", plans),
            ("BOTTEGA_USAGE_TIME_ZONE", "Berlin"),
        ]);
        let mut reader = Reader::new(&source);
        Config::read(&mut reader);
        let text = reader.finish().unwrap_err().to_string();
        for problem in [
            "plan 'free' limits TOKENS, which nothing counts yet",
            "plan 'pro' limits STORAGE_BYTES, which nothing counts yet",
            "must be a time zone of the IANA database",
        ] {
            assert!(text.contains(problem), "{text}");
        }
    }

    #[test]
    fn names_every_fault() {
        let source = MapSource::from([
            ("BOTTEGA_USAGE_PLANS", "free:many"),
            ("BOTTEGA_USAGE_HOLD_TTL", "0s"),
            ("BOTTEGA_USAGE_SWEEP_INTERVAL", "2h"),
            ("BOTTEGA_USAGE_KEEP_RESERVATIONS", "1h"),
            ("BOTTEGA_USAGE_TELLERS", "0"),
        ]);
        let mut reader = Reader::new(&source);
        Config::read(&mut reader);
        let text = reader.finish().unwrap_err().to_string();
        for name in [
            "PLANS",
            "HOLD_TTL",
            "SWEEP_INTERVAL",
            "KEEP_RESERVATIONS",
            "TELLERS",
        ] {
            assert!(text.contains(&format!("BOTTEGA_USAGE_{name}")), "{text}");
        }
        assert!(text.contains("limit 'many' must be a number"), "{text}");
    }
}
