//! Prices as rows. None is ever changed: a new one takes its place, and the old one is retired.

use sea_orm::ConnectionTrait;
use types::{Page, PageRequest};
use uuid::Uuid;

use super::audit::{before, most};
use super::change::{Change, execute, number, query};
use super::load;
use crate::domain::audit::{AuditEvent, Signature};
use crate::domain::error::Error;
use crate::domain::price::{MOST_PRICES, Price};
use crate::store::SqlBook;
use crate::store::error::StoreError;

/// Brings a price into force, and retires the one it replaces.
pub async fn create(book: &SqlBook, price: &Price, by: &Signature) -> Result<Price, StoreError> {
    let change = Change::begin(book).await?;
    let price = Price {
        version: change.version,
        ..price.clone()
    };
    let sql = "SELECT * FROM prices WHERE provider = $1 AND model = $2 AND unit = $3 AND size = $4
                   AND quality = $5 AND retired_at IS NULL";
    let rows = query(&*change.tx, sql, names(&price)).await?;
    let replaced = rows.first().map(load::price).transpose()?;
    match &replaced {
        Some(old) => set_retired(&*change.tx, old.id, by).await?,
        None => {
            let count = "SELECT COUNT(*) AS n FROM prices WHERE retired_at IS NULL";
            if number(&*change.tx, count, []).await? >= MOST_PRICES {
                let problem = format!(
                    "cannot be priced: {MOST_PRICES} prices are in force, and every process holds \
                     all of them in memory"
                );
                return Err(StoreError::Domain(Error::invalid("model", &problem)));
            }
        }
    }
    insert(&*change.tx, &price).await?;
    let before = replaced.map(|old| old.picture());
    let event = AuditEvent::new(by, "price.create", &price.id, before, Some(price.picture()));
    change.end(&event).await?;
    Ok(price)
}

/// Takes a price out of force.
pub async fn retire(book: &SqlBook, id: Uuid, by: &Signature) -> Result<(), StoreError> {
    let change = Change::begin(book).await?;
    let sql = "SELECT * FROM prices WHERE id = $1 AND retired_at IS NULL";
    let rows = query(&*change.tx, sql, [id.into()]).await?;
    let none = || StoreError::Domain(Error::NotFound("price in force"));
    let old = load::price(rows.first().ok_or_else(none)?)?;
    set_retired(&*change.tx, id, by).await?;
    let event = AuditEvent::new(by, "price.retire", &id, Some(old.picture()), None);
    change.end(&event).await
}

async fn set_retired(
    connection: &impl ConnectionTrait,
    id: Uuid,
    by: &Signature,
) -> Result<(), StoreError> {
    let sql = "UPDATE prices SET retired_at = $2, retired_by = $3 WHERE id = $1";
    let values = [id.into(), by.at.micros().into(), by.actor.clone().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

async fn insert(connection: &impl ConnectionTrait, price: &Price) -> Result<(), StoreError> {
    let sql = "INSERT INTO prices (provider, model, unit, size, quality, id, version, price, as_of,
                   created_at, created_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let others = [
        price.id.into(),
        price.version.into(),
        price.price.0.into(),
        price.as_of.clone().into(),
        price.created_at.micros().into(),
        price.created_by.clone().into(),
    ];
    execute(connection, sql, names(price).into_iter().chain(others)).await?;
    Ok(())
}

fn names(price: &Price) -> [sea_orm::Value; 5] {
    [
        price.provider.clone().into(),
        price.model.clone().into(),
        price.unit.as_str().into(),
        price.size.clone().into(),
        price.quality.clone().into(),
    ]
}

/// A page of them, newest first: of one provider or of all, retired ones too or not.
pub async fn list(
    connection: &impl ConnectionTrait,
    provider: Option<&str>,
    retired_too: bool,
    page: PageRequest,
) -> Result<Page<Price>, StoreError> {
    let in_force = if retired_too {
        ""
    } else {
        "AND retired_at IS NULL"
    };
    let of_one = provider.map_or("", |_| "AND provider = $3");
    let sql =
        format!("SELECT * FROM prices WHERE id < $1 {in_force} {of_one} ORDER BY id DESC LIMIT $2");
    let values = [before(page), most(page)];
    let values = values.into_iter().chain(provider.map(Into::into));
    let rows = query(connection, sql, values).await?;
    let prices: Result<Vec<_>, _> = rows.iter().map(load::price).collect();
    Ok(Page::from_rows(prices?, page, |price| price.id))
}
