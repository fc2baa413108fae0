//! The file service as its callers and its disk see it.

mod blobs;
mod rows;
mod sweeping;
mod support;
