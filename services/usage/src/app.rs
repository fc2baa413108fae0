//! Puts the rooms together; starts and stops them.

use std::sync::Arc;
use std::time::Duration;

use contracts::usage::v1::usage_admin_service_server::UsageAdminServiceServer;
use contracts::usage::v1::usage_service_server::UsageServiceServer;
use database::{Database, OpenError};
use futures::FutureExt;
use identity::{Credentials, RemoteKeys, Verifier};
use server::{GrpcApp, InvalidPeer, Link, Readiness, ServeError, Shutdown, Sockets};
use types::{Clock, SystemClock, SystemIds};
use webhooks::{ClientError, Sender};

use crate::caretaker::{CareSettings, Caretaker};
use crate::config::Config;
use crate::domain::alerts::{Alerts, Receiver};
use crate::domain::error::Error;
use crate::domain::plan::Plans;
use crate::domain::ports::Keepers;
use crate::domain::reconcile::{Auditor, Audits, Findings};
use crate::domain::records::Records;
use crate::domain::reports::Reports;
use crate::domain::rulebook::{Corrector, Rulebook, Shelves};
use crate::domain::spending::Brake;
use crate::domain::sweeping::Sweeping;
use crate::domain::usage::Usage;
use crate::domain::window::Calendar;
use crate::peers::{GenerationPeer, WebhookReceiver};
use crate::rpc::{UsageAdminRpc, UsageRpc};
use crate::store::{Desk, Migrator, SqlBook, SqlOffice, zone};
use crate::sweeper;

/// The usage service, ready to serve.
pub struct App {
    grpc: GrpcApp,
    book: SqlBook,
    sweeping: Sweeping,
    sweep_interval: Duration,
    caretaker: Caretaker,
    db: Database,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// Another service's address is none.
    #[error(transparent)]
    Peer(#[from] InvalidPeer),
    /// What services prove themselves with is missing.
    #[error("BOTTEGA_SERVICE_SECRET is not set")]
    NoSecret,
    /// Alerts cannot be sent.
    #[error("alerts cannot be sent")]
    Webhook(#[from] ClientError),
    /// The books cannot be used.
    #[error(transparent)]
    Books(#[from] Error),
    /// The books are counted by another time zone than the one that is set.
    #[error(
        "these books count the days and months of {books}, and BOTTEGA_USAGE_TIME_ZONE is {set}: set \
         it to {books}; or stop every usage service, at the turn of a month for then least is counted \
         twice, and run `bottega admin change-time-zone`"
    )]
    TimeZone {
        /// The zone of the books.
        books: String,
        /// The one that is set.
        set: String,
    },
}

impl App {
    /// Opens the database, brings it up to date and wires the service, which then believes tokens
    /// that auth signed and the time the machine tells.
    ///
    /// # Errors
    /// The database does not open or is not up to date; an address is none.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let secret = config.common.service_secret.clone();
        let secret = secret.ok_or(StartError::NoSecret)?;
        let auth = server::connect(&config.common.peers.auth)?;
        let generation = Link::to(&config.common.peers.generation)?;
        let credentials = Credentials::new("usage", auth.clone(), secret);
        let keepers = Arc::new(GenerationPeer::new(generation, credentials));
        let verifier = Verifier::new(RemoteKeys::new(auth));
        Self::build_with(config, verifier, Arc::new(SystemClock), keepers).await
    }

    /// The same, with tokens, time and word of what became of work from elsewhere.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_with(
        config: Config,
        verifier: Verifier,
        clock: Arc<dyn Clock>,
        keepers: Arc<dyn Keepers>,
    ) -> Result<Self, StartError> {
        let db = Database::open::<Migrator>(&config.database, config.migrate).await?;
        let books = zone::settle_on(&db, &config.calendar.to_string()).await?;
        check_zone(Some(books), &config.calendar)?;
        let plans = config.plans.to_string();
        let caretaker = caretaker(&db, &config.calendar, config.care, &clock)?;
        caretaker.audits.see_plans(&plans).await?;
        caretaker.prepare().await;
        let office = Arc::new(SqlOffice::new(db.clone()));
        let records = Records::new(office.clone(), Arc::clone(&clock));
        let reports = Reports::new(office.clone(), config.calendar.clone(), Arc::clone(&clock));
        let desk = Desk {
            plans: config.plans.clone(),
            calendar: config.calendar,
            clock: Arc::clone(&clock),
            ids: Arc::new(SystemIds),
            tellers: config.tellers,
        };
        let book = SqlBook::new(db.clone(), desk);
        let sweeping = Sweeping {
            book: Arc::new(book.clone()),
            keepers: Arc::clone(&keepers),
            clock: Arc::clone(&clock),
            hold: config.hold_ttl,
            keep: config.keep_reservations,
        };
        let usage = Usage::new(Arc::new(book.clone()), config.hold_ttl, Arc::clone(&clock));
        let usage = Arc::new(usage);
        let rpc = UsageServiceServer::new(UsageRpc::new(Arc::clone(&usage), records));
        let rules = rules(&book, office, &usage, keepers, config.plans, &clock);
        let (alerts, brake) = (caretaker.alerts.clone(), caretaker.brake.clone());
        let admin = UsageAdminRpc::new(rules, reports, alerts, brake);
        let admin = UsageAdminServiceServer::new(admin);
        let grpc = GrpcApp::new("usage", verifier, readiness(&db), config.grpc);
        let grpc = grpc.add(rpc).add(admin);
        Ok(Self {
            grpc,
            book,
            sweeping,
            sweep_interval: config.sweep_interval,
            caretaker,
            db,
        })
    }

    /// Serves until `shutdown`, and sweeps and looks after the books meanwhile.
    ///
    /// # Errors
    /// The server cannot run.
    pub async fn serve(self, sockets: Sockets, shutdown: Shutdown) -> Result<(), ServeError> {
        let sweeps = sweeper::run(self.sweeping, self.sweep_interval, shutdown.clone());
        let sweeping = tokio::spawn(sweeps);
        let caring = tokio::spawn(self.caretaker.run(shutdown.clone()));
        let outcome = self.grpc.serve(sockets, shutdown.clone()).await;
        // Whatever ended the server ends the sweeper too; a sweep under way is a few statements.
        shutdown.trigger();
        let clockworks = futures::future::join(sweeping, caring);
        let _ = tokio::time::timeout(shutdown.drain(), clockworks).await;
        // What the tellers took is done before the database goes.
        self.book.close().await;
        self.db.close().await;
        outcome
    }
}

