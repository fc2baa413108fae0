//! What owners were charged: pages of records, and all of them one after another.

use std::sync::Arc;

use async_trait::async_trait;
use errors::FieldViolation;
use futures::stream::{self, BoxStream, StreamExt};
use types::{Clock, Microusd, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use super::error::Error;

/// So many records are read at a time when all are wanted.
const PAGE: u64 = 1_000;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Work that was done.
    Charge,
    /// An operator's correction.
    Adjustment,
}

/// One thing charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// UUIDv7.
    pub id: Uuid,
    /// What it is.
    pub kind: RecordKind,
    /// When it was charged.
    pub created_at: Timestamp,
    /// The kind of work; empty for corrections.
    pub work: String,
    /// Who did it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// The project; empty for none.
    pub project: String,
    /// The API key; empty for none.
    pub api_key: String,
    /// The task; empty for none.
    pub task: String,
    /// Which attempt at it.
    pub attempt: i64,
    /// Generations; negative for those given back.
    pub units: i64,
    /// Tokens, when known.
    pub tokens: i64,
    /// What the owner was charged; negative for what was given back.
    pub charged: Microusd,
    /// The price it was charged at.
    pub price_version: String,
    /// Of a correction: why.
    pub note: String,
}

/// From when on, and up to when; open where none is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

/// Reads the owner's rows of the ledger.
#[async_trait]
pub trait RecordStore: Send + Sync + 'static {
    /// A page of them, newest first.
    async fn newest(
        &self,
        owner: UserId,
        span: Span,
        page: PageRequest,
    ) -> Result<Page<Record>, Error>;

    /// Those after the one with this id, oldest first, at most `most`.
    async fn after(
        &self,
        owner: UserId,
        span: Span,
        id: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Record>, Error>;

    /// How many there are, counted no further than `most`.
    async fn count(&self, owner: UserId, span: Span, most: u64) -> Result<u64, Error>;
}

/// Many records, a page at a time.
pub type Pages = BoxStream<'static, Result<Vec<Record>, Error>>;

/// The use cases of records.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn RecordStore>,
    clock: Arc<dyn Clock>,
}

impl Records {
    /// Records of this store.
    #[must_use]
    pub fn new(store: Arc<dyn RecordStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// A page of an owner's records, newest first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn list(
        &self,
        owner: UserId,
        span: Span,
        page: PageRequest,
    ) -> Result<Page<Record>, Error> {
        self.store.newest(owner, span, page).await
    }

    /// Every record of an owner up to now, oldest first. The next page is read when it is asked for,
    /// so that a slow reader costs no memory.
    #[must_use]
    pub fn all(&self, owner: UserId, span: Span) -> Pages {
        let span = self.until_now(span);
        let begin = (Arc::clone(&self.store), None, false);
        let pages = stream::try_unfold(begin, move |(store, after, is_over)| async move {
            if is_over {
                return Ok(None);
            }
            let rows = store.after(owner, span, after, PAGE).await?;
            let last = rows.last().map(|record| record.id);
            let is_over = (rows.len() as u64) < PAGE;
            Ok((!rows.is_empty()).then_some((rows, (store, last, is_over))))
        });
        pages.boxed()
    }

    /// The same, when there are no more than `most`.
    ///
    /// # Errors
    /// There are more: field `format`. The books do not answer.
    pub async fn all_if_at_most(
        &self,
        owner: UserId,
        span: Span,
        most: u64,
    ) -> Result<Pages, Error> {
        let span = self.until_now(span);
        if self.store.count(owner, span, most + 1).await? > most {
            return Err(Error::Invalid(vec![FieldViolation {
                field: "format".to_owned(),
                description: format!(
                    "xlsx holds at most {most} records: narrow 'from' and 'until', or ask for csv or json"
                ),
            }]));
        }
        Ok(self.all(owner, span))
    }

    fn until_now(&self, span: Span) -> Span {
        let now = Timestamp(self.clock.now().micros().saturating_add(1));
        let until = span.until.map_or(now, |until| until.min(now));
        Span {
            until: Some(until),
            ..span
        }
    }
}
