//! The quiet room: what a generation is and how it is done. No wire types, no SQL.

pub mod provider;
