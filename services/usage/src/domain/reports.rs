//! Sums of what was used, gathered as an operator asks.

use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::Date;
use types::Clock;

use super::error::Error;
use super::window::Calendar;

/// By what rows are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The calendar day.
    Day,
    /// Who did the work.
    Provider,
    /// With which model.
    Model,
    /// Whose work.
    User,
    /// The kind of work.
    Kind,
    /// The owner's plan.
    Plan,
    /// The project.
    Project,
}

/// There is no such group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be some of day, provider, model, user, kind, plan and project, each once, separated by commas"
)]
pub struct InvalidGroups;

/// What to sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// By what; at least one, none twice.
    pub groups: Vec<Group>,
    /// The first day, as `YYYYMMDD`.
    pub from: i32,
    /// The last day.
    pub until: i32,
    /// How many rows at most.
    pub size: u64,
    /// Only rows after the one with these names.
    pub after: Option<Vec<String>>,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The names of its groups, in their order; a day as `YYYYMMDD`.
    pub names: Vec<String>,
    /// How many things were charged.
    pub records: i64,
    /// Generations.
    pub units: i64,
    /// Tokens.
    pub tokens: i64,
    /// What providers are paid, in microusd.
    pub cost: i64,
    /// What owners were charged, in microusd.
    pub charged: i64,
    /// What the platform bears, in microusd.
    pub loss: i64,
}

/// Answers questions from the roll-up of days.
#[async_trait]
pub trait ReportStore: Send + Sync + 'static {
    /// The sums in the order of their groups; one more than asked for when there are more.
    async fn sum(&self, question: &Question) -> Result<Vec<Sum>, Error>;
}

/// The use cases of reports.
#[derive(Clone)]
pub struct Reports {
    store: Arc<dyn ReportStore>,
    calendar: Calendar,
    clock: Arc<dyn Clock>,
}

/// A page of sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By what they are gathered.
    pub groups: Vec<Group>,
    /// The sums, in the order of their groups.
    pub sums: Vec<Sum>,
    /// Whether there are more.
    pub has_more: bool,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 7] = [
        Self::Day,
        Self::Provider,
        Self::Model,
        Self::User,
        Self::Kind,
        Self::Plan,
        Self::Project,
    ];

    /// As questions name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::User => "user",
            Self::Kind => "kind",
            Self::Plan => "plan",
            Self::Project => "project",
        }
    }

    /// Reads names separated by commas.
    ///
    /// # Errors
    /// None, an unknown one, or one twice.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, InvalidGroups> {
        let mut groups = Vec::new();
        for name in text.split(',') {
            let group: Self = name.trim().parse()?;
            if groups.contains(&group) {
                return Err(InvalidGroups);
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

impl FromStr for Group {
    type Err = InvalidGroups;

    fn from_str(name: &str) -> Result<Self, InvalidGroups> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == name);
        known.ok_or(InvalidGroups)
    }
}

impl Reports {
    /// Reports of this store.
    #[must_use]
    pub fn new(store: Arc<dyn ReportStore>, calendar: Calendar, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            calendar,
            clock,
        }
    }

    /// Today, as `YYYYMMDD`.
    #[must_use]
    pub fn today(&self) -> i32 {
        self.calendar.day(self.clock.now())
    }

    /// A page of sums.
    ///
    /// # Errors
    /// The books do not answer.
    pub async fn report(&self, question: Question) -> Result<Report, Error> {
        let mut sums = self.store.sum(&question).await?;
        let size = usize::try_from(question.size).unwrap_or(usize::MAX);
        let has_more = sums.len() > size;
        sums.truncate(size);
        Ok(Report {
            groups: question.groups,
            sums,
            has_more,
        })
    }
}

/// Reads a day, `YYYY-MM-DD`, as `YYYYMMDD`; none when there is no such day.
#[must_use]
pub fn read_day(text: &str) -> Option<i32> {
    let is_plain = text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: Date = text.parse().ok().filter(|_| is_plain)?;
    Some(i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day()))
}

/// Says a day of `YYYYMMDD` as `YYYY-MM-DD`.
#[must_use]
pub fn day_text(day: i32) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        day / 10_000,
        day / 100 % 100,
        day % 100
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_known_and_stand_once() {
        let read = Group::parse_all("user, day").unwrap();
        assert_eq!(read, [Group::User, Group::Day]);
        let all = Group::ALL.map(Group::as_str).join(",");
        assert_eq!(Group::parse_all(&all).unwrap(), Group::ALL);
        for wrong in ["", ",", "day,", "day,day", "Day", "colour"] {
            assert_eq!(Group::parse_all(wrong), Err(InvalidGroups), "{wrong}");
        }
    }

    #[test]
    fn days_are_read_in_one_form() {
        assert_eq!(read_day("2024-02-29"), Some(20_240_229));
        assert_eq!(day_text(20_240_229), "2024-02-29");
        for wrong in [
            "",
            "2026-02-29",
            "20261120",
            "2026-11-20T00",
            "+026-11-20",
            "2026-1-200",
        ] {
            assert_eq!(read_day(wrong), None, "{wrong}");
        }
    }
}
