//! Binds, builds and runs the suite: all five in this process, or one of them.

mod all;
mod one;

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use config::Listen;
use server::{Shutdown, Sockets};
use tokio::task::JoinSet;

use crate::lock::DataLock;

pub use all::start;
pub use one::start_one;

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Which service.
    pub name: &'static str,
    /// gRPC, or HTTP for the gateway.
    pub addr: SocketAddr,
    /// Health and metrics.
    pub admin: SocketAddr,
}

impl Place {
    fn of(name: &'static str, sockets: &Sockets) -> Self {
        Self {
            name,
            addr: sockets.addr(),
            admin: sockets.admin_addr(),
        }
    }
}

/// Services at work, each by its name.
type Tasks = JoinSet<(&'static str, Result<()>)>;

/// Services that run.
pub struct Running {
    places: Vec<Place>,
    tasks: Tasks,
    _locks: Vec<DataLock>,
}

impl Running {
    /// Where each listens, the gateway last.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Waits until every service has stopped. When one ends by itself, the others are stopped too.
    ///
    /// # Errors
    /// The first service that ended with an error.
    pub async fn wait(mut self, shutdown: &Shutdown) -> Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            shutdown.trigger();
            let (name, result) = ended.context("a service ended unexpectedly")?;
            let result = result.with_context(|| format!("{name} ended"));
            outcome = outcome.and(result);
        }
        outcome
    }
}

async fn bind(name: &str, listen: Listen) -> Result<Sockets> {
    Sockets::bind(listen).await.with_context(|| {
        let Listen { addr, admin } = listen;
        format!("{name} cannot listen on {addr} and {admin} (admin)")
    })
}

async fn serving<E>(
    name: &'static str,
    service: impl Future<Output = Result<(), E>>,
) -> (&'static str, Result<()>)
where
    E: Into<anyhow::Error>,
{
    (name, service.await.map_err(Into::into))
}
