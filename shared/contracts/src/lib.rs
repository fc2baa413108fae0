//! The contracts of `proto/` as Rust types, clients and servers, and their descriptors.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MethodDescriptor};

#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code; its documentation is in proto/"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/all.rs"));
}

pub use generated::bottega::{auth, errors, file, generation, policy, usage};
pub use generated::google;

/// The encoded `google.protobuf.FileDescriptorSet` of every contract, imports and comments included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the bytes are made by our own build script"
    )]
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the built-in descriptor set decodes")
});

/// The descriptors of every contract.
#[must_use]
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The `(bottega.policy.v1.policy)` option of an rpc, or `None` when it carries none.
#[must_use]
pub fn policy_of(method: &MethodDescriptor) -> Option<policy::v1::Policy> {
    let extension = pool().get_extension_by_name("bottega.policy.v1.policy")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    value.as_message()?.transcode_to().ok()
}

static SCOPES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let methods = pool()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .filter_map(|method| Some(policy_of(&method)?.scope))
        .filter(|scope| !scope.is_empty())
        .collect()
});

/// What API keys can be allowed: every scope that a policy names, in order.
#[must_use]
pub fn scopes() -> &'static BTreeSet<String> {
    &SCOPES
}
