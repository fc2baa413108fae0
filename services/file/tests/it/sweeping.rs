//! Nothing stays for ever: dead uploads and deleted files, told by a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use file::blobs::{ObjectBlobs, StoreSettings};
use file::domain::{Ages, Blobs, File, FileStore, Sweeper, Swept, UploadStore};
use file::store::{self, Files, UploadRows};
use tempfile::TempDir;
use testkit::{ManualClock, TestDb};
use types::{Clock, FileId, Timestamp};

use crate::support::{file_of, files_under, migrated, somebody};

const HOUR: Duration = Duration::from_secs(3_600);

struct House {
    clock: ManualClock,
    files: Arc<Files>,
    uploads: Arc<UploadRows>,
    blobs: Arc<ObjectBlobs>,
    sweeper: Sweeper,
    folder: TempDir,
    _db: TestDb,
}

impl House {
    async fn new() -> Self {
        let db = TestDb::sqlite("file").await;
        let database = migrated(&db).await;
        let folder = TempDir::new().unwrap();
        let store = StoreSettings::Local(folder.path().to_owned());
        let clock = ManualClock::new(Timestamp(1_700_000_000_000_000));
        let (files, uploads) = store::open(&database);
        let uploads = Arc::new(uploads);
        let blobs = Arc::new(ObjectBlobs::open(&store).unwrap());
        let ages = Ages {
            upload: HOUR,
            deleted: HOUR * 24,
        };
        Self {
            sweeper: Sweeper::new(
                uploads.clone(),
                blobs.clone(),
                Arc::new(clock.clone()),
                ages,
            ),
            files: Arc::new(files),
            uploads,
            blobs,
            clock,
            folder,
            _db: db,
        }
    }

    async fn upload(&self, id: FileId) {
        self.uploads
            .begin(id, self.clock.now(), None)
            .await
            .unwrap();
        let mut writer = self.blobs.create(id).await.unwrap();
        writer.write(Bytes::from_static(b"abc")).await.unwrap();
        writer.finish().await.unwrap();
    }

    async fn store(&self) -> File {
        let file = file_of(somebody());
        self.upload(file.id).await;
        self.files.insert(&file, None).await.unwrap();
        file
    }

    async fn sweep(&self) -> Swept {
        self.sweeper.sweep().await.unwrap()
    }
}

#[tokio::test]
async fn a_dead_upload_goes_after_its_hour() {
    let house = House::new().await;
    let file = file_of(somebody());
    house.upload(file.id).await;
    let kept = house.store().await;
    house.clock.advance(HOUR);
    assert_eq!(house.sweep().await, Swept::default());
    house.clock.advance(Duration::from_micros(1));
    let swept = house.sweep().await;
    assert_eq!((swept.uploads, swept.files, swept.left), (1, 0, 0));
    let left = files_under(house.folder.path());
    assert_eq!(left.len(), 1);
    assert!(left[0].ends_with(kept.id.to_string()));
    assert_eq!(house.sweep().await, Swept::default());
}

#[tokio::test]
async fn a_deleted_file_goes_after_its_day() {
    let house = House::new().await;
    let file = house.store().await;
    let now = house.clock.now();
    assert!(
        house
            .files
            .hide_owned(file.owner, file.id, now)
            .await
            .unwrap()
    );
    house.clock.advance(HOUR * 24);
    assert_eq!(house.sweep().await, Swept::default());
    assert_eq!(files_under(house.folder.path()).len(), 1);
    house.clock.advance(Duration::from_micros(1));
    assert_eq!(house.sweep().await.files, 1);
    assert!(files_under(house.folder.path()).is_empty());
}

#[tokio::test]
async fn bytes_that_cannot_be_removed_are_tried_again() {
    let house = House::new().await;
    let file = file_of(somebody());
    house
        .uploads
        .begin(file.id, house.clock.now(), None)
        .await
        .unwrap();
    // A folder where the object should be cannot be removed as one.
    let name = file.id.to_string();
    let place = house.folder.path().join(&name[34..]).join(&name);
    std::fs::create_dir_all(place.join("in the way")).unwrap();
    house.clock.advance(HOUR * 2);
    let swept = house.sweep().await;
    assert_eq!((swept.uploads, swept.left), (0, 1));
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!(house.sweep().await.uploads, 1);
}

#[tokio::test]
async fn more_than_a_batch_goes_in_one_sweep() {
    let house = House::new().await;
    for _ in 0..230 {
        let file = file_of(somebody());
        house
            .uploads
            .begin(file.id, house.clock.now(), None)
            .await
            .unwrap();
    }
    house.clock.advance(HOUR * 2);
    assert_eq!(house.sweep().await.uploads, 230);
}
