//! Whom a budget counts, and what work is for: together they say which counters an order meets.

use serde::{Deserialize, Serialize};
use types::UserId;

use super::counter::Subject;

/// By what work is gathered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All work.
    Global,
    /// Of one user.
    User(UserId),
    /// Of one API key, by its id.
    ApiKey(String),
    /// Of one project, by its id.
    Project(String),
    /// Of everybody on one plan, by its name.
    Plan(String),
    /// By one provider, by its name.
    Provider(String),
    /// Of one kind, e.g. `IMAGE`.
    Kind(String),
}

/// Who keeps the record of work, and is asked what became of it before its reservation expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// The generation service.
    Generation,
}

/// What units are for. Empty texts say that nobody knows, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Purpose {
    /// The kind of work, e.g. `IMAGE`.
    pub kind: String,
    /// Who does it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// The project it belongs to.
    pub project: String,
    /// The API key that asked.
    pub api_key: String,
    /// The task.
    pub task: String,
    /// Which attempt at it; 0 for none.
    pub attempt: i64,
    /// Who keeps its record.
    pub keeper: Option<Keeper>,
}

impl Keeper {
    /// Every keeper.
    pub const ALL: [Self; 1] = [Self::Generation];
}

impl Scope {
    /// Whose counters these are.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::from(match self {
            Self::Global => "global".to_owned(),
            Self::User(id) => return Subject::user(*id),
            Self::ApiKey(id) => format!("api_key:{id}"),
            Self::Project(id) => format!("project:{id}"),
            Self::Plan(name) => format!("plan:{name}"),
            Self::Provider(name) => format!("provider:{name}"),
            Self::Kind(name) => format!("kind:{name}"),
        })
    }

    /// By what it gathers, as it stands in tables.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::Project(_) => "project",
            Self::Plan(_) => "plan",
            Self::Provider(_) => "provider",
            Self::Kind(_) => "kind",
        }
    }

    /// Of which one; empty for [`Scope::Global`].
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Global => String::new(),
            Self::User(id) => id.to_string(),
            Self::ApiKey(value)
            | Self::Project(value)
            | Self::Plan(value)
            | Self::Provider(value)
            | Self::Kind(value) => value.clone(),
        }
    }

    /// Reads what [`Scope::kind`] and [`Scope::value`] wrote.
    #[must_use]
    pub fn parse(kind: &str, value: &str) -> Option<Self> {
        let named =
            |scope: fn(String) -> Self| (!value.is_empty()).then(|| scope(value.to_owned()));
        match kind {
            "global" => value.is_empty().then_some(Self::Global),
            "user" => value.parse().ok().map(Self::User),
            "api_key" => named(Self::ApiKey),
            "project" => named(Self::Project),
            "plan" => named(Self::Plan),
            "provider" => named(Self::Provider),
            "kind" => named(Self::Kind),
            _ => None,
        }
    }

    /// Whether work of this owner, on this plan, for this purpose counts in it.
    #[must_use]
    pub fn takes_in(&self, owner: UserId, tier: &str, purpose: &Purpose) -> bool {
        match self {
            Self::Global => true,
            Self::User(id) => *id == owner,
            Self::ApiKey(id) => *id == purpose.api_key,
            Self::Project(id) => *id == purpose.project,
            Self::Plan(name) => name == tier,
            Self::Provider(name) => *name == purpose.provider,
            Self::Kind(name) => *name == purpose.kind,
        }
    }
}
