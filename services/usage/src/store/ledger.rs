//! The ledger as rows, and the balances that are its sums.

use std::collections::BTreeMap;

use serde::Serialize;
use types::{ReservationId, Timestamp, UserId};
use uuid::Uuid;

use super::error::StoreError;
use super::row_set::{Column, Kind, Write};
use crate::domain::entry::{Account, Entry};

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

const SET: &[Column] = &[
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

const BALANCES: &[Column] = &[
    ("account", Kind::Text),
    ("shard", Kind::Number),
    ("debits", Kind::Number),
    ("credits", Kind::Number),
];

#[derive(Serialize)]
struct Row<'a> {
    id: Uuid,
    created_at: Timestamp,
    day: i32,
    kind: &'static str,
    debit: String,
    credit: String,
    amount: i64,
    reservation_id: ReservationId,
    owner: UserId,
    tier: &'a str,
    work: &'a str,
    provider: &'a str,
    model: &'a str,
    project: &'a str,
    api_key: &'a str,
    task_id: &'a str,
    attempt: i64,
    units: i64,
    tokens: i64,
    price_version: &'a str,
    note: &'a str,
    created_by: &'a str,
}

#[derive(Serialize)]
struct Balance {
    account: String,
    shard: u32,
    debits: i64,
    credits: i64,
}

/// Writes new rows.
pub fn rows(entries: &[Entry]) -> Result<Option<Write>, StoreError> {
    let rows: Vec<Row<'_>> = entries.iter().map(row).collect();
    Write::new("entries_made", SET, MADE, &rows)
}

/// Adds the rows to the balances of their accounts. An account that everybody moves has many rows,
/// one per shard, so that nobody waits for it.
pub fn balances(entries: &[Entry], shard: u32) -> Result<Option<Write>, StoreError> {
    Write::new("accounts_moved", BALANCES, MOVED, &sums(entries, shard))
}

fn sums(entries: &[Entry], shard: u32) -> Vec<Balance> {
    let mut sums: BTreeMap<&Account, (i64, i64)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.amount.0 != 0) {
        let debit = sums.entry(&entry.debit).or_default();
        debit.0 = debit.0.saturating_add(entry.amount.0);
        let credit = sums.entry(&entry.credit).or_default();
        credit.1 = credit.1.saturating_add(entry.amount.0);
    }
    let balance = |(account, (debits, credits)): (&Account, (i64, i64))| Balance {
        account: account.to_string(),
        shard: match account {
            Account::User(_) => 0,
            _ => shard,
        },
        debits,
        credits,
    };
    sums.into_iter().map(balance).collect()
}

fn row(entry: &Entry) -> Row<'_> {
    Row {
        id: entry.id,
        created_at: entry.created_at,
        day: entry.day,
        kind: entry.kind.as_str(),
        debit: entry.debit.to_string(),
        credit: entry.credit.to_string(),
        amount: entry.amount.0,
        reservation_id: entry.reservation,
        owner: entry.owner,
        tier: &entry.tier,
        work: &entry.purpose.kind,
        provider: &entry.purpose.provider,
        model: &entry.purpose.model,
        project: &entry.purpose.project,
        api_key: &entry.purpose.api_key,
        task_id: &entry.purpose.task,
        attempt: entry.purpose.attempt,
        units: entry.units,
        tokens: entry.tokens,
        price_version: &entry.price_version,
        note: &entry.note,
        created_by: &entry.created_by,
    }
}
