//! Who calls: tokens are verified here, and only here, in every process; what a caller may do is
//! a value that functions demand.

mod caller;

pub use caller::{Caller, Role, caller_of};
