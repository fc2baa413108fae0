//! All five services in one process, each still on its own port; they call each other straight.

use anyhow::{Context, Result};
use server::{Shutdown, Sockets};
use tokio::task::JoinSet;

use super::{Place, Running, Tasks, bind, serving};
use crate::lock::{self, DataLock};
use crate::secret;
use crate::settings::SuiteConfig;

// What stands in front stops first, so that what it still needs is there: the gateway, then
// generation with the pictures being made, then those that keep and count them. Each has its share
// of the drain, and what one leaves over is saved.
const GATEWAY_SHARE: f64 = 0.25;
const GENERATION_SHARE: f64 = 0.55;
const REST_SHARE: f64 = 0.2;

/// Starts all five. When this returns, each is bound and built; requests that came early wait.
///
/// # Errors
/// An address is taken, a database does not open, a setting does not hold.
pub async fn start(mut config: SuiteConfig, shutdown: &Shutdown) -> Result<Running> {
    secret::ensure(&mut config.common)?;
    let doors = Doors::bind(&config).await?;
    doors.tell(&mut config);
    let locks = lock_all(&config)?;
    let places = doors.places();
    // All are built before any serves: a start that fails leaves nothing half up.
    let apps = Apps::build(config).await?;
    Ok(Running {
        places,
        tasks: apps.serve(doors, shutdown),
        _locks: locks,
    })
}

/// The sockets of all five.
struct Doors {
    auth: Sockets,
    file: Sockets,
    generation: Sockets,
    usage: Sockets,
    gateway: Sockets,
}

impl Doors {
    async fn bind(config: &SuiteConfig) -> Result<Self> {
        Ok(Self {
            auth: bind("auth", config.auth.listen).await?.near(),
            file: bind("file", config.file.listen).await?.near(),
            generation: bind("generation", config.generation.listen).await?.near(),
            usage: bind("usage", config.usage.listen).await?.near(),
            gateway: bind("gateway", config.gateway.listen).await?,
        })
    }

    // With port 0 the addresses are known only now.
    fn tell(&self, config: &mut SuiteConfig) {
        let peers = &mut config.common.peers;
        peers.auth = self.auth.dialled().to_string();
        peers.file = self.file.dialled().to_string();
        peers.generation = self.generation.dialled().to_string();
        peers.usage = self.usage.dialled().to_string();
        config.auth.common = config.common.clone();
        config.file.common = config.common.clone();
        config.generation.common = config.common.clone();
        config.usage.common = config.common.clone();
        config.gateway.common = config.common.clone();
    }

    fn places(&self) -> Vec<Place> {
        vec![
            Place::of("auth", &self.auth),
            Place::of("file", &self.file),
            Place::of("generation", &self.generation),
            Place::of("usage", &self.usage),
            Place::of("gateway", &self.gateway),
        ]
    }
}

fn lock_all(config: &SuiteConfig) -> Result<Vec<DataLock>> {
    let folder = &config.common.data_dir;
    [
        ("auth", &config.auth.database),
        ("file", &config.file.database),
        ("generation", &config.generation.database),
        ("usage", &config.usage.database),
    ]
    .into_iter()
    .map(|(service, database)| lock::take(folder, service, database))
    .collect()
}

/// All five, built.
struct Apps {
    auth: auth::App,
    file: file::App,
    generation: generation::App,
    usage: usage::App,
    gateway: gateway::App,
}

impl Apps {
    async fn build(config: SuiteConfig) -> Result<Self> {
        let (auth, file) = (
            auth::App::build(config.auth).await,
            file::App::build(config.file).await,
        );
        let (generation, usage) = (
            generation::App::build(config.generation).await,
            usage::App::build(config.usage).await,
        );
        Ok(Self {
            auth: auth.context("auth cannot start")?,
            file: file.context("file cannot start")?,
            generation: generation.context("generation cannot start")?,
            usage: usage.context("usage cannot start")?,
            gateway: gateway::App::build(config.gateway)
                .await
                .context("gateway cannot start")?,
        })
    }

    fn serve(self, doors: Doors, shutdown: &Shutdown) -> Tasks {
        let share = |part: f64| Shutdown::new(shutdown.drain().mul_f64(part));
        let (first, second, last) = (
            share(GATEWAY_SHARE),
            share(GENERATION_SHARE),
            share(REST_SHARE),
        );
        let gateway = self.gateway.serve(doors.gateway, first.clone());
        let generation = self.generation.serve(doors.generation, second.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(serving("auth", self.auth.serve(doors.auth, last.clone())));
        tasks.spawn(serving("file", self.file.serve(doors.file, last.clone())));
        tasks.spawn(serving(
            "usage",
            self.usage.serve(doors.usage, last.clone()),
        ));
        tasks.spawn(serving("generation", then(generation, last)));
        tasks.spawn(serving("gateway", then(gateway, second)));
        let asked = shutdown.triggered();
        tokio::spawn(async move {
            asked.await;
            first.trigger();
        });
        tasks
    }
}

/// Stops the next once this one has stopped.
async fn then<T>(service: impl Future<Output = T>, next: Shutdown) -> T {
    let outcome = service.await;
    next.trigger();
    outcome
}
