//! One suite for every place bytes can lie in.

use std::path::Path;

use bytes::Bytes;
use file::blobs::{ObjectBlobs, StoreSettings};
use file::domain::{Blobs, FileError};
use futures::TryStreamExt;
use tempfile::TempDir;
use testkit::pictures;
use types::FileId;
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::files_under;
use crate::support::s3::{S3Server, SECRET_KEY};

fn new_id() -> FileId {
    FileId(Uuid::now_v7())
}

fn sample(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

async fn write(blobs: &dyn Blobs, id: FileId, bytes: &[u8], piece: usize) {
    let mut writer = blobs.create(id).await.unwrap();
    for chunk in bytes.chunks(piece) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    writer.finish().await.unwrap();
}

async fn read(blobs: &dyn Blobs, id: FileId, from: u64, to: u64) -> Result<Vec<u8>, FileError> {
    let pieces: Vec<Bytes> = blobs.read(id, from..to).await?.try_collect().await?;
    assert!(pieces.iter().all(|piece| piece.len() <= 64 * 1024));
    Ok(pieces.concat())
}

/// What every store must do.
async fn conforms(blobs: &dyn Blobs) {
    blobs.ping().await.unwrap();
    for (size, piece) in [(1, 1), (1_000, 7), (70_000, 70_000), (14_000_000, 999_983)] {
        let (id, bytes) = (new_id(), sample(size));
        write(blobs, id, &bytes, piece).await;
        let end = size as u64;
        assert_eq!(read(blobs, id, 0, end).await.unwrap(), bytes, "{size}");
        let (from, to) = (size / 3, size - size / 4);
        let part = read(blobs, id, from as u64, to as u64).await.unwrap();
        assert_eq!(part, bytes[from..to], "{size}");
        // An object shorter than its row says is damage, not a shorter answer.
        let beyond = read(blobs, id, 0, end + 1).await;
        assert!(matches!(beyond, Err(FileError::Lost(lost)) if lost == id));
        blobs.remove(id).await.unwrap();
        let gone = read(blobs, id, 0, end).await;
        assert!(matches!(gone, Err(FileError::Lost(lost)) if lost == id));
    }
    blobs.remove(new_id()).await.unwrap();
    unfinished(blobs).await;
}

async fn unfinished(blobs: &dyn Blobs) {
    for size in [100, 9_000_000] {
        let id = new_id();
        let mut writer = blobs.create(id).await.unwrap();
        writer.write(Bytes::from(sample(size))).await.unwrap();
        let early = read(blobs, id, 0, 1).await;
        assert!(matches!(early, Err(FileError::Lost(_))), "seen too early");
        writer.abort().await.unwrap();
        let late = read(blobs, id, 0, 1).await;
        assert!(matches!(late, Err(FileError::Lost(_))), "seen after all");
    }
}

fn local(folder: &Path) -> ObjectBlobs {
    ObjectBlobs::open(&StoreSettings::Local(folder.to_owned())).unwrap()
}

#[tokio::test]
async fn the_local_disk_conforms() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("made/when/missing");
    conforms(&local(&inner)).await;
    assert_eq!(files_under(&inner), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_a_crash_left_on_disk_is_removed() {
    let folder = TempDir::new().unwrap();
    let blobs = local(folder.path());
    let id = new_id();
    let mut writer = blobs.create(id).await.unwrap();
    writer.write(Bytes::from(sample(2_000_000))).await.unwrap();
    // A process that dies runs no destructor.
    std::mem::forget(writer);
    assert_eq!(files_under(folder.path()).len(), 1);
    blobs.remove(id).await.unwrap();
    assert!(files_under(folder.path()).is_empty());
}

#[tokio::test]
async fn a_missing_folder_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let blobs = local(&folder.path().join("files"));
    std::fs::remove_dir(folder.path().join("files")).unwrap();
    let away = blobs.ping().await;
    assert!(matches!(away, Err(FileError::Unavailable { .. })));
}

#[tokio::test]
async fn s3_conforms() {
    let server = S3Server::start().await;
    let settings = StoreSettings::S3(server.settings(SECRET_KEY));
    conforms(&ObjectBlobs::open(&settings).unwrap()).await;
}

#[tokio::test]
async fn a_wrong_key_or_a_missing_bucket_is_not_ready() {
    let server = S3Server::start().await;
    let open = |secret| ObjectBlobs::open(&StoreSettings::S3(server.settings(secret))).unwrap();
    let refused = open("another secret").ping().await;
    assert!(matches!(refused, Err(FileError::Unavailable { .. })));
    let blobs = open(SECRET_KEY);
    blobs.ping().await.unwrap();
    server.lose_bucket();
    let refused = blobs.ping().await;
    assert!(matches!(refused, Err(FileError::Unavailable { .. })));
}

#[tokio::test]
async fn the_service_runs_on_s3() {
    let server = S3Server::start().await;
    let variables = server.variables();
    let settings: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let app = TestApp::start_with(&settings).await;
    let user = app.user();
    let png = pictures::png(300, 200);
    let file = user.upload("image/png", &png).await.unwrap();
    assert_eq!(user.content(&file.id, &[]).await.unwrap().bytes(), png);
    let fields = [("range", "bytes=10-19")];
    let part = user.content(&file.id, &fields).await.unwrap();
    assert_eq!(part.bytes(), png[10..20]);
    assert!(user.upload("image/png", &png[..100]).await.is_err());
    assert_eq!(app.rows().await, (1, 0));
    // Nothing came to lie on the local disk.
    assert!(app.objects().is_empty());
}
