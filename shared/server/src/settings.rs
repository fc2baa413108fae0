//! The bounds of a server, each with its variable and default.

use std::time::Duration;

use config::Reader;

/// The bounds of a gRPC server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcSettings {
    /// `BOTTEGA_GRPC_MAX_STREAMS`: calls at once on one connection; default 1024.
    pub max_streams: u32,
    /// `BOTTEGA_GRPC_MAX_CONNECTIONS`: connections at once; more are closed; default 4096.
    pub max_connections: usize,
    /// `BOTTEGA_GRPC_MAX_CONCURRENT`: calls at once in the whole process, all connections
    /// together; more are answered `OVERLOADED`. An eighth is kept for other services. Default 512.
    pub max_concurrent: usize,
    /// `BOTTEGA_GRPC_MAX_WATCHES`: event streams at once in the whole process; default 4096.
    pub max_watches: usize,
    /// `BOTTEGA_GRPC_DEADLINE`: for calls that bring none; default 10s.
    pub deadline: Duration,
    /// `BOTTEGA_GRPC_MAX_DEADLINE`: the longest a call may ask for, unless the rpc's policy gives
    /// it more; default 60s.
    pub max_deadline: Duration,
    /// `BOTTEGA_GRPC_KEEPALIVE`: how often a connection is pinged; dead ones are found within one
    /// and a half of it; default 20s.
    pub keepalive: Duration,
    /// `BOTTEGA_GRPC_HANDSHAKE`: how long a new connection may take to say what it is; default 10s.
    pub handshake: Duration,
    /// `BOTTEGA_GRPC_IDLE`: how long a connection may stay without a call; default 15m.
    pub idle: Duration,
    /// `BOTTEGA_GRPC_WRITE_TIMEOUT`: how long a client may take nothing of an answer; default 30s.
    pub write_timeout: Duration,
    /// `BOTTEGA_GRPC_REFLECTION`: whether the server describes itself; default on.
    pub reflection: bool,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            max_streams: 1_024,
            max_connections: 4_096,
            max_concurrent: 512,
            max_watches: 4_096,
            deadline: Duration::from_secs(10),
            max_deadline: Duration::from_secs(60),
            keepalive: Duration::from_secs(20),
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(15 * 60),
            write_timeout: Duration::from_secs(30),
            reflection: true,
        }
    }
}

impl GrpcSettings {
    /// Reads `BOTTEGA_GRPC_…`; one set for every gRPC server of the process.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let streams = reader.number("BOTTEGA_GRPC_MAX_STREAMS", 1_024, 1, 1_000_000);
        Self {
            max_streams: u32::try_from(streams).unwrap_or(u32::MAX),
            max_connections: count(reader, "BOTTEGA_GRPC_MAX_CONNECTIONS", 4_096),
            max_concurrent: count(reader, "BOTTEGA_GRPC_MAX_CONCURRENT", 512),
            max_watches: count(reader, "BOTTEGA_GRPC_MAX_WATCHES", 4_096),
            deadline: span(reader, "BOTTEGA_GRPC_DEADLINE", "10s"),
            max_deadline: span(reader, "BOTTEGA_GRPC_MAX_DEADLINE", "60s"),
            keepalive: span(reader, "BOTTEGA_GRPC_KEEPALIVE", "20s"),
            handshake: span(reader, "BOTTEGA_GRPC_HANDSHAKE", "10s"),
            idle: span(reader, "BOTTEGA_GRPC_IDLE", "15m"),
            write_timeout: span(reader, "BOTTEGA_GRPC_WRITE_TIMEOUT", "30s"),
            reflection: reader.switch("BOTTEGA_GRPC_REFLECTION", true),
        }
    }
}

/// The bounds of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// `BOTTEGA_HTTP_HEADER_TIMEOUT`: how long a request's head may take to arrive; default 10s.
    pub header_timeout: Duration,
    /// `BOTTEGA_HTTP_IDLE_TIMEOUT`: how long a connection may stay without a request; HTTP/1
    /// connections are closed after the header timeout already. Default 60s.
    pub idle_timeout: Duration,
    /// `BOTTEGA_HTTP_BODY_TIMEOUT`: how long a body may stand still; default 10s.
    pub body_timeout: Duration,
    /// `BOTTEGA_HTTP_WRITE_TIMEOUT`: how long a client may take nothing of an answer; default 30s.
    pub write_timeout: Duration,
    /// `BOTTEGA_HTTP_MAX_CONNECTIONS`: connections at once; more are closed; default 10000.
    pub max_connections: usize,
    /// `BOTTEGA_HTTP_MAX_CONNECTIONS_PER_ADDRESS`: connections at once of one client address (an IPv6
    /// /64 counts as one); more are closed. A proxy is one address for all its clients. Default 1000.
    pub max_per_address: usize,
    /// `BOTTEGA_HTTP_MAX_STREAMS`: requests at once on one HTTP/2 connection; default 256.
    pub max_streams: u32,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_per_address: 1_000,
            max_streams: 256,
        }
    }
}

impl HttpSettings {
    /// Reads `BOTTEGA_HTTP_…`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let streams = reader.number("BOTTEGA_HTTP_MAX_STREAMS", 256, 1, 1_000_000);
        Self {
            header_timeout: span(reader, "BOTTEGA_HTTP_HEADER_TIMEOUT", "10s"),
            idle_timeout: span(reader, "BOTTEGA_HTTP_IDLE_TIMEOUT", "60s"),
            body_timeout: span(reader, "BOTTEGA_HTTP_BODY_TIMEOUT", "10s"),
            write_timeout: span(reader, "BOTTEGA_HTTP_WRITE_TIMEOUT", "30s"),
            max_connections: count(reader, "BOTTEGA_HTTP_MAX_CONNECTIONS", 10_000),
            max_per_address: count(reader, "BOTTEGA_HTTP_MAX_CONNECTIONS_PER_ADDRESS", 1_000),
            max_streams: u32::try_from(streams).unwrap_or(u32::MAX),
        }
    }
}

fn count(reader: &mut Reader<'_>, name: &str, default: u64) -> usize {
    usize::try_from(reader.number(name, default, 1, 1_000_000)).unwrap_or(usize::MAX)
}

// A bound of no time would refuse everything.
fn span(reader: &mut Reader<'_>, name: &str, default: &str) -> Duration {
    let value = reader.duration(name, default);
    if value.is_zero() {
        reader.fault(name, "must be longer than 0s");
    }
    value
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    #[test]
    fn defaults_are_the_ones_documented() {
        let source = MapSource::default();
        let mut reader = Reader::new(&source);
        assert_eq!(GrpcSettings::read(&mut reader), GrpcSettings::default());
        assert_eq!(HttpSettings::read(&mut reader), HttpSettings::default());
    }

    #[test]
    fn a_bound_of_nothing_is_a_fault() {
        let source = MapSource::from([
            ("BOTTEGA_GRPC_MAX_CONCURRENT", "0"),
            ("BOTTEGA_GRPC_DEADLINE", "0s"),
        ]);
        let mut reader = Reader::new(&source);
        GrpcSettings::read(&mut reader);
        assert_eq!(reader.finish().unwrap_err().0.len(), 2);
    }
}
