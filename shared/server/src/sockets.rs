//! The two sockets of a process, bound before anything else so that a taken port is known early.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use config::Listen;
use tokio::net::TcpListener;

/// A service's listening sockets.
#[derive(Debug)]
pub struct Sockets {
    /// gRPC, or HTTP for the gateway.
    pub traffic: TcpListener,
    /// Health and metrics.
    pub admin: TcpListener,
    /// Whether callers in the same process come straight to the service.
    is_near: bool,
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}")]
pub struct BindError {
    /// The address.
    pub addr: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

impl Sockets {
    /// Binds both. Connections made from now on wait until the server runs.
    ///
    /// # Errors
    /// An address is taken or not ours.
    pub async fn bind(listen: Listen) -> Result<Self, BindError> {
        Ok(Self {
            traffic: bind(listen.addr).await?,
            admin: bind(listen.admin).await?,
            is_near: false,
        })
    }

    /// Callers in this process come straight to the service, by a [`Link`](crate::Link); others still by
    /// the socket.
    #[must_use]
    pub fn near(self) -> Self {
        Self {
            is_near: true,
            ..self
        }
    }

    pub(crate) const fn is_near(&self) -> bool {
        self.is_near
    }

    /// The address callers in this process dial: who listens everywhere is reached at home.
    #[must_use]
    pub fn dialled(&self) -> SocketAddr {
        let mut addr = self.addr();
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        addr
    }

    /// Where traffic is taken, with the port the system chose if it was 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        addr_of(&self.traffic)
    }

    /// Where health and metrics are, with the port the system chose if it was 0.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        addr_of(&self.admin)
    }
}

async fn bind(addr: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| BindError { addr, source })
}

// A bound socket always has an address; this is only for show.
fn addr_of(listener: &TcpListener) -> SocketAddr {
    listener
        .local_addr()
        .unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
}
