//! What the domain needs from the rooms around it: a store, a file service, a usage service.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use errors::Fault;
use types::{
    ApiKeyId, FileId, GenerationId, IdempotencyKey, Microusd, OperationId, Page, PageRequest,
    ReservationId, SessionId, Timestamp, UserId,
};

use crate::domain::attempt::{Attempt, AttemptEnd};
use crate::domain::bill::Billed;
use crate::domain::error::Error;
use crate::domain::events::{Event, Step, Tail};
use crate::domain::generation::{Failure, Filter, Generation, ImageRequest, Kind, Output};
use crate::domain::hold::{Hold, Quote, Work as PricedWork};
use crate::domain::keeper::Standing;
use crate::domain::prices::ListedPrice;
use crate::domain::provider::{InputImage, Job};
use crate::domain::queue::{Bounds, Spot};
use crate::domain::quote::{Explained, Prospect};
use crate::domain::repeats::{KeptKey, NewKey};
use crate::domain::reuse::{ResultKey, Reused};
use crate::domain::route::{Candidate, Itinerary};
use crate::domain::settlement::{Call, Debt, Resolution};

/// Whose work it is, and on which plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patron {
    /// The owner.
    pub id: UserId,
    /// The owner's plan.
    pub tier: String,
    /// The API key an order came with. Known while it is taken; the usage service keeps it then.
    pub api_key: Option<ApiKeyId>,
}

/// An accepted order, about to be stored.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Its id.
    pub id: GenerationId,
    /// Whose it is.
    pub patron: Patron,
    /// What is made.
    pub kind: Kind,
    /// The order.
    pub request: ImageRequest,
    /// The client's own grouping.
    pub session: Option<SessionId>,
    /// What is set aside for it.
    pub hold: Hold,
    /// Who will do it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// Parts of the order that have no effect there.
    pub ignored: Vec<String>,
    /// What its owner named the order.
    pub key: Option<NewKey>,
    /// How it is routed.
    pub itinerary: Itinerary,
    /// Where it stands in line.
    pub spot: Spot,
    /// A result from before it ends with at once.
    pub reused: Option<Reused>,
    /// What its own result will be known by.
    pub result_key: Option<ResultKey>,
    /// Now.
    pub created_at: Timestamp,
}

/// What owners ask of the store; every question names the owner.
#[async_trait]
pub trait Tasks: Send + Sync + 'static {
    /// Stores the task, its key, its first event and the confirmation of its reservation, or nothing:
    /// [`Error::Key`] when the key names something already, [`Error::QueueFull`],
    /// [`Error::ReservationUsed`], and [`Error::ReservationExpired`] when it came too late.
    async fn create(&self, task: NewTask) -> Result<Generation, Error>;

    /// One generation of an owner.
    async fn find(&self, owner: UserId, id: GenerationId) -> Result<Generation, Error>;

    /// An owner's generations, newest first.
    async fn list(
        &self,
        owner: UserId,
        filter: Filter,
        page: PageRequest,
    ) -> Result<Page<Generation>, Error>;

    /// Ends a generation; [`Error::Ended`] when it had ended otherwise. What was ordered of a provider in
    /// `stoppable` is left to be stopped. Answers it as it stands, and whether this call ended it.
    async fn cancel(
        &self,
        owner: UserId,
        id: GenerationId,
        stoppable: &[String],
        now: Timestamp,
    ) -> Result<(Generation, bool), Error>;

    /// How an owner's next order would stand in line.
    async fn prospect(&self, owner: UserId, spot: &Spot) -> Result<Prospect, Error>;

    /// How far the events of an owner's generation go.
    async fn tail(&self, owner: UserId, id: GenerationId) -> Result<Tail, Error>;

    /// The first `limit` events after a number, in order.
    async fn events(&self, id: GenerationId, after: i64, limit: u64) -> Result<Vec<Event>, Error>;
}

/// The keys owners named their calls by.
#[async_trait]
pub trait Keys: Send + Sync + 'static {
    /// What a key names, unless its time is over and what it made is done.
    async fn find_key(&self, owner: UserId, key: &IdempotencyKey)
    -> Result<Option<KeptKey>, Error>;

    /// Forgets up to `limit` keys whose time is over; how many there were.
    async fn sweep_keys(&self, limit: u64) -> Result<u64, Error>;
}

