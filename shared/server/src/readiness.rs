//! Whether this process can do its work: its dependencies, asked at most once a second.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::time::{Instant, timeout};

// A dependency that takes longer counts as away.
const PATIENCE: Duration = Duration::from_secs(1);
// However often we are asked, dependencies are not.
const FRESH: Duration = Duration::from_secs(1);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// All is well.
    Healthy,
    /// It works in part.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// How one dependency is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Its name, e.g. `database`.
    pub name: &'static str,
    /// Healthy, or unhealthy.
    pub status: Health,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Unhealthy when something it cannot do without is away, degraded when something else is.
    pub status: Health,
    /// Each dependency, in the order they were named.
    pub dependencies: Vec<Dependency>,
}

impl Report {
    /// Whether traffic may be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != Health::Unhealthy
    }
}

type Ask = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

#[derive(Clone)]
struct Check {
    name: &'static str,
    vital: bool,
    ask: Ask,
}

/// The dependencies of a process. All clones are one list.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<std::sync::Mutex<Vec<Check>>>,
    last: Arc<tokio::sync::Mutex<Option<(Instant, Report)>>>,
}

impl Readiness {
    /// No dependencies: always healthy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a dependency this process cannot work without.
    pub fn check(
        &self,
        name: &'static str,
        ask: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    ) {
        self.add(name, true, Arc::new(ask));
    }

    /// Names a dependency without which this process still does part of its work.
    pub fn check_optional(
        &self,
        name: &'static str,
        ask: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    ) {
        self.add(name, false, Arc::new(ask));
    }

    fn add(&self, name: &'static str, vital: bool, ask: Ask) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Check { name, vital, ask });
    }

    /// How the process is now, or was within the last second.
    pub async fn report(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = self.ask_all().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask_all(&self) -> Report {
        let checks = self
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answers = join_all(checks.iter().map(ask)).await;
        let mut status = Health::Healthy;
        let mut dependencies = Vec::with_capacity(checks.len());
        for (check, answer) in checks.iter().zip(answers) {
            status = match (&answer, check.vital) {
                (Ok(()), _) => status,
                (Err(_), true) => Health::Unhealthy,
                (Err(_), false) if status == Health::Healthy => Health::Degraded,
                (Err(_), false) => status,
            };
            dependencies.push(Dependency {
                name: check.name,
                status: if answer.is_ok() {
                    Health::Healthy
                } else {
                    Health::Unhealthy
                },
                error: answer.err(),
            });
        }
        Report {
            status,
            dependencies,
        }
    }
}

async fn ask(check: &Check) -> Result<(), String> {
    match timeout(PATIENCE, (check.ask)()).await {
        Ok(answer) => answer,
        Err(_) => Err("did not answer within a second".to_owned()),
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_is_vital_decides() {
        let readiness = Readiness::new();
        readiness.check("database", || async { Ok(()) }.boxed());
        assert_eq!(readiness.ask_all().await.status, Health::Healthy);
        readiness.check_optional("usage", || async { Err("away".to_owned()) }.boxed());
        assert_eq!(readiness.ask_all().await.status, Health::Degraded);
        readiness.check("disk", || async { Err("full".to_owned()) }.boxed());
        let report = readiness.ask_all().await;
        assert_eq!(report.status, Health::Unhealthy);
        assert_eq!(report.dependencies[2].error.as_deref(), Some("full"));
    }

    #[tokio::test]
    async fn a_dependency_that_hangs_is_away() {
        let readiness = Readiness::new();
        readiness.check("database", || futures::future::pending().boxed());
        assert!(!readiness.report().await.is_ready());
    }
}
