//! What the process tells about itself: the request it works for, its log and its numbers.

pub mod context;
mod log;
mod metric;
mod pipe;

pub use context::RequestContext;
pub use log::{LogFormat, LogSettings, flush, init};
pub use metric::{MetricsHandle, metrics_handle};