/// A worker's hold on a task: its writes touch nothing once the number has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The task.
    pub task: GenerationId,
    /// The fencing number of this hold.
    pub fence: i64,
}

/// A task a worker holds.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The hold.
    pub claim: Claim,
    /// Whose task it is.
    pub patron: Patron,
    /// The order.
    pub request: ImageRequest,
    /// The client's own grouping.
    pub session: Option<SessionId>,
    /// Who does it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// How often a provider was asked so far.
    pub attempts: u32,
    /// What it was accepted at; none for a task from before prices were held.
    pub price: Option<Microusd>,
    /// What is set aside for it.
    pub reservation: Option<ReservationId>,
    /// When it ends unless its order has left.
    pub expires_at: Option<Timestamp>,
    /// How it is routed; none for a task from before that was kept.
    pub itinerary: Option<Itinerary>,
}

/// An attempt about to be made.
#[derive(Debug, Clone)]
pub struct PlannedAttempt {
    /// Who is asked.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// The most it may cost.
    pub price: Microusd,
}

/// A step of an attempt, with what its watcher sees.
#[derive(Debug, Clone)]
pub enum Advance {
    /// The order leaves now.
    Sent,
    /// The provider took it.
    Accepted(Job),
}

/// A task given back to the queue.
#[derive(Debug, Clone)]
pub struct PutBack {
    /// How long it rests.
    pub rest: Duration,
    /// What its watcher sees.
    pub step: Step,
    /// How the attempt under way ended, if one was.
    pub attempt: Option<AttemptEnd>,
    /// Who does it from now on, when that changes.
    pub onto: Option<Candidate>,
}

/// How a task ends in a worker's hands.
#[derive(Debug, Clone)]
pub enum Ending {
    /// With a result.
    Completed {
        /// The attempt that brought it.
        attempt: i64,
        /// What that attempt cost.
        cost: Microusd,
        /// Tokens it took, when the provider counts any.
        tokens: Option<i64>,
        /// What its reservation becomes.
        resolution: Resolution,
        /// The stored files.
        outputs: Vec<Output>,
    },
    /// Without.
    Failed {
        /// How the attempt under way ended, if one was.
        attempt: Option<AttemptEnd>,
        /// Why.
        failure: Failure,
        /// What its reservation becomes.
        resolution: Resolution,
    },
}

/// What workers ask of the store. Every write answers [`Error::Lost`], and changes nothing, when
/// the claim does not hold any more; and may be repeated when its outcome is unknown.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Takes up to `limit` tasks whose worker's lease ran out, or whose turn it is within `bounds`.
    async fn claim(
        &self,
        worker: &str,
        limit: u64,
        lease: Duration,
        bounds: &Bounds,
    ) -> Result<Vec<Claimed>, Error>;

    /// Extends the lease to `lease` from now.
    async fn renew(&self, claim: Claim, lease: Duration) -> Result<(), Error>;

    /// A task's last attempt.
    async fn last_attempt(&self, task: GenerationId) -> Result<Option<Attempt>, Error>;

    /// A task's attempts that have ended and may have to be paid, in their order.
    async fn billed(&self, task: GenerationId) -> Result<Vec<Billed>, Error>;

    /// Writes down the intention to ask a provider; answers the attempt's number, or none when the
    /// task's reservation was lost: then nothing may be bought for it any more. Attempts that never
    /// got anywhere are closed.
    async fn plan(&self, claim: Claim, attempt: &PlannedAttempt) -> Result<Option<i64>, Error>;

    /// Writes down how far an attempt got, with the step its watcher sees.
    async fn advance(
        &self,
        claim: Claim,
        number: i64,
        advance: &Advance,
        step: &Step,
    ) -> Result<(), Error>;

    /// Writes down a step that changes nothing else.
    async fn note(&self, claim: Claim, step: &Step) -> Result<(), Error>;

    /// Gives a task back to the queue.
    async fn put_back(&self, claim: Claim, back: &PutBack) -> Result<(), Error>;

    /// Ends a task: status, attempt, outputs, last event and the resolution of its reservation in
    /// one transaction.
    async fn finish(&self, claim: Claim, ending: &Ending) -> Result<(), Error>;
}

