//! The gateway's settings.

use std::net::IpAddr;
use std::time::Duration;

use config::{Common, Listen, Reader};
use http::HeaderValue;
use ipnet::IpNet;
use server::{HttpSettings, TlsFiles};

use crate::rate;

/// What the gateway is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every process is told.
    pub common: Common,
    /// `BOTTEGA_GATEWAY_ADDR` (default 127.0.0.1:8080) and `BOTTEGA_GATEWAY_ADMIN_ADDR`
    /// (default 127.0.0.1:9080).
    pub listen: Listen,
    /// Connection limits and timeouts.
    pub http: HttpSettings,
    /// `BOTTEGA_GATEWAY_TLS_CERT` and `BOTTEGA_GATEWAY_TLS_KEY`: PEM files of the certificate chain and its
    /// key; with both, only HTTPS is spoken. Changed files count within seconds. Default none.
    pub tls: Option<TlsFiles>,
    /// `BOTTEGA_GATEWAY_CORS_ORIGINS`: the exact origins browsers may call from, separated by
    /// commas; default none.
    pub cors_origins: Vec<HeaderValue>,
    /// `BOTTEGA_GATEWAY_MAX_JSON_BYTES`: how large a JSON body may be; default 1 MiB.
    pub max_json_bytes: u64,
    /// `BOTTEGA_GATEWAY_MAX_UPLOAD_BYTES`: how large an upload's body may be; by default the
    /// largest file, `BOTTEGA_FILE_MAX_BYTES`, and 1 MiB for its multipart wrapping.
    pub max_upload_bytes: u64,
    /// `BOTTEGA_GATEWAY_MAX_INFLIGHT_BYTES`: how many bytes of requests are in memory at once, over all
    /// connections; more are refused as 429. Default 256 MiB.
    pub max_inflight_bytes: u64,
    /// `BOTTEGA_GATEWAY_CACHE_BYTES`: how many bytes of answers are kept to be given again; 0 for none.
    /// Default 500 MB.
    pub cache_bytes: u64,
    /// `BOTTEGA_GATEWAY_TRUSTED_PROXIES`: addresses and networks (`10.0.0.0/8`), separated by commas,
    /// whose `X-Forwarded-For` is believed; default none.
    pub trusted_proxies: Vec<IpNet>,
    /// `BOTTEGA_GATEWAY_API_KEY_TRUST`: how long auth's word on an API key is believed, and so how long one
    /// that was revoked works on; 100ms to 5s, default 5s.
    pub api_key_trust: Duration,
    /// Rate limits.
    pub rates: rate::Settings,
    /// `BOTTEGA_GATEWAY_KEEP_ALIVE`: how long a stream is silent before it shows that it lives;
    /// default 15s.
    pub keep_alive: Duration,
    /// `BOTTEGA_GATEWAY_OPENAI_WAIT`: how long a request of OpenAI's API waits for its pictures; 1s to 9m, for
    /// its clients wait 10; default 5m.
    pub openai_wait: Duration,
    /// `BOTTEGA_GRPC_REFLECTION`: whether gRPC clients are told of the rpcs; default on.
    pub reflection: bool,
    /// `BOTTEGA_GATEWAY_HSTS`: tells browsers to use HTTPS only; for gateways behind TLS; default
    /// off.
    pub hsts: bool,
}

impl Config {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let origins = reader.text("BOTTEGA_GATEWAY_CORS_ORIGINS", "");
        let cors_origins = read_origins(&origins).unwrap_or_else(|problem| {
            reader.fault("BOTTEGA_GATEWAY_CORS_ORIGINS", problem);
            Vec::new()
        });
        let proxies = reader.text("BOTTEGA_GATEWAY_TRUSTED_PROXIES", "");
        let trusted_proxies = read_networks(&proxies).unwrap_or_else(|problem| {
            reader.fault("BOTTEGA_GATEWAY_TRUSTED_PROXIES", problem);
            Vec::new()
        });
        Self {
            common: Common::read(reader),
            listen: Listen::read(reader, "gateway", 8080, 9080),
            http: HttpSettings::read(reader),
            tls: tls(reader),
            cors_origins,
            max_json_bytes: reader.number(
                "BOTTEGA_GATEWAY_MAX_JSON_BYTES",
                1024 * 1024,
                1024,
                64 * 1024 * 1024,
            ),
            max_upload_bytes: max_upload_bytes(reader),
            max_inflight_bytes: max_inflight_bytes(reader),
            cache_bytes: reader.number("BOTTEGA_GATEWAY_CACHE_BYTES", 500_000_000, 0, 1 << 40),
            trusted_proxies,
            api_key_trust: api_key_trust(reader),
            rates: rate::Settings::read(reader),
            keep_alive: keep_alive(reader),
            openai_wait: openai_wait(reader),
            reflection: reader.switch("BOTTEGA_GRPC_REFLECTION", true),
            hsts: reader.switch("BOTTEGA_GATEWAY_HSTS", false),
        }
    }
}

