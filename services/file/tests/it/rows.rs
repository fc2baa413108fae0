//! Rows of files and uploads, on both engines.

use std::sync::Arc;

use file::Migrator;
use file::domain::{File, FileStore, Inserted, UploadStore};
use file::store::{self, Files, UploadRows};
use testkit::TestDb;
use types::{FileId, PageRequest, Timestamp, UserId};

use crate::support::{file_of, migrated, session, somebody};

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

struct Rows {
    name: &'static str,
    files: Files,
    uploads: UploadRows,
    _db: TestDb,
}

impl Rows {
    async fn both() -> Vec<Self> {
        let mut both = Vec::new();
        for db in TestDb::both("file").await {
            let database = migrated(&db).await;
            let (files, uploads) = store::open(&database);
            both.push(Self {
                name: db.name(),
                files,
                uploads,
                _db: db,
            });
        }
        both
    }

    async fn store(&self, file: &File, operation: Option<&str>) -> Inserted {
        self.uploads.begin(file.id, NOW, None).await.unwrap();
        self.files.insert(file, operation).await.unwrap()
    }

    async fn page(&self, owner: UserId, size: i32, token: &str) -> Vec<File> {
        let page = PageRequest::parse(size, token).unwrap();
        self.files.list_owned(owner, None, page).await.unwrap()
    }
}

#[tokio::test]
async fn what_is_stored_is_found_by_its_owner_only() {
    for rows in Rows::both().await {
        let mut file = file_of(somebody());
        file.session = Some(session());
        assert_eq!(rows.store(&file, None).await, Inserted::Visible);
        let found = rows.files.find_owned(file.owner, file.id).await.unwrap();
        assert_eq!(found, Some(file.clone()), "{}", rows.name);
        let other = somebody();
        assert_eq!(rows.files.find_owned(other, file.id).await.unwrap(), None);
        assert!(!rows.files.hide_owned(other, file.id, NOW).await.unwrap());
        assert!(rows.page(other, 10, "").await.is_empty());
    }
}

#[tokio::test]
async fn a_page_is_the_newest_before_its_token() {
    for rows in Rows::both().await {
        let owner = somebody();
        let mut ids = Vec::new();
        for _ in 0..5 {
            let file = file_of(owner);
            rows.store(&file, None).await;
            ids.insert(0, file.id);
        }
        let first = rows.page(owner, 2, "").await;
        // One more than asked for tells that there is more.
        assert_eq!(first.iter().map(|f| f.id).collect::<Vec<_>>(), ids[..3]);
        let page = PageRequest {
            size: 2,
            before: Some(ids[1].uuid()),
        };
        let second = rows.files.list_owned(owner, None, page).await.unwrap();
        assert_eq!(second.iter().map(|f| f.id).collect::<Vec<_>>(), ids[2..5]);
        let other = Some(session());
        let none = rows.files.list_owned(owner, other, page).await.unwrap();
        assert!(none.is_empty(), "{}", rows.name);
    }
}

#[tokio::test]
async fn a_deleted_file_is_out_of_sight_until_it_is_purged() {
    for rows in Rows::both().await {
        let file = file_of(somebody());
        rows.store(&file, Some("op")).await;
        assert!(
            rows.files
                .hide_owned(file.owner, file.id, NOW)
                .await
                .unwrap()
        );
        assert!(
            !rows
                .files
                .hide_owned(file.owner, file.id, NOW)
                .await
                .unwrap()
        );
        assert!(rows.page(file.owner, 10, "").await.is_empty());
        let found = rows.files.find_owned(file.owner, file.id).await.unwrap();
        assert_eq!(found, None);
        let early = rows.uploads.deleted(NOW, 10).await.unwrap();
        assert!(early.is_empty(), "{}", rows.name);
        let later = Timestamp(NOW.micros() + 1);
        assert_eq!(rows.uploads.deleted(later, 10).await.unwrap(), [file.id]);
        // Its operation is remembered as long as it is there.
        let operation = Some((file.owner, "op"));
        let made = rows
            .uploads
            .begin(FileId(uuid::Uuid::now_v7()), NOW, operation)
            .await
            .unwrap();
        assert_eq!(made.map(|one| one.id), Some(file.id));
        rows.uploads.purge(file.id).await.unwrap();
        assert!(rows.uploads.deleted(later, 10).await.unwrap().is_empty());
        let made = rows
            .uploads
            .begin(FileId(uuid::Uuid::now_v7()), NOW, operation)
            .await
            .unwrap();
        assert!(made.is_none());
    }
}

#[tokio::test]
async fn a_visible_file_is_never_purged() {
    for rows in Rows::both().await {
        let file = file_of(somebody());
        rows.store(&file, None).await;
        rows.uploads.purge(file.id).await.unwrap();
        let found = rows.files.find_owned(file.owner, file.id).await.unwrap();
        assert!(found.is_some(), "{}", rows.name);
    }
}

#[tokio::test]
async fn an_abandoned_upload_never_becomes_a_file() {
    for rows in Rows::both().await {
        let file = file_of(somebody());
        rows.uploads.begin(file.id, NOW, None).await.unwrap();
        assert!(rows.uploads.abandon(NOW, NOW, 10).await.unwrap().is_empty());
        let later = Timestamp(NOW.micros() + 1);
        for _ in 0..2 {
            let marked = rows.uploads.abandon(later, later, 10).await.unwrap();
            assert_eq!(marked, [file.id], "{}", rows.name);
        }
        let outcome = rows.files.insert(&file, None).await.unwrap();
        assert_eq!(outcome, Inserted::Abandoned);
        assert!(rows.page(file.owner, 10, "").await.is_empty());
        rows.uploads.end(file.id).await.unwrap();
        assert!(
            rows.uploads
                .abandon(later, later, 10)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn one_operation_makes_one_file() {
    for rows in Rows::both().await {
        let owner = somebody();
        let rows = Arc::new(rows);
        let racers = (0..10).map(|_| {
            let rows = Arc::clone(&rows);
            tokio::spawn(async move { (rows.store(&file_of(owner), Some("op")).await, rows.name) })
        });
        let outcomes = futures::future::join_all(racers).await;
        let winner = rows.page(owner, 100, "").await;
        assert_eq!(winner.len(), 1, "{}", rows.name);
        let mut visible = 0;
        for outcome in outcomes {
            match outcome.unwrap().0 {
                Inserted::Visible => visible += 1,
                Inserted::Repeated(file) => assert_eq!(file, winner[0]),
                Inserted::Abandoned => panic!("nobody swept"),
            }
        }
        assert_eq!(visible, 1);
        // Another owner's operation of the same name is another one.
        let other = file_of(somebody());
        assert_eq!(rows.store(&other, Some("op")).await, Inserted::Visible);
    }
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    for db in TestDb::both("file").await {
        let database = migrated(&db).await;
        assert!(database.pending::<Migrator>().await.unwrap().is_empty());
        database.revert::<Migrator>().await.unwrap();
        assert_eq!(database.pending::<Migrator>().await.unwrap().len(), 1);
        database.migrate::<Migrator>().await.unwrap();
        let file = file_of(somebody());
        let (files, uploads) = store::open(&database);
        uploads.begin(file.id, NOW, None).await.unwrap();
        let outcome = files.insert(&file, None).await.unwrap();
        assert_eq!(outcome, Inserted::Visible, "{}", db.name());
    }
}