fn rules(
    book: &SqlBook,
    office: Arc<SqlOffice>,
    usage: &Arc<Usage>,
    keepers: Arc<dyn Keepers>,
    configured: Plans,
    clock: &Arc<dyn Clock>,
) -> (Arc<Rulebook>, Arc<Corrector>) {
    let book = Arc::new(book.clone());
    let shelves = Shelves {
        store: book.clone(),
        lists: book.clone(),
        book: book.clone(),
        pace: office,
    };
    let ids = Arc::new(SystemIds);
    let rulebook = Rulebook::new(shelves, configured, Arc::clone(clock), ids);
    let corrector = Corrector::new(Arc::clone(usage), book, keepers);
    (Arc::new(rulebook), Arc::new(corrector))
}

/// Compares the books of a database with each other, while it may be in use, and changes nothing.
///
/// # Errors
/// There is no database, or it does not open, is not up to date, does not answer, or is counted by
/// another time zone.
pub async fn reconcile(config: &Config) -> Result<Findings, StartError> {
    let db = Database::open_existing::<Migrator>(&config.database).await?;
    let findings = compare(&db, &config.calendar).await;
    db.close().await;
    findings
}

async fn compare(db: &Database, calendar: &Calendar) -> Result<Findings, StartError> {
    check_zone(zone::of_books(db).await?, calendar)?;
    Ok(SqlOffice::new(db.clone()).reconcile(calendar).await?)
}

/// Makes the books of a database count by the time zone that is set, and gives the one before; no
/// usage service may run on it meanwhile. Windows under way begin anew by the new zone, and days that
/// are recorded stay those of the old one.
///
/// # Errors
/// There is no database, or it does not open, is not up to date, or does not answer.
pub async fn change_time_zone(config: &Config) -> Result<Option<String>, StartError> {
    let db = Database::open_existing::<Migrator>(&config.database).await?;
    let before = zone::of_books(&db).await;
    let changed = zone::change(&db, &config.calendar.to_string()).await;
    db.close().await;
    changed?;
    Ok(before?)
}

fn check_zone(books: Option<String>, calendar: &Calendar) -> Result<(), StartError> {
    let set = calendar.to_string();
    match books.filter(|books| *books != set) {
        Some(books) => Err(StartError::TimeZone { books, set }),
        None => Ok(()),
    }
}

fn caretaker(
    db: &Database,
    calendar: &Calendar,
    settings: CareSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Caretaker, StartError> {
    let office = Arc::new(SqlOffice::new(db.clone()));
    let receiver: Option<Arc<dyn Receiver>> = match settings.webhook.clone() {
        Some((endpoint, secrets)) => {
            Some(Arc::new(WebhookReceiver(Sender::new(endpoint, secrets)?)))
        }
        None => None,
    };
    let brake = Brake::new(
        office.clone(),
        settings.breaker,
        Arc::clone(clock),
        Arc::new(SystemIds),
    );
    let audits = Audits {
        auditor: office.clone(),
        chores: office.clone(),
        alerts: office.clone(),
        clock: Arc::clone(clock),
        ids: Arc::new(SystemIds),
        calendar: calendar.clone(),
    };
    Ok(Caretaker {
        months: office.clone(),
        brake,
        alerts: Alerts::new(office, receiver, Arc::clone(clock)),
        audits,
        clock: Arc::clone(clock),
        settings,
    })
}

fn readiness(db: &Database) -> Readiness {
    let readiness = Readiness::new();
    let db = db.clone();
    readiness.check("database", move || {
        let db = db.clone();
        let ping = async move { db.ping().await.map_err(|error| error.to_string()) };
        ping.boxed()
    });
    readiness
}
