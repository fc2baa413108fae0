//! What each rpc of this server needs, read from its contract at the start.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::policy::v1::Policy;
use contracts::policy::v1::policy::Access as Wire;
use prost_reflect::{MethodDescriptor, ServiceDescriptor};

use super::ServeError;

const HEALTH: [&str; 2] = ["grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"];
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// A user, or a service that names one.
    User,
    /// A user who runs the product.
    Admin,
    /// Another service.
    Service,
    /// Anybody, and always: health and reflection.
    Probe,
    /// Nobody: there is no such rpc.
    Unknown,
}

/// What one rpc needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// `package.Service/Method`, or `unknown`: a label with few values.
    pub(crate) rpc: String,
    pub(crate) access: Access,
    /// What an API key must be allowed; empty where none may call.
    pub(crate) scope: String,
    /// Has no end of its own: no deadline unless the caller sets one, ended when the server stops.
    pub(crate) endless: bool,
    /// How long a call may take, when the policy says.
    pub(crate) timeout: Option<Duration>,
}

/// The rules of a server.
#[derive(Debug)]
pub(crate) struct Rules {
    by_rpc: HashMap<String, Arc<Rule>>,
    unknown: Arc<Rule>,
}

impl Rules {
    /// The rules of these services, and of health and reflection.
    pub(crate) fn of(services: &[&str], reflection: bool) -> Result<Self, ServeError> {
        let mut found = Vec::new();
        for name in services {
            match contracts::pool().get_service_by_name(name) {
                Some(service) => found.push(service),
                None => return Err(ServeError::UnknownService((*name).to_owned())),
            }
        }
        Self::read(&found, reflection, contracts::policy_of)
    }

    fn read(
        services: &[ServiceDescriptor],
        reflection: bool,
        policy_of: impl Fn(&MethodDescriptor) -> Option<Policy>,
    ) -> Result<Self, ServeError> {
        let mut rules = Vec::new();
        let mut without = Vec::new();
        for method in services.iter().flat_map(ServiceDescriptor::methods) {
            let rpc = format!("{}/{}", method.parent_service().full_name(), method.name());
            match policy_of(&method).and_then(|policy| rule(&rpc, &policy)) {
                Some(rule) => rules.push(rule),
                None => without.push(rpc),
            }
        }
        if !without.is_empty() {
            return Err(ServeError::NoPolicy(without));
        }
        rules.extend(HEALTH.map(probe));
        if reflection {
            rules.extend(REFLECTION.map(probe));
        }
        Ok(Self {
            by_rpc: (rules.into_iter())
                .map(|rule| (rule.rpc.clone(), Arc::new(rule)))
                .collect(),
            unknown: Arc::new(Rule {
                rpc: "unknown".to_owned(),
                access: Access::Unknown,
                scope: String::new(),
                endless: false,
                timeout: None,
            }),
        })
    }

    /// The rule for a request's path.
    pub(crate) fn find(&self, path: &str) -> Arc<Rule> {
        let rule = path.strip_prefix('/').and_then(|rpc| self.by_rpc.get(rpc));
        Arc::clone(rule.unwrap_or(&self.unknown))
    }
}

fn rule(rpc: &str, policy: &Policy) -> Option<Rule> {
    let access = match policy.access() {
        Wire::Public => Access::Public,
        Wire::User => Access::User,
        Wire::Admin => Access::Admin,
        Wire::Service => Access::Service,
        Wire::Unspecified => return None,
    };
    let timeout = u64::try_from(policy.timeout_ms)
        .ok()
        .filter(|millis| *millis > 0);
    Some(Rule {
        rpc: rpc.to_owned(),
        access,
        scope: policy.scope.clone(),
        endless: policy.events.is_some(),
        timeout: timeout.map(Duration::from_millis),
    })
}

fn probe(rpc: &str) -> Rule {
    Rule {
        rpc: rpc.to_owned(),
        access: Access::Probe,
        scope: String::new(),
        // Health's Watch follows, and a reflection client may keep its stream while it works.
        endless: !rpc.ends_with("/Check"),
        timeout: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 4] = [
        "bottega.auth.v1.AuthService",
        "bottega.file.v1.FileService",
        "bottega.generation.v1.GenerationService",
        "bottega.usage.v1.UsageService",
    ];

    #[test]
    fn every_rpc_of_the_contracts_has_a_rule() {
        let rules = Rules::of(&ALL, true).unwrap();
        let reserve = rules.find("/bottega.usage.v1.UsageService/Reserve");
        assert_eq!(reserve.access, Access::Service);
        let watch = rules.find("/bottega.generation.v1.GenerationService/WatchGeneration");
        assert!(watch.endless && watch.timeout.is_none());
        let upload = rules.find("/bottega.file.v1.FileService/CreateFile");
        assert_eq!(upload.timeout, Some(Duration::from_secs(600)));
        for path in ["/", "", "/bottega.usage.v1.UsageService/Nothing", "//"] {
            assert_eq!(rules.find(path).access, Access::Unknown, "{path}");
        }
    }

    #[test]
    fn reflection_that_is_off_is_unknown() {
        let rules = Rules::of(&[], false).unwrap();
        assert_eq!(
            rules.find(&format!("/{}", REFLECTION[0])).access,
            Access::Unknown
        );
        assert_eq!(rules.find(&format!("/{}", HEALTH[0])).access, Access::Probe);
    }

    #[test]
    fn an_rpc_without_a_policy_does_not_start() {
        let usage = contracts::pool().get_service_by_name(ALL[3]).unwrap();
        let unspecified = |method: &MethodDescriptor| match method.name() {
            "Settle" => None,
            "Release" => Some(Policy::default()),
            _ => contracts::policy_of(method),
        };
        let error = Rules::read(&[usage], true, unspecified)
            .unwrap_err()
            .to_string();
        assert!(error.contains("UsageService/Settle"), "{error}");
        assert!(error.contains("UsageService/Release"), "{error}");
        assert!(!error.contains("Reserve"), "{error}");
    }

    #[test]
    fn a_service_without_a_contract_does_not_start() {
        let error = Rules::of(&["acme.v1.Anvil"], true).unwrap_err();
        assert!(error.to_string().contains("acme.v1.Anvil"));
    }
}
