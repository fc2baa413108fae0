//! Keeps a second process off a SQLite file that has an owner.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use crate::data_dir;

/// Held as long as the process runs; the system lets go of it when the process ends, however it
/// ends.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: Option<File>,
}

/// Takes `<data-dir>/<service>.lock` when the service keeps its data in SQLite. PostgreSQL takes
/// any number of processes.
pub(crate) fn take(
    folder: &Path,
    service: &str,
    database: &database::Settings,
) -> anyhow::Result<DataLock> {
    if !database.url.expose_secret().starts_with("sqlite:") {
        return Ok(DataLock { _file: None });
    }
    data_dir::ensure(folder)?;
    let path = folder.join(format!("{service}.lock"));
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(DataLock { _file: Some(file) }),
        Err(TryLockError::WouldBlock) => bail!(
            "another process serves {service} from {}: stop it, or choose another --data-dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
