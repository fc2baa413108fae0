//! The quiet room: what a generation is and how it is done. No wire types, no SQL.

pub mod attempt;
pub mod bill;
pub mod cooling;
pub mod desk;
pub mod error;
pub mod events;
pub mod generation;
pub mod hold;
pub mod keeper;
pub mod lease;
pub mod order;
pub mod pause;
pub mod picture;
pub mod ports;
pub mod prices;
pub mod provider;
pub mod queue;
pub mod rate;
pub mod repeats;
pub mod retry;
pub mod routing;
pub mod settlement;
pub mod signals;
pub mod studio;
pub mod unknown;
pub mod webhook;
