//! The limits of this process put together: which hold for a request, who decides, and what holds
//! when the one who decides is away.

use std::time::Duration;

use types::ApiKeyId;

use super::{
    Away, Bucket, Class, Gcra, Limit, Limiter, Local, Rule, Settings, Shared, Verdict, Who,
};

/// Whoever Redis refused is refused here for up to a second, without asking it again.
const HELD: Limit = Limit {
    count: 1,
    window: 1,
};

/// A caller, and its API key.
type Whose = (Who, Option<ApiKeyId>);

/// All rate limits.
pub struct Rates {
    settings: Settings,
    local: Local,
    /// None when every process counts by itself.
    shared: Option<Shared>,
    /// Which callers Redis has just refused, by class.
    refused: Local,
}

/// Who decided over a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// This process; there is no Redis.
    Local,
    /// Redis, for all processes.
    Shared,
    /// This process, because Redis is away.
    FailOpen,
    /// Nobody, because Redis is away: the request is refused.
    FailClosed,
    /// This process, by the smaller limit it has while Redis is away.
    Allowance,
}

/// What was decided over one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub mode: Mode,
    /// The limits that hold; none for [`Mode::FailClosed`], and none for callers without limits.
    pub buckets: Vec<Bucket>,
    /// What the limits say.
    pub verdict: Verdict,
}

impl Rates {
    /// The limits as they are set; with a Redis, waits a moment for it.
    pub async fn open(settings: Settings) -> Self {
        let shared = match &settings.redis {
            Some(redis) if settings.on => Some(Shared::open(redis).await),
            _ => None,
        };
        Self {
            settings,
            local: Local::new(),
            shared,
            refused: Local::new(),
        }
    }

    /// Counts a request of this caller, with its API key if it came with one, to an rpc of this class.
    pub async fn take(&self, who: Who, key: Option<ApiKeyId>, rpc: Option<Class>) -> Decision {
        let rules = self.rules(who, key, rpc);
        let whose = (who, key);
        let buckets = buckets_of(whose, &rules, |_, limit| Some(limit)).unwrap_or_default();
        let decision = match &self.shared {
            _ if buckets.is_empty() => Decision::free(),
            None => Decision::of(Mode::Local, self.local.check(&buckets), buckets),
            Some(shared) => self.take_shared(shared, whose, &rules, buckets).await,
        };
        metrics::counter!(
            "bottega_gateway_rate_decisions_total",
            "class" => who.class().as_str(),
            "mode" => decision.mode.as_str(),
            "outcome" => if decision.verdict.passed { "passed" } else { "refused" },
        )
        .increment(1);
        decision
    }

    /// Whether the counts are where they should be; true without a Redis.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shared.as_ref().is_none_or(Shared::is_up)
    }

    /// Whether there is a Redis to count in.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Forgets the callers that have their whole allowance again.
    pub fn forget_idle(&self) {
        self.local.forget_idle();
        self.refused.forget_idle();
    }

    async fn take_shared(
        &self,
        shared: &Shared,
        whose: Whose,
        rules: &[(Class, &Rule)],
        buckets: Vec<Bucket>,
    ) -> Decision {
        if let Some(verdict) = self.still_refused(&buckets) {
            return Decision::of(Mode::Shared, verdict, buckets);
        }
        match shared.take(&buckets).await {
            Ok(verdict) => {
                self.remember(&buckets, &verdict);
                Decision::of(Mode::Shared, verdict, buckets)
            }
            Err(_) => self.take_alone(whose, rules),
        }
    }

    /// What each class does while Redis is away; the strictest decides.
    fn take_alone(&self, whose: Whose, rules: &[(Class, &Rule)]) -> Decision {
        let Some(buckets) = buckets_of(whose, rules, Away::limit) else {
            return Decision {
                mode: Mode::FailClosed,
                buckets: Vec::new(),
                verdict: Verdict {
                    passed: false,
                    debts: Vec::new(),
                },
            };
        };
        let is_less = |(_, rule): &(Class, &Rule)| matches!(rule.away, Away::Allowance(_));
        let mode = if rules.iter().any(is_less) {
            Mode::Allowance
        } else {
            Mode::FailOpen
        };
        Decision::of(mode, self.local.check(&buckets), buckets)
    }

    /// Keeps what Redis said: if it goes away, this process goes on from there.
    fn remember(&self, buckets: &[Bucket], verdict: &Verdict) {
        self.local.learn(buckets, &verdict.debts);
        if verdict.passed {
            return;
        }
        for (bucket, debt) in buckets.iter().zip(&verdict.debts) {
            let wait = Gcra::of(bucket.limit).wait(*debt);
            self.refused.learn(&[held(bucket)], &[wait]);
        }
    }

    /// A refusal that still stands. It asks nobody and charges nothing.
    fn still_refused(&self, buckets: &[Bucket]) -> Option<Verdict> {
        let holds: Vec<Bucket> = buckets.iter().map(held).collect();
        if self.refused.look(&holds).passed {
            return None;
        }
        Some(self.local.look(buckets)).filter(|verdict| !verdict.passed)
    }

    /// The classes a request counts in, with their rules; only those that have limits.
    fn rules(&self, who: Who, key: Option<ApiKeyId>, rpc: Option<Class>) -> Vec<(Class, &Rule)> {
        if !self.settings.on {
            return Vec::new();
        }
        [Some(who.class()), key.map(|_| Class::ApiKey), rpc]
            .into_iter()
            .flatten()
            .filter_map(|class| Some((class, self.settings.rule(class)?)))
            .filter(|(_, rule)| !rule.limits.0.is_empty())
            .collect()
    }
}

impl Mode {
    /// As it stands in `X-RateLimit-Mode` and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
            Self::FailOpen => "fail_open",
            Self::FailClosed => "fail_closed",
            Self::Allowance => "allowance",
        }
    }
}

impl Decision {
    /// How long until the same request would pass.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let debts = self.buckets.iter().zip(&self.verdict.debts);
        let waits = debts.map(|(bucket, debt)| Gcra::of(bucket.limit).wait(*debt));
        Duration::from_micros(waits.max().unwrap_or(0))
    }

    fn of(mode: Mode, verdict: Verdict, buckets: Vec<Bucket>) -> Self {
        Self {
            mode,
            buckets,
            verdict,
        }
    }

    /// Nothing limits this caller.
    fn free() -> Self {
        let verdict = Verdict {
            passed: true,
            debts: Vec::new(),
        };
        Self::of(Mode::Local, verdict, Vec::new())
    }
}

/// One bucket for each limit; none at all when `limit_of` gives up one.
fn buckets_of(
    (who, key): Whose,
    rules: &[(Class, &Rule)],
    limit_of: impl Fn(Away, Limit) -> Option<Limit>,
) -> Option<Vec<Bucket>> {
    let mut buckets = Vec::new();
    for (class, rule) in rules {
        for limit in &rule.limits.0 {
            buckets.push(Bucket {
                who,
                class: *class,
                key: key.filter(|_| *class == Class::ApiKey),
                limit: limit_of(rule.away, *limit)?,
            });
        }
    }
    Some(buckets)
}

/// Full while a refusal in this class is repeated.
fn held(bucket: &Bucket) -> Bucket {
    Bucket {
        limit: HELD,
        ..*bucket
    }
}
