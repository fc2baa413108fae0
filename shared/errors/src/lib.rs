//! What goes wrong, in one shape: a reason clients switch on, a sentence people read, in four
//! languages, and the cause, which only the log sees.

mod catalogue;
mod fault;
mod status;
mod table;
mod violations;

pub use catalogue::{
    AboutReason, Language, facts_in, is_whole_without_facts, pattern_of, reasons, sentence,
};
pub use contracts::errors::v1::Reason;
pub use fault::{Fault, QuotaViolation};
pub use status::{DOMAIN, from_status, localized, reason_of, rpc_status, within_answer};
pub use table::{code_name, describes_a_call, grpc_code, http_status, http_status_of_code};
pub use violations::{FieldViolation, Violations};
