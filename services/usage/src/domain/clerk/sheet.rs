//! The sheet a clerk works on: the rows of one transaction, what was changed on them, and the ledger
//! rows and alerts that come of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use types::{IdSource, ReservationId, Timestamp};
use uuid::Uuid;

use super::{Done, Instruction, Outcome};
use crate::domain::alert::{self, Alert, Move};
use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::charge::Settlement;
use crate::domain::counter::{Check, Key, Standing, Tally};
use crate::domain::entry::Entry;
use crate::domain::error::Error;
use crate::domain::reservation::{Reservation, State};
use crate::domain::rules::{Order, Rules};

/// A reservation on the sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As it stands now.
    pub row: Reservation,
    /// The state it was read in; none when it was made on this sheet.
    pub from: Option<State>,
    /// Whether it must be written.
    pub is_changed: bool,
}

/// A counter on the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// What stands on it.
    pub tally: Tally,
    /// What used and held may come to by the limits it was last taken under.
    pub cap: i64,
    /// What stood on it when it was read.
    pub before: Tally,
}

/// The rows of one transaction.
pub struct Sheet {
    pub(super) rules: Arc<Rules>,
    pub(super) now: Timestamp,
    ids: Arc<dyn IdSource>,
    lines: HashMap<ReservationId, Line>,
    counts: BTreeMap<Key, Count>,
    // Counters that were looked at without being on the sheet.
    missing: RefCell<BTreeSet<Key>>,
    entries: Vec<Entry>,
    alerts: Vec<Alert>,
    events: Vec<AuditEvent>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Writes {
    /// Reservations made or changed, by id.
    pub lines: Vec<Line>,
    /// Counters that moved, in locking order.
    pub counts: Vec<(Key, Count)>,
    /// New rows of the ledger.
    pub entries: Vec<Entry>,
    /// Alerts that went off.
    pub alerts: Vec<Alert>,
    /// What operators did.
    pub events: Vec<AuditEvent>,
}

impl Sheet {
    /// A sheet with the reservations that the instructions are about, as far as they exist.
    #[must_use]
    pub fn new(
        rules: Arc<Rules>,
        now: Timestamp,
        ids: Arc<dyn IdSource>,
        rows: Vec<Reservation>,
    ) -> Self {
        let line = |row: Reservation| Line {
            from: Some(row.state),
            row,
            is_changed: false,
        };
        Self {
            rules,
            now,
            ids,
            lines: (rows.into_iter().map(|row| (row.id, line(row)))).collect(),
            counts: BTreeMap::new(),
            missing: RefCell::default(),
            entries: Vec::new(),
            alerts: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The counters these instructions will touch, in locking order, as far as it can be foreseen:
    /// what one of them makes, another one may move. [`Sheet::missing`] names the others.
    #[must_use]
    pub fn keys(&self, instructions: &[Instruction]) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        for instruction in instructions {
            let row = self.lines.get(&instruction.id()).map(|line| &line.row);
            let held = row.filter(|_| instruction.moves_what_is_held());
            keys.extend(
                (held.into_iter()).flat_map(|row| row.items.iter().map(|one| one.key.clone())),
            );
            let checks = self.checks_of(instruction, row).unwrap_or_default();
            keys.extend(checks.into_iter().map(|check| check.key));
        }
        keys
    }

    // Under which limits an instruction may take units. A failure to tell is told when it is posted.
    fn checks_of(
        &self,
        instruction: &Instruction,
        row: Option<&Reservation>,
    ) -> Result<Vec<Check>, Error> {
        match (instruction, row) {
            (Instruction::Reserve(ask), None) => {
                let (amounts, _) = self.priced(&ask.amounts, &ask.purpose, ask.work.as_ref())?;
                let order = Order {
                    owner: ask.owner,
                    tier: &ask.tier,
                    purpose: &ask.purpose,
                    at: self.now,
                };
                Ok(self.rules.checks(order, &amounts)?)
            }
            (Instruction::Amend(amendment), Some(row)) => {
                let work = amendment.work.as_ref();
                let (amounts, _) = self.priced(&row.amounts, &amendment.purpose, work)?;
                let order = Order {
                    purpose: &amendment.purpose,
                    ..order_of(row)
                };
                Ok(self.rules.checks(order, &amounts)?)
            }
            (Instruction::Adjust(adjustment), None) => self.adjusted(adjustment),
            // A repeat looks at what the limits are now.
            (Instruction::Reserve(_) | Instruction::Adjust(_), Some(row)) => {
                Ok(self.rules.checks(order_of(row), &row.amounts)?)
            }
            (Instruction::Settle(_, settlement), Some(row)) => {
                Ok(self.checks_left(row, settlement))
            }
            (Instruction::Resolve(_), Some(row)) => {
                Ok(self.checks_left(row, &Settlement::default()))
            }
            _ => Ok(Vec::new()),
        }
    }

    // Whoever holds nothing any more takes what still fits; so does another provider's part.
    fn checks_left(&self, row: &Reservation, settlement: &Settlement) -> Vec<Check> {
        let charges = settlement.charges_of(row);
        let late = (charges.iter())
            .filter(|charge| row.items.is_empty() || charge.provider != row.purpose.provider);
        let checks = late.flat_map(|charge| {
            let purpose = &charge.purpose(&row.purpose);
            let order = Order {
                purpose,
                ..order_of(row)
            };
            self.rules.checks_left(order, &row.amounts)
        });
        checks.collect()
    }

    /// The counters that were touched without being on the sheet. When there are any, nothing that
    /// was posted holds: begin again with them.
    #[must_use]
    pub fn missing(&self) -> BTreeSet<Key> {
        self.missing.borrow().clone()
    }

    /// Puts the counters of [`Sheet::keys`] on the sheet.
    pub fn put_counts(&mut self, counts: impl IntoIterator<Item = (Key, Tally, i64)>) {
        for (key, tally, cap) in counts {
            let before = tally;
            self.counts.insert(key, Count { tally, cap, before });
        }
    }

    /// Does one instruction, wholly or not at all.
    ///
    /// # Errors
    /// Why it is not done; see [`Error`].
    pub fn post(&mut self, instruction: &Instruction) -> Outcome {
        match instruction {
            Instruction::Reserve(ask) => self.reserve(ask),
            Instruction::Amend(amendment) => self.amend(amendment),
            Instruction::Confirm(id) => self.confirm(*id),
            Instruction::Extend(id, hold) => self.extend(*id, *hold),
            Instruction::Begin(id) => self.begin(*id),
            Instruction::Settle(id, settlement) => self.settle(*id, settlement),
            Instruction::Release(id) => self.release(*id),
            Instruction::Suspend(id) => self.suspend(*id),
            Instruction::Expire(id) => self.expire(*id),
            Instruction::Adjust(adjustment) => self.adjust(adjustment),
            Instruction::Resolve(resolution) => self.resolve(resolution),
        }
    }

    /// What is to be written for everything that was done.
    #[must_use]
    pub fn into_writes(self) -> Writes {
        let mut lines: Vec<Line> = (self.lines.into_values())
            .filter(|line| line.is_changed)
            .collect();
        lines.sort_by_key(|line| line.row.id);
        let moved = |(_, count): &(Key, Count)| count.tally != count.before;
        Writes {
            lines,
            counts: self.counts.into_iter().filter(moved).collect(),
            entries: self.entries,
            alerts: self.alerts,
            events: self.events,
        }
    }

    pub(super) fn row(&self, id: ReservationId) -> Result<&Reservation, Error> {
        let line = self.lines.get(&id);
        line.map(|line| &line.row)
            .ok_or(Error::NotFound("reservation"))
    }

    pub(super) fn find(&self, id: ReservationId) -> Option<&Reservation> {
        self.lines.get(&id).map(|line| &line.row)
    }

    /// Writes a reservation down, made or changed.
    pub(super) fn keep(&mut self, row: Reservation) {
        let from = self.lines.get(&row.id).and_then(|line| line.from);
        let line = Line {
            row,
            from,
            is_changed: true,
        };
        self.lines.insert(line.row.id, line);
    }

    pub(super) fn tally(&self, key: &Key) -> Tally {
        let count = self.counts.get(key);
        if count.is_none() {
            self.missing.borrow_mut().insert(key.clone());
        }
        count.map_or(Tally::default(), |one| one.tally)
    }

    /// Moves a counter, and lets its budgets ring when it passes their thresholds.
    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Count)) {
        let Some(count) = self.counts.get_mut(key) else {
            self.missing.borrow_mut().insert(key.clone());
            return;
        };
        let before = count.tally;
        change(count);
        let after = count.tally;
        let step = Move { key, before, after };
        let rules = Arc::clone(&self.rules);
        for budget in rules.budgets_on(key) {
            let ids = Arc::clone(&self.ids);
            let rung = alert::crossed(budget, step, self.now, move || ids.next());
            self.alerts.extend(rung);
        }
    }

