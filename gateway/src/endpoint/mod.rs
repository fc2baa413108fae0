//! What the gateway knows of each rpc it serves, worked out once at the start from its descriptor.

mod shape;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use contracts::policy::v1::Policy;
use contracts::policy::v1::policy::{Access, Meter, Rate};
use http::Method;
use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;
use transcoding::{Route, Router};

use crate::app::StartError;
use crate::cache::LONGEST;
use crate::upstream::{Peer, Peers};

pub(crate) use shape::{EventRule, Shape, UploadRule};

/// One rpc as the gateway serves it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// E.g. `bottega.file.v1.FileService.GetFile`.
    pub(crate) name: String,
    pub(crate) method: MethodDescriptor,
    /// The gRPC path.
    pub(crate) path: PathAndQuery,
    /// Whether a call changes nothing, so that a GET may make it.
    pub(crate) is_safe: bool,
    pub(crate) policy: Policy,
    pub(crate) access: Access,
    pub(crate) rate: Rate,
    /// The plan quota a call takes, and how much of it.
    pub(crate) quota: Option<(Meter, i64)>,
    /// Whether and how answers may be given again.
    pub(crate) cache: Option<CacheRule>,
    pub(crate) peer: Peer,
    pub(crate) shape: Shape,
}

/// How answers may be given again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheRule {
    pub(crate) lasts: Duration,
    /// Whether everybody is answered alike.
    pub(crate) is_shared: bool,
}

/// Every rpc that has a route, by name.
#[derive(Debug)]
pub(crate) struct Endpoints(HashMap<String, Arc<Endpoint>>);

impl Endpoints {
    /// Works out every rpc that has a route.
    ///
    /// # Errors
    /// All rpcs that cannot be served as their contract says.
    pub(crate) fn of(router: &Router, peers: &Peers) -> Result<Self, StartError> {
        let mut known = HashMap::new();
        let mut problems = Vec::new();
        for route in router.routes() {
            match endpoint_of(route, peers) {
                Ok(endpoint) => {
                    known.insert(endpoint.name.clone(), Arc::new(endpoint));
                }
                Err(problem) => problems.push(format!("{}: {problem}", route.method.full_name())),
            }
        }
        if problems.is_empty() {
            Ok(Self(known))
        } else {
            Err(StartError::Contract(problems))
        }
    }

    /// What is known of the rpc at a gRPC path, e.g. `/bottega.file.v1.FileService/GetFile`.
    pub(crate) fn at(&self, path: &str) -> Option<&Arc<Endpoint>> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        self.0.get(&format!("{service}.{method}"))
    }

    /// The services whose rpcs can be called here.
    pub(crate) fn services(&self) -> Vec<String> {
        let services =
            (self.0.values()).map(|one| one.method.parent_service().full_name().to_owned());
        let services: BTreeSet<String> = services.collect();
        services.into_iter().collect()
    }

    /// What is known of a route's rpc.
    pub(crate) fn get(&self, method: &MethodDescriptor) -> Option<&Arc<Endpoint>> {
        self.0.get(method.full_name())
    }
}

/// Whether an rpc may have a route at all: what only services call has none.
pub(crate) fn is_routable(method: &MethodDescriptor) -> bool {
    contracts::policy_of(method).is_some_and(|policy| policy.access() != Access::Service)
}

