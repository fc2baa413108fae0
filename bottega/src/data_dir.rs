//! The folder everything embedded lives in: its owner's alone, for it holds password hashes and keys.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Makes the folder, closed to other users, unless it is there.
pub(crate) fn ensure(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the data directory {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_else_may_look_inside() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        ensure(&folder).unwrap();
        ensure(&folder).unwrap();
        let mode = folder.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
