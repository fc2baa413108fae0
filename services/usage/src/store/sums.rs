//! What ledger rows add up to: per day and purpose, for reports and for budgets made in the middle of
//! their window; per minute, for the breaker.

use std::collections::BTreeMap;

use types::UserId;

use crate::domain::entry::{Account, Entry, EntryKind};
use crate::domain::scope::Purpose;
use database::row_set::{Cell, Column, Kind, Rows, Write};

const MINUTE: i64 = 60_000_000;

const DAILY: &[Column; 13] = &[
    ("day", Kind::Number),
    ("owner", Kind::Id),
    ("tier", Kind::Text),
    ("work", Kind::Text),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("project", Kind::Text),
    ("api_key", Kind::Text),
    ("records", Kind::Number),
    ("units", Kind::Number),
    ("tokens", Kind::Number),
    ("charged", Kind::Number),
    ("loss", Kind::Number),
];

const MINUTES: &[Column; 3] = &[
    ("minute", Kind::Number),
    ("shard", Kind::Number),
    ("microusd", Kind::Number),
];

const DAYS_MOVED: &str = "INSERT INTO usage_daily AS kept (day, owner, tier, work, provider, model,
        project, api_key, records, units, tokens, charged, loss)
    SELECT day, owner, tier, work, provider, model,
        project, api_key, records, units, tokens, charged, loss
    FROM {given} WHERE TRUE
    ON CONFLICT (owner, day, tier, work, provider, model, project, api_key) DO UPDATE
    SET records = kept.records + excluded.records, units = kept.units + excluded.units,
        tokens = kept.tokens + excluded.tokens, charged = kept.charged + excluded.charged,
        loss = kept.loss + excluded.loss";
const MINUTES_MOVED: &str = "INSERT INTO spend_minutes AS kept (minute, shard, microusd)
    SELECT minute, shard, microusd FROM {given} WHERE TRUE
    ON CONFLICT (minute, shard) DO UPDATE SET microusd = kept.microusd + excluded.microusd";

// In the order of the table's key, which is the order rows are locked in.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    owner: UserId,
    day: i32,
    tier: &'a str,
    work: &'a str,
    provider: &'a str,
    model: &'a str,
    project: &'a str,
    api_key: &'a str,
}

#[derive(Default)]
struct Sum {
    records: i64,
    units: i64,
    tokens: i64,
    charged: i64,
    loss: i64,
}

/// Adds charges and losses to the sums of their days, and corrections, which are no use, as work of
/// their own name.
pub fn days(entries: &[Entry]) -> Option<Write> {
    let mut sums: BTreeMap<Name<'_>, Sum> = BTreeMap::new();
    let counts = |entry: &&Entry| is_use(entry.kind) || entry.kind == EntryKind::Adjustment;
    for entry in entries.iter().filter(counts) {
        let sum = sums.entry(name(entry)).or_default();
        sum.units = sum.units.saturating_add(entry.units);
        sum.tokens = sum.tokens.saturating_add(entry.tokens);
        match entry.kind {
            EntryKind::Loss => sum.loss = sum.loss.saturating_add(entry.amount.0),
            _ => {
                sum.records += 1;
                sum.charged = sum.charged.saturating_add(charged(entry));
            }
        }
    }
    let rows = Rows::new(DAILY, sums.into_iter().map(day));
    Write::new("days_moved", DAYS_MOVED, rows)
}

/// Adds charges and losses to what was spent in their minutes.
pub fn minutes(entries: &[Entry], shard: u32) -> Option<Write> {
    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_use(entry.kind)) {
        let sum = sums.entry(entry.created_at.micros().div_euclid(MINUTE));
        let sum = sum.or_default();
        *sum = sum.saturating_add(entry.amount.0);
    }
    let spent = sums.into_iter().filter(|(_, microusd)| *microusd != 0);
    let rows = spent.map(|(minute, microusd)| [minute.into(), shard.into(), microusd.into()]);
    Write::new("minutes_moved", MINUTES_MOVED, Rows::new(MINUTES, rows))
}

// In the order of DAILY.
fn day((name, sum): (Name<'_>, Sum)) -> [Cell; 13] {
    [
        name.day.into(),
        name.owner.into(),
        name.tier.into(),
        name.work.into(),
        name.provider.into(),
        name.model.into(),
        name.project.into(),
        name.api_key.into(),
        sum.records.into(),
        sum.units.into(),
        sum.tokens.into(),
        sum.charged.into(),
        sum.loss.into(),
    ]
}

// What goes back to the owner counts the other way.
fn charged(entry: &Entry) -> i64 {
    match entry.credit {
        Account::User(_) => -entry.amount.0,
        _ => entry.amount.0,
    }
}

fn is_use(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Charge | EntryKind::Loss)
}

fn name(entry: &Entry) -> Name<'_> {
    let Purpose {
        kind,
        provider,
        model,
        project,
        api_key,
        ..
    } = &entry.purpose;
    Name {
        owner: entry.owner,
        day: entry.day,
        tier: &entry.tier,
        work: match entry.kind {
            EntryKind::Adjustment => "ADJUSTMENT",
            _ => kind,
        },
        provider,
        model,
        project,
        api_key,
    }
}
