//! What a new limit counts from the start: what was used in its window before, and what is set aside
//! for work under way. Nobody works by the rules meanwhile, so the sums are exact.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult, Value};
use types::{Timestamp, UserId};

use super::change::query;
use crate::domain::clerk::Count;
use crate::domain::counter::{Key, Subject, Tally};
use crate::domain::meter::Meter;
use crate::domain::reservation::{Item, Reservation};
use crate::domain::rules::Rules;
use crate::domain::scope::Scope;
use crate::domain::window::{Window, WindowKind};
use crate::store::error::StoreError;
use crate::store::{counters, reservations};
use database::row_set::{Column, Kind, Rows};

/// Whose use a limit counts.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// All of a scope together.
    Scope(&'a Scope),
    /// Each owner on a plan, by itself.
    OwnersOn(&'a str),
}

/// A limit that counts anew.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Whose use.
    pub whose: Whose<'a>,
    /// Of what.
    pub meter: Meter,
    /// Over which time.
    pub window: WindowKind,
}

const ITEMS: &[Column; 2] = &[("id", Kind::Id), ("items", Kind::Text)];

// Corrections are no use; they stand in the ledger only.
const USED: &str = "FROM usage_daily WHERE work <> 'ADJUSTMENT' AND day BETWEEN $1 AND $2";
/// What is under way, in two halves, each of which has an index.
pub const OPEN: &str = "SELECT * FROM reservations WHERE state IN ('held', 'confirmed')
                    UNION ALL SELECT * FROM reservations WHERE state = 'suspended'";

/// Makes the counters of a claim right: the one of now, and those of earlier windows in which work is
/// still under way. Gives what stands on them.
pub async fn seed(
    connection: &impl ConnectionTrait,
    before: &Rules,
    claim: Claim<'_>,
    now: Timestamp,
) -> Result<BTreeMap<Key, Tally>, StoreError> {
    let current = before.calendar().containing(claim.window, now);
    let owners = match claim.whose {
        Whose::Scope(_) => BTreeSet::new(),
        Whose::OwnersOn(plan) => owners_on(connection, before, plan, current).await?,
    };
    let mut held = take_over(connection, before, claim, &owners).await?;
    match claim.whose {
        Whose::Scope(scope) => {
            held.entry(key(scope.subject(), claim, current))
                .or_default();
        }
        Whose::OwnersOn(_) => {
            for owner in &owners {
                held.entry(key(Subject::user(*owner), claim, current))
                    .or_default();
            }
        }
    }
    let starts: BTreeSet<Timestamp> = held.keys().map(|key| key.start).collect();
    let mut used: BTreeMap<Key, i64> = BTreeMap::new();
    for start in starts {
        let window = before.calendar().containing(claim.window, start);
        used.extend(used_in(connection, before, claim, window).await?);
    }
    let tally = |(key, held): (Key, i64)| {
        let used = used.get(&key).copied().unwrap_or(0);
        (
            key,
            Tally {
                used,
                held,
                granted: 0,
            },
        )
    };
    let tallies: BTreeMap<Key, Tally> = held.into_iter().map(tally).collect();
    write(connection, before, &tallies).await
}

fn key(subject: Subject, claim: Claim<'_>, window: Window) -> Key {
    Key {
        subject,
        meter: claim.meter,
        window: claim.window,
        start: window.start,
    }
}

// Whoever used anything on the plan in this window, or has work under way on it.
async fn owners_on(
    connection: &impl ConnectionTrait,
    before: &Rules,
    plan: &str,
    window: Window,
) -> Result<BTreeSet<UserId>, StoreError> {
    let (first, last) = before.calendar().days(window);
    let sql = format!(
        "SELECT owner {USED} AND tier = $3 UNION SELECT owner FROM ({OPEN}) AS found WHERE tier = $3"
    );
    let values = [first.into(), last.into(), plan.into()];
    let rows = query(connection, sql, values).await?;
    let owner = |row: &QueryResult| Ok(UserId(row.try_get("", "owner")?));
    rows.iter().map(owner).collect()
}

