//! What these tests share.

pub mod app;
pub mod corpus;
pub mod s3;
pub mod user;

use std::path::{Path, PathBuf};

use database::Database;
use errors::Reason;
use file::Migrator;
use file::domain::{File, FileName};
use testkit::TestDb;
use types::{FileId, SessionId, Timestamp, UserId};
use uuid::Uuid;

/// A migrated database.
pub async fn migrated(db: &TestDb) -> Database {
    let database = Database::connect(&db.settings()).await.unwrap();
    database.migrate::<Migrator>().await.unwrap();
    database
}

/// A file nobody uploaded.
pub fn file_of(owner: UserId) -> File {
    File {
        id: FileId(Uuid::now_v7()),
        owner,
        session: None,
        name: FileName::clean("a.png"),
        content_type: "image/png".to_owned(),
        size: 3,
        sha256: "ab".repeat(32),
        width: 1,
        height: 1,
        created_at: Timestamp(1_700_000_000_000_000),
    }
}

/// Somebody new.
pub fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

/// A new session.
pub fn session() -> SessionId {
    SessionId(Uuid::now_v7())
}

/// Every regular file below a folder.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The reason of a refusal.
pub fn reason(status: tonic::Status) -> Reason {
    errors::from_status(status).reason
}
