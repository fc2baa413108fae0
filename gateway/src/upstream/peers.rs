//! The services behind the gateway, found by the proto package of the rpc.

use std::sync::Arc;

use server::{InvalidPeer, Link, Standing, connect, connect_peer};
use tonic::transport::Channel;

use super::retry::Retries;
use crate::app::StartError;

/// One service behind the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// As in its package: `auth`, `file`, ….
    pub(crate) name: &'static str,
    pub(crate) link: Link,
    /// A connection of its own for event streams: they stay long, and a connection carries only so
    /// many calls at once.
    pub(crate) events: Link,
    /// Whether anybody of it answers.
    pub(crate) standing: Standing,
    /// How many calls may be made once more.
    pub(crate) retries: Arc<Retries>,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    pub(crate) auth: Channel,
    pub(crate) usage: Peer,
    all: Vec<Peer>,
}

impl Peers {
    /// Prepares the way to each; none is used before the first call.
    ///
    /// # Errors
    /// An address that is none.
    pub(crate) fn connect(addresses: &config::Peers) -> Result<Self, StartError> {
        let peer = |name: &'static str, address: &str| {
            let opened = connect_peer(address).map_err(|error| no_peer(name, &error))?;
            Ok::<Peer, StartError>(Peer {
                name,
                link: opened.calls,
                events: opened.streams,
                standing: opened.standing,
                retries: Arc::new(Retries::new(name)),
            })
        };
        let auth = peer("auth", &addresses.auth)?;
        let usage = peer("usage", &addresses.usage)?;
        let keys = connect(&addresses.auth).map_err(|error| no_peer("auth", &error))?;
        Ok(Self {
            auth: keys,
            usage: usage.clone(),
            all: vec![
                auth,
                peer("file", &addresses.file)?,
                peer("generation", &addresses.generation)?,
                usage,
            ],
        })
    }

    /// The service that serves a package, e.g. `bottega.file.v1`.
    pub(crate) fn of_package(&self, package: &str) -> Option<&Peer> {
        let name = package.strip_prefix("bottega.")?.split('.').next()?;
        self.all.iter().find(|peer| peer.name == name)
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.all.iter()
    }
}

fn no_peer(name: &'static str, error: &InvalidPeer) -> StartError {
    StartError::Peer {
        name,
        problem: error.to_string(),
    }
}
