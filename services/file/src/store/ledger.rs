//! Rows of uploads and files that are looked for or written at the same moment share a transaction; each
//! is done or refused by itself.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use database::row_set::{Cell, Column, Kind, Rows};
use database::teller::{Gone, Round, Tellers};
use database::{Backend, Database};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult};
use types::{FileId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::entity::files;
use super::files::{refused, to_file};
use crate::domain::{File, FileError, Inserted};

const IDS: [Column; 1] = [("id", Kind::Id)];
const BEGUN: [Column; 2] = [("id", Kind::Id), ("started_at", Kind::Number)];
const OPERATIONS: [Column; 2] = [("owner", Kind::Id), ("operation", Kind::Text)];
const FILES: [Column; 12] = [
    ("id", Kind::Id),
    ("owner", Kind::Id),
    ("has_session", Kind::Number),
    ("session", Kind::Id),
    ("operation", Kind::Text),
    ("name", Kind::Text),
    ("content_type", Kind::Text),
    ("size", Kind::Number),
    ("sha256", Kind::Text),
    ("width", Kind::Number),
    ("height", Kind::Number),
    ("created_at", Kind::Number),
];

/// An owner's own name for an upload.
pub(super) type Operation = (UserId, String);

/// What is asked of the ledger.
#[derive(Debug)]
pub(super) enum Wish {
    /// Bytes of this file will be written, unless the operation made one before.
    Begin(FileId, Timestamp, Option<Operation>),
    /// They are written, for this operation.
    Insert(File, Option<String>),
}

type Named<'a> = (Uuid, &'a str);

impl Wish {
    // The operation an upload begins for.
    fn begins(&self) -> Option<Named<'_>> {
        match self {
            Self::Begin(_, _, Some((owner, operation))) => Some((owner.uuid(), operation)),
            _ => None,
        }
    }

    // The operation that made its file before.
    fn repeats<'a>(&'a self, shown: &Shown) -> Option<Named<'a>> {
        match self {
            Self::Insert(file, Some(operation)) if !shown.visible.contains(&file.id.uuid()) => {
                Some((file.owner.uuid(), operation))
            }
            _ => None,
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Done {
    Begun(Option<File>),
    Inserted(Inserted),
}

/// Who keeps the ledger.
#[derive(Clone)]
pub(super) struct Ledger(Tellers<Clerk>);

impl Ledger {
    pub(super) fn open(database: &Database) -> Self {
        Self(Tellers::start([Clerk(database.clone())]))
    }

    pub(super) async fn post(&self, wish: Wish) -> Result<Done, FileError> {
        let posted = self.0.post(0, wish).await;
        posted.map_err(|gone: Gone| away(gone))?
    }
}

/// One of them.
struct Clerk(Database);

impl Round for Clerk {
    type Wish = Wish;
    type Outcome = Result<Done, FileError>;
    type Error = FileError;

    async fn post(&self, wishes: &[Wish]) -> Result<Vec<Self::Outcome>, FileError> {
        self.0.within_patience(self.keep(wishes)).await
    }

    fn is_fault(error: &FileError) -> bool {
        matches!(error, FileError::Internal(_))
    }

    fn undone(error: &Arc<FileError>) -> Self::Outcome {
        let source = Arc::clone(error);
        Err(match Self::is_fault(error) {
            true => FileError::internal(source),
            false => away(source),
        })
    }
}

impl Clerk {
    async fn keep(&self, wishes: &[Wish]) -> Result<Vec<Result<Done, FileError>>, FileError> {
        let tx = self.0.begin().await?;
        let before = find(&*tx, wishes.iter().filter_map(Wish::begins)).await?;
        begin(&*tx, wishes, &before).await?;
        let inserted = self.insert(&*tx, wishes).await?;
        let stood = |wish| Wish::repeats(wish, &inserted);
        let made = find(&*tx, wishes.iter().filter_map(stood)).await?;
        tx.commit().await?;
        let done = wishes.iter().map(|wish| match wish {
            Wish::Begin(..) => {
                let found = wish.begins().and_then(|named| before.get(&named));
                let found = found.cloned().map(to_file).transpose();
                found.map(Done::Begun)
            }
            Wish::Insert(file, operation) => {
                let operation = operation.as_deref().unwrap_or_default();
                let earlier = || made.get(&(file.owner.uuid(), operation)).cloned();
                inserted.outcome(file, earlier).map(Done::Inserted)
            }
        });
        Ok(done.collect())
    }

    // Ends uploads and makes their files visible; what the sweeper has taken for dead stays so.
    async fn insert(&self, db: &impl ConnectionTrait, wishes: &[Wish]) -> Result<Shown, FileError> {
        let mut new: Vec<(&File, Option<&str>)> = (wishes.iter())
            .filter_map(|wish| match wish {
                Wish::Insert(file, operation) => Some((file, operation.as_deref())),
                _ => None,
            })
            .collect();
        if new.is_empty() {
            return Ok(Shown::default());
        }
        // In one order, whoever writes: two processes that store the same do not wait for each other.
        new.sort_by_key(|(file, operation)| (file.owner.uuid(), *operation));
        let for_update = match self.0.backend() {
            Backend::Postgres => "FOR UPDATE",
            Backend::Sqlite => "",
        };
        let open = format!(
            "SELECT id FROM uploads WHERE id IN (SELECT id FROM {{given}})
                AND abandoned_at IS NULL ORDER BY id {for_update}"
        );
        let ids = new.iter().map(|(file, _)| file.id.uuid());
        let open = ids_of(db, &open, ids).await?;
        let rows = new
            .iter()
            .filter(|(file, _)| open.contains(&file.id.uuid()));
        let rows = rows.map(|(file, operation)| cells_of(file, *operation));
        let rows = Rows::new(&FILES, rows.collect::<Result<Vec<_>, _>>()?);
        if rows.is_empty() {
            return Ok(Shown::default());
        }
        let sql = "INSERT INTO files (id, owner, session, operation, name, content_type, size, sha256,
                width, height, created_at)
            SELECT id, owner, CASE WHEN has_session = 1 THEN session END, NULLIF(operation, ''), name,
                content_type, size, sha256, width, height, created_at
            FROM {given} WHERE TRUE
            ON CONFLICT (owner, operation) DO NOTHING RETURNING id";
        let statement = rows.statement(db, sql)?;
        let visible = Id::find_by_statement(statement).all(db).await;
        let visible: HashSet<Uuid> = visible
            .map_err(refused)?
            .into_iter()
            .map(|one| one.id)
            .collect();
        let ended = "DELETE FROM uploads WHERE id IN (SELECT id FROM {given}) RETURNING id";
        ids_of(db, ended, visible.iter().copied()).await?;
        Ok(Shown { open, visible })
    }
}

