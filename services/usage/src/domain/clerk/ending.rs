//! Ending a reservation: what was used is spent and charged, the rest goes back; at most once.

use std::collections::BTreeSet;

use types::{Microusd, ReservationId};

use super::sheet::{Sheet, order_of};
use super::{Done, Outcome};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::charge::{Charge, Settlement};
use crate::domain::counter::Key;
use crate::domain::entry::{Account, Entry, EntryKind};
use crate::domain::error::Error;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::meter::Meter;
use crate::domain::reservation::{Reservation, State, WrongState};
use crate::domain::rules::{Amounts, Order};
use crate::domain::scope::Scope;

const HOUR: i64 = 3_600_000_000;

/// What a settled reservation used of a meter.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    /// What counts: never more than was set aside.
    counted: i64,
    /// What went beyond.
    beyond: i64,
}

impl Sheet {
    pub(super) fn settle(&mut self, id: ReservationId, settlement: &Settlement) -> Outcome {
        let row = self.row(id)?;
        match row.state {
            State::Settled if is_other(row, settlement) => return Err(Error::OperationMismatch),
            State::Settled => return Ok(same(row)),
            State::Released => return Err(WrongState(row.state).into()),
            State::Held | State::Confirmed | State::Suspended | State::Expired => {}
        }
        let mut row = row.clone();
        row.amend_hash = settle_hash(settlement);
        self.end_suspense(&row);
        let charges = settlement.charges_of(&row);
        let money = self.spend(&row, Meter::Microusd, &charges);
        let units = self.spend(&row, Meter::Generations, &charges);
        for meter in [Meter::Tokens, Meter::StorageBytes, Meter::Requests] {
            self.spend(&row, meter, &charges);
        }
        for ((charge, money), units) in charges.iter().zip(money).zip(units) {
            let part = Reservation {
                purpose: charge.purpose(&row.purpose),
                ..row.clone()
            };
            let entry = Entry {
                units: units.counted,
                tokens: charge.of(Meter::Tokens),
                ..self.entry(&part, EntryKind::Charge, money.counted)
            };
            self.enter(entry);
            if money.beyond > 0 {
                let loss = self.entry(&part, EntryKind::Loss, money.beyond);
                self.enter(loss);
                self.ring_loss(&part, money);
            }
        }
        self.end(row, State::Settled)
    }

    pub(super) fn release(&mut self, id: ReservationId) -> Outcome {
        let row = self.row(id)?;
        match row.state {
            State::Released => Ok(same(row)),
            State::Settled => Err(WrongState(row.state).into()),
            State::Held | State::Confirmed | State::Suspended | State::Expired => {
                let row = row.clone();
                self.end_suspense(&row);
                self.free(&row, |_| true);
                self.end(row, State::Released)
            }
        }
    }

    pub(super) fn expire(&mut self, id: ReservationId) -> Outcome {
        let row = self.row(id)?;
        if !row.state.expires() || row.expires_at > self.now {
            return Ok(same(row));
        }
        let row = row.clone();
        self.free(&row, |_| true);
        self.end(row, State::Expired)
    }

    /// Units that are not money go back: their owner got nothing. Money that was given back when
    /// the reservation expired is in suspense all the same, but no longer set aside.
    pub(super) fn suspend(&mut self, id: ReservationId) -> Outcome {
        let row = self.row(id)?;
        match row.state {
            State::Suspended => return Ok(same(row)),
            State::Settled | State::Released => return Err(WrongState(row.state).into()),
            State::Held | State::Confirmed | State::Expired => {}
        }
        let mut row = row.clone();
        self.free(&row, |key| !key.meter.is_money());
        row.items.retain(|item| item.key.meter.is_money());
        row.amounts.retain(|meter, _| meter.is_money());
        if row.money().0 == 0 {
            return self.end(row, State::Released);
        }
        let entry = self.entry(&row, EntryKind::Suspense, row.money().0);
        self.enter(entry);
        row.state = State::Suspended;
        row.resolved_at = None;
        self.keep(row.clone());
        Ok(self.done(row, Vec::new()))
    }

    fn end_suspense(&mut self, row: &Reservation) {
        if row.state == State::Suspended {
            let entry = self.entry(row, EntryKind::Unsuspense, row.money().0);
            self.enter(entry);
        }
    }

    fn end(&mut self, mut row: Reservation, state: State) -> Outcome {
        row.state = state;
        row.items.clear();
        row.resolved_at = Some(self.now);
        self.keep(row.clone());
        Ok(self.done(row, Vec::new()))
    }

    fn free(&mut self, row: &Reservation, which: impl Fn(&Key) -> bool) {
        for item in row.items.iter().filter(|item| which(&item.key)) {
            self.change(&item.key, |count| count.tally.held -= item.amount);
        }
    }

