//! From a schedule to moments: the next one after a time, the latest one until a time.
//!
//! Times of day are a calendar's. One that does not exist on a day, because the clocks go forward over
//! it, comes at the moment in which they do; one that exists twice comes at the first.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::{Schedule, When};

/// Days that are looked through: a 29th of February comes after eight years at the latest.
const DAYS: usize = 366 * 9;

/// Missed moments that are counted one by one.
const COUNTED: u64 = 1_000;

impl Schedule {
    /// The first moment after this one; `None` when there is none.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if let When::Every(length) = &self.when {
            let length = i64::try_from(length.seconds()).ok()?;
            let seconds = after.as_second() - i64::from(after.subsec_nanosecond() < 0);
            return Timestamp::from_second(seconds.div_euclid(length).checked_add(1)?.checked_mul(length)?).ok();
        }
        let zone = self.zone.time_zone();
        // A zone that left out a whole day: its next moment may stand two days back in the calendar.
        let mut day = zone.to_datetime(after).date().checked_sub(2.days()).ok()?;
        for _ in 0..DAYS {
            let times = self.times(day);
            // The moments of a day are in order, so a day that is over needs no second look.
            let ends = times.last().and_then(|last| instant(zone, day.to_datetime(*last)));
            if ends.is_some_and(|ends| ends > after) {
                let next = times.iter().filter_map(|time| instant(zone, day.to_datetime(*time))).find(|at| *at > after);
                if next.is_some() {
                    return next;
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The last moment until this one, itself included; `None` when there was none.
    pub fn latest_until(&self, until: Timestamp) -> Option<Timestamp> {
        if let When::Every(length) = &self.when {
            let length = i64::try_from(length.seconds()).ok()?;
            let seconds = until.as_second() - i64::from(until.subsec_nanosecond() < 0);
            return Timestamp::from_second(seconds.div_euclid(length) * length).ok();
        }
        let zone = self.zone.time_zone();
        let mut day = zone.to_datetime(until).date().checked_add(2.days()).ok()?;
        for _ in 0..DAYS {
            let times = self.times(day);
            let begins = times.first().and_then(|first| instant(zone, day.to_datetime(*first)));
            if begins.is_some_and(|begins| begins <= until) {
                return times
                    .iter()
                    .rev()
                    .filter_map(|time| instant(zone, day.to_datetime(*time)))
                    .find(|at| *at <= until);
            }
            day = day.yesterday().ok()?;
        }
        None
    }

    /// How many moments lie after one and until another; many are only counted roughly.
    pub fn count_between(&self, after: Timestamp, until: Timestamp) -> u64 {
        if let When::Every(length) = &self.when {
            let length = i64::try_from(length.seconds()).unwrap_or(i64::MAX);
            let passed = until.as_second().div_euclid(length) - after.as_second().div_euclid(length);
            return u64::try_from(passed).unwrap_or(0);
        }
        let mut count = 0;
        let mut at = after;
        while count < COUNTED {
            match self.next_after(at) {
                Some(next) if next <= until => at = next,
                _ => break,
            }
            count += 1;
        }
        count
    }

    /// The times of this day, in order; empty on days without any.
    fn times(&self, day: Date) -> &[Time] {
        match &self.when {
            When::At(times) => times,
            When::Cron(line) if line.is_on(day) => &line.times,
            When::Cron(_) | When::Every(_) | When::Manual => &[],
        }
    }
}

/// The moment of a calendar's time.
fn instant(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    let moment = zone.to_ambiguous_timestamp(at);
    match moment.offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = moment.earlier().ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => moment.earlier().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schedule::{CronLine, Zone};

    fn schedule(when: When, zone: &str) -> Schedule {
        Schedule { when, zone: Zone::named(zone).unwrap(), jitter: None }
    }

    fn at(times: &[&str], zone: &str) -> Schedule {
        schedule(When::At(times.iter().map(|time| time.parse().unwrap()).collect()), zone)
    }

    fn cron(line: &str, zone: &str) -> Schedule {
        schedule(When::Cron(CronLine::parse(line).unwrap()), zone)
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The next moments, as a person in the zone would tell them.
    fn next(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut after = moment(after);
        for _ in 0..count {
            let Some(next) = schedule.next_after(after) else { break };
            found.push(
                jiff::ZonedDateTime::new(next, schedule.zone.time_zone().clone())
                    .strftime("%a %F %H:%M %Z")
                    .to_string(),
            );
            after = next;
        }
        found
    }

    #[test]
    fn every_so_often_is_the_same_for_all() {
        let every = |text: &str| schedule(When::Every(text.parse().unwrap()), "UTC");
        let after = moment("2026-11-24T07:07:30.5Z");
        assert_eq!(every("15m").next_after(after), Some(moment("2026-11-24T07:15:00Z")));
        assert_eq!(every("15m").latest_until(after), Some(moment("2026-11-24T07:00:00Z")));
        assert_eq!(every("1d").next_after(after), Some(moment("2026-11-25T00:00:00Z")));
        assert_eq!(every("15m").next_after(moment("2026-11-24T07:15:00Z")), Some(moment("2026-11-24T07:30:00Z")));
        assert_eq!(every("15m").count_between(moment("2026-11-24T07:00:00Z"), moment("2026-11-24T08:01:00Z")), 4);
    }

    #[test]
    fn times_of_day_in_a_zone() {
        let twice = at(&["07:00", "19:00"], "Europe/Berlin");
        assert_eq!(
            next(&twice, "2026-11-24T07:00:00Z", 3),
            ["Tue 2026-11-24 19:00 CET", "Wed 2026-11-25 07:00 CET", "Wed 2026-11-25 19:00 CET"]
        );
        assert_eq!(twice.latest_until(moment("2026-11-24T06:00:00Z")), Some(moment("2026-11-24T06:00:00Z")));
        assert_eq!(twice.count_between(moment("2026-11-20T07:00:00Z"), moment("2026-11-24T07:00:00Z")), 8);
    }

    #[test]
    fn lines_of_cron() {
        let workdays = cron("0 7 * * 1-5", "UTC");
        assert_eq!(
            next(&workdays, "2026-11-27T07:00:00Z", 2),
            ["Mon 2026-11-30 07:00 UTC", "Tue 2026-12-01 07:00 UTC"]
        );
        let quarters = cron("*/15 8-9 * * *", "UTC");
        assert_eq!(
            next(&quarters, "2026-11-24T09:30:00Z", 2),
            ["Tue 2026-11-24 09:45 UTC", "Wed 2026-11-25 08:00 UTC"]
        );
        // A day of the month or a day of the week: either will do, as in every cron.
        let either = cron("0 0 1 * MON", "UTC");
        assert_eq!(next(&either, "2026-11-24T00:00:00Z", 2), ["Mon 2026-11-30 00:00 UTC", "Tue 2026-12-01 00:00 UTC"]);
        assert_eq!(next(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1), ["Fri 2104-02-29 00:00 UTC"]);
        assert_eq!(next(&cron("0 0 30 2 *", "UTC"), "2026-01-01T00:00:00Z", 1), Vec::<String>::new());
        for bad in ["", "0 7 * *", "0 7 * * 1-5 2026", "61 7 * * *", "0 7 * * mondays", "a b c d e", "@daily"] {
            let error = CronLine::parse(bad).unwrap_err();
            assert!(error.contains("0 7 * * 1-5"), "{error}");
        }
    }

    #[test]
    fn a_time_that_does_not_exist_comes_when_the_clocks_change() {
        let night = at(&["02:30"], "Europe/Berlin");
        assert_eq!(next(&night, "2026-03-28T12:00:00Z", 2), ["Sun 2026-03-29 03:00 CEST", "Mon 2026-03-30 02:30 CEST"]);
        // Four quarters of an hour that is not there are one moment.
        let quarters = cron("*/15 2 * * *", "Europe/Berlin");
        assert_eq!(
            next(&quarters, "2026-03-28T12:00:00Z", 2),
            ["Sun 2026-03-29 03:00 CEST", "Mon 2026-03-30 02:00 CEST"]
        );
        // Samoa had no 30th of December 2011.
        let noon = at(&["12:00"], "Pacific/Apia");
        assert_eq!(next(&noon, "2011-12-29T23:00:00Z", 2), ["Sat 2011-12-31 00:00 +14", "Sat 2011-12-31 12:00 +14"]);
    }

    #[test]
    fn a_time_that_exists_twice_comes_once() {
        let night = at(&["02:30"], "Europe/Berlin");
        assert_eq!(next(&night, "2026-10-24T12:00:00Z", 2), ["Sun 2026-10-25 02:30 CEST", "Mon 2026-10-26 02:30 CET"]);
        assert_eq!(night.latest_until(moment("2026-10-25T01:45:00Z")), Some(moment("2026-10-25T00:30:00Z")));
    }

    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    ];

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let times = proptest::collection::btree_set((0i8..24, 0i8..60), 1..4).prop_map(|times| {
            When::At(times.into_iter().map(|(hour, minute)| Time::constant(hour, minute, 0, 0)).collect())
        });
        let lines = proptest::sample::select(vec![
            "*/15 * * * *",
            "0 7 * * 1-5",
            "30 2 * * *",
            "*/20 0-3 * * *",
            "0 0 1 * *",
            "5 1 * 3,10,11 SUN",
            "0 12 L * *",
        ])
        .prop_map(|line| When::Cron(CronLine::parse(line).unwrap()));
        let every = (1u64..200_000).prop_map(|seconds| When::Every(format!("{seconds}s").parse().unwrap()));
        (prop_oneof![times, lines, every], proptest::sample::select(ZONES.to_vec()))
            .prop_map(|(when, zone)| schedule(when, zone))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn moments_go_on_and_none_is_left_out(schedule in any_schedule(), after in 0i64..3_000_000_000) {
            let after = Timestamp::from_second(after).unwrap();
            let first = schedule.next_after(after).unwrap();
            let second = schedule.next_after(first).unwrap();
            prop_assert!(after < first && first < second);
            prop_assert_eq!(schedule.latest_until(first), Some(first));
            prop_assert_eq!(schedule.latest_until(second - 1.nanosecond()), Some(first));
            prop_assert!(schedule.latest_until(first - 1.nanosecond()).is_none_or(|before| before <= after));
            prop_assert_eq!(schedule.count_between(after, first), 1);
            prop_assert_eq!(schedule.count_between(first, first), 0);
        }

        #[test]
        fn each_time_of_day_comes_once_a_day_or_when_the_clocks_jump_over_it(
            hour in 0i8..24,
            minute in 0i8..60,
            zone in proptest::sample::select(ZONES.to_vec()),
            after in 1_000_000_000i64..2_000_000_000,
        ) {
            let time = Time::constant(hour, minute, 0, 0);
            let schedule = schedule(When::At(vec![time]), zone);
            let zone = schedule.zone.time_zone().clone();
            let mut at = Timestamp::from_second(after).unwrap();
            let mut days = Vec::new();
            for _ in 0..40 {
                at = schedule.next_after(at).unwrap();
                let told = zone.to_datetime(at);
                if told.time() != time {
                    // The clocks were set forward in this very moment, over the time that was meant.
                    let before = zone.to_datetime(at - 1.nanosecond());
                    prop_assert!(told.duration_since(before).as_secs() > 60, "{told}");
                    prop_assert!(before.time() < time || time < told.time() || before.date() < told.date());
                }
                days.push(told.date());
            }
            // Where a whole day is left out, its moment is the first of the next one.
            let twice = days.windows(2).filter(|pair| pair[0] == pair[1]).count();
            prop_assert!(twice <= 1, "{days:?}");
            prop_assert!(days.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_hours() <= 48), "{days:?}");
        }
    }
}
