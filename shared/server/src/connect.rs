//! The way to another service.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

const CONNECT: Duration = Duration::from_secs(2);
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// The text names no service.
#[derive(Debug, thiserror::Error)]
#[error("'{peer}' is no address of a service: {problem}")]
pub struct InvalidPeer {
    /// The text.
    pub peer: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Opens a channel to `host:port` or `http://host:port`. It connects with the first call and again
/// whenever the connection was lost; a peer that does not answer pings is given up after 25
/// seconds. Clones share the connection.
///
/// # Errors
/// The text is no address. `https://` is refused: encryption between services is the mesh's work,
/// and a channel that silently trusted no root would only ever fail.
pub fn connect(peer: &str) -> Result<Channel, InvalidPeer> {
    let invalid = |problem: &str| InvalidPeer {
        peer: peer.to_owned(),
        problem: problem.to_owned(),
    };
    let url = match peer.split_once("://") {
        None => format!("http://{peer}"),
        Some(("http", _)) => peer.to_owned(),
        Some(_) => return Err(invalid("use host:port or http://host:port")),
    };
    let endpoint = Endpoint::from_shared(url).map_err(|error| invalid(&error.to_string()))?;
    if endpoint.uri().host().is_none_or(str::is_empty) || endpoint.uri().port_u16().is_none() {
        return Err(invalid("use host:port or http://host:port"));
    }
    Ok(endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .keep_alive_while_idle(true)
        .connect_lazy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_addresses_and_nothing_else() {
        for peer in ["127.0.0.1:50051", "auth:50051", "http://[::1]:50051"] {
            assert!(connect(peer).is_ok(), "{peer}");
        }
        for peer in [
            "",
            "auth",
            "https://auth:50051",
            "ftp://auth:1",
            "a b:1",
            "auth:99999",
        ] {
            assert!(connect(peer).is_err(), "{peer}");
        }
    }
}
