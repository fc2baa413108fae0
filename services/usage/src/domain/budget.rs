//! A budget: how much may be used within a scope and window, and when somebody is told.

use types::Timestamp;
use uuid::Uuid;

use super::audit::Signature;
use super::counter::Key;
use super::meter::Meter;
use super::scope::Scope;
use super::window::{Calendar, WindowKind};

/// How much may be used within a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// UUIDv7.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Whom it counts.
    pub scope: Scope,
    /// What it counts.
    pub meter: Meter,
    /// Over which time.
    pub window: WindowKind,
    /// How many units.
    pub limit: i64,
    /// Whether it refuses what goes over it.
    pub is_hard: bool,
    /// At how many percent of the limit an alert goes off; ascending.
    pub alert_percents: Vec<i32>,
    /// Grows whenever the limit is raised: alerts go off once per epoch.
    pub epoch: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Who last changed it.
    pub updated_by: String,
}

/// At how many percent alerts go off when nothing else is said.
pub const USUAL_PERCENTS: [i32; 3] = [50, 80, 100];
/// There are no more budgets than this: every process holds all of them in memory.
pub const MOST_BUDGETS: i64 = 10_000;

/// A budget to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBudget {
    /// For people.
    pub name: String,
    /// Whom it counts.
    pub scope: Scope,
    /// What it counts.
    pub meter: Meter,
    /// Over which time.
    pub window: WindowKind,
    /// How many units.
    pub limit: i64,
    /// Whether it refuses what goes over it.
    pub is_hard: bool,
    /// At how many percent of the limit an alert goes off; ascending.
    pub alert_percents: Vec<i32>,
}

/// What to change of a budget; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BudgetChange {
    /// For people.
    pub name: Option<String>,
    /// How many units.
    pub limit: Option<i64>,
    /// Whether it refuses what goes over it.
    pub is_hard: Option<bool>,
    /// At how many percent of the limit an alert goes off; ascending.
    pub alert_percents: Option<Vec<i32>>,
}

impl NewBudget {
    /// The budget, signed.
    #[must_use]
    pub fn made(self, by: &Signature) -> Budget {
        let Self {
            name,
            scope,
            meter,
            window,
            limit,
            is_hard,
            alert_percents,
        } = self;
        Budget {
            id: by.ids.next(),
            name,
            scope,
            meter,
            window,
            limit,
            is_hard,
            alert_percents,
            epoch: 1,
            created_at: by.at,
            updated_at: by.at,
            created_by: by.actor.clone(),
            updated_by: by.actor.clone(),
        }
    }
}

impl Budget {
    /// The budget as it is after a change; a raised limit begins a new epoch.
    #[must_use]
    pub fn changed(&self, change: BudgetChange, by: &Signature) -> Self {
        let limit = change.limit.unwrap_or(self.limit);
        let percents = change.alert_percents;
        Self {
            name: change.name.unwrap_or_else(|| self.name.clone()),
            limit,
            is_hard: change.is_hard.unwrap_or(self.is_hard),
            alert_percents: percents.unwrap_or_else(|| self.alert_percents.clone()),
            epoch: self.epoch + i64::from(limit > self.limit),
            updated_at: by.at,
            updated_by: by.actor.clone(),
            ..self.clone()
        }
    }

    /// The counter it counts on at `moment`.
    #[must_use]
    pub fn key(&self, calendar: &Calendar, moment: Timestamp) -> Key {
        Key {
            subject: self.scope.subject(),
            meter: self.meter,
            window: self.window,
            start: calendar.containing(self.window, moment).start,
        }
    }
}