// Every open reservation that the limit counts holds its units on the limit's counter too from now
// on. Gives the sums.
async fn take_over(
    connection: &impl ConnectionTrait,
    before: &Rules,
    claim: Claim<'_>,
    owners: &BTreeSet<UserId>,
) -> Result<BTreeMap<Key, i64>, StoreError> {
    let (only, value): (&str, Option<Value>) = match claim.whose {
        Whose::Scope(Scope::User(owner)) => ("WHERE owner = $1", Some(owner.uuid().into())),
        Whose::Scope(Scope::Plan(name)) => ("WHERE tier = $1", Some(name.clone().into())),
        Whose::Scope(_) | Whose::OwnersOn(_) => ("", None),
    };
    let sql = format!("SELECT * FROM ({OPEN}) AS found {only}");
    let rows = query(connection, sql, value).await?;
    let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
    let mut changed: Vec<Reservation> = Vec::new();
    for row in &rows {
        let mut open = reservations::read(row)?;
        let amount = open.amounts.get(&claim.meter).copied().unwrap_or(0);
        let Some(subject) = subject_of(&open, claim, owners).filter(|_| amount > 0) else {
            continue;
        };
        let window = before.calendar().containing(claim.window, open.created_at);
        let key = key(subject, claim, window);
        let held = open.items.iter().find(|item| item.key == key);
        let held = held.map(|item| item.amount);
        let sum = sums.entry(key.clone()).or_default();
        *sum = sum.saturating_add(held.unwrap_or(amount));
        if held.is_none() {
            open.items.push(Item { key, amount });
            open.items.sort_by(|left, right| left.key.cmp(&right.key));
            changed.push(open);
        }
    }
    if !changed.is_empty() {
        let rows: Result<Vec<_>, StoreError> = (changed.iter())
            .map(|open| Ok([open.id.into(), reservations::text(&open.items)?]))
            .collect();
        let sql = "UPDATE reservations AS made SET items = given.items FROM {given} WHERE made.id = given.id";
        let statement = Rows::new(ITEMS, rows?).statement(connection, sql)?;
        connection.execute_raw(statement).await?;
    }
    Ok(sums)
}

fn subject_of(open: &Reservation, claim: Claim<'_>, owners: &BTreeSet<UserId>) -> Option<Subject> {
    let (is_counted, subject) = match claim.whose {
        Whose::Scope(scope) => {
            let is_counted = scope.takes_in(open.owner, &open.tier, &open.purpose);
            (is_counted, scope.subject())
        }
        Whose::OwnersOn(_) => (owners.contains(&open.owner), Subject::user(open.owner)),
    };
    is_counted.then_some(subject)
}

// What was used in a window, on every counter of the claim.
async fn used_in(
    connection: &impl ConnectionTrait,
    before: &Rules,
    claim: Claim<'_>,
    window: Window,
) -> Result<Vec<(Key, i64)>, StoreError> {
    let (first, last) = before.calendar().days(window);
    let sum = match claim.meter {
        Meter::Generations => "units",
        Meter::Microusd => "charged",
        Meter::Tokens => "tokens",
        // Nothing records them, so there is nothing to look up.
        Meter::StorageBytes | Meter::Requests => return Ok(Vec::new()),
    };
    let sum = format!("CAST(COALESCE(SUM({sum}), 0) AS BIGINT) AS n");
    let mut values: Vec<Value> = vec![first.into(), last.into()];
    let sql = match claim.whose {
        Whose::OwnersOn(_) => format!("SELECT owner, {sum} {USED} GROUP BY owner"),
        Whose::Scope(scope) => {
            let (only, value): (&str, Option<Value>) = match scope {
                Scope::Global => ("", None),
                Scope::User(owner) => ("AND owner = $3", Some(owner.uuid().into())),
                Scope::ApiKey(id) => ("AND api_key = $3", Some(id.clone().into())),
                Scope::Project(id) => ("AND project = $3", Some(id.clone().into())),
                Scope::Plan(name) => ("AND tier = $3", Some(name.clone().into())),
                Scope::Provider(name) => ("AND provider = $3", Some(name.clone().into())),
                Scope::Kind(name) => ("AND work = $3", Some(name.clone().into())),
            };
            values.extend(value);
            format!("SELECT {sum} {USED} {only}")
        }
    };
    let rows = query(connection, sql, values).await?;
    let used = |row: &QueryResult| {
        let subject = match claim.whose {
            Whose::Scope(scope) => scope.subject(),
            Whose::OwnersOn(_) => Subject::user(UserId(row.try_get("", "owner")?)),
        };
        Ok((key(subject, claim, window), row.try_get("", "n")?))
    };
    rows.iter().map(used).collect()
}

// What operators granted on a counter stays where another rule counts on it already, and is forgotten
// where it was left behind by a rule that is gone.
async fn write(
    connection: &impl ConnectionTrait,
    before: &Rules,
    tallies: &BTreeMap<Key, Tally>,
) -> Result<BTreeMap<Key, Tally>, StoreError> {
    let keys: Vec<Key> = tallies.keys().cloned().collect();
    let found = counters::read(connection, &keys).await?;
    let whole = tallies.iter().zip(found).map(|((key, tally), old)| {
        let granted = if before.counts_on(key) {
            old.granted
        } else {
            0
        };
        (key.clone(), Tally { granted, ..*tally })
    });
    let whole: BTreeMap<Key, Tally> = whole.collect();
    let counts = whole.iter().map(|(key, tally)| {
        let count = Count {
            tally: *tally,
            cap: i64::MAX,
            before: Tally::default(),
        };
        (key.clone(), count)
    });
    counters::put(connection, &counts.collect::<Vec<_>>()).await?;
    Ok(whole)
}
