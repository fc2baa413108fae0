//! What comes before a task is stored: its order is read, looked at and priced, and what it needs is set
//! aside, or let go again.

use errors::{Fault, FieldViolation, Reason};
use futures::future::join_all;
use identity::receipt::Receipt;
use types::{FileId, GenerationId, OperationId, ReservationId};

use crate::domain::choice::{Market, too_dear};
use crate::domain::desk::{Desk, METER};
use crate::domain::error::Error;
use crate::domain::generation::ImageRequest;
use crate::domain::hold::{Hold, Work};
use crate::domain::order::{self, MASK_FIELD, Order, OrderForm, input_field};
use crate::domain::picture;
use crate::domain::ports::{NewTask, Patron};
use crate::domain::reuse;
use crate::domain::settlement::{Call, Resolution};

const RELEASE: Call = Call::Resolve(Resolution::Release);

impl Desk {
    /// Reads an order: everything that can be wrong with it before anything is set aside.
    pub(in crate::domain) async fn read(
        &self,
        patron: &Patron,
        form: OrderForm,
    ) -> Result<(GenerationId, Order), Error> {
        let id = GenerationId(self.ids.next());
        let mut order = self.route(patron, id, form).await?;
        self.guard.check(patron, &order.request.prompt).await?;
        let hashes = self.check_files(patron, &order.request).await?;
        order.result_key = (order.reuse).map(|seed| reuse::key(&order, seed, &hashes));
        Ok((id, order))
    }

    // Where the operator saves, an order that does not fit into a soft budget goes to the cheapest, whatever
    // it says; one that names its provider goes there.
    async fn route(
        &self,
        patron: &Patron,
        id: GenerationId,
        form: OrderForm,
    ) -> Result<Order, Error> {
        let (now, seed) = (self.clock.now(), seed_of(id));
        let read = |form| order::read(form, &self.catalog, &self.market(), seed, now);
        let again = self.saves.then(|| form.clone());
        let order = read(form)?;
        let (Some(mut form), Some(wish)) = (again, order.saves_as()) else {
            return Ok(order);
        };
        if !self.is_over_soft_budget(patron, &order, id).await {
            return Ok(order);
        }
        form.wish = Some(wish);
        let mut order = read(form)?;
        order.route.itinerary.is_saving = true;
        Ok(order)
    }

    // What the usage service does not say now, it says when the money is held.
    async fn is_over_soft_budget(&self, patron: &Patron, order: &Order, id: GenerationId) -> bool {
        let explained = self.quota.explain(patron, &order.priced(id)).await;
        explained.is_ok_and(|explained| explained.is_over_soft_budget())
    }

    /// Sets aside what an order needs. Whoever asks stores the task, or lets that go.
    pub(in crate::domain) async fn prepare(
        &self,
        patron: &Patron,
        id: GenerationId,
        order: Order,
        receipt: Option<Receipt>,
    ) -> Result<NewTask, Error> {
        let reused = self.shelf.find(patron, &order).await;
        let work = match &reused {
            Some(_) => reuse::for_nothing(order.work(id)),
            None => order.work(id),
        };
        let hold = self.hold(patron, &work, receipt).await?;
        let task = self.task(id, patron.clone(), order, hold);
        Ok(NewTask { reused, ..task })
    }

