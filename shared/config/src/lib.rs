//! Typed settings from defaults < file < flags and environment, read so that every fault is named
//! at once.

mod common;
mod fault;
mod reader;
mod source;

pub use common::{Common, Environment, Listen, Peers};
pub use fault::{ConfigFault, ConfigFaults};
pub use reader::{Effective, Reader};
pub use source::{Layers, MapSource, Source};
