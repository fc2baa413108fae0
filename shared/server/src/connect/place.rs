//! Where a service is said to be: names or addresses, and what they resolve to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tonic::transport::{Endpoint, Uri};

use super::{InvalidPeer, kept};

/// One `host:port`.
#[derive(Debug, Clone)]
pub(super) struct Place {
    host: String,
    port: u16,
    endpoint: Endpoint,
}

/// Reads a list of places.
pub(super) fn read(text: &str) -> Result<Vec<Place>, InvalidPeer> {
    text.split(',').map(|one| Place::read(one.trim())).collect()
}

impl Place {
    fn read(text: &str) -> Result<Self, InvalidPeer> {
        let invalid = |problem: &str| InvalidPeer {
            peer: text.to_owned(),
            problem: problem.to_owned(),
        };
        let url = match text.split_once("://") {
            None => format!("http://{text}"),
            Some(("http", _)) => text.to_owned(),
            Some(_) => return Err(invalid("use host:port or http://host:port")),
        };
        let endpoint = Endpoint::from_shared(url).map_err(|error| invalid(&error.to_string()))?;
        let host = endpoint.uri().host().filter(|host| !host.is_empty());
        match (host, endpoint.uri().port_u16()) {
            (Some(host), Some(port)) => Ok(Self {
                host: host.trim_matches(['[', ']']).to_owned(),
                port,
                endpoint: kept(endpoint),
            }),
            _ => Err(invalid("use host:port or http://host:port")),
        }
    }

    /// Whether it was given as an address, and leads to no other.
    pub(super) fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// As it was given.
    pub(super) fn name(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(host) => SocketAddr::new(host, self.port).to_string(),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }

    /// All its addresses, now.
    pub(super) async fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.collect())
    }

    /// The way to whatever the name leads to at the moment of connecting.
    pub(super) fn by_name(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// The way to one of its addresses. It is still asked for by its name, which a mesh may go by.
    pub(super) fn at(&self, address: SocketAddr) -> Endpoint {
        let origin = self.endpoint.uri().clone();
        let target = Uri::try_from(format!("http://{address}"));
        match target {
            Ok(target) => kept(Endpoint::from(target)).origin(origin),
            Err(_) => self.by_name(),
        }
    }
}