// What became of files that were to be shown.
#[derive(Default)]
struct Shown {
    open: HashSet<Uuid>,
    visible: HashSet<Uuid>,
}

impl Shown {
    fn outcome(
        &self,
        file: &File,
        earlier: impl Fn() -> Option<files::Model>,
    ) -> Result<Inserted, FileError> {
        let id = file.id.uuid();
        if self.visible.contains(&id) {
            return Ok(Inserted::Visible);
        }
        if !self.open.contains(&id) {
            return Ok(Inserted::Abandoned);
        }
        // None: it was purged just now.
        let earlier = earlier().ok_or_else(|| FileError::internal("a file stood in the way"))?;
        to_file(earlier).map(Inserted::Repeated)
    }
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

async fn begin(
    db: &impl ConnectionTrait,
    wishes: &[Wish],
    before: &HashMap<Named<'_>, files::Model>,
) -> Result<(), FileError> {
    let begun = wishes.iter().filter_map(|wish| match wish {
        Wish::Begin(id, now, _) => match wish.begins() {
            Some(named) if before.contains_key(&named) => None,
            _ => Some([id.uuid().into(), now.micros().into()]),
        },
        Wish::Insert(..) => None,
    });
    let begun = Rows::new(&BEGUN, begun);
    if begun.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO uploads (id, started_at) SELECT id, started_at FROM {given}";
    let statement = begun.statement(db, sql)?;
    db.execute_raw(statement).await.map_err(refused)?;
    Ok(())
}

// The files that these operations made.
async fn find<'a>(
    db: &impl ConnectionTrait,
    asked: impl Iterator<Item = Named<'a>>,
) -> Result<HashMap<Named<'a>, files::Model>, FileError> {
    let asked: BTreeSet<Named<'a>> = asked.collect();
    let rows = Rows::new(
        &OPERATIONS,
        (asked.iter()).map(|(owner, operation)| [(*owner).into(), (*operation).into()]),
    );
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let sql =
        "SELECT * FROM files WHERE (owner, operation) IN (SELECT owner, operation FROM {given})";
    let statement = rows.statement(db, sql)?;
    let found = files::Entity::find().from_raw_sql(statement).all(db).await;
    let found = found.map_err(refused)?.into_iter();
    let mut found: HashMap<(Uuid, String), files::Model> = found
        .filter_map(|row| Some(((row.owner, row.operation.clone()?), row)))
        .collect();
    let named = asked.into_iter().filter_map(|(owner, operation)| {
        let row = found.remove(&(owner, operation.to_owned()))?;
        Some(((owner, operation), row))
    });
    Ok(named.collect())
}

async fn ids_of(
    db: &impl ConnectionTrait,
    sql: &str,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, FileError> {
    let rows = Rows::new(&IDS, ids.map(|id| [id.into()]));
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = rows.statement(db, sql)?;
    let found = Id::find_by_statement(statement).all(db).await;
    Ok(found
        .map_err(refused)?
        .into_iter()
        .map(|one| one.id)
        .collect())
}

fn cells_of(file: &File, operation: Option<&str>) -> Result<[Cell; 12], FileError> {
    let session = file.session.map(SessionId::uuid);
    let size = i64::try_from(file.size).map_err(FileError::internal)?;
    Ok([
        file.id.uuid().into(),
        file.owner.uuid().into(),
        i64::from(session.is_some()).into(),
        session.unwrap_or_default().into(),
        operation.unwrap_or_default().into(),
        file.name.as_str().into(),
        file.content_type.clone().into(),
        size.into(),
        file.sha256.clone().into(),
        file.width.into(),
        file.height.into(),
        file.created_at.micros().into(),
    ])
}

fn away(source: impl std::error::Error + Send + Sync + 'static) -> FileError {
    FileError::Unavailable {
        what: "the database",
        source: Box::new(source),
    }
}
