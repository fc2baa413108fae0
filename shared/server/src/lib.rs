//! How every process of the suite listens: one accept loop, one list of layers, one way to stop.
//!
//! - [`GrpcApp`] serves gRPC, [`HttpApp`] serves HTTP; both bring an admin server beside them.
//! - [`Link`] is the way to another service, [`connect`] a connection to it.
//! - [`Readiness`] says whether this process can do its work, [`Shutdown`] ends it.
//!
//! What the stack gets wrong by default is mended here, once: handlers survive a client's cancel,
//! deadlines answer `DEADLINE_EXCEEDED`, streams and connections are bounded, silent and slow
//! connections are cut, and a stopping process stops within its own deadline.

mod admin;
mod connect;
mod grpc;
mod http;
mod link;
mod readiness;
mod settings;
mod shutdown;
mod sockets;
mod tls;
mod transport;

pub use connect::{InvalidPeer, Peer, Standing, connect, connect_peer};
pub use grpc::{GrpcApp, ServeError, log_cause, reflection};
pub use http::HttpApp;
pub use link::Link;
pub use readiness::{Dependency, Health, Readiness, Report};
pub use settings::{GrpcSettings, HttpSettings};
pub use shutdown::Shutdown;
pub use sockets::{BindError, Sockets};
pub use tls::{Tls, TlsError, TlsFiles};
pub use transport::BodyStalled;
