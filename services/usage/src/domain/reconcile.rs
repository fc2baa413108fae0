//! Whether the books agree with each other: every sum that is kept is made again from what it is the
//! sum of.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::{Clock, IdSource, Microusd, Timestamp};

use super::alert::{Alert, AlertKind};
use super::alerts::AlertStore;
use super::error::Error;
use super::window::Calendar;

/// No more differences are told one by one.
pub const MOST: usize = 1_000;

/// Which sums are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// Balances, with the ledger.
    Accounts,
    /// Units set aside, with the reservations that hold them.
    Held,
    /// Units used, with the roll-up of days.
    Used,
    /// The roll-up of days, with the ledger.
    Daily,
    /// The ledger's rows of a reservation, with its state.
    Reservations,
}

/// Two numbers that should be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which sums.
    pub check: Check,
    /// Of what: an account, a counter, a day's row, a reservation.
    pub subject: String,
    /// Which number of it.
    pub what: String,
    /// What it should be.
    pub expected: i64,
    /// What it is.
    pub found: i64,
}

/// What came of comparing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// What differs, at most [`MOST`].
    pub differences: Vec<Difference>,
    /// Whether there are more.
    pub has_more: bool,
    /// Counters that cannot be checked: their window began before the ledger did, or by another
    /// calendar.
    pub skipped: i64,
    /// By how much balances are off, all of them together and whichever way.
    pub imbalance: Microusd,
}

/// Compares the books, all as of one moment.
#[async_trait]
pub trait Auditor: Send + Sync + 'static {
    /// What differs.
    async fn reconcile(&self, calendar: &Calendar) -> Result<Findings, Error>;
}

/// Remembers what is done once in a while, whichever process does it.
#[async_trait]
pub trait Chores: Send + Sync + 'static {
    /// Whether it was last begun by `before`; then it is begun now, by this process.
    async fn begin(&self, name: &str, before: Timestamp, now: Timestamp) -> Result<bool, Error>;

    /// Keeps what came of it.
    async fn note(&self, name: &str, outcome: &str) -> Result<(), Error>;

    /// What came of it the last time; none before it was done once.
    async fn outcome(&self, name: &str) -> Result<Option<String>, Error>;

    /// Keeps a value, and when it changed: never, for the first one.
    async fn see(&self, name: &str, value: &str, now: Timestamp) -> Result<(), Error>;
}

/// What the last comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// How many numbers differ; [`MOST`] or more when it is that.
    pub differences: usize,
    /// By how much balances are off, in microusd.
    pub imbalance: i64,
}

/// The use case of comparing once in a while.
#[derive(Clone)]
pub struct Audits {
    /// Compares.
    pub auditor: Arc<dyn Auditor>,
    /// Makes sure that one process does.
    pub chores: Arc<dyn Chores>,
    /// Tells operators.
    pub alerts: Arc<dyn AlertStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Where days begin and end.
    pub calendar: Calendar,
}

const CHORE: &str = "reconcile";
const PLANS: &str = "plans";

impl Audits {
    /// Remembers when the configured plans changed: counters are younger than the limits they count
    /// for since then.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn see_plans(&self, plans: &str) -> Result<(), Error> {
        self.chores.see(PLANS, plans, self.clock.now()).await
    }

    /// Compares the books if nobody did within `interval`, and lets an alert go off when they differ,
    /// at most one a day. Either way it says what the last comparison came to; none before the first.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn run(&self, interval: Duration) -> Result<Option<Verdict>, Error> {
        let now = self.clock.now();
        let span = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp(now.micros().saturating_sub(span));
        if !self.chores.begin(CHORE, before, now).await? {
            let outcome = self.chores.outcome(CHORE).await?;
            return Ok(outcome.and_then(|text| serde_json::from_str(&text).ok()));
        }
        let findings = self.auditor.reconcile(&self.calendar).await?;
        let verdict = Verdict {
            differences: findings.differences.len(),
            imbalance: findings.imbalance.0,
        };
        for one in findings.differences.iter().take(10) {
            tracing::error!(
                check = one.check.as_str(),
                subject = one.subject,
                what = one.what,
                expected = one.expected,
                found = one.found,
                "the books differ"
            );
        }
        if !findings.is_clean() {
            self.alerts.ring(&self.alert(verdict, now)).await?;
        }
        let text = serde_json::to_string(&verdict).map_err(|error| Error::Broken(error.into()))?;
        self.chores.note(CHORE, &text).await?;
        Ok(Some(verdict))
    }

    fn alert(&self, verdict: Verdict, now: Timestamp) -> Alert {
        let count = verdict.differences;
        let off = Microusd(verdict.imbalance);
        Alert {
            id: self.ids.next(),
            kind: AlertKind::Imbalance,
            dedupe: format!("imbalance:{}", self.calendar.day(now)),
            message: format!(
                "the books differ in {count} numbers, balances by {off}: run `bottega admin reconcile`"
            ),
            budget: None,
            percent: 0,
            amount: verdict.imbalance,
            limit: 0,
            window_start: None,
            created_at: now,
        }
    }
}

impl Check {
    /// As people and machines read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Held => "counters.held",
            Self::Used => "counters.used",
            Self::Daily => "usage_daily",
            Self::Reservations => "reservations",
        }
    }
}

impl Findings {
    /// Whether everything agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    /// Adds what a check found.
    pub fn extend(&mut self, found: Vec<Difference>) {
        for one in &found {
            if one.check == Check::Accounts {
                let off = one.expected.saturating_sub(one.found).saturating_abs();
                self.imbalance = Microusd(self.imbalance.0.saturating_add(off));
            }
        }
        self.differences.extend(found);
        if self.differences.len() > MOST {
            self.differences.truncate(MOST);
            self.has_more = true;
        }
    }
}
