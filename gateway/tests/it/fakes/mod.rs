//! Services as small as the tests need them, speaking the real contracts.

pub mod auth;
pub mod file;
pub mod generation;
pub mod keys;
pub mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::metadata::MetadataMap;

/// Something a service and its test look at together.
#[derive(Debug)]
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(T::default())))
    }
}

impl<T> Shared<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Metadata as the service saw it.
pub fn seen(metadata: &MetadataMap) -> BTreeMap<String, String> {
    let pairs = metadata.as_ref().iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
        .collect()
}

/// Says when the call it belongs to is dropped.
#[derive(Debug)]
pub struct Alarm(pub Shared<bool>);

impl Drop for Alarm {
    fn drop(&mut self) {
        *self.0.lock() = true;
    }
}
