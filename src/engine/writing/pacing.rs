//! When the next call may start: backoff with jitter, the server's own wish, the API floor.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};

/// Tries of one row, or of one call, before a trouble that may pass is final.
pub(super) const TRIES: usize = 6;
/// The first look whether calls are left again; each waits twice as long.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// The longest wait between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(600);
/// Looks before a run gives up: about two and a half hours. Each costs a call.
const LOOKS: u32 = 20;

/// The wait before try number `tries` (from 1), with jitter.
pub(super) fn backoff(tries: usize) -> Duration {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(20))
        .without_max_times()
        .with_jitter()
        .build()
        .nth(tries.saturating_sub(1))
        .unwrap_or_default()
}

/// What keeps every call back.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    until: Option<Instant>,
    floor: Option<Floor>,
}

#[derive(Debug)]
struct Floor {
    looks: u32,
    next: Instant,
}

impl Pacing {
    /// No call starts for so long; a longer wish stays.
    pub(super) fn wait(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        self.until = Some(self.until.map_or(until, |other| other.max(until)));
    }

    /// No call starts before calls are left again.
    pub(super) fn reach_floor(&mut self) {
        self.floor.get_or_insert_with(|| Floor { looks: 0, next: Instant::now() + FIRST_LOOK });
    }

    /// Whether the floor keeps calls back.
    pub(super) fn is_at_floor(&self) -> bool {
        self.floor.is_some()
    }

    /// Whether it is time to ask for the budget again.
    pub(super) fn wants_look(&self) -> bool {
        self.floor.as_ref().is_some_and(|floor| floor.next <= Instant::now())
    }

    /// What a look at the budget brought; false when it is time to give up.
    pub(super) fn looked(&mut self, calls_are_left: bool) -> bool {
        if calls_are_left {
            self.floor = None;
        }
        let Some(floor) = &mut self.floor else { return true };
        floor.looks += 1;
        floor.next = Instant::now() + (FIRST_LOOK * 2u32.saturating_pow(floor.looks.min(20))).min(LONGEST_LOOK);
        floor.looks < LOOKS
    }

    /// When calls may start again, if they may not now.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        let now = Instant::now();
        let floor = self.floor.as_ref().map(|floor| floor.next.max(now));
        floor.into_iter().chain(self.until.filter(|until| *until > now)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_the_longest_wish_wins() {
        assert!(backoff(1) < backoff(5));
        assert!(backoff(50) <= Duration::from_secs(40));
        let mut pacing = Pacing::default();
        assert_eq!(pacing.closed_until(), None);
        pacing.wait(Duration::from_secs(60));
        pacing.wait(Duration::from_secs(1));
        assert!(pacing.closed_until().unwrap() > Instant::now() + Duration::from_secs(50));
    }

    #[test]
    fn at_the_floor_it_looks_a_while_and_then_gives_up() {
        let mut pacing = Pacing::default();
        pacing.reach_floor();
        assert!(pacing.is_at_floor() && !pacing.wants_look());
        assert!((1..LOOKS).all(|_| pacing.looked(false)));
        assert!(!pacing.looked(false));
        assert!(pacing.looked(true));
        assert!(!pacing.is_at_floor());
    }
}