    fn market(&self) -> Market<'_> {
        Market {
            cooling: &self.cooling,
            prices: &self.prices,
            speeds: &self.speeds,
            off_peak: self.queue.off_peak,
        }
    }

    // The hashes of its files, the mask's last.
    async fn check_files(
        &self,
        patron: &Patron,
        request: &ImageRequest,
    ) -> Result<Vec<String>, Error> {
        let inputs = request.inputs.iter();
        let described = join_all(inputs.map(|file| self.files.describe(patron, *file)));
        let (mut wrong, mut hashes) = (Vec::new(), Vec::new());
        let mut first = None;
        for (place, described) in described.await.into_iter().enumerate() {
            match described {
                Ok(info) if picture::is_taken(&info.content_type) => {
                    first.get_or_insert((info.width, info.height));
                    hashes.push(info.sha256);
                }
                Ok(_) => wrong.push(FieldViolation {
                    field: input_field(place),
                    description: "must be a PNG, JPEG or WebP picture".to_owned(),
                }),
                Err(fault) if fault.reason == Reason::NotFound => {
                    return Err(Error::InputNotFound(place));
                }
                Err(fault) => return Err(Error::Peer(fault)),
            }
        }
        if let (Some(mask), Some(size)) = (request.mask, first) {
            match self.check_mask(patron, mask, size).await? {
                Ok(hash) => hashes.push(hash),
                Err(description) => wrong.push(FieldViolation {
                    field: MASK_FIELD.to_owned(),
                    description,
                }),
            }
        }
        match wrong.is_empty() {
            true => Ok(hashes),
            false => Err(Error::Invalid(wrong)),
        }
    }

    // Its hash, or what is wrong with it.
    async fn check_mask(
        &self,
        patron: &Patron,
        mask: FileId,
        (width, height): (u32, u32),
    ) -> Result<Result<String, String>, Error> {
        let missing = |fault: Fault| match fault.reason {
            Reason::NotFound => Error::MaskNotFound,
            _ => Error::Peer(fault),
        };
        let info = self.files.describe(patron, mask).await.map_err(missing)?;
        if info.content_type != "image/png" || (info.width, info.height) != (width, height) {
            let size = format!("{width}x{height}, the size of the first input picture");
            return Ok(Err(format!("must be a PNG of {size}")));
        }
        let picture = self.files.fetch(patron, mask).await.map_err(missing)?;
        Ok(match picture::has_alpha(&picture.bytes) {
            true => Ok(info.sha256),
            false => Err(
                "must have an alpha channel: where it is transparent is painted anew".to_owned(),
            ),
        })
    }

    fn task(&self, id: GenerationId, patron: Patron, order: Order, hold: Hold) -> NewTask {
        NewTask {
            spot: self.queue.spot(&patron.tier, order.schedule),
            id,
            patron,
            kind: order.kind,
            request: order.request,
            session: order.session,
            hold,
            provider: order.route.provider.name().to_owned(),
            model: order.route.model.name,
            ignored: order.route.ignored,
            itinerary: order.route.itinerary,
            key: None,
            reused: None,
            result_key: order.result_key,
            created_at: self.clock.now(),
        }
    }

    async fn hold(
        &self,
        patron: &Patron,
        work: &Work,
        receipt: Option<Receipt>,
    ) -> Result<Hold, Error> {
        let hold = self.set_aside(patron, work, receipt).await?;
        // The catalogue may have changed since it was heard.
        if work.max_price.is_some_and(|most| hold.price.amount > most) {
            self.let_go(hold.reservation).await;
            return Err(Error::Invalid(vec![too_dear(hold.price.amount)]));
        }
        Ok(hold)
    }

    async fn set_aside(
        &self,
        patron: &Patron,
        work: &Work,
        receipt: Option<Receipt>,
    ) -> Result<Hold, Error> {
        let Some(receipt) = receipt else {
            let operation = OperationId(work.task.uuid());
            let reserved = self.quota.reserve(patron, operation, work).await;
            return reserved.map_err(Error::Peer);
        };
        let reservation = accept(&receipt, patron)?;
        // Amending it would take it from its task.
        if self.adoptions.is_adopted(reservation).await? {
            return Err(Error::ReservationUsed);
        }
        match self.quota.amend(patron, reservation, work).await {
            Ok(price) => Ok(Hold {
                reservation,
                price,
                expires_at: receipt.expires_at,
            }),
            // It was given back on its way here.
            Err(fault) if matches!(fault.reason, Reason::NotFound | Reason::WrongState) => {
                Err(Error::ReservationExpired)
            }
            Err(fault) => {
                // A refusal is the gateway's to act on. Anything else it waits for; but here it is
                // certain that there will be no task.
                if !is_refusal(&fault) {
                    self.let_go(reservation).await;
                }
                Err(Error::Peer(fault))
            }
        }
    }

    // Units of an order that surely was not stored go back at once. When nobody knows, they stay:
    // an unconfirmed reservation ends by itself, and a released one would be missing to its task.
    pub(in crate::domain) async fn let_go(&self, reservation: ReservationId) {
        if let Err(fault) = self.quota.deliver(&RELEASE, reservation).await {
            tracing::warn!(
                reservation.id = %reservation,
                error = %fault,
                "could not give a reservation back; it ends by itself"
            );
        }
    }
}

fn is_refusal(fault: &Fault) -> bool {
    matches!(
        fault.reason,
        Reason::QuotaExceeded
            | Reason::BudgetExceeded
            | Reason::PriceUnknown
            | Reason::SpendingPaused
    )
}

fn accept(receipt: &Receipt, patron: &Patron) -> Result<ReservationId, Error> {
    let is_ours = receipt.owner == patron.id && receipt.meter == METER && receipt.amount >= 1;
    is_ours
        .then_some(receipt.reservation)
        .ok_or(Error::ReceiptRefused)
}

// The last bytes of a UUIDv7 are random.
fn seed_of(id: GenerationId) -> u32 {
    let [.., a, b, c, d] = *id.uuid().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}
