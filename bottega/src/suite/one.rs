//! One service alone.

use anyhow::Result;
use server::Shutdown;
use tokio::task::JoinSet;

use super::{Place, Running, bind, serving};
use crate::lock;
use crate::secret;
use crate::settings::{OneConfig, ServiceConfig};

/// Starts one service.
///
/// # Errors
/// An address is taken, the database does not open, a setting does not hold.
pub async fn start_one(mut config: OneConfig, shutdown: &Shutdown) -> Result<Running> {
    secret::ensure(&mut config.common)?;
    let common = config.common;
    let mut locks = Vec::new();
    let mut tasks = JoinSet::new();

    macro_rules! run {
        ($name:ident, $config:ident) => {{
            $config.common = common;
            let sockets = bind(stringify!($name), $config.listen).await?;
            let place = Place::of(stringify!($name), &sockets);
            let app = $name::App::build($config).await?;
            let service = app.serve(sockets, shutdown.clone());
            tasks.spawn(serving(stringify!($name), service));
            place
        }};
        ($name:ident, $config:ident, locked) => {{
            let folder = &common.data_dir;
            locks.push(lock::take(folder, stringify!($name), &$config.database)?);
            run!($name, $config)
        }};
    }
    let place = match config.service {
        ServiceConfig::Auth(mut own) => run!(auth, own, locked),
        ServiceConfig::File(mut own) => run!(file, own, locked),
        ServiceConfig::Generation(mut own) => run!(generation, own, locked),
        ServiceConfig::Usage(mut own) => run!(usage, own, locked),
        ServiceConfig::Gateway(mut own) => run!(gateway, own),
    };
    Ok(Running {
        places: vec![place],
        tasks,
        _locks: locks,
    })
}
