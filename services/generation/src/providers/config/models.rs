//! A provider's models and their prices, out of settings and what is known of it.

use config::Reader;
use time::OffsetDateTime;
use types::Microusd;

use super::facts::Facts;
use super::list;
use crate::domain::provider::Model;
use crate::providers::money::{Rates, Tariff, Tariffs};

/// Every model that is offered, the provider's own choice first, and what each is priced by.
pub fn read_models(
    reader: &mut Reader<'_>,
    facts: &Facts,
    name: &impl Fn(&str) -> String,
) -> (Vec<Model>, Tariffs) {
    let default = facts.models.first().map_or("", |price| price.model);
    let mut names = list(&reader.text(&name("MODEL"), default));
    if names.is_empty() {
        reader.fault(&name("MODEL"), "must name at least one model");
        names.push(default.to_owned());
    }
    let prices = read_prices(reader, &name("PRICE"), names.len());
    let as_of = reader.optional::<String>(&name("PRICE_AS_OF"));
    if as_of.as_deref().is_some_and(|date| !is_date(date)) {
        reader.fault(&name("PRICE_AS_OF"), "must be a date, like 2026-11-20");
    }
    let own_rates = reader.optional::<Rates>(&name("RATES"));
    let units = match facts.has_units {
        true => read_prices(reader, &name("UNIT_PRICE"), names.len()),
        false => None,
    };
    let today = OffsetDateTime::now_utc().date().to_string();
    let mut models = Vec::new();
    let mut tariffs = Tariffs::default();
    for (index, model) in names.into_iter().enumerate() {
        let takes_input_images = (facts.takes)(&model).unwrap_or_else(|problem| {
            reader.fault(&name("MODEL"), format!("'{model}' {problem}"));
            false
        });
        let listed = facts.models.iter().find(|price| price.model == model);
        let given = of_model(prices.as_deref(), index);
        let list_price = listed.and_then(|price| price.dollars.parse::<Microusd>().ok());
        if given.or(list_price).is_none() {
            let problem = format!("is needed: the price of '{model}' is not known");
            reader.fault(&name("PRICE"), problem);
        }
        let dated = if given.is_some() {
            Some(today.as_str())
        } else {
            listed.map(|price| price.as_of)
        };
        let tariff = Tariff {
            rates: own_rates.or_else(|| listed?.rates?.parse().ok()),
            unit: of_model(units.as_deref(), index).or_else(|| listed?.unit?.parse().ok()),
        };
        tariffs.add(&model, tariff);
        models.push(Model {
            name: model,
            price_per_image: given.or(list_price).unwrap_or_default(),
            price_as_of: as_of
                .clone()
                .or(dated.map(str::to_owned))
                .unwrap_or_default(),
            takes_input_images,
        });
    }
    (models, tariffs)
}

fn of_model(prices: Option<&[Microusd]>, index: usize) -> Option<Microusd> {
    let prices = prices?;
    prices.get(index).or(prices.first()).copied()
}

fn read_prices(reader: &mut Reader<'_>, name: &str, models: usize) -> Option<Vec<Microusd>> {
    let text = reader.optional::<String>(name)?;
    let prices: Result<Vec<Microusd>, _> = list(&text).iter().map(|part| part.parse()).collect();
    match prices {
        Ok(prices) if prices.len() == 1 || prices.len() == models => Some(prices),
        Ok(_) => {
            reader.fault(name, "must be one price, or one for each model");
            None
        }
        Err(error) => {
            reader.fault(name, error.to_string());
            None
        }
    }
}

fn is_date(text: &str) -> bool {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(text, &format).is_ok()
}
