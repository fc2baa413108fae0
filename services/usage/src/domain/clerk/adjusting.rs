//! Correcting by hand: units are granted on top of an owner's limits or taken from them, and a
//! compensating row stands in the ledger; what was used stays as it was.

use std::collections::BTreeSet;

use super::Outcome;
use super::sheet::Sheet;
use crate::domain::audit::AuditEvent;
use crate::domain::counter::{Check, Subject, Tally};
use crate::domain::entry::{Entry, EntryKind};
use crate::domain::error::Error;
use crate::domain::meter::Meter;
use crate::domain::reservation::{Adjustment, Reservation, State};
use crate::domain::rules::{Amounts, Order};
use crate::domain::scope::Purpose;

impl Sheet {
    /// The owner's own limits in the windows of now; a correction of one owner does not move what
    /// everybody shares.
    pub(super) fn adjusted(&self, adjustment: &Adjustment) -> Result<Vec<Check>, Error> {
        let order = Order {
            owner: adjustment.owner,
            tier: &adjustment.tier,
            purpose: &Purpose::default(),
            at: self.now,
        };
        let amounts = Amounts::from([(adjustment.meter, 0)]);
        let own = Subject::user(adjustment.owner);
        let checks = self.rules.checks(order, &amounts);
        let mut checks = checks.map_err(|unknown| Error::invalid("tier", &unknown))?;
        checks.retain(|check| check.key.subject == own);
        Ok(checks)
    }

    pub(super) fn adjust(&mut self, adjustment: &Adjustment) -> Outcome {
        let request_hash = adjustment.hash();
        if let Some(row) = self.find(adjustment.id) {
            if row.request_hash != request_hash {
                return Err(Error::OperationMismatch);
            }
            return Ok(self.repeated(row.clone()));
        }
        let checks = self.adjusted(adjustment)?;
        let keys: BTreeSet<_> = checks.iter().map(|one| one.key.clone()).collect();
        let rooms = keys.iter().map(|key| room(self.tally(key)));
        if let Some(most) = rooms.max().filter(|most| adjustment.amount < -most) {
            let problem = format!("gives back more than the {most} that are used");
            return Err(Error::invalid("amount", &problem));
        }
        for key in keys {
            // Of a shorter window only what is used in it.
            let amount = adjustment.amount.max(-room(self.tally(&key)));
            self.change(&key, |count| {
                count.tally.granted = count.tally.granted.saturating_sub(amount);
            });
        }
        let row = Reservation {
            id: adjustment.id,
            request_hash,
            owner: adjustment.owner,
            tier: adjustment.tier.clone(),
            state: State::Settled,
            amounts: Amounts::from([(adjustment.meter, adjustment.amount)]),
            purpose: Purpose::default(),
            items: Vec::new(),
            price_version: String::new(),
            amend_hash: String::new(),
            created_at: self.now,
            expires_at: self.now,
            resolved_at: Some(self.now),
        };
        let entry = self.correction(adjustment, &row);
        self.enter(entry);
        let (by, after) = (self.signed(&adjustment.actor), adjustment.picture());
        let event = AuditEvent::new(&by, "adjustment.create", &row.id, None, Some(after));
        self.note(event);
        self.keep(row.clone());
        let standings = self.standings(checks);
        Ok(self.done(row, standings))
    }

    fn correction(&self, adjustment: &Adjustment, row: &Reservation) -> Entry {
        let (money, units) = match adjustment.meter {
            Meter::Microusd => (adjustment.amount, 0),
            _ => (0, adjustment.amount),
        };
        let mut entry = Entry {
            units,
            note: adjustment.note.clone(),
            created_by: adjustment.actor.clone(),
            ..self.entry(row, EntryKind::Adjustment, money.saturating_abs())
        };
        if money < 0 {
            std::mem::swap(&mut entry.debit, &mut entry.credit);
        }
        entry
    }
}

// What can be given back: what was used, or taken by hand, and not given back before.
fn room(tally: Tally) -> i64 {
    tally.used.saturating_sub(tally.granted).max(0)
}
