//! The ledger as rows, and the balances that are its sums.

use std::collections::BTreeMap;

use crate::domain::entry::{Account, Entry};
use database::row_set::{Cell, Column, Kind, Rows, Write};

const MADE: &str = "INSERT INTO entries (id, created_at, day, kind, debit, credit, amount,
        reservation_id, owner, tier, work, provider, model, project, api_key, task_id, attempt,
        units, tokens, price_version, note, created_by)
    SELECT id, created_at, day, kind, debit, credit, amount,
        reservation_id, owner, tier, work, provider, model, project, api_key, task_id, attempt,
        units, tokens, price_version, note, created_by
    FROM {given}";
const MOVED: &str = "INSERT INTO accounts AS kept (account, shard, debits, credits)
    SELECT account, shard, debits, credits FROM {given} WHERE TRUE
    ON CONFLICT (account, shard) DO UPDATE
    SET debits = kept.debits + excluded.debits, credits = kept.credits + excluded.credits";

const SET: &[Column; 22] = &[
    ("id", Kind::Id),
    ("created_at", Kind::Number),
    ("day", Kind::Number),
    ("kind", Kind::Text),
    ("debit", Kind::Text),
    ("credit", Kind::Text),
    ("amount", Kind::Number),
    ("reservation_id", Kind::Id),
    ("owner", Kind::Id),
    ("tier", Kind::Text),
    ("work", Kind::Text),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("project", Kind::Text),
    ("api_key", Kind::Text),
    ("task_id", Kind::Text),
    ("attempt", Kind::Number),
    ("units", Kind::Number),
    ("tokens", Kind::Number),
    ("price_version", Kind::Text),
    ("note", Kind::Text),
    ("created_by", Kind::Text),
];

const BALANCES: &[Column; 4] = &[
    ("account", Kind::Text),
    ("shard", Kind::Number),
    ("debits", Kind::Number),
    ("credits", Kind::Number),
];

/// Writes new rows.
pub fn rows(entries: &[Entry]) -> Option<Write> {
    let rows = Rows::new(SET, entries.iter().map(row));
    Write::new("entries_made", MADE, rows)
}

/// Adds the rows to the balances of their accounts. An account that everybody moves has many rows,
/// one per shard, so that nobody waits for it.
pub fn balances(entries: &[Entry], shard: u32) -> Option<Write> {
    let mut sums: BTreeMap<&Account, (i64, i64)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.amount.0 != 0) {
        let debit = sums.entry(&entry.debit).or_default();
        debit.0 = debit.0.saturating_add(entry.amount.0);
        let credit = sums.entry(&entry.credit).or_default();
        credit.1 = credit.1.saturating_add(entry.amount.0);
    }
    let balance = |(account, (debits, credits)): (&Account, (i64, i64))| {
        let shard = match account {
            Account::User(_) => 0,
            _ => shard,
        };
        let account = account.to_string();
        [account.into(), shard.into(), debits.into(), credits.into()]
    };
    let rows = Rows::new(BALANCES, sums.into_iter().map(balance));
    Write::new("accounts_moved", MOVED, rows)
}

// In the order of SET.
fn row(entry: &Entry) -> [Cell; 22] {
    let purpose = &entry.purpose;
    [
        entry.id.into(),
        entry.created_at.into(),
        entry.day.into(),
        entry.kind.as_str().into(),
        entry.debit.to_string().into(),
        entry.credit.to_string().into(),
        entry.amount.0.into(),
        entry.reservation.into(),
        entry.owner.into(),
        entry.tier.as_str().into(),
        purpose.kind.as_str().into(),
        purpose.provider.as_str().into(),
        purpose.model.as_str().into(),
        purpose.project.as_str().into(),
        purpose.api_key.as_str().into(),
        purpose.task.as_str().into(),
        purpose.attempt.into(),
        entry.units.into(),
        entry.tokens.into(),
        entry.price_version.as_str().into(),
        entry.note.as_str().into(),
        entry.created_by.as_str().into(),
    ]
}
