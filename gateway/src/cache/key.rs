//! What makes two questions the same.

use bytes::Bytes;
use types::UserId;

use super::Cache;

/// The rpc, who asks where that matters, and the message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    rpc: String,
    /// With when they last changed something at the service: what they were answered before is not found.
    asker: Option<(UserId, u64)>,
    message: Bytes,
}

impl Key {
    /// A question that everybody is answered alike.
    pub(crate) fn of_everybody(rpc: &str, message: &Bytes) -> Self {
        Self {
            rpc: rpc.to_owned(),
            asker: None,
            message: message.clone(),
        }
    }

    /// A question of one user.
    pub(crate) fn of(
        cache: &Cache,
        user: UserId,
        service: &'static str,
        rpc: &str,
        message: &Bytes,
    ) -> Self {
        Self {
            asker: Some((user, cache.changed(user, service))),
            ..Self::of_everybody(rpc, message)
        }
    }

    pub(super) fn size(&self) -> usize {
        self.rpc.len() + self.message.len()
    }
}