fn tls(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let [certificate, key] = ["BOTTEGA_GATEWAY_TLS_CERT", "BOTTEGA_GATEWAY_TLS_KEY"];
    match (reader.text(certificate, ""), reader.text(key, "")) {
        (none, no_key) if none.is_empty() && no_key.is_empty() => None,
        (none, _) if none.is_empty() => {
            reader.fault(certificate, "must be set when the key is");
            None
        }
        (_, no_key) if no_key.is_empty() => {
            reader.fault(key, "must be set when the certificate is");
            None
        }
        (certificate, key) => Some(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        }),
    }
}

fn max_upload_bytes(reader: &mut Reader<'_>) -> u64 {
    let file = reader.number("BOTTEGA_FILE_MAX_BYTES", 26_214_400, 1, 1 << 30);
    let name = "BOTTEGA_GATEWAY_MAX_UPLOAD_BYTES";
    reader.number(name, file + (1 << 20), 1024, 1 << 40)
}

// Less than the largest body would refuse it for ever.
fn max_inflight_bytes(reader: &mut Reader<'_>) -> u64 {
    let name = "BOTTEGA_GATEWAY_MAX_INFLIGHT_BYTES";
    reader.number(name, 256 << 20, 64 << 20, 1 << 40)
}

fn api_key_trust(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_GATEWAY_API_KEY_TRUST";
    let span = reader.duration(name, "5s");
    if !(Duration::from_millis(100)..=Duration::from_secs(5)).contains(&span) {
        reader.fault(name, "must be 100ms to 5s");
    }
    span
}

fn openai_wait(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_GATEWAY_OPENAI_WAIT";
    let span = reader.duration(name, "5m");
    if !(Duration::from_secs(1)..=Duration::from_mins(9)).contains(&span) {
        reader.fault(name, "must be 1s to 9m");
    }
    span
}

fn keep_alive(reader: &mut Reader<'_>) -> Duration {
    let name = "BOTTEGA_GATEWAY_KEEP_ALIVE";
    let span = reader.duration(name, "15s");
    if span < Duration::from_millis(100) {
        reader.fault(name, "must be at least 100ms");
    }
    span
}

fn read_networks(text: &str) -> Result<Vec<IpNet>, String> {
    let networks = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    networks
        .map(|one| {
            let network = one.parse().ok();
            let address = || one.parse::<IpAddr>().ok().map(IpNet::from);
            let problem = || format!("'{one}' must be an address or a network, like 10.0.0.0/8");
            network.or_else(address).ok_or_else(problem)
        })
        .collect()
}

fn read_origins(text: &str) -> Result<Vec<HeaderValue>, String> {
    let origins = text
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty());
    origins
        .map(|origin| match HeaderValue::from_str(origin) {
            Ok(value) if is_origin(origin) => Ok(value),
            _ => Err(format!(
                "'{origin}' must be an exact origin, like https://app.example.com"
            )),
        })
        .collect()
}

// Scheme, host and port only: a browser never sends more, so anything else would never match.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_or_prefixes() {
        let two = read_networks("10.0.0.0/8, ::1").unwrap();
        assert_eq!(two[1].to_string(), "::1/128");
        for wrong in ["*", "proxy", "10.0.0.0/33"] {
            assert!(read_networks(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        for (name, other) in [("CERT", "KEY"), ("KEY", "CERT")] {
            let name = format!("BOTTEGA_GATEWAY_TLS_{name}");
            let source = config::MapSource::from([(name.as_str(), "/some/file.pem")]);
            let mut reader = Reader::new(&source);
            assert!(tls(&mut reader).is_none());
            let faults = reader.finish().unwrap_err().to_string();
            assert!(
                faults.contains(&format!("BOTTEGA_GATEWAY_TLS_{other}")),
                "{faults}"
            );
        }
    }

    #[test]
    fn origins_are_exact() {
        let two = read_origins("https://a.example, http://localhost:5173").unwrap();
        assert_eq!(two.len(), 2);
        for wrong in [
            "*",
            "a.example",
            "https://a.example/",
            "https://*.example",
            "https://",
        ] {
            assert!(read_origins(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
