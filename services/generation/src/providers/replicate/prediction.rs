//! A prediction as Replicate tells it: how it stands, what it made, what it took.

use serde::Deserialize;
use serde_json::Value;
use types::Microusd;

use crate::domain::provider::Spent;
use crate::providers::money::units;

/// What its words say when content was refused; there is no code for it.
const POLICY: [&str; 5] = ["e005", "nsfw", "sensitive", "flagged", "safety"];

/// A prediction.
#[derive(Deserialize)]
pub struct Prediction {
    /// Its id.
    pub id: String,
    status: String,
    #[serde(default)]
    output: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    metrics: Value,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not over, or in a state we do not know.
    Open,
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
    /// Stopped, by somebody or by a deadline.
    Stopped,
}

impl Prediction {
    /// How it stands.
    pub fn stage(&self) -> Stage {
        match self.status.as_str() {
            "succeeded" => Stage::Succeeded,
            "failed" => Stage::Failed,
            "canceled" | "aborted" => Stage::Stopped,
            _ => Stage::Open,
        }
    }

    /// Where the picture lies: the output is an address or a list of them.
    pub fn url(&self) -> Option<&str> {
        let first = self.output.get(0).unwrap_or(&self.output);
        first.as_str().filter(|text| !text.is_empty())
    }

    /// Whether it failed because of what was asked for.
    pub fn is_refused(&self) -> bool {
        let words = self.error.to_string().to_lowercase();
        POLICY.iter().any(|word| words.contains(word))
    }

    /// Its state and error, for the log.
    pub fn words(&self) -> String {
        format!("{}: {}", self.status, self.error)
    }

    /// What it cost: seconds at the price of one, where that is known. Else a picture is paid, a
    /// failure is not, and what was stopped after it began is.
    pub fn spent(&self, unit: Option<Microusd>) -> Spent {
        let seconds = self.metrics["predict_time"].as_f64();
        let counted = seconds
            .zip(unit)
            .and_then(|(count, price)| units(count, price));
        let begun = seconds.is_some() || self.started_at.is_some();
        let is_free = match self.stage() {
            Stage::Open | Stage::Succeeded => false,
            Stage::Failed => unit.is_none() || !begun,
            Stage::Stopped => self.status == "aborted" || !begun,
        };
        Spent {
            cost: match is_free {
                true => Some(Microusd(0)),
                false => counted,
            },
            tokens: None,
        }
    }
}
