//! The keys this service verifies its own callers with: its own, without a call.

use std::sync::Arc;

use errors::Fault;
use identity::{KeySource, PublicKey};

use crate::domain::Keyring;

/// The keyring as the access layer asks for it.
pub struct OwnKeys(pub Arc<Keyring>);

#[tonic::async_trait]
impl KeySource for OwnKeys {
    async fn keys(&self) -> Result<Vec<PublicKey>, Fault> {
        Ok(self.0.published().await)
    }
}
