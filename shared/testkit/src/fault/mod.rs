//! A network that fails when told: a TCP proxy between a client and its server.
#![expect(
    clippy::expect_used,
    reason = "a test without its proxy must stop at once"
)]

mod line;
mod trap;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use line::Line;
use trap::{Trap, Traps};

/// What becomes of everything that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It passes.
    Passes,
    /// Each piece of an answer comes so much later.
    Slow(Duration),
    /// Connections stand and nothing arrives, in either direction; what was on its way arrives when
    /// this is over.
    Blackhole,
    /// Nobody listens, and connections that stood are reset.
    Refuses,
    /// Of the answers on each connection so many bytes arrive, then it is reset.
    Cuts(usize),
}

/// When something is done about bytes that are waited for, which is also what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before they are forwarded: the server never sees them, and the connection is reset.
    Before,
    /// After they were: the server did what they say, and its answer is lost with the connection.
    Forwarded,
    /// When the answer comes; the client gets it.
    Replied,
}

// What becomes of connections that stand.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Reset,
    Stranded,
}

/// A proxy in front of one server; it goes when this is dropped, with all its connections.
pub struct FaultProxy {
    addr: SocketAddr,
    network: watch::Sender<Network>,
    // The last thing that became of all connections that stood.
    fates: watch::Sender<Fate>,
    traps: Traps,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free port and passes everything on to `server`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let (network, _) = watch::channel(Network::Passes);
        let (fates, _) = watch::channel(Fate::Reset);
        let traps = Traps::default();
        let line = Line {
            server,
            network: network.subscribe(),
            fates: fates.subscribe(),
            traps: Arc::clone(&traps),
        };
        let accepting = tokio::spawn(accept(listener, addr, line));
        Self {
            addr,
            network,
            fates,
            traps,
            accepting,
        }
    }

    /// Where clients connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on this becomes of what passes.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Resets every connection that stands; new ones may follow.
    pub fn reset(&self) {
        self.fates.send_replace(Fate::Reset);
    }

    /// Lets every connection that stands fall silent for ever; new ones may follow. So it is when the
    /// server's machine lost its power, and another one took its address.
    pub fn strand(&self) {
        self.fates.send_replace(Fate::Stranded);
    }

    /// Waits for `bytes` to pass towards the server, once, and does `act` (ends a process, say) at
    /// that moment. What is given tells when it was done.
    pub fn once(
        &self,
        bytes: &[u8],
        moment: Moment,
        act: impl FnOnce() + Send + 'static,
    ) -> oneshot::Receiver<()> {
        let (trap, done) = Trap::new(bytes, moment, act);
        trap::set(&self.traps, trap);
        done
    }

    /// Waits for nothing any more; who was told to wait for it learns that it will not be.
    pub fn disarm(&self) {
        trap::clear(&self.traps);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// While the network refuses nobody listens: the port is taken again afterwards.
async fn accept(listener: TcpListener, addr: SocketAddr, line: Line) {
    let mut network = line.network.clone();
    let mut listener = Some(listener);
    // Connections end with this task, which ends with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let refuses = |network: &Network| *network == Network::Refuses;
        let Some(listening) = &listener else {
            if network.wait_for(|network| !refuses(network)).await.is_err() {
                return;
            }
            let bound = TcpListener::bind(addr).await;
            listener = Some(bound.expect("the port is free again"));
            continue;
        };
        tokio::select! {
            _ = network.wait_for(refuses) => listener = None,
            accepted = listening.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(line.clone().carry(client));
            },
        }
    }
}
