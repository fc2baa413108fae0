//! The tables, one file each.

pub mod files;
pub mod uploads;
