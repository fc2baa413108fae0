//! Setting units aside: everything fits under every hard limit, or nothing is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use errors::FieldViolation;
use types::{Microusd, ReservationId};

use super::sheet::{Sheet, order_of};
use super::{Done, Outcome};
use crate::domain::counter::{Check, Key};
use crate::domain::error::{Error, Refusal};
use crate::domain::meter::Meter;
use crate::domain::price::Work;
use crate::domain::reservation::{Amendment, Ask, Item, Reservation, State, WrongState};
use crate::domain::rules::{Amounts, MAX_AMOUNT, Order};
use crate::domain::scope::Purpose;

// A confirmed reservation's keeper is asked about it once a day.
const CONFIRMED: Duration = Duration::from_secs(86_400);
// What holds for longer is confirmed in time by its keeper.
const SOON: Duration = Duration::from_secs(60);

impl Sheet {
    /// What is to be set aside, money of the work included, and the price's version.
    pub(super) fn priced(
        &self,
        amounts: &Amounts,
        purpose: &Purpose,
        work: Option<&Work>,
    ) -> Result<(Amounts, String), Error> {
        let mut amounts = amounts.clone();
        let Some(work) = work else {
            return Ok((amounts, String::new()));
        };
        let quote = work.quote(&self.rules.prices, &purpose.provider, &purpose.model);
        let quote = quote
            .ok_or_else(|| Error::PriceUnknown(purpose.provider.clone(), purpose.model.clone()))?;
        if quote.amount.0 > MAX_AMOUNT {
            return Err(too_much(quote.amount));
        }
        amounts.insert(Meter::Microusd, quote.amount.0);
        Ok((amounts, quote.version))
    }

    pub(super) fn reserve(&mut self, ask: &Ask) -> Outcome {
        let request_hash = ask.hash();
        if let Some(row) = self.find(ask.id) {
            if row.request_hash != request_hash {
                return Err(Error::OperationMismatch);
            }
            return Ok(self.repeated(row.clone()));
        }
        let (amounts, price_version) =
            self.priced(&ask.amounts, &ask.purpose, ask.work.as_ref())?;
        let mut row = Reservation {
            id: ask.id,
            request_hash,
            owner: ask.owner,
            tier: ask.tier.clone(),
            state: State::Held,
            amounts,
            purpose: ask.purpose.clone(),
            items: Vec::new(),
            price_version,
            amend_hash: String::new(),
            created_at: self.now,
            expires_at: self.now.plus(ask.hold),
            resolved_at: None,
        };
        let checks = self.take(&mut row)?;
        self.keep(row.clone());
        let standings = self.standings(checks);
        Ok(self.done(row, standings))
    }

    pub(super) fn amend(&mut self, amendment: &Amendment) -> Outcome {
        let amend_hash = amendment.hash();
        let row = self.row(amendment.id)?;
        if row.state.expires() && row.amend_hash == amend_hash {
            return Ok(self.repeated(row.clone()));
        }
        // A confirmed one belongs to a task that was accepted at its price.
        if row.state != State::Held {
            return Err(WrongState(row.state).into());
        }
        let mut amended = row.clone();
        if let Some(work) = &amendment.work {
            let priced = self.priced(&row.amounts, &amendment.purpose, Some(work))?;
            (amended.amounts, amended.price_version) = priced;
        }
        amended.amend_hash = amend_hash;
        amended.purpose = amendment.purpose.clone();
        let checks = self.take(&mut amended)?;
        self.keep(amended.clone());
        let standings = self.standings(checks);
        Ok(self.done(amended, standings))
    }