    pub(super) fn enter(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(super) fn ring(&mut self, alert: Alert) {
        self.alerts.push(alert);
    }

    pub(super) fn note(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    pub(super) fn signed(&self, actor: &str) -> Signature {
        Signature {
            actor: actor.to_owned(),
            at: self.now,
            ids: Arc::clone(&self.ids),
        }
    }

    pub(super) fn next_id(&self) -> Uuid {
        self.ids.next()
    }

    pub(super) fn standings(&self, checks: Vec<Check>) -> Vec<Standing> {
        let look = |check: Check| Standing {
            tally: self.tally(&check.key),
            check,
        };
        checks.into_iter().map(look).collect()
    }

    /// A reservation under the limits of today, with nothing asked.
    pub(super) fn looked_at(&self, row: &Reservation) -> Vec<Standing> {
        let checks = self.rules.checks(order_of(row), &row.amounts);
        let mut standings = self.standings(checks.unwrap_or_default());
        for standing in &mut standings {
            standing.check.amount = 0;
        }
        standings
    }

    pub(super) fn done(&self, row: Reservation, standings: Vec<Standing>) -> Done {
        Done {
            reservation: row,
            standings,
            is_repeat: false,
        }
    }

    pub(super) fn repeated(&self, row: Reservation) -> Done {
        Done {
            standings: self.looked_at(&row),
            reservation: row,
            is_repeat: true,
        }
    }
}

impl Writes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            lines,
            counts,
            entries,
            alerts,
            events,
        } = self;
        lines.is_empty()
            && counts.is_empty()
            && entries.is_empty()
            && alerts.is_empty()
            && events.is_empty()
    }
}

/// Whose units a reservation's are, and what for.
pub(super) fn order_of(row: &Reservation) -> Order<'_> {
    Order {
        owner: row.owner,
        tier: &row.tier,
        purpose: &row.purpose,
        at: row.created_at,
    }
}