/// Checks that every rpc of the suite says what it needs.
///
/// # Errors
/// The rpcs that do not.
pub(crate) fn check_policies(pool: &DescriptorPool) -> Result<(), StartError> {
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let ours = methods.filter(|method| method.full_name().starts_with("bottega."));
    let problems: Vec<String> = ours
        .filter(|method| !has_policy(method))
        .map(|method| {
            format!(
                "{} carries no (bottega.policy.v1.policy)",
                method.full_name()
            )
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(StartError::Contract(problems))
    }
}

fn has_policy(method: &MethodDescriptor) -> bool {
    contracts::policy_of(method).is_some_and(|policy| {
        policy.access() != Access::Unspecified && policy.rate() != Rate::Unspecified
    })
}

fn endpoint_of(route: &Route, peers: &Peers) -> Result<Endpoint, String> {
    let method = &route.method;
    let service = method.parent_service();
    let policy = contracts::policy_of(method).ok_or("carries no (bottega.policy.v1.policy)")?;
    let package = service.package_name().to_owned();
    let peer = peers
        .of_package(&package)
        .ok_or(format!("no service serves package {package}"))?;
    let path = format!("/{}/{}", service.full_name(), method.name());
    let shape = Shape::of(route, &policy)?;
    let quota = quota_of(&policy);
    if quota.is_some() && !matches!(shape, Shape::Unary) {
        return Err("only an rpc without streams can take a quota".to_owned());
    }
    if quota.is_some() && policy.access() != Access::User {
        return Err("only a user has a quota".to_owned());
    }
    let cache = cache_of(&policy)?;
    if cache.is_some() && !(is_safe(route) && matches!(shape, Shape::Unary)) {
        return Err("only answers of an rpc that changes nothing can be kept".to_owned());
    }
    Ok(Endpoint {
        cache,
        name: method.full_name().to_owned(),
        method: method.clone(),
        is_safe: is_safe(route),
        path: path
            .parse()
            .map_err(|error| format!("{path} is no path: {error}"))?,
        access: policy.access(),
        rate: policy.rate(),
        quota,
        peer: peer.clone(),
        shape,
        policy,
    })
}

/// The contract says so, or the rpc has a GET, which changes nothing either.
fn is_safe(route: &Route) -> bool {
    let options = &route.method.method_descriptor_proto().options;
    let level = options.as_ref().map(|options| options.idempotency_level());
    level == Some(IdempotencyLevel::NoSideEffects) || route.http_method == Method::GET
}

fn cache_of(policy: &Policy) -> Result<Option<CacheRule>, String> {
    let Some(cache) = &policy.cache else {
        return Ok(None);
    };
    let lasts = u64::try_from(cache.ttl_ms).map(Duration::from_millis);
    let lasts = lasts
        .ok()
        .filter(|lasts| (1..=LONGEST.as_millis()).contains(&lasts.as_millis()));
    if !cache.shared && policy.access() == Access::Public {
        return Err("answers to nobody in particular can only be kept for everybody".to_owned());
    }
    Ok(Some(CacheRule {
        lasts: lasts.ok_or("answers are kept for a millisecond to an hour")?,
        is_shared: cache.shared,
    }))
}

fn quota_of(policy: &Policy) -> Option<(Meter, i64)> {
    let quota = policy.quota.as_ref()?;
    Some((quota.meter(), quota.amount.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_suite_has_a_policy() {
        check_policies(contracts::pool()).unwrap();
    }

    #[test]
    fn an_rpc_without_policy_is_refused() {
        // The same contracts with every option taken away.
        let mut files = prost_types::FileDescriptorSet::default();
        for file in contracts::pool().file_descriptor_protos() {
            let mut file = file.clone();
            for service in &mut file.service {
                for method in &mut service.method {
                    method.options = None;
                }
            }
            files.file.push(file);
        }
        let bare = DescriptorPool::from_file_descriptor_set(files).unwrap();
        let error = check_policies(&bare).unwrap_err().to_string();
        assert!(
            error.contains("bottega.file.v1.FileService.GetFile carries no"),
            "{error}"
        );
    }

    #[test]
    fn what_services_call_is_not_routable() {
        let rpc = |service: &str, name: &str| {
            let service = contracts::pool().get_service_by_name(service).unwrap();
            service
                .methods()
                .find(|method| method.name() == name)
                .unwrap()
        };
        assert!(!is_routable(&rpc(
            "bottega.usage.v1.UsageService",
            "Reserve"
        )));
        assert!(is_routable(&rpc(
            "bottega.usage.v1.UsageService",
            "GetUsage"
        )));
    }
}
