//! The books as anybody would describe them, with no counters at all: every sum is made anew from all
//! reservations. Slow, plain, and right; the real ones are compared with it.

use std::collections::HashMap;

use types::{ReservationId, UserId};
use usage::domain::reservation::State;

/// Generations an owner may use, and money everybody may.
pub const UNITS: i64 = 12;
pub const MONEY: i64 = 1_000;

/// What an instruction came to, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Done,
    Repeat,
    Over,
    Mismatch,
    Missing,
    Wrong,
}

/// A reservation.
#[derive(Debug, Clone)]
struct Row {
    owner: UserId,
    body: (i64, i64),
    amended: Option<i64>,
    state: State,
    expires_at: i64,
    units: Part,
    money: Part,
    /// What it was settled with.
    said: Option<(i64, i64)>,
}

/// What a reservation comes to in one meter.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    asked: i64,
    held: i64,
    used: i64,
}

/// All of them.
#[derive(Default)]
pub struct Model {
    rows: HashMap<ReservationId, Row>,
    pub charged: i64,
    pub loss: i64,
    pub suspended: i64,
}

impl Model {
    /// Used and held, of an owner's generations.
    pub fn units(&self, owner: UserId) -> (i64, i64) {
        let own = self.rows.values().filter(|row| row.owner == owner);
        own.fold((0, 0), |sum, row| {
            (sum.0 + row.units.used, sum.1 + row.units.held)
        })
    }

    /// Used and held, of everybody's money.
    pub fn money(&self) -> (i64, i64) {
        let all = self.rows.values();
        all.fold((0, 0), |sum, row| {
            (sum.0 + row.money.used, sum.1 + row.money.held)
        })
    }

    fn units_left(&self, owner: UserId) -> i64 {
        let (used, held) = self.units(owner);
        UNITS - used - held
    }

    fn money_left(&self) -> i64 {
        let (used, held) = self.money();
        MONEY - used - held
    }

    pub fn reserve(
        &mut self,
        id: ReservationId,
        owner: UserId,
        body: (i64, i64),
        until: i64,
    ) -> Word {
        if let Some(row) = self.rows.get(&id) {
            let is_same = row.owner == owner && row.body == body;
            return if is_same {
                Word::Repeat
            } else {
                Word::Mismatch
            };
        }
        if body.0 > self.units_left(owner) || body.1 > self.money_left() {
            return Word::Over;
        }
        let part = |asked| Part {
            asked,
            held: asked,
            used: 0,
        };
        let row = Row {
            owner,
            body,
            amended: None,
            state: State::Held,
            expires_at: until,
            units: part(body.0),
            money: part(body.1),
            said: None,
        };
        self.rows.insert(id, row);
        Word::Done
    }

    pub fn amend(&mut self, id: ReservationId, money: i64) -> Word {
        let left = self.money_left();
        let Some(row) = self.rows.get_mut(&id) else {
            return Word::Missing;
        };
        if row.state.expires() && row.amended == Some(money) {
            return Word::Repeat;
        }
        if row.state != State::Held {
            return Word::Wrong;
        }
        if money > row.money.held && money - row.money.held > left {
            return Word::Over;
        }
        row.amended = Some(money);
        row.money.asked = money;
        row.money.held = money;
        Word::Done
    }

    pub fn confirm(&mut self, id: ReservationId, until: i64) -> Word {
        let Some(row) = self.rows.get_mut(&id) else {
            return Word::Missing;
        };
        match row.state {
            State::Held => {
                row.state = State::Confirmed;
                row.expires_at = row.expires_at.max(until);
                Word::Done
            }
            State::Confirmed | State::Suspended | State::Settled => Word::Repeat,
            State::Released | State::Expired => Word::Wrong,
        }
    }

    pub fn extend(&mut self, id: ReservationId, until: i64) -> Word {
        let Some(row) = self.rows.get_mut(&id) else {
            return Word::Missing;
        };
        if !row.state.expires() {
            return Word::Wrong;
        }
        row.expires_at = row.expires_at.max(until);
        Word::Done
    }

    pub fn settle(&mut self, id: ReservationId, units: i64, money: i64) -> Word {
        let Some(mut row) = self.rows.get(&id).cloned() else {
            return Word::Missing;
        };
        let said = Some((units, money));
        match row.state {
            State::Settled if row.said == said => return Word::Repeat,
            State::Settled => return Word::Mismatch,
            State::Released => return Word::Wrong,
            _ => row.said = said,
        }
        // Whoever holds nothing takes what is left, and no more than it asked for.
        let counted = |part: Part, actual: i64, left: i64| match part.held {
            0 => actual.min(part.asked).min(left.max(0)),
            held => actual.min(held),
        };
        let units = counted(row.units, units, self.units_left(row.owner));
        let counts = counted(row.money, money, self.money_left());
        self.charged += counts;
        self.loss += money - counts;
        self.end(id, row, State::Settled, units, counts)
    }

    pub fn release(&mut self, id: ReservationId) -> Word {
        let Some(row) = self.rows.get(&id).cloned() else {
            return Word::Missing;
        };
        match row.state {
            State::Released => Word::Repeat,
            State::Settled => Word::Wrong,
            _ => self.end(id, row, State::Released, 0, 0),
        }
    }

    pub fn expire(&mut self, id: ReservationId, now: i64) -> Word {
        let Some(row) = self.rows.get(&id).cloned() else {
            return Word::Missing;
        };
        if !row.state.expires() || row.expires_at > now {
            return Word::Repeat;
        }
        self.end(id, row, State::Expired, 0, 0)
    }

    pub fn suspend(&mut self, id: ReservationId) -> Word {
        let Some(mut row) = self.rows.get(&id).cloned() else {
            return Word::Missing;
        };
        match row.state {
            State::Suspended => return Word::Repeat,
            State::Settled | State::Released => return Word::Wrong,
            _ => {}
        }
        row.units = Part::default();
        if row.money.asked == 0 {
            return self.end(id, row, State::Released, 0, 0);
        }
        self.suspended += row.money.asked;
        row.state = State::Suspended;
        self.rows.insert(id, row);
        Word::Done
    }

    fn end(
        &mut self,
        id: ReservationId,
        mut row: Row,
        state: State,
        units: i64,
        money: i64,
    ) -> Word {
        if row.state == State::Suspended {
            self.suspended -= row.money.asked;
        }
        row.state = state;
        row.units.held = 0;
        row.units.used = units;
        row.money.held = 0;
        row.money.used = money;
        self.rows.insert(id, row);
        Word::Done
    }
}
