//! The way to the services: channels by proto package, bytes on the wire, metadata, deadlines and retries.

mod call;
mod codec;
mod deadline;
mod metadata;
mod peers;
mod retry;

pub(crate) use call::{Upstream, past_deadline};
pub(crate) use codec::Piece;
pub(crate) use deadline::Deadline;
pub(crate) use metadata::{pass_back, pass_on};
pub(crate) use peers::{Peer, Peers};
pub(crate) use retry::goes_again;
