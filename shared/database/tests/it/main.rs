//! The guards of the pools, tried against what they guard from.

mod cancelled_begin;
mod immediate;
mod migrations;
mod schema;
