//! The house rules that a machine can check: who may import whom, and how large a room may be.
//! Each failure says which rule it breaks and what to do instead.

mod dependencies;
mod rooms;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A source file of the workspace: its path from the root, and its text.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    /// Whether it is only compiled for tests.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Its lines of code above the unit tests, comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line))
    }
}

/// Every Rust file under `folder`, seen from the root.
fn sources(folder: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&root().join(folder), folder, &mut found);
    assert!(
        !found.is_empty(),
        "there is no Rust file under {folder}: does this test look in the right place?"
    );
    found
}

/// Every Rust file we wrote.
fn all_sources() -> Vec<SourceFile> {
    ["shared", "services", "gateway", "bottega"]
        .iter()
        .flat_map(|folder| sources(folder))
        .collect()
}

fn collect(folder: &Path, name: &str, found: &mut Vec<SourceFile>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(SourceFile {
                path: name,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}
