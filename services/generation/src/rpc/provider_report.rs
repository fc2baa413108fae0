//! How providers did over some days: the question read, the answer written.

use std::ops::RangeInclusive;

use contracts::generation::v1 as wire;
use contracts::generation::v1::report_providers_response::Row;
use errors::{Fault, Violations};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};
use types::Timestamp;

use super::convert_route;
use crate::domain::speed::{Speed, Tally, speeds};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const USUAL: Duration = Duration::days(29);

/// The days that are asked about.
#[derive(Clone, Copy)]
pub(super) struct Days {
    from: Date,
    until: Date,
}

impl Days {
    pub(super) fn read(
        request: &wire::ReportProvidersRequest,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let mut violations = Violations::new();
        let mut read = |field: &str, text: &str, unsaid: Date| {
            if text.is_empty() {
                return unsaid;
            }
            let day = Date::parse(text, DAY);
            violations.check(day.is_ok(), field, "must be a day, like 2026-11-20");
            day.unwrap_or(unsaid)
        };
        let until = read("until", &request.until, now.utc().date());
        let from = read("from", &request.from, until.saturating_sub(USUAL));
        violations.check(from <= until, "until", "must not be before 'from'");
        match violations.is_empty() {
            true => Ok(Self { from, until }),
            false => Err(violations.into_fault()),
        }
    }

    /// As they are numbered.
    pub(super) fn numbers(self) -> RangeInclusive<i64> {
        let epoch = OffsetDateTime::UNIX_EPOCH.date();
        let number = |day: Date| (day - epoch).whole_days();
        number(self.from)..=number(self.until)
    }

    pub(super) fn answer(self, tallies: &[Tally]) -> wire::ReportProvidersResponse {
        let text = |day: Date| day.format(DAY).unwrap_or_default();
        let rows = speeds(tallies).into_iter();
        wire::ReportProvidersResponse {
            rows: rows.map(|(name, speed)| row(name, &speed)).collect(),
            from: text(self.from),
            until: text(self.until),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a part of a count; nobody sees its last digits"
)]
fn row((provider, model): (String, String), speed: &Speed) -> Row {
    Row {
        provider,
        model,
        performance: convert_route::performance(speed),
        failure_rate: speed.failures as f64 / speed.count.max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str, until: &str) -> Result<RangeInclusive<i64>, Vec<String>> {
        let request = wire::ReportProvidersRequest {
            from: from.to_owned(),
            until: until.to_owned(),
        };
        let now = Timestamp(100 * 86_400_000_000 + 5);
        let days = Days::read(&request, now);
        let named = |fault: Fault| fault.violations.into_iter().map(|one| one.field).collect();
        days.map(Days::numbers).map_err(named)
    }

    #[test]
    fn days_are_read() {
        assert_eq!(read("", ""), Ok(71..=100));
        assert_eq!(read("1970-01-02", ""), Ok(1..=100));
        assert_eq!(read("", "1970-02-01"), Ok(2..=31));
        assert_eq!(read("1970-01-05", "1970-01-05"), Ok(4..=4));
        assert_eq!(
            read("1970-01-06", "1970-01-05"),
            Err(vec!["until".to_owned()])
        );
        let both = vec!["until".to_owned(), "from".to_owned()];
        assert_eq!(read("2026-02-30", "tomorrow"), Err(both));
        assert_eq!(
            read("-9999-01-01", "9999-12-31").map(|days| days.count() > 0),
            Ok(true)
        );
    }
}
