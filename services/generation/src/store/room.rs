//! What a claim may take: who is left out, in SQL, and what was taken of those whose room is counted.

use sea_orm::{ConnectionTrait, Value};

use super::Store;
use crate::domain::cooling::Health;
use crate::domain::error::Error;
use crate::domain::queue::Bounds;
use crate::domain::routing::Limits;

/// The values of a statement.
pub(super) struct Values(pub Vec<Value>);

impl Values {
    /// Binds a value; answers its name.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    fn bind_count(&mut self, value: u64) -> String {
        self.bind(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// What may be taken now.
pub(super) struct Room<'a> {
    bounds: &'a Bounds,
    providers: Vec<Kept>,
    now: i64,
}

// A provider of which only so much may be taken.
struct Kept {
    health: Health,
    limits: Limits,
    taken: u64,
}

impl Kept {
    fn left(&self, now: i64) -> Option<u64> {
        let room = self.health.room(self.limits, now);
        room.map(|room| room.saturating_sub(self.taken))
    }
}

impl Store {
    /// The room there is, by what is known of providers while the line is held.
    pub(super) async fn room<'a>(
        &self,
        db: &impl ConnectionTrait,
        bounds: &'a Bounds,
    ) -> Result<Room<'a>, Error> {
        let (mut healths, now) = self.read_healths(db).await?;
        for (name, _) in &bounds.per_provider {
            if healths.iter().all(|health| health.name != *name) {
                let name = name.clone();
                healths.push(Health {
                    name,
                    ..Health::default()
                });
            }
        }
        let kept = healths.into_iter().map(|health| {
            let limited = bounds.per_provider.iter();
            let mut limited = limited.filter(|(name, _)| *name == health.name);
            Kept {
                limits: limited.next().map_or_else(Limits::default, |(_, one)| *one),
                health,
                taken: 0,
            }
        });
        Ok(Room {
            bounds,
            providers: kept.collect(),
            now,
        })
    }
}

impl<'a> Room<'a> {
    /// Whatever nobody counts.
    pub(super) fn open(bounds: &'a Bounds) -> Self {
        Self {
            bounds,
            providers: Vec::new(),
            now: 0,
        }
    }

    /// One order for this provider was taken.
    pub(super) fn take(&mut self, provider: &str) {
        let kept = self.providers.iter_mut();
        for one in kept.filter(|one| one.health.name == provider) {
            one.taken += 1;
        }
    }

    /// What is known of those whose orders leave now.
    pub(super) fn sending(self) -> impl Iterator<Item = Health> {
        let now = self.now;
        let counted = (self.providers.into_iter())
            .filter(move |one| one.taken > 0 && one.health.room(one.limits, now).is_some());
        counted.map(move |one| one.health.sending(one.taken, one.limits, now))
    }

    /// Two pieces of the choice: who is not looked at, and who of those that were looked at fits. Among
    /// many of one owner that come at once only the first few may.
    pub(super) fn sql(&self, values: &mut Values) -> (String, String) {
        let mut outside = String::new();
        let mut fits = Vec::new();
        if self.bounds.off_peak_from.is_some() {
            outside += "AND NOT off_peak ";
        }
        let full = self.providers.iter();
        let full = full.filter(|one| one.left(self.now) == Some(0));
        let avoid = self.bounds.avoid.iter().map(String::as_str);
        let names: Vec<String> = avoid
            .chain(full.map(|one| one.health.name.as_str()))
            .map(|name| values.bind(name))
            .collect();
        if !names.is_empty() {
            outside += &format!("AND provider NOT IN ({})", names.join(", "));
        }
        let mut running = Vec::new();
        if let Some(most) = self.bounds.per_owner {
            running.push(("owner", values.bind_count(most)));
        }
        let bounded = self
            .providers
            .iter()
            .map(|one| (one, one.limits.max_running));
        let bounded = bounded.filter(|(_, most)| *most > 0);
        running.extend(per_provider(bounded, values).map(|most| ("provider", most)));
        for (column, most) in running {
            outside += &format!(
                " AND {column} NOT IN (
                    SELECT {column} FROM busy GROUP BY {column} HAVING SUM(tasks) >= {most})"
            );
            fits.push(format!(
                "ROW_NUMBER() OVER (PARTITION BY {column} ORDER BY turn, id) + COALESCE((
                    SELECT SUM(tasks) FROM busy WHERE busy.{column} = line.{column}), 0) <= {most}"
            ));
        }
        let left = self.providers.iter();
        let left = left.filter_map(|one| Some((one, one.left(self.now)?)));
        fits.extend(per_provider(left, values).map(|most| {
            format!("ROW_NUMBER() OVER (PARTITION BY provider ORDER BY turn, id) <= {most}")
        }));
        let within = match fits.as_slice() {
            [] => "SELECT id, turn FROM line".to_owned(),
            fits => format!(
                "SELECT id, turn FROM (SELECT id, turn, {} AS fits FROM line) AS counted WHERE fits",
                fits.join(" AND ")
            ),
        };
        (outside, within)
    }
}

// The number of a row's provider; none when there are no numbers.
fn per_provider<'a>(
    numbers: impl Iterator<Item = (&'a Kept, u64)>,
    values: &mut Values,
) -> Option<String> {
    let cases: Vec<String> = numbers
        .map(|(one, number)| {
            let name = values.bind(one.health.name.as_str());
            format!("WHEN {name} THEN {}", values.bind_count(number))
        })
        .collect();
    let any = i64::MAX;
    (!cases.is_empty()).then(|| format!("CASE provider {} ELSE {any} END", cases.join(" ")))
}
