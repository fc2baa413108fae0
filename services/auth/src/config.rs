//! The settings of auth.

use std::time::Duration;

use config::{Common, Listen, Reader};
use server::GrpcSettings;

use crate::domain::Email;

/// The settings of auth.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service is given.
    pub common: Common,
    /// `BOTTEGA_AUTH_ADDR`, default `127.0.0.1:50051`; `BOTTEGA_AUTH_ADMIN_ADDR`, default
    /// `127.0.0.1:51051`.
    pub listen: Listen,
    /// `BOTTEGA_AUTH_DATABASE_URL`, else `BOTTEGA_DATABASE_URL`, else `<data-dir>/auth.db`.
    pub database: database::Settings,
    /// `BOTTEGA_GRPC_…`: the bounds of a gRPC server.
    pub grpc: GrpcSettings,
    /// `BOTTEGA_MIGRATE`: whether missing migrations are applied at the start (default) or keep
    /// it from starting.
    pub migrate: bool,
    /// `BOTTEGA_AUTH_ACCESS_TOKEN_TTL`: how long an access token is good; default 15m. What a
    /// withdrawn right can still do lasts as long.
    pub access_token_ttl: Duration,
    /// `BOTTEGA_AUTH_REFRESH_TOKEN_TTL`: how long an unused refresh token is good; default 720h.
    pub refresh_token_ttl: Duration,
    /// `BOTTEGA_AUTH_REUSE_GRACE`: how long after its use a refresh token is answered again with
    /// the same child, for clients whose answer was lost; default 10s.
    pub reuse_grace: Duration,
    /// `BOTTEGA_AUTH_HASHES`: how many passwords are hashed at once, 19 MiB each; default one per
    /// core.
    pub hashes: usize,
    /// `BOTTEGA_AUTH_HASH_WAIT`: how long a sign-in waits for its turn to be hashed before it is
    /// refused as overloaded; default 3s.
    pub hash_wait: Duration,
    /// `BOTTEGA_AUTH_ADMIN_EMAIL`: the account registered with this address is an admin's.
    pub admin_email: Option<String>,
}

impl Config {
    /// Reads the settings; faults are noted in the reader.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let common = Common::read(reader);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = u64::try_from(cores).unwrap_or(1).clamp(1, MAX_HASHES);
        Self {
            listen: Listen::read(reader, "auth", 50_051, 51_051),
            database: database::Settings::read(reader, "auth", &common.data_dir),
            grpc: GrpcSettings::read(reader),
            migrate: reader.switch("BOTTEGA_MIGRATE", true),
            access_token_ttl: lifetime(reader, ACCESS, "15m", 24),
            refresh_token_ttl: lifetime(reader, REFRESH, "720h", 8_760),
            reuse_grace: reader.duration("BOTTEGA_AUTH_REUSE_GRACE", "10s"),
            hashes: usize::try_from(reader.number("BOTTEGA_AUTH_HASHES", cores, 1, MAX_HASHES))
                .unwrap_or(1),
            hash_wait: reader.duration("BOTTEGA_AUTH_HASH_WAIT", "3s"),
            admin_email: admin_email(reader),
            common,
        }
    }
}

const MAX_HASHES: u64 = 256;
const ACCESS: &str = "BOTTEGA_AUTH_ACCESS_TOKEN_TTL";
const REFRESH: &str = "BOTTEGA_AUTH_REFRESH_TOKEN_TTL";
const ADMIN: &str = "BOTTEGA_AUTH_ADMIN_EMAIL";

// Tokens count in whole seconds; one that lives less is never good.
fn lifetime(reader: &mut Reader<'_>, name: &str, default: &str, max_hours: u64) -> Duration {
    let span = reader.duration(name, default);
    let bounds = Duration::from_secs(1)..=Duration::from_secs(max_hours * 3_600);
    if !bounds.contains(&span) {
        reader.fault(name, format!("must be 1s to {max_hours}h"));
    }
    span
}

fn admin_email(reader: &mut Reader<'_>) -> Option<String> {
    let address = reader.optional::<String>(ADMIN)?;
    if let Err(error) = Email::parse(&address) {
        reader.fault(ADMIN, error.to_string());
    }
    Some(address)
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
        assert_eq!(config.access_token_ttl, Duration::from_secs(900));
        assert_eq!(config.refresh_token_ttl, Duration::from_secs(30 * 86_400));
        assert_eq!(config.reuse_grace, Duration::from_secs(10));
        assert!(config.migrate && config.admin_email.is_none());
    }

    #[test]
    fn every_fault_is_named() {
        let source = MapSource::from([
            (ACCESS, "0s"),
            (REFRESH, "100000h"),
            (ADMIN, "root"),
            ("BOTTEGA_AUTH_HASHES", "0"),
        ]);
        let mut reader = Reader::new(&source);
        Config::read(&mut reader);
        let mut faults = reader.finish().unwrap_err().0;
        faults.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names, [ACCESS, ADMIN, "BOTTEGA_AUTH_HASHES", REFRESH]);
    }
}
