//! Turns a name into addresses that may be dialled; what the connection is made to is what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Policy, Refusal, is_public};

/// Who knows where names lead.
pub trait Names: Send + Sync + 'static {
    /// Every address of a name.
    fn addresses(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// Names through a policy: of what a name leads to, only what may be dialled is told.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) policy: Arc<Policy>,
}

impl Checked {
    /// The addresses of a name that may be dialled; [`Refusal::Private`] when it has only others.
    pub(crate) async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut found = self.names.addresses(name).await?;
        if self.policy.allows_name(name) {
            return Ok(found);
        }
        let was_empty = found.is_empty();
        found.retain(|address| is_public(*address) || self.policy.allows_address(*address));
        if found.is_empty() && !was_empty {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                Refusal::Private,
            ));
        }
        Ok(found)
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let own = self.clone();
        Box::pin(async move {
            let found = own.look_up(name.as_str()).await?;
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
