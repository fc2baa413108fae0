//! The file service as its callers and its disk see it.

mod blobs;
mod catalog;
mod downloads;
mod refusals;
mod rows;
mod support;
mod sweeping;
mod uploads;
