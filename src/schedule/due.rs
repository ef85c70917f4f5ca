//! Whether a mapping is due: what is remembered of it, beside what time it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::{Schedule, When};

/// A remembered moment further ahead than this was written by a clock that went wrong; it does not
/// stop a schedule for ever.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What is remembered of a mapping: the last moment that was run, or from when on it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The schedule then, as it prints.
    pub schedule: String,
    /// The moment.
    pub moment: Timestamp,
}

/// How a mapping stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs when a person says so.
    Manual,
    /// It was not seen with this schedule before: it is counted from now on.
    New {
        /// Its first moment.
        next: Option<Timestamp>,
    },
    /// It is due.
    Due {
        /// The latest moment; those that were missed before it are run together with it.
        moment: Timestamp,
        /// How many moments before it were missed.
        missed: u64,
    },
    /// It waits for this moment.
    Waits {
        /// The moment; `None` when there is none any more.
        next: Option<Timestamp>,
    },
}

impl Standing {
    /// The moment of the next run: one that is due, or one to come.
    pub fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Manual => None,
            Self::New { next } | Self::Waits { next } => *next,
            Self::Due { moment, .. } => Some(*moment),
        }
    }
}

impl Schedule {
    /// How a mapping stands at `now`.
    ///
    /// A schedule that is new, or was changed, is counted from when it is first seen, so that a time
    /// that has passed today is not made up for. `every` is due at once: its first interval has no
    /// beginning that anybody chose.
    pub fn standing(&self, kept: Option<&Kept>, now: Timestamp) -> Standing {
        if self.is_manual() {
            return Standing::Manual;
        }
        let printed = self.to_string();
        let after = kept.filter(|kept| kept.schedule == printed && kept.moment <= now + AHEAD).map(|kept| kept.moment);
        match (after, &self.when) {
            (Some(after), _) => match self.latest_until(now) {
                Some(moment) if moment > after => {
                    Standing::Due { moment, missed: self.count_between(after, moment).saturating_sub(1) }
                }
                _ => Standing::Waits { next: self.next_after(after.max(now)) },
            },
            (None, When::Every(_)) => match self.latest_until(now) {
                Some(moment) => Standing::Due { moment, missed: 0 },
                None => Standing::Waits { next: self.next_after(now) },
            },
            (None, _) => Standing::New { next: self.next_after(now) },
        }
    }

    /// How long after its moment a mapping starts: always the same for one moment, so that whoever
    /// asks again does not begin earlier, and spread evenly over mappings.
    pub fn delay(&self, mapping: &str, moment: Timestamp) -> Duration {
        let Some(jitter) = self.jitter else { return Duration::ZERO };
        let spread = xxh3_64(format!("{mapping}\n{moment}").as_bytes());
        let millis = u128::from(spread) * jitter.duration().as_millis() / u128::from(u64::MAX);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Zone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn every(text: &str) -> Schedule {
        Schedule { when: When::Every(text.parse().unwrap()), zone: Zone::utc(), jitter: None }
    }

    fn mornings() -> Schedule {
        Schedule { when: When::At(vec!["07:00".parse().unwrap()]), ..Schedule::manual() }
    }

    fn kept(schedule: &Schedule, moment: &str) -> Kept {
        Kept { schedule: schedule.to_string(), moment: at(moment) }
    }

    #[test]
    fn missed_moments_are_one_run() {
        let quarters = every("15m");
        let kept = kept(&quarters, "2026-11-24T07:00:00Z");
        let standing = |now: &str| quarters.standing(Some(&kept), at(now));
        assert_eq!(standing("2026-11-24T07:14:59Z"), Standing::Waits { next: Some(at("2026-11-24T07:15:00Z")) });
        assert_eq!(standing("2026-11-24T07:15:00Z"), Standing::Due { moment: at("2026-11-24T07:15:00Z"), missed: 0 });
        assert_eq!(standing("2026-11-24T09:01:00Z"), Standing::Due { moment: at("2026-11-24T09:00:00Z"), missed: 7 });
    }

    #[test]
    fn a_new_schedule_is_counted_from_now() {
        let now = at("2026-11-24T12:00:00Z");
        let next = Some(at("2026-11-25T07:00:00Z"));
        assert_eq!(mornings().standing(None, now), Standing::New { next });
        let other = Kept { schedule: "at 06:00 UTC".into(), moment: at("2026-11-20T06:00:00Z") };
        assert_eq!(mornings().standing(Some(&other), now), Standing::New { next });
        let due = Standing::Due { moment: at("2026-11-24T12:00:00Z"), missed: 0 };
        assert_eq!(every("1h").standing(None, now), due);
        assert_eq!(Schedule::manual().standing(None, now), Standing::Manual);
    }

    #[test]
    fn a_clock_that_was_set_back_runs_nothing_twice_and_stops_nothing_for_ever() {
        let hours = every("1h");
        let ran = kept(&hours, "2026-11-24T12:00:00Z");
        assert_eq!(
            hours.standing(Some(&ran), at("2026-11-24T10:30:00Z")),
            Standing::Waits { next: Some(at("2026-11-24T13:00:00Z")) }
        );
        let far = kept(&hours, "2038-01-01T00:00:00Z");
        assert!(matches!(hours.standing(Some(&far), at("2026-11-24T10:30:00Z")), Standing::Due { .. }));
    }

    #[test]
    fn jitter_is_the_same_each_time_and_never_longer() {
        let schedule = Schedule { jitter: Some("30s".parse().unwrap()), ..mornings() };
        let moment = at("2026-11-24T07:00:00Z");
        let delays: Vec<_> = (0..50).map(|number| schedule.delay(&format!("m/{number}"), moment)).collect();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(30)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(15)));
        assert_eq!(schedule.delay("m/1", moment), delays[1]);
        assert_eq!(mornings().delay("m/1", moment), Duration::ZERO);
    }
}