    // Held units become used ones, as many as were needed, charge by charge. A reservation that holds
    // nothing (any more) takes what still fits: work that was done counts, but nobody goes over for it.
    // So does the part of another provider under the budgets of that one, which hold nothing for it.
    fn spend(&mut self, row: &Reservation, meter: Meter, charges: &[Charge]) -> Vec<Use> {
        let items = row.items.iter().filter(|item| item.key.meter == meter);
        let items: Vec<_> = items.cloned().collect();
        let mut left = row.amounts.get(&meter).copied().unwrap_or(0);
        let mut uses = Vec::with_capacity(charges.len());
        for charge in charges {
            let amount = charge.of(meter);
            let most = amount.min(left);
            let is_own = charge.provider == row.purpose.provider;
            let counted = match items.is_empty() {
                false if is_own => most,
                holds_nothing => self.spend_late(row, charge, (meter, most), holds_nothing),
            };
            left -= counted;
            uses.push(Use {
                counted,
                beyond: amount.saturating_sub(counted),
            });
        }
        let own = Scope::Provider(row.purpose.provider.clone()).subject();
        for item in items {
            let counts = |charge: &Charge| {
                item.key.subject != own || charge.provider == row.purpose.provider
            };
            let used = (charges.iter().zip(&uses)).filter(|(charge, _)| counts(charge));
            let used = used.fold(0_i64, |sum, (_, one)| sum.saturating_add(one.counted));
            self.change(&item.key, |count| {
                count.tally.held -= item.amount;
                count.tally.used = count.tally.used.saturating_add(used);
            });
        }
        uses
    }

    // Under every limit, or only under those of the charge's provider.
    fn spend_late(
        &mut self,
        row: &Reservation,
        charge: &Charge,
        (meter, most): (Meter, i64),
        under_all: bool,
    ) -> i64 {
        let amounts = Amounts::from([(meter, most)]);
        let order = Order {
            purpose: &charge.purpose(&row.purpose),
            ..order_of(row)
        };
        let own = Scope::Provider(charge.provider.clone()).subject();
        let mut checks = self.rules.checks_left(order, &amounts);
        checks.retain(|check| under_all || check.key.subject == own);
        let room = (checks.iter())
            .filter(|check| check.is_hard)
            .map(|check| self.tally(&check.key).remaining(check.limit))
            .min();
        let counted = most.min(room.unwrap_or(most));
        let keys: BTreeSet<Key> = checks.into_iter().map(|check| check.key).collect();
        for key in keys.into_iter().filter(|_| counted > 0) {
            self.change(&key, |count| {
                count.tally.used = count.tally.used.saturating_add(counted);
                count.cap = count.cap.max(count.tally.committed());
            });
        }
        counted
    }

    fn ring_loss(&mut self, row: &Reservation, money: Use) {
        let provider = &row.purpose.provider;
        let alert = Alert {
            id: self.next_id(),
            kind: AlertKind::Loss,
            dedupe: format!("loss:{provider}:{}", self.now.micros() / HOUR),
            message: format!(
                "work by '{provider}' cost {} more than the {} that counted for it: a loss of the \
                 platform; further losses of this hour are in the ledger",
                Microusd(money.beyond),
                Microusd(money.counted),
            ),
            budget: None,
            percent: 0,
            amount: money.beyond,
            limit: money.counted,
            window_start: None,
            created_at: self.now,
        };
        self.ring(alert);
    }

    pub(super) fn entry(&self, row: &Reservation, kind: EntryKind, amount: i64) -> Entry {
        let user = Account::User(row.owner);
        let provider = Account::Provider(row.purpose.provider.clone());
        let (debit, credit) = match kind {
            EntryKind::Charge => (user, provider),
            EntryKind::Loss => (Account::Loss, provider),
            EntryKind::Suspense => (Account::Suspense, provider),
            EntryKind::Unsuspense => (provider, Account::Suspense),
            EntryKind::Adjustment => (user, Account::Goodwill),
        };
        Entry {
            id: self.next_id(),
            created_at: self.now,
            day: self.rules.calendar().day(row.created_at),
            kind,
            debit,
            credit,
            amount: Microusd(amount),
            reservation: row.id,
            owner: row.owner,
            tier: row.tier.clone(),
            purpose: row.purpose.clone(),
            units: 0,
            tokens: 0,
            price_version: row.price_version.clone(),
            note: String::new(),
            created_by: String::new(),
        }
    }
}

fn settle_hash(settlement: &Settlement) -> String {
    let mut print = Fingerprint::of("settle").amounts(&settlement.actuals);
    for charge in &settlement.charges {
        print = print.charge(charge);
    }
    print.finish()
}

// Those that were settled before this was noted answer every settlement alike.
fn is_other(row: &Reservation, settlement: &Settlement) -> bool {
    Fingerprint::is_one(&row.amend_hash) && row.amend_hash != settle_hash(settlement)
}

fn same(row: &Reservation) -> Done {
    Done {
        reservation: row.clone(),
        standings: Vec::new(),
        is_repeat: true,
    }
}
