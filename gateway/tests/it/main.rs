//! The gateway over real sockets, in front of small real gRPC servers.

mod access;
mod downloads;
mod events;
mod fakes;
mod house;
mod quota;
mod requests;
mod service;
mod uploads;
