//! The tables as rows, and rows as domain values.

pub mod counter;
pub mod item;
pub mod reservation;
