//! Events told to other people's servers, as Standard Webhooks has it: signed, sent once per attempt
//! without following anybody anywhere, and tried again over days.

mod endpoint;
mod schedule;
mod sender;
mod signature;

pub use egress::ClientError;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use schedule::{TRIES, wait_before};
pub use sender::{Delivery, Event, Sender};
pub use signature::{InvalidSecret, Secrets};
