//! The file service's settings.

use std::time::Duration;

use config::{Common, Listen, Reader};

use crate::blobs::StoreSettings;
use crate::domain::{Ages, PictureLimits};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service is given.
    pub common: Common,
    /// `BOTTEGA_FILE_ADDR` (127.0.0.1:50052), `BOTTEGA_FILE_ADMIN_ADDR` (127.0.0.1:51052).
    pub listen: Listen,
    /// `BOTTEGA_FILE_DATABASE_URL`, else `BOTTEGA_DATABASE_URL`, else `<data-dir>/file.db`.
    pub database: database::Settings,
    /// Limits of the gRPC server.
    pub grpc: server::GrpcSettings,
    /// `BOTTEGA_MIGRATE`: on (default) applies missing migrations at the start; off refuses to
    /// start without them.
    pub migrate: bool,
    /// `BOTTEGA_FILE_STORE` and `BOTTEGA_FILE_S3_…`.
    pub store: StoreSettings,
    /// `BOTTEGA_FILE_MAX_BYTES`: the largest file; default 26214400 (25 MiB).
    pub max_bytes: u64,
    /// `BOTTEGA_FILE_MAX_PIXELS` (64000000) and `BOTTEGA_FILE_MAX_SIDE` (16384): the largest
    /// picture. Reading one takes four bytes of memory per pixel.
    pub picture: PictureLimits,
    /// `BOTTEGA_FILE_CHECKS`: pictures decoded at the same time; default 2.
    pub checks: usize,
    /// `BOTTEGA_FILE_IDLE_TIMEOUT`: how long an upload may send nothing; default 30s.
    pub idle_timeout: Duration,
    /// `BOTTEGA_FILE_UPLOAD_TTL` (1h, at least 1m): when an upload that never ended is removed;
    /// none may run longer than half of it. `BOTTEGA_FILE_PURGE_AFTER` (24h): when a deleted
    /// file's bytes go.
    pub ages: Ages,
    /// `BOTTEGA_FILE_SWEEP_INTERVAL`: how often what is old is looked for; default 5m.
    pub sweep_interval: Duration,
}

impl Config {
    /// Reads every setting, noting every fault.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let common = Common::read(reader);
        let database = database::Settings::read(reader, "file", &common.data_dir);
        let store = StoreSettings::read(reader, &common.data_dir);
        let side = reader.number("BOTTEGA_FILE_MAX_SIDE", 16_384, 1, 65_535);
        let checks = reader.number("BOTTEGA_FILE_CHECKS", 2, 1, 64);
        Self {
            listen: Listen::read(reader, "file", 50_052, 51_052),
            database,
            grpc: server::GrpcSettings::read(reader),
            migrate: reader.switch("BOTTEGA_MIGRATE", true),
            store,
            max_bytes: reader.number("BOTTEGA_FILE_MAX_BYTES", 26_214_400, 1, 1 << 30),
            picture: PictureLimits {
                pixels: reader.number("BOTTEGA_FILE_MAX_PIXELS", 64_000_000, 1, 1 << 30),
                side: u32::try_from(side).unwrap_or(u32::MAX),
            },
            checks: usize::try_from(checks).unwrap_or(1),
            idle_timeout: at_least(reader, "BOTTEGA_FILE_IDLE_TIMEOUT", "30s", 1),
            ages: Ages {
                upload: at_least(reader, "BOTTEGA_FILE_UPLOAD_TTL", "1h", 60),
                deleted: reader.duration("BOTTEGA_FILE_PURGE_AFTER", "24h"),
            },
            sweep_interval: at_least(reader, "BOTTEGA_FILE_SWEEP_INTERVAL", "5m", 1),
            common,
        }
    }
}

fn at_least(reader: &mut Reader<'_>, name: &str, default: &str, seconds: u64) -> Duration {
    let span = reader.duration(name, default);
    let least = Duration::from_secs(seconds);
    if span < least {
        reader.fault(name, format!("must be at least {seconds}s"));
    }
    span.max(least)
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    fn faults(settings: &[(&str, &str)]) -> Vec<String> {
        let mut source = MapSource::default();
        for (name, text) in settings {
            source.0.insert((*name).to_owned(), (*text).to_owned());
        }
        let mut reader = Reader::new(&source);
        Config::read(&mut reader);
        match reader.finish() {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.into_iter().map(|fault| fault.name).collect(),
        }
    }

    #[test]
    fn nothing_needs_to_be_set() {
        assert!(faults(&[]).is_empty());
    }

    #[test]
    fn every_fault_is_named() {
        let settings = [
            ("BOTTEGA_FILE_STORE", "s3"),
            ("BOTTEGA_FILE_S3_ENDPOINT", "http://store:9000"),
            ("BOTTEGA_FILE_MAX_BYTES", "0"),
            ("BOTTEGA_FILE_UPLOAD_TTL", "5s"),
        ];
        assert_eq!(
            faults(&settings),
            [
                "BOTTEGA_FILE_S3_BUCKET",
                "BOTTEGA_FILE_S3_ACCESS_KEY",
                "BOTTEGA_FILE_S3_SECRET_KEY",
                "BOTTEGA_FILE_S3_ENDPOINT",
                "BOTTEGA_FILE_MAX_BYTES",
                "BOTTEGA_FILE_UPLOAD_TTL",
            ]
        );
        assert_eq!(
            faults(&[("BOTTEGA_FILE_STORE", "tape")]),
            ["BOTTEGA_FILE_STORE"]
        );
    }
}
