//! Binds, builds and runs the suite: all five in this process, or one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use config::{Common, Listen};
use server::{Shutdown, Sockets};
use tokio::task::JoinSet;

use crate::lock::{self, DataLock};
use crate::secret;
use crate::settings::{OneConfig, ServiceConfig, SuiteConfig};

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

/// Services that run.
pub struct Running {
    places: Vec<Place>,
    tasks: JoinSet<(&'static str, Result<()>)>,
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

/// Starts all five. When this returns, each is bound and built; requests that came early wait.
///
/// # Errors
/// An address is taken, a database does not open, a setting does not hold.
pub async fn start(mut config: SuiteConfig, shutdown: &Shutdown) -> Result<Running> {
    secret::ensure(&mut config.common)?;
    let auth_sockets = bind("auth", config.auth.listen).await?;
    let file_sockets = bind("file", config.file.listen).await?;
    let generation_sockets = bind("generation", config.generation.listen).await?;
    let usage_sockets = bind("usage", config.usage.listen).await?;
    let gateway_sockets = bind("gateway", config.gateway.listen).await?;

    // With port 0 the addresses are known only now; in one process each finds the others here.
    config.common.peers.auth = dial(&auth_sockets);
    config.common.peers.file = dial(&file_sockets);
    config.common.peers.generation = dial(&generation_sockets);
    config.common.peers.usage = dial(&usage_sockets);
    share(&config.common.clone(), &mut config);

    let data_dir = config.common.data_dir.clone();
    let locks = vec![
        lock::take(&data_dir, "auth", &config.auth.database)?,
        lock::take(&data_dir, "file", &config.file.database)?,
        lock::take(&data_dir, "generation", &config.generation.database)?,
        lock::take(&data_dir, "usage", &config.usage.database)?,
    ];
    let places = vec![
        place("auth", &auth_sockets),
        place("file", &file_sockets),
        place("generation", &generation_sockets),
        place("usage", &usage_sockets),
        place("gateway", &gateway_sockets),
    ];

    // Built in the order they need each other, all before any serves: a start that fails leaves
    // nothing half up.
    let auth = auth::App::build(config.auth).await.context("auth cannot start")?;
    let usage = usage::App::build(config.usage).await.context("usage cannot start")?;
    let file = file::App::build(config.file).await.context("file cannot start")?;
    let generation =
        generation::App::build(config.generation).await.context("generation cannot start")?;
    let gateway = gateway::App::build(config.gateway).await.context("gateway cannot start")?;

    let mut tasks = JoinSet::new();
    let stop = shutdown.clone();
    tasks.spawn(async move { ("auth", auth.serve(auth_sockets, stop).await.map_err(Into::into)) });
    let stop = shutdown.clone();
    tasks.spawn(async move { ("file", file.serve(file_sockets, stop).await.map_err(Into::into)) });
    let stop = shutdown.clone();
    tasks.spawn(async move {
        ("generation", generation.serve(generation_sockets, stop).await.map_err(Into::into))
    });
    let stop = shutdown.clone();
    tasks.spawn(async move { ("usage", usage.serve(usage_sockets, stop).await.map_err(Into::into)) });
    let stop = shutdown.clone();
    tasks.spawn(async move {
        ("gateway", gateway.serve(gateway_sockets, stop).await.map_err(Into::into))
    });
    Ok(Running { places, tasks, _locks: locks })
}

/// Starts one service.
///
/// # Errors
/// An address is taken, the database does not open, a setting does not hold.
pub async fn start_one(mut config: OneConfig, shutdown: &Shutdown) -> Result<Running> {
    secret::ensure(&mut config.common)?;
    let common = config.common;
    let data_dir = common.data_dir.clone();
    let mut tasks = JoinSet::new();
    let stop = shutdown.clone();

    macro_rules! run {
        ($name:ident, $config:ident, $lock:expr) => {{
            $config.common = common;
            let lock = $lock;
            let sockets = bind(stringify!($name), $config.listen).await?;
            let place = place(stringify!($name), &sockets);
            let app = $name::App::build($config).await?;
            tasks.spawn(async move {
                (stringify!($name), app.serve(sockets, stop).await.map_err(Into::into))
            });
            (place, lock)
        }};
    }
    let (place, locks) = match config.service {
        ServiceConfig::Auth(mut own) => {
            run!(auth, own, vec![lock::take(&data_dir, "auth", &own.database)?])
        }
        ServiceConfig::File(mut own) => {
            run!(file, own, vec![lock::take(&data_dir, "file", &own.database)?])
        }
        ServiceConfig::Generation(mut own) => {
            run!(generation, own, vec![lock::take(&data_dir, "generation", &own.database)?])
        }
        ServiceConfig::Usage(mut own) => {
            run!(usage, own, vec![lock::take(&data_dir, "usage", &own.database)?])
        }
        ServiceConfig::Gateway(mut own) => run!(gateway, own, Vec::new()),
    };
    Ok(Running { places: vec![place], tasks, _locks: locks })
}

fn share(common: &Common, config: &mut SuiteConfig) {
    config.auth.common = common.clone();
    config.file.common = common.clone();
    config.generation.common = common.clone();
    config.usage.common = common.clone();
    config.gateway.common = common.clone();
}

async fn bind(name: &str, listen: Listen) -> Result<Sockets> {
    Sockets::bind(listen).await.with_context(|| {
        format!("{name} cannot listen on {} and {} (admin)", listen.addr, listen.admin)
    })
}

fn place(name: &'static str, sockets: &Sockets) -> Place {
    Place { name, addr: sockets.addr(), admin: sockets.admin_addr() }
}

// Who listens everywhere is reached at home.
fn dial(sockets: &Sockets) -> String {
    let mut addr = sockets.addr();
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr.to_string()
}
