//! The way to another service: one channel over all its processes.

mod member;
mod members;
mod place;
mod standing;

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::Link;
use members::Members;

pub use standing::Standing;

const CONNECT: Duration = Duration::from_secs(2);
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_PATIENCE: Duration = Duration::from_secs(5);
/// How many changes of the members may wait to be taken up.
const CHANGES: usize = 64;

/// The text names no service.
#[derive(Debug, thiserror::Error)]
#[error("'{peer}' is no address of a service: {problem}")]
pub struct InvalidPeer {
    /// The text.
    pub peer: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The ways to a service, and how it stands.
#[derive(Debug, Clone)]
pub struct Peer {
    /// For calls.
    pub calls: Link,
    /// Over connections of their own, for streams that stay: a connection carries only so many calls at
    /// once.
    pub streams: Link,
    /// Whether anybody answers.
    pub standing: Standing,
}

/// Opens a channel to `host:port` or `http://host:port`, or to a list of them, separated by commas.
/// Names are resolved to all their addresses, again and again; calls are spread over those that serve
/// at random, and who does not answer is left out until it does. It connects with the first call and again
/// whenever a connection was lost; a peer that does not answer pings is given up after 25 seconds. Clones
/// share the connections.
///
/// # Errors
/// The text is no address. `https://` is refused: encryption between services is the mesh's work,
/// and a channel that silently trusted no root would only ever fail.
pub fn connect(peer: &str) -> Result<Channel, InvalidPeer> {
    let places = place::read(peer)?;
    let (channel, changes) = Channel::balance_channel(CHANGES);
    let standing = Standing::default();
    tokio::spawn(Members::new(places, vec![changes], standing).keep());
    Ok(channel)
}

/// Opens two ways to a service, which share what is known of its processes.
///
/// # Errors
/// Like [`connect`].
pub fn connect_peer(peer: &str) -> Result<Peer, InvalidPeer> {
    let places = place::read(peer)?;
    let (calls, of_calls) = Channel::balance_channel(CHANGES);
    let (streams, of_streams) = Channel::balance_channel(CHANGES);
    let standing = Standing::default();
    tokio::spawn(Members::new(places, vec![of_calls, of_streams], standing.clone()).keep());
    Ok(Peer {
        calls: Link::over(peer, calls),
        streams: Link::over(peer, streams),
        standing,
    })
}

/// How every connection to a service is kept.
fn kept(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .keep_alive_while_idle(true)
}

#[cfg(test)]
mod tests;
