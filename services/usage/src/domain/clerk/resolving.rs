//! Ending work that nobody knew the outcome of, as an operator says, with its audit row.

use types::Microusd;

use super::Outcome;
use super::sheet::Sheet;
use crate::domain::audit::AuditEvent;
use crate::domain::error::Error;
use crate::domain::meter::Meter;
use crate::domain::reservation::{Resolution, State, WrongState};
use crate::domain::rules::Amounts;

impl Sheet {
    /// Only what is in suspense can be ended so; ending it alike again changes nothing.
    pub(super) fn resolve(&mut self, resolution: &Resolution) -> Outcome {
        let Resolution { id, cost, actor } = resolution;
        let end = match cost {
            Some(_) => State::Settled,
            None => State::Released,
        };
        let before = self.row(*id)?.clone();
        if before.state != State::Suspended && before.state != end {
            return Err(WrongState(before.state).into());
        }
        let outcome = match cost {
            Some(cost) => self.settle(*id, &actuals(*cost).into()),
            None => self.release(*id),
        };
        let done = match outcome {
            // Somebody settled it before, otherwise.
            Err(Error::OperationMismatch) => return Err(WrongState(before.state).into()),
            outcome => outcome?,
        };
        if !done.is_repeat {
            let mut after = before.picture();
            after["state"] = end.as_str().into();
            after["costMicrousd"] = cost.map(|cost| cost.0).into();
            let (by, before) = (self.signed(actor), Some(before.picture()));
            let event = AuditEvent::new(&by, "reservation.resolve", id, before, Some(after));
            self.note(event);
        }
        Ok(done)
    }
}

// Nobody got anything: it costs no generation.
fn actuals(Microusd(cost): Microusd) -> Amounts {
    Amounts::from([(Meter::Microusd, cost), (Meter::Generations, 0)])
}
