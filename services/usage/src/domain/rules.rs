//! The rules in force: plans, budgets and prices as one unchanging picture with a version, and which
//! limits an order meets under them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use types::{Timestamp, UserId};

use super::budget::Budget;
use super::counter::{Check, Key, Rule, Subject};
use super::meter::Meter;
use super::plan::{Plan, Plans, UnknownTier};
use super::price::Price;
use super::scope::{Purpose, Scope};
use super::window::Calendar;

/// So many units of each meter.
pub type Amounts = BTreeMap<Meter, i64>;

/// No instruction moves more units of a meter: a million dollars.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// Why and since when paid work is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// For people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The rules in force.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Grows with every change; a transaction that finds another one begins again.
    pub version: i64,
    /// Every plan: the configured ones, and the operator's own over them.
    pub plans: Plans,
    /// The prices in force.
    pub prices: Vec<Price>,
    /// Set while paid work is paused.
    pub pause: Option<Pause>,
    budgets: HashMap<Subject, Vec<Arc<Budget>>>,
    calendar: Calendar,
}

/// Whose units, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The owner.
    pub owner: UserId,
    /// The owner's plan.
    pub tier: &'a str,
    /// What for.
    pub purpose: &'a Purpose,
    /// When; it decides the windows.
    pub at: Timestamp,
}

impl Rules {
    /// Rules of this version.
    #[must_use]
    pub fn new(
        version: i64,
        plans: Plans,
        budgets: Vec<Budget>,
        prices: Vec<Price>,
        pause: Option<Pause>,
        calendar: Calendar,
    ) -> Self {
        let mut by_subject: HashMap<Subject, Vec<Arc<Budget>>> = HashMap::new();
        for budget in budgets {
            let subject = budget.scope.subject();
            by_subject.entry(subject).or_default().push(budget.into());
        }
        Self {
            version,
            plans,
            prices,
            pause,
            budgets: by_subject,
            calendar,
        }
    }

    /// Where days begin and end.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Every limit that these amounts must fit under: those of the plan first, the shortest window
    /// before the others; amounts of 0 are looked at.
    ///
    /// # Errors
    /// The owner's plan is not known.
    pub fn checks(&self, order: Order<'_>, amounts: &Amounts) -> Result<Vec<Check>, UnknownTier> {
        let plan = self.plans.find(order.tier)?;
        let mut checks = self.plan_checks(plan, order, amounts);
        checks.extend(self.budget_checks(order, amounts));
        Ok(checks)
    }

    /// The same for work that is done already, which counts even when its plan is gone.
    #[must_use]
    pub fn checks_left(&self, order: Order<'_>, amounts: &Amounts) -> Vec<Check> {
        let checks = self.checks(order, amounts);
        checks.unwrap_or_else(|_| self.budget_checks(order, amounts))
    }

    fn budget_checks(&self, order: Order<'_>, amounts: &Amounts) -> Vec<Check> {
        let mut checks = Vec::new();
        for subject in subjects(order) {
            for budget in self.budgets.get(&subject).into_iter().flatten() {
                if let Some(amount) = amounts.get(&budget.meter) {
                    checks.push(self.budget_check(budget, *amount, order.at));
                }
            }
        }
        checks
    }

    fn plan_checks(&self, plan: &Plan, order: Order<'_>, amounts: &Amounts) -> Vec<Check> {
        let limits = plan.limits().iter();
        let meeting = limits.filter_map(|limit| Some((limit, *amounts.get(&limit.meter)?)));
        let checks = meeting.map(|(limit, amount)| {
            let window = self.calendar.containing(limit.window, order.at);
            Check {
                rule: Rule::Plan,
                key: Key {
                    subject: Subject::user(order.owner),
                    meter: limit.meter,
                    window: limit.window,
                    start: window.start,
                },
                reset: window.reset,
                amount,
                limit: limit.max,
                is_hard: true,
            }
        });
        let mut checks: Vec<Check> = checks.collect();
        checks.sort_by(|left, right| left.key.cmp(&right.key));
        checks
    }

    /// The limit a budget sets for `amount` more units at `moment`.
    #[must_use]
    pub fn budget_check(&self, budget: &Budget, amount: i64, moment: Timestamp) -> Check {
        let window = self.calendar.containing(budget.window, moment);
        Check {
            rule: Rule::Budget(budget.id, budget.scope.clone()),
            key: Key {
                subject: budget.scope.subject(),
                meter: budget.meter,
                window: budget.window,
                start: window.start,
            },
            reset: window.reset,
            amount,
            limit: budget.limit,
            is_hard: budget.is_hard,
        }
    }

    /// The budgets that count on a counter.
    pub fn budgets_on<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Budget> {
        let of_subject = self.budgets.get(&key.subject).into_iter().flatten();
        let counting =
            of_subject.filter(|budget| budget.meter == key.meter && budget.window == key.window);
        counting.map(Arc::as_ref)
    }

    /// Whether any rule counts on a counter: a budget, or a plan that limits its meter and window for
    /// each of its owners.
    #[must_use]
    pub fn counts_on(&self, key: &Key) -> bool {
        let limits = self.plans.iter().flat_map(Plan::limits);
        let mut alike = limits.filter(|one| one.meter == key.meter && one.window == key.window);
        (key.subject.is_user() && alike.next().is_some()) || self.budgets_on(key).next().is_some()
    }

    /// Every budget, in no order.
    pub fn budgets(&self) -> impl Iterator<Item = &Budget> {
        self.budgets.values().flatten().map(Arc::as_ref)
    }
}

// Whose counters work counts on; empty names count on none.
fn subjects(order: Order<'_>) -> impl Iterator<Item = Subject> {
    let Order {
        owner,
        tier,
        purpose,
        ..
    } = order;
    let named = [
        (&purpose.api_key, Scope::ApiKey as fn(String) -> Scope),
        (&purpose.project, Scope::Project),
        (&purpose.provider, Scope::Provider),
        (&purpose.kind, Scope::Kind),
    ];
    let named = (named.into_iter())
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, scope)| scope(name.clone()));
    let scopes = [
        Scope::User(owner),
        Scope::Plan(tier.to_owned()),
        Scope::Global,
    ];
    scopes.into_iter().chain(named).map(|scope| scope.subject())
}
