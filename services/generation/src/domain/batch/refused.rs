//! Why one order of a batch was refused: a fault that can be kept.

use std::collections::BTreeMap;
use std::time::Duration;

use errors::{Fault, FieldViolation, QuotaViolation, Reason};
use serde::{Deserialize, Serialize};

use crate::domain::error::Error;

/// A fault without its cause, which only the log sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    reason: String,
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quota: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Limit {
    subject: String,
    description: String,
    metric: String,
    id: String,
    value: i64,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let fault = Fault::from(error);
        if let Some(cause) = &fault.cause {
            tracing::warn!(error = %fault, cause, "an order of a batch is refused");
        }
        let fields = fault.violations.into_iter();
        let quota = fault.quota.into_iter().map(|one| Limit {
            subject: one.subject,
            description: one.description,
            metric: one.metric,
            id: one.id,
            value: one.value,
        });
        Self {
            reason: fault.reason.as_str_name().to_owned(),
            message: fault.message,
            fields: fields.map(|one| (one.field, one.description)).collect(),
            metadata: fault.metadata,
            quota: quota.collect(),
            retry_after: fault.retry_after,
        }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let reason = Reason::from_str_name(&refused.reason).unwrap_or(Reason::Internal);
        let mut fault = Self::new(reason, refused.message);
        let fields = refused.fields.into_iter();
        let fields = fields.map(|(field, description)| FieldViolation { field, description });
        fault.violations = fields.collect();
        fault.metadata = refused.metadata;
        let quota = refused.quota.into_iter().map(|one| QuotaViolation {
            subject: one.subject,
            description: one.description,
            metric: one.metric,
            id: one.id,
            value: one.value,
        });
        fault.quota = quota.collect();
        fault.retry_after = refused.retry_after;
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_kept_whole() {
        let violations = vec![FieldViolation {
            field: "image.prompt".to_owned(),
            description: "must not be empty".to_owned(),
        }];
        let mut fault = Fault::new(Reason::QuotaExceeded, "5 of 5").with("limit", 5);
        fault = fault.retry_in(Duration::from_secs(60));
        fault.quota.push(QuotaViolation {
            subject: "user:u".to_owned(),
            description: "5 a month".to_owned(),
            metric: "GENERATIONS".to_owned(),
            id: "GENERATIONS/MONTH".to_owned(),
            value: 5,
        });
        for error in [Error::Peer(fault), Error::Invalid(violations)] {
            let refused = Refused::from(error);
            let text = serde_json::to_string(&refused).unwrap();
            let again: Refused = serde_json::from_str(&text).unwrap();
            assert_eq!(again, refused);
            let back = Refused::from(Error::Peer(Fault::from(again)));
            assert_eq!(back, refused);
        }
    }
}
