//! The quiet room: what a plan allows, which window a moment falls in, what may become of a
//! reservation. Knows no wire, no database.

pub mod counter;
pub mod error;
pub mod meter;
pub mod plan;
pub mod ports;
pub mod reservation;
pub mod usage;
pub mod window;
