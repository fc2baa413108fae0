//! Settings every process has: where the data is, where the services are, what they share.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::Reader;

/// How strict the start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Missing secrets are made and kept in the data directory.
    Development,
    /// Missing or weak secrets are refused.
    Production,
}

impl FromStr for Environment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("must be development or production"),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

/// Where one service listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// Traffic: gRPC, or HTTP for the gateway. Port 0 takes any free one.
    pub addr: SocketAddr,
    /// Health and metrics.
    pub admin: SocketAddr,
}

impl Listen {
    /// Reads `BOTTEGA_<NAME>_ADDR` and `BOTTEGA_<NAME>_ADMIN_ADDR`.
    pub fn read(reader: &mut Reader<'_>, name: &str, port: u16, admin_port: u16) -> Self {
        let name = name.to_uppercase();
        Self {
            addr: listen_on(reader, &format!("BOTTEGA_{name}_ADDR"), port),
            admin: listen_on(reader, &format!("BOTTEGA_{name}_ADMIN_ADDR"), admin_port),
        }
    }
}

fn listen_on(reader: &mut Reader<'_>, name: &str, port: u16) -> SocketAddr {
    let local = SocketAddr::from(([127, 0, 0, 1], port));
    let text = reader.text(name, &local.to_string());
    // A name, like localhost, is looked up once, here.
    match text
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
    {
        Some(addr) => addr,
        None => {
            let problem = format!("'{text}' is not an address of this machine as host:port");
            reader.fault(name, problem);
            local
        }
    }
}

/// Where the services are reached, as `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    /// The auth service.
    pub auth: String,
    /// The file service.
    pub file: String,
    /// The generation service.
    pub generation: String,
    /// The usage service.
    pub usage: String,
}

impl Peers {
    /// Reads `BOTTEGA_<NAME>_ADDR` of the four services: where a service listens is where the
    /// others look for it, unless their environment says otherwise.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut peer = |name: &str, port: u16| {
            reader.text(
                &format!("BOTTEGA_{name}_ADDR"),
                &format!("127.0.0.1:{port}"),
            )
        };
        Self {
            auth: peer("AUTH", 50051),
            file: peer("FILE", 50052),
            generation: peer("GENERATION", 50053),
            usage: peer("USAGE", 50054),
        }
    }
}

/// What every service is given.
#[derive(Debug, Clone)]
pub struct Common {
    /// `BOTTEGA_ENV`: development (default) or production.
    pub environment: Environment,
    /// `BOTTEGA_DATA_DIR`: databases and files when embedded; default `./bottega-data`.
    pub data_dir: PathBuf,
    /// Where the services are reached.
    pub peers: Peers,
    /// `BOTTEGA_SERVICE_SECRET`: what services prove themselves with; at least 32 characters.
    /// In development, a missing one is made once and kept in the data directory.
    pub service_secret: Option<SecretString>,
    /// `BOTTEGA_DRAIN`: how long a stopping process finishes its requests; default 20s.
    pub drain: Duration,
}

impl Common {
    /// Reads the settings every process has.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let environment = reader.parse("BOTTEGA_ENV", Environment::Development);
        let service_secret = reader.secret("BOTTEGA_SERVICE_SECRET");
        match &service_secret {
            Some(secret) if secret.expose_secret().len() < 32 => {
                reader.fault("BOTTEGA_SERVICE_SECRET", "must have at least 32 characters");
            }
            None if environment == Environment::Production => {
                reader.fault("BOTTEGA_SERVICE_SECRET", "must be set in production");
            }
            _ => {}
        }
        Self {
            environment,
            data_dir: PathBuf::from(reader.text("BOTTEGA_DATA_DIR", "./bottega-data")),
            peers: Peers::read(reader),
            service_secret,
            drain: reader.duration("BOTTEGA_DRAIN", "20s"),
        }
    }
}
