//! Corrections by hand as rows of the ledger, and reservations as operators look at them.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use types::{Page, PageRequest, ReservationId, Timestamp, UserId};

use super::SqlBook;
use super::error::StoreError;
use super::reservations;
use super::rules::audit::{before, most};
use super::rules::change::query;
use crate::domain::entry::Account;
use crate::domain::error::Error;
use crate::domain::meter::Meter;
use crate::domain::ports::Corrections;
use crate::domain::reservation::{Reservation, State};
use crate::domain::rulebook::Correction;

#[async_trait]
impl Corrections for SqlBook {
    async fn adjustments(
        &self,
        owner: Option<UserId>,
        page: PageRequest,
    ) -> Result<Page<Correction>, Error> {
        let of_one = owner.map_or("", |_| "AND owner = $3");
        let sql = format!(
            "SELECT * FROM entries WHERE kind = 'adjustment' AND id < $1 {of_one}
             ORDER BY id DESC LIMIT $2"
        );
        let values = [before(page), most(page)];
        let values = values
            .into_iter()
            .chain(owner.map(|owner| owner.uuid().into()));
        let rows = query(self.db.read(), sql, values).await?;
        let made: Result<Vec<_>, StoreError> = rows.iter().map(correction).collect();
        Ok(Page::from_rows(made?, page, |one| one.entry))
    }

    async fn adjustment(&self, id: ReservationId) -> Result<Correction, Error> {
        let sql = "SELECT * FROM entries WHERE reservation_id = $1 AND kind = 'adjustment'";
        let rows = query(self.db.read(), sql, [Value::from(id.uuid())]).await?;
        let row = rows.first().ok_or(Error::NotFound("adjustment"))?;
        Ok(correction(row)?)
    }

    async fn reservations(
        &self,
        state: State,
        page: PageRequest,
    ) -> Result<Page<Reservation>, Error> {
        // The state stands in the text, so that the index of this state is used.
        let sql = format!(
            "SELECT * FROM reservations WHERE state = '{}' AND id < $1 ORDER BY id DESC LIMIT $2",
            state.as_str()
        );
        let rows = query(self.db.read(), sql, [before(page), most(page)]).await?;
        let found: Result<Vec<_>, StoreError> = rows.iter().map(reservations::read).collect();
        Ok(Page::from_rows(found?, page, |one| one.id.uuid()))
    }

    async fn reservation(&self, id: ReservationId) -> Result<Reservation, Error> {
        let sql = "SELECT * FROM reservations WHERE id = $1";
        let rows = query(self.db.read(), sql, [Value::from(id.uuid())]).await?;
        let row = rows.first().ok_or(Error::NotFound("reservation"))?;
        Ok(reservations::read(row)?)
    }

    async fn latest_tier(&self, owner: UserId) -> Result<Option<String>, Error> {
        let sql = "SELECT tier FROM entries WHERE owner = $1 AND kind = 'charge'
                   ORDER BY id DESC LIMIT 1";
        let rows = query(self.db.read(), sql, [Value::from(owner.uuid())]).await?;
        let tier = rows.first().map(|row| row.try_get("", "tier"));
        Ok(tier.transpose().map_err(StoreError::from)?)
    }
}

fn correction(row: &QueryResult) -> Result<Correction, StoreError> {
    let units: i64 = row.try_get("", "units")?;
    let money: i64 = row.try_get("", "amount")?;
    let debit: String = row.try_get("", "debit")?;
    let owner = UserId(row.try_get("", "owner")?);
    let (meter, amount) = if units != 0 {
        (Meter::Generations, units)
    } else if debit == Account::User(owner).to_string() {
        (Meter::Microusd, money)
    } else {
        (Meter::Microusd, -money)
    };
    Ok(Correction {
        entry: row.try_get("", "id")?,
        operation: ReservationId(row.try_get("", "reservation_id")?),
        owner,
        meter,
        amount,
        note: row.try_get("", "note")?,
        created_at: Timestamp(row.try_get("", "created_at")?),
        created_by: row.try_get("", "created_by")?,
    })
}
