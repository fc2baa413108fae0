//! Windows in the world's stranger time zones.

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

const YEAR_1: i64 = -62_135_596_800_000_000;
const YEAR_9999: i64 = 253_370_764_800_000_000;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

// Clocks change there at two in the morning, at midnight, by half an hour or a whole day, over
// midnight backwards, or not at all; offsets of quarters of an hour.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "America/New_York",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Africa/Monrovia",
];

fn calendar(zone: &str) -> Calendar {
    zone.parse().unwrap()
}

/// The first moment at which clocks of the zone show this.
fn at(zone: &str, local: &str) -> Timestamp {
    let local: DateTime = local.parse().unwrap();
    let zoned = local.to_zoned(TimeZone::get(zone).unwrap()).unwrap();
    Timestamp(zoned.timestamp().as_microsecond())
}

/// A window's start as UTC, and how many minutes it has.
fn window(zone: &str, kind: WindowKind, local: &str) -> (String, i64) {
    let window = calendar(zone).containing(kind, at(zone, local));
    let micros = window.reset.micros() - window.start.micros();
    (window.start.to_string(), micros / (60 * SECOND))
}

#[test]
fn names_of_zones() {
    for zone in ZONES {
        assert_eq!(calendar(zone).to_string(), zone);
    }
    assert_eq!(calendar("europe/berlin").to_string(), "Europe/Berlin");
    for wrong in [
        "",
        " ",
        "Berlin",
        "Europe/Berlin ",
        "+01:00",
        "UTC\0",
        "../UTC",
    ] {
        assert_eq!(wrong.parse::<Calendar>(), Err(UnknownZone), "{wrong:?}");
    }
}

#[test]
fn days_of_23_and_25_hours() {
    let day = |zone, local| window(zone, WindowKind::Day, local);
    let hours = |hours: i64| hours * 60;
    for (zone, local, start, minutes) in [
        (
            "Europe/Berlin",
            "2026-03-29T12:00",
            "2026-03-28T23:00:00Z",
            hours(23),
        ),
        (
            "Europe/Berlin",
            "2026-10-25T02:30",
            "2026-10-24T22:00:00Z",
            hours(25),
        ),
        (
            "Europe/Berlin",
            "2026-10-26T00:00",
            "2026-10-25T23:00:00Z",
            hours(24),
        ),
        // Half an hour, forth and back.
        (
            "Australia/Lord_Howe",
            "2026-10-04T12:00",
            "2026-10-03T13:30:00Z",
            23 * 60 + 30,
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-05T12:00",
            "2026-04-04T13:00:00Z",
            24 * 60 + 30,
        ),
        (
            "Asia/Kathmandu",
            "2026-11-20T00:00",
            "2026-11-19T18:15:00Z",
            hours(24),
        ),
    ] {
        assert_eq!(
            day(zone, local),
            (start.to_owned(), minutes),
            "{zone} {local}"
        );
    }
}

#[test]
fn a_day_without_midnight_begins_at_one() {
    let day = window("America/Sao_Paulo", WindowKind::Day, "2018-11-04T12:00");
    assert_eq!(day, ("2018-11-04T03:00:00Z".to_owned(), 23 * 60));
    let before = window("America/Sao_Paulo", WindowKind::Day, "2018-11-03T23:59:59");
    assert_eq!(before, ("2018-11-03T03:00:00Z".to_owned(), 24 * 60));
    // The last hour of this day came twice.
    let day = window("America/Sao_Paulo", WindowKind::Day, "2018-02-17T23:30");
    assert_eq!(day, ("2018-02-17T02:00:00Z".to_owned(), 25 * 60));
}

#[test]
fn a_day_that_never_was_is_no_window() {
    let apia = calendar("Pacific/Apia");
    let thursday = apia.containing(WindowKind::Day, at("Pacific/Apia", "2011-12-29T12:00"));
    let saturday = apia.containing(WindowKind::Day, thursday.reset);
    assert_eq!(apia.day(thursday.start), 20_111_229);
    assert_eq!(apia.day(saturday.start), 20_111_231);
    assert_eq!(thursday.reset.micros() - thursday.start.micros(), 24 * HOUR);
    let december = window("Pacific/Apia", WindowKind::Month, "2011-12-29T12:00");
    assert_eq!(december.1, 30 * 24 * 60);
}

