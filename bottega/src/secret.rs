//! The suite's shared secret: given in production, made once and kept in development.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::Common;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;

use crate::data_dir;

const FILE: &str = "service.secret";
// The rule for a configured one, too.
const SHORTEST: usize = 32;

/// Makes sure there is a secret: the configured one, else the one in the data directory, which is
/// made on the first start. Production has refused to come this far without a configured one.
pub(crate) fn ensure(common: &mut Common) -> anyhow::Result<()> {
    if common.service_secret.is_some() {
        return Ok(());
    }
    let folder = &common.data_dir;
    data_dir::ensure(folder)?;
    let path = folder.join(FILE);
    let text = read_or_make(&path)
        .with_context(|| format!("cannot keep the service secret in {}", path.display()))?;
    if text.len() < SHORTEST {
        bail!(
            "the service secret in {} has fewer than {SHORTEST} characters: remove the file to have a new one made",
            path.display()
        );
    }
    common.service_secret = Some(SecretString::from(text));
    Ok(())
}

// Written whole under another name and linked into place: of processes that start together, one
// wins and none reads half a secret.
fn read_or_make(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut random = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| anyhow::anyhow!("the machine gives no random bytes"))?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(URL_SAFE_NO_PAD.encode(random).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(fs::read_to_string(path)?.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let first = read_or_make(&path).unwrap();
        assert!(first.len() >= 32);
        assert_eq!(read_or_make(&path).unwrap(), first);
    }

    #[test]
    fn a_short_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "").unwrap();
        let folder = folder.path().display().to_string();
        let source = config::MapSource::from([("BOTTEGA_DATA_DIR", folder.as_str())]);
        let mut common = Common::read(&mut config::Reader::new(&source));
        assert!(ensure(&mut common).is_err());
    }

    #[test]
    fn processes_that_start_together_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let made: Vec<String> = std::thread::scope(|scope| {
            // Threads share a process id, and so would share a draft: one each, as processes have.
            let starts = [path.clone(), path.clone()]
                .map(|path| scope.spawn(move || read_or_make(&path).ok()));
            starts
                .into_iter()
                .filter_map(|start| start.join().unwrap())
                .collect()
        });
        assert!(!made.is_empty());
        assert!(made.iter().all(|secret| *secret == made[0]));
    }
}
