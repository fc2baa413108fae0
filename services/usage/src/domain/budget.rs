//! A budget: how much may be used within a scope and window, and when somebody is told.

use types::Timestamp;
use uuid::Uuid;

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

impl Budget {
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
