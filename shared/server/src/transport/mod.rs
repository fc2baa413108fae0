//! The one accept loop: connections are counted, bounded and cut, and the loop ends in time.

mod activity;
mod addresses;
mod body;
mod connection;
mod socket;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Shutdown, Tls};

pub use body::BodyStalled;
pub(crate) use body::Held;

// When the system has no more files or memory to give, asking again at once does not help.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Which protocols are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/2 with prior knowledge only, as gRPC is.
    Http2,
    /// HTTP/1.1, or HTTP/2 with prior knowledge.
    Any,
}

/// The bounds of a listener.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// For the metrics.
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    /// How long a connection may take to say what it is, and an HTTP/1 request's head to arrive.
    pub(crate) handshake: Duration,
    pub(crate) idle: Duration,
    /// How long a request's body may stand still; none where deadlines bound it.
    pub(crate) body: Option<Duration>,
    /// How long a peer may take nothing of an answer.
    pub(crate) write: Duration,
    pub(crate) keepalive: Duration,
    pub(crate) max_connections: usize,
    /// Of one address; none where clients share few.
    pub(crate) max_per_address: Option<usize>,
    pub(crate) max_streams: u32,
}

/// Serves until the switch is thrown, then at most as long as it says. Connections are encrypted when there
/// is a certificate.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    shutdown: Shutdown,
) {
    let builder = Arc::new(connection::builder(&limits));
    let limits = Arc::new(limits);
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let addresses = addresses::Addresses::new(limits.max_per_address);
    let connections = TaskTracker::new();
    let kill = CancellationToken::new();
    while let Some((stream, peer)) = accept(&listener, &shutdown).await {
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let Some(place) = place.zip(addresses.enter(peer.ip())) else {
            metrics::counter!("server_connections_refused_total", "server" => limits.name)
                .increment(1);
            continue;
        };
        let connection = connection::Connection {
            builder: Arc::clone(&builder),
            router: router.clone(),
            limits: Arc::clone(&limits),
            tls: tls.clone(),
            shutdown: shutdown.clone(),
        };
        let kill = kill.clone();
        connections.spawn(async move {
            let gauge = metrics::gauge!("server_connections", "server" => connection.limits.name);
            gauge.increment(1.0);
            tokio::select! {
                () = connection.run(stream) => {}
                () = kill.cancelled() => {}
            }
            gauge.decrement(1.0);
            drop(place);
        });
    }
    // New connections are refused by the system from here on.
    drop(listener);
    connections.close();
    if timeout(shutdown.drain(), connections.wait()).await.is_err() {
        tracing::warn!(
            server = limits.name,
            connections.cut = connections.len(),
            "the drain is over, cutting what is left"
        );
        kill.cancel();
        connections.wait().await;
    }
}

/// The next connection; `None` once the switch is thrown.
async fn accept(listener: &TcpListener, shutdown: &Shutdown) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections right now");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