/// Ends what waited too long.
#[async_trait]
pub trait Expiry: Send + Sync + 'static {
    /// Ends up to `limit` pending tasks whose time is over, their reservations resolved by what their
    /// attempts cost; answers which. One whose order is under way goes on, and does not expire any more.
    async fn expire_due(&self, limit: u64) -> Result<Vec<GenerationId>, Error>;
}

/// The calls owed to the usage service, one after another per task.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Takes up to `limit` calls that are due; they come back after `hold` unless they are closed.
    async fn take_due(&self, limit: u64, hold: Duration) -> Result<Vec<Debt>, Error>;

    /// These calls are delivered, or never will be.
    async fn close(&self, debts: &[uuid::Uuid]) -> Result<(), Error>;

    /// Tries again after a rest.
    async fn postpone(&self, debt: &Debt, rest: Duration) -> Result<(), Error>;

    /// The confirmation was refused: the reservation was given back. Ends its task with `failure`
    /// unless an order of its may be under way; nothing more is bought for it either way. Answers
    /// whether it ended the task.
    async fn lose(&self, debt: &Debt, failure: &Failure) -> Result<bool, Error>;
}

/// What the usage service's questions take.
#[async_trait]
pub trait Adoptions: Send + Sync + 'static {
    /// Whether a task has this reservation; a quick look, which may miss one that is being stored.
    async fn is_adopted(&self, reservation: ReservationId) -> Result<bool, Error>;

    /// How the tasks of these reservations stand. One that is missing has none, and will have none
    /// if it has expired.
    async fn standings(
        &self,
        reservations: &[ReservationId],
    ) -> Result<HashMap<ReservationId, Standing>, Error>;

    /// Owes an ended task's resolution once more.
    async fn owe_again(&self, task: GenerationId) -> Result<(), Error>;
}

/// A made picture on its way to the file service.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Makes storing it twice harmless.
    pub operation: OperationId,
    /// What it is called.
    pub name: String,
    /// The client's own grouping.
    pub session: Option<SessionId>,
    /// Its media type.
    pub content_type: &'static str,
    /// The picture.
    pub bytes: Bytes,
}

/// What is known of a stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// What it is.
    pub content_type: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// In pixels; 0 when it has none.
    pub width: u32,
    /// In pixels; 0 when it has none.
    pub height: u32,
}

/// The file service, on behalf of an owner.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// What is known of a file; `NOT_FOUND` when it is not the owner's.
    async fn describe(&self, patron: &Patron, file: FileId) -> Result<FileInfo, Fault>;

    /// A picture, whole.
    async fn fetch(&self, patron: &Patron, file: FileId) -> Result<InputImage, Fault>;

    /// Stores a made picture; the same operation again answers the same file.
    async fn store(&self, patron: &Patron, file: &NewFile) -> Result<FileId, Fault>;
}

/// The usage service.
#[async_trait]
pub trait Quota: Send + Sync + 'static {
    /// Sets one generation and the money of the work aside for an owner; the same operation again
    /// answers the same.
    async fn reserve(
        &self,
        patron: &Patron,
        operation: OperationId,
        work: &PricedWork,
    ) -> Result<Hold, Fault>;

    /// Sets the money of the work aside beside the generation that is reserved already.
    async fn amend(
        &self,
        patron: &Patron,
        reservation: ReservationId,
        work: &PricedWork,
    ) -> Result<Quote, Fault>;

    /// What would come of reserving for this work; nothing is set aside.
    async fn explain(&self, patron: &Patron, work: &PricedWork) -> Result<Explained, Fault>;

    /// Asks whether an order that costs a reservation's money may leave now. `SPENDING_PAUSED` while it
    /// may not; `WRONG_STATE` and `NOT_FOUND` when the reservation is gone.
    async fn begin(&self, reservation: ReservationId) -> Result<(), Fault>;

    /// Delivers a call; doing it again changes nothing.
    async fn deliver(&self, call: &Call, reservation: ReservationId) -> Result<(), Fault>;
}

/// The catalogue of prices.
#[async_trait]
pub trait Prices: Send + Sync + 'static {
    /// Every price of a picture in force.
    async fn list(&self) -> Result<Vec<ListedPrice>, Fault>;
}
