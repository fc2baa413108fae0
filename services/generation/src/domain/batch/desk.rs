//! Takes batches: reads every order, sets aside what each needs, and stores them together.

use std::sync::Arc;

use errors::FieldViolation;
use types::{ReservationId, UserId};
use uuid::Uuid;

use super::{Batch, BatchForm, Batches, MOST, NewBatch, Outcome, Refused, within};
use crate::domain::desk::Desk;
use crate::domain::error::Error;
use crate::domain::order::OrderForm;
use crate::domain::ports::{NewTask, Patron};
use crate::domain::repeats::{Keyed, Placed};

/// Takes batches and answers about them.
pub struct BatchDesk {
    /// Where single orders are taken.
    pub desk: Arc<Desk>,
    /// Where batches are kept.
    pub batches: Arc<dyn Batches>,
}

impl BatchDesk {
    /// Accepts a batch; of all with one key, one.
    ///
    /// # Errors
    /// No order or too many; a key that names something else, or a call that is under way; with "all or
    /// nothing" what any of its orders comes to; a store that does not answer.
    pub async fn create(
        &self,
        patron: Patron,
        form: BatchForm,
        keyed: Option<Keyed>,
    ) -> Result<Placed<Batch>, Error> {
        let Some(keyed) = keyed else {
            return self.place(patron, form, None).await.map(Placed::New);
        };
        let owner = patron.id;
        let make = self.place(patron, form, Some(&keyed));
        let find = |id| self.find(owner, id);
        self.desk.repeats.once(owner, &keyed, make, find).await
    }

    /// One batch of an owner.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a store that does not answer.
    pub async fn find(&self, owner: UserId, id: Uuid) -> Result<Batch, Error> {
        self.batches.find_batch(owner, id).await
    }

    async fn place(
        &self,
        patron: Patron,
        form: BatchForm,
        keyed: Option<&Keyed>,
    ) -> Result<Batch, Error> {
        if !(1..=MOST).contains(&form.orders.len()) {
            return Err(Error::Invalid(vec![FieldViolation {
                field: "requests".to_owned(),
                description: format!("must have 1 to {MOST} items"),
            }]));
        }
        let items = match form.all_or_nothing {
            true => {
                let tasks = self.prepare_all(&patron, form.orders).await?;
                tasks.into_iter().map(Ok).collect()
            }
            false => self.prepare_each(&patron, form.orders).await,
        };
        let (id, created_at) = (self.desk.ids.next(), self.desk.clock.now());
        let key = keyed.map(|keyed| self.desk.repeats.name(keyed, id, created_at));
        let batch = NewBatch {
            id,
            owner: patron.id,
            key,
            items,
            all_or_nothing: form.all_or_nothing,
            created_at,
        };
        self.store(batch).await
    }

    // In their order: when not all fit into what is left, the first ones do.
    async fn prepare_each(
        &self,
        patron: &Patron,
        orders: Vec<OrderForm>,
    ) -> Vec<Result<NewTask, Refused>> {
        let mut items = Vec::with_capacity(orders.len());
        for form in orders {
            let prepared = match self.desk.read(patron, form).await {
                Ok((id, order)) => self.desk.prepare(patron, id, order, None).await,
                Err(error) => Err(error),
            };
            items.push(prepared.map_err(Refused::from));
        }
        items
    }

    // Nothing is set aside before every order is read.
    async fn prepare_all(
        &self,
        patron: &Patron,
        orders: Vec<OrderForm>,
    ) -> Result<Vec<NewTask>, Error> {
        let (mut read, mut wrong) = (Vec::with_capacity(orders.len()), Vec::new());
        for (place, form) in orders.into_iter().enumerate() {
            match self.desk.read(patron, form).await {
                Ok(order) => read.push(order),
                Err(Error::Invalid(violations)) => {
                    wrong.extend(violations.into_iter().map(|one| within(place, one)));
                }
                Err(error) => return Err(Error::InBatch(place, Box::new(error))),
            }
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let mut tasks = Vec::with_capacity(read.len());
        for (place, (id, order)) in read.into_iter().enumerate() {
            match self.desk.prepare(patron, id, order, None).await {
                Ok(task) => tasks.push(task),
                Err(error) => {
                    self.let_go(reservations(&tasks)).await;
                    return Err(Error::InBatch(place, Box::new(error)));
                }
            }
        }
        Ok(tasks)
    }

    async fn store(&self, batch: NewBatch) -> Result<Batch, Error> {
        let stored = match self.batches.create_batch(&batch).await {
            Ok(stored) => stored,
            // The commit's answer may be lost, not the commit: look before saying no.
            Err(error) if error.is_passing() => match self.find(batch.owner, batch.id).await {
                Ok(stored) => stored,
                Err(Error::NotFound) => {
                    self.let_go(reservations(batch.items.iter().flatten()))
                        .await;
                    return Err(error);
                }
                Err(_) => return Err(error),
            },
            Err(error) => {
                self.let_go(reservations(batch.items.iter().flatten()))
                    .await;
                return Err(error);
            }
        };
        // Those that came too late.
        let mut late = Vec::new();
        for (item, outcome) in batch.items.iter().zip(&stored.outcomes) {
            if matches!(outcome, Outcome::Refused(_)) {
                late.extend(reservations(item));
            }
        }
        self.let_go(late).await;
        self.desk.signals.work();
        self.desk.signals.outbox();
        Ok(stored)
    }

    async fn let_go(&self, reservations: Vec<ReservationId>) {
        for reservation in reservations {
            self.desk.let_go(reservation).await;
        }
    }
}

fn reservations<'a>(tasks: impl IntoIterator<Item = &'a NewTask>) -> Vec<ReservationId> {
    let tasks = tasks.into_iter();
    tasks.map(|task| task.hold.reservation).collect()
}