#[test]
fn an_evening_that_comes_again_after_midnight_counts_in_the_new_day() {
    // At 00:01 of the 1st clocks went back to 23:01 of October.
    let zone = calendar("America/St_Johns");
    let midnight = at("America/St_Johns", "2009-11-01T00:00");
    let again = Timestamp(midnight.micros() + 30 * 60 * SECOND);
    assert_eq!(zone.local(again).date().month(), 10);
    for kind in [WindowKind::Day, WindowKind::Month] {
        assert_eq!(zone.containing(kind, again).start, midnight);
    }
    assert_eq!(zone.day(again), 20_091_101);
}

#[test]
fn months() {
    let month = |zone, local| window(zone, WindowKind::Month, local);
    for (zone, local, start, minutes) in [
        (
            "UTC",
            "2024-02-29T12:00",
            "2024-02-01T00:00:00Z",
            29 * 24 * 60,
        ),
        (
            "UTC",
            "2100-02-28T23:59:59",
            "2100-02-01T00:00:00Z",
            28 * 24 * 60,
        ),
        (
            "UTC",
            "2026-12-31T23:59:59.999999",
            "2026-12-01T00:00:00Z",
            31 * 24 * 60,
        ),
        (
            "Europe/Berlin",
            "2026-03-31T23:59",
            "2026-02-28T23:00:00Z",
            (31 * 24 - 1) * 60,
        ),
        (
            "Europe/Berlin",
            "2026-10-01T00:00",
            "2026-09-30T22:00:00Z",
            (31 * 24 + 1) * 60,
        ),
    ] {
        assert_eq!(
            month(zone, local),
            (start.to_owned(), minutes),
            "{zone} {local}"
        );
    }
}

#[test]
fn the_calendars_end_is_no_panic() {
    for zone in ZONES {
        let calendar = calendar(zone);
        for micros in [i64::MIN, i64::MAX] {
            for kind in WindowKind::ALL {
                let window = calendar.containing(kind, Timestamp(micros));
                assert!(window.start < window.reset);
                let (first, last) = calendar.days(window);
                assert!(first <= last);
            }
        }
        let last = at(zone, "9999-12-30T12:00");
        let last = calendar.containing(WindowKind::Month, last);
        assert_eq!(last.reset, Timestamp(i64::MAX));
    }
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    proptest::sample::select(ZONES.to_vec()).prop_map(calendar)
}

// Any moment of the calendar, and half of the time one of the years in which clocks change.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    let recent = -2_208_988_800 * SECOND..4_102_444_800 * SECOND;
    prop_oneof![YEAR_1..YEAR_9999, recent].prop_map(Timestamp)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_moment_lies_in_its_window(calendar in any_calendar(), moment in any_moment()) {
        for kind in WindowKind::ALL {
            let window = calendar.containing(kind, moment);
            if kind == WindowKind::Lifetime {
                prop_assert_eq!(window, Window { kind, start: Timestamp(0), reset: Timestamp(i64::MAX) });
                continue;
            }
            prop_assert!(window.start <= moment && moment < window.reset);
            // Every moment of a window has that window.
            prop_assert_eq!(calendar.containing(kind, window.start), window);
            let last = Timestamp(window.reset.micros() - 1);
            prop_assert_eq!(calendar.containing(kind, last), window);
        }
    }

    #[test]
    fn windows_leave_no_gap_and_do_not_overlap(calendar in any_calendar(), moment in any_moment()) {
        for kind in [WindowKind::Day, WindowKind::Month] {
            let window = calendar.containing(kind, moment);
            let next = calendar.containing(kind, window.reset);
            prop_assert_eq!(next.start, window.reset);
            let hours = (next.reset.micros() - next.start.micros()) / HOUR;
            // Kwajalein skipped a day in 1993, Apia one in 2011; some had one twice before 1900.
            let fine = match kind {
                WindowKind::Day => 12..=48,
                WindowKind::Month | WindowKind::Lifetime => 27 * 24..=32 * 24,
            };
            prop_assert!(fine.contains(&hours), "{} hours from {}", hours, next.start);
        }
    }

    #[test]
    fn a_day_lies_in_one_month(calendar in any_calendar(), moment in any_moment()) {
        let day = calendar.containing(WindowKind::Day, moment);
        let month = calendar.containing(WindowKind::Month, moment);
        prop_assert!(month.start <= day.start && day.reset <= month.reset);
        prop_assert_eq!(calendar.days(day), (calendar.day(moment), calendar.day(moment)));
        let (first, last) = calendar.days(month);
        prop_assert!(first <= calendar.day(moment) && calendar.day(moment) <= last);
    }

    #[test]
    fn days_are_numbered_in_their_order(calendar in any_calendar(), moment in any_moment(), later in 0..400 * 24 * HOUR) {
        let later = Timestamp(moment.micros() + later);
        prop_assert!(calendar.day(moment) <= calendar.day(later));
    }
}