    // Makes the reservation hold its amounts in place of what it held before, or changes nothing.
    fn take(&mut self, row: &mut Reservation) -> Result<Vec<Check>, Error> {
        let order: Order<'_> = order_of(row);
        let checks = self.rules.checks(order, &row.amounts)?;
        if row.money().0 > 0
            && let Some(pause) = &self.rules.pause
        {
            return Err(Error::Paused(pause.clone()));
        }
        let held: BTreeMap<&Key, i64> =
            row.items.iter().map(|one| (&one.key, one.amount)).collect();
        self.refuse_what_does_not_fit(row, &checks, &held)?;
        let wanted: BTreeMap<Key, i64> = (checks.iter())
            .filter(|check| check.amount > 0)
            .map(|check| (check.key.clone(), check.amount))
            .collect();
        let keys: BTreeSet<Key> = (wanted.keys().cloned())
            .chain(row.items.iter().map(|one| one.key.clone()))
            .collect();
        for key in keys {
            let before = held.get(&key).copied().unwrap_or(0);
            let after = wanted.get(&key).copied().unwrap_or(0);
            if after != before {
                let cap = self.cap(&key, &checks, after > before);
                self.change(&key, |count| {
                    count.tally.held += after - before;
                    count.cap = cap.unwrap_or(count.cap);
                });
            }
        }
        row.items = (wanted.into_iter())
            .map(|(key, amount)| Item { key, amount })
            .collect();
        Ok(checks)
    }

    // What is held already was granted, whatever the limit says by now.
    fn refuse_what_does_not_fit(
        &self,
        row: &Reservation,
        checks: &[Check],
        held: &BTreeMap<&Key, i64>,
    ) -> Result<(), Error> {
        let mut standings = self.standings(checks.to_vec());
        for standing in &mut standings {
            let granted = held.get(&standing.check.key).copied().unwrap_or(0);
            if standing.check.amount <= granted {
                standing.check.amount = 0;
                continue;
            }
            standing.tally.held = standing.tally.held.saturating_sub(granted);
            // No number is larger, whoever set the limit.
            let room = i64::MAX.saturating_sub(standing.tally.committed());
            standing.check.is_hard |= standing.check.amount > room;
        }
        match Refusal::of(&row.tier, standings, self.now) {
            Some(refusal) => Err(Error::OverLimit(Box::new(refusal))),
            None => Ok(()),
        }
    }

    // The lowest hard limit on a counter that units are being taken from.
    fn cap(&self, key: &Key, checks: &[Check], takes: bool) -> Option<i64> {
        let tally = self.tally(key);
        let hard = checks.iter().filter(|one| one.is_hard && one.key == *key);
        let lowest = hard.map(|check| tally.raised(check.limit)).min();
        takes.then(|| lowest.unwrap_or(i64::MAX))
    }

    pub(super) fn confirm(&mut self, id: ReservationId) -> Outcome {
        let row = self.row(id)?;
        match row.state {
            State::Held => {
                let mut row = row.clone();
                row.state = State::Confirmed;
                row.expires_at = row.expires_at.max(self.now.plus(CONFIRMED));
                self.keep(row.clone());
                Ok(self.done(row, Vec::new()))
            }
            State::Confirmed | State::Suspended | State::Settled => Ok(Done {
                reservation: row.clone(),
                standings: Vec::new(),
                is_repeat: true,
            }),
            State::Released | State::Expired => Err(WrongState(row.state).into()),
        }
    }

    /// Paused money is not spent, though it was set aside before. Who keeps the reservation confirms it in
    /// its own time; what would expire before that is confirmed here.
    pub(super) fn begin(&mut self, id: ReservationId) -> Outcome {
        let row = self.row(id)?;
        if !row.state.expires() {
            return Err(WrongState(row.state).into());
        }
        if let Some(pause) = self.rules.pause.as_ref().filter(|_| row.money().0 > 0) {
            return Err(Error::Paused(pause.clone()));
        }
        match row.expires_at > self.now.plus(SOON) {
            true => Ok(self.repeated(row.clone())),
            false => self.confirm(id),
        }
    }

    pub(super) fn extend(&mut self, id: ReservationId, hold: Duration) -> Outcome {
        let row = self.row(id)?;
        if !row.state.expires() {
            return Err(WrongState(row.state).into());
        }
        let hold = match row.state {
            State::Confirmed => hold.max(CONFIRMED),
            _ => hold,
        };
        let mut row = row.clone();
        let until = self.now.plus(hold);
        if until > row.expires_at {
            row.expires_at = until;
            self.keep(row.clone());
        }
        Ok(self.done(row, Vec::new()))
    }
}

fn too_much(amount: Microusd) -> Error {
    let most = Microusd(MAX_AMOUNT);
    Error::Invalid(vec![FieldViolation {
        field: "work".to_owned(),
        description: format!("must come to at most {most}, not {amount}"),
    }])
}
