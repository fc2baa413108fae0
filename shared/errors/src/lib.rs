//! What goes wrong, in one shape: a reason clients switch on, a sentence people read, and the
//! cause, which only the log sees.

mod fault;
mod status;
mod table;
mod violations;

pub use contracts::errors::v1::Reason;
pub use fault::{Fault, QuotaViolation};
pub use status::{DOMAIN, from_status, reason_of, rpc_status, within_answer};
pub use table::{code_name, grpc_code, http_status, http_status_of_code};
pub use violations::{FieldViolation, Violations};
