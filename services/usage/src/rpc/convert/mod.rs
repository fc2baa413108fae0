//! Wire to domain, naming every wrong field at once; domain to wire.

mod answer;
mod meaning;
mod request;
mod settlement;

pub use answer::{explained, price_list, usage};
pub use meaning::{SIZE_RULE, check_kind, meter, unit, wire_meter, wire_scope, wire_window};
pub use request::{amendment, ask, extension, price_page, reservation_id, thought};
pub use settlement::settlement;
