//! Where bytes lie: the local disk or an S3-compatible store, both through `object_store`.

mod objects;
mod settings;
mod writer;

pub use objects::ObjectBlobs;
pub use settings::{S3Settings, StoreSettings};
