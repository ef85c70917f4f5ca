//! Which way the rows go, and what it will cost: chosen by the rows and by the calls that are left.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Actions;
use crate::destination::{Api, ApiUsage, WriteLimits};
use crate::mapping::{ApiChoice, DuplicateRule, Mapping};

/// From so many rows on, a job is quicker than calls.
const JOB_ROWS: u64 = 50_000;
/// Calls are scarce when a run would take more than one in so many of those that are left.
const SCARCE_SHARE: u64 = 4;
/// Calls around a job, polls left out: open, upload, close, three results.
const JOB_CALLS: u64 = 6;
/// Polls of a job, about.
const JOB_POLLS: u64 = 8;
/// Rows of one job.
const ROWS_IN_JOB: u64 = 1_000_000;
/// Rows that a job works off in a second, about.
const JOB_ROWS_A_SECOND: f64 = 300.0;

/// Why the rows go this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The mapping says so.
    Asked,
    /// It is the quickest for so many rows.
    #[default]
    Quickest,
    /// Calls are scarcer than time.
    CallsScarce,
    /// A job is quicker for so many rows.
    ManyRows,
    /// A job would be better, but the mapping's options need calls.
    OptionsNeedCalls,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "as the mapping says",
            Self::Quickest => "the quickest for so many rows",
            Self::CallsScarce => "API calls are scarce",
            Self::ManyRows => "many rows",
            Self::OptionsNeedCalls => "duplicate_rule and auto_assign do not work in jobs",
        })
    }
}

/// A way for the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// The API.
    pub api: Api,
    /// Why.
    pub reason: Reason,
}

/// What applying a plan will cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// API calls.
    pub calls: u64,
    /// Seconds, by the time that this plan's own calls took.
    pub seconds: f64,
    /// Calls left today, when the destination said so.
    pub calls_left: Option<u64>,
    /// Calls allowed a day, when the destination said so.
    pub calls_max: Option<u64>,
    /// Calls of the day that are left to others.
    #[serde(default)]
    pub calls_floor: Option<u64>,
    /// Which API carries the rows.
    #[serde(default)]
    pub api: Api,
    /// Why that one.
    #[serde(default)]
    pub reason: Reason,
}

impl Forecast {
    /// The way that was forecast.
    pub fn route(&self) -> Route {
        Route { api: self.api, reason: self.reason }
    }
}

impl Route {
    /// The way for `actions`. Without a word of the mapping it is the quickest that the calls
    /// which are left allow.
    pub fn choose(mapping: &Mapping, actions: &Actions, limits: WriteLimits, usage: Option<ApiUsage>) -> Self {
        let jobs_fit = mapping.duplicate_rule == DuplicateRule::Fail && !mapping.auto_assign;
        let asked = |api| Self { api, reason: Reason::Asked };
        match mapping.api {
            ApiChoice::Collections => asked(Api::Collections),
            ApiChoice::Composite => asked(Api::Composite),
            ApiChoice::Bulk if jobs_fit => asked(Api::Bulk),
            ApiChoice::Bulk => Self { api: Api::Composite, reason: Reason::OptionsNeedCalls },
            ApiChoice::Auto => {
                let spendable = usage.map_or(u64::MAX, |usage| usage.spendable());
                let fits = |api| calls(api, actions, limits) <= spendable / SCARCE_SHARE;
                if actions.writes() >= JOB_ROWS && jobs_fit {
                    Self { api: Api::Bulk, reason: Reason::ManyRows }
                } else if fits(Api::Collections) {
                    Self { api: Api::Collections, reason: Reason::Quickest }
                } else if fits(Api::Composite) || !jobs_fit {
                    Self { api: Api::Composite, reason: Reason::CallsScarce }
                } else if calls(Api::Bulk, actions, limits) < calls(Api::Composite, actions, limits) {
                    Self { api: Api::Bulk, reason: Reason::CallsScarce }
                } else {
                    Self { api: Api::Composite, reason: Reason::CallsScarce }
                }
            }
        }
    }

    /// What this way costs at `seconds_per_call`.
    pub fn forecast(
        self,
        actions: &Actions,
        limits: WriteLimits,
        seconds_per_call: f64,
        usage: Option<ApiUsage>,
    ) -> Forecast {
        let calls = calls(self.api, actions, limits);
        let seconds = match self.api {
            Api::Bulk => actions.writes() as f64 / JOB_ROWS_A_SECOND + calls as f64 * seconds_per_call,
            // The parts of a packed call are worked off one after the other.
            Api::Composite => calls as f64 * limits.parts as f64 * seconds_per_call / limits.in_flight.max(1) as f64,
            Api::Collections => calls as f64 * seconds_per_call / limits.in_flight.max(1) as f64,
        };
        Forecast {
            calls,
            seconds: if calls == 0 { 0.0 } else { seconds.max(seconds_per_call) },
            calls_left: usage.map(|usage| usage.left()),
            calls_max: usage.map(|usage| usage.max),
            calls_floor: usage.map(|usage| usage.floor),
            api: self.api,
            reason: self.reason,
        }
    }
}

/// API calls for `actions`.
fn calls(api: Api, actions: &Actions, limits: WriteLimits) -> u64 {
    let kinds = [actions.create, actions.update, actions.delete];
    let rows = limits.rows.max(1) as u64;
    let each = |rows: u64| kinds.iter().map(|count| count.div_ceil(rows)).sum();
    match api {
        Api::Collections => each(rows),
        Api::Composite => each(rows * limits.parts.max(1) as u64),
        Api::Bulk => each(ROWS_IN_JOB) * (JOB_CALLS + JOB_POLLS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: WriteLimits = WriteLimits { rows: 200, parts: 5, in_flight: 5 };

    fn chosen(mapping: &Mapping, create: u64, left: u64) -> Route {
        let usage = Some(ApiUsage { used: 15_000 - left, max: 15_000, floor: 300 });
        Route::choose(mapping, &Actions { create, ..Actions::default() }, LIMITS, usage)
    }

    #[test]
    fn calls_are_counted_by_kind() {
        let actions = Actions { create: 201, update: 1, skip: 9_000, ..Actions::default() };
        assert_eq!(calls(Api::Collections, &actions, LIMITS), 3);
        assert_eq!(calls(Api::Composite, &actions, LIMITS), 2);
        assert!(Route::default().forecast(&Actions::default(), LIMITS, 0.5, None).seconds < 0.1);
    }

    #[test]
    fn the_way_follows_rows_and_calls() {
        let mapping = Mapping::new("sales", "Contact");
        assert_eq!(chosen(&mapping, 10_000, 15_000).api, Api::Collections);
        assert_eq!(chosen(&mapping, 10_000, 450).api, Api::Composite, "50 of 150 calls are too many, 10 are not");
        assert_eq!(chosen(&mapping, 40_000, 320).api, Api::Bulk, "and 40 of 20 are");
        assert_eq!(chosen(&mapping, 60_000, 15_000), Route { api: Api::Bulk, reason: Reason::ManyRows });
    }

    #[test]
    fn options_that_jobs_do_not_have_keep_to_calls() {
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.api = ApiChoice::Bulk;
        assert_eq!(chosen(&mapping, 10, 15_000), Route { api: Api::Bulk, reason: Reason::Asked });
        mapping.auto_assign = true;
        assert_eq!(chosen(&mapping, 10, 15_000).reason, Reason::OptionsNeedCalls);
    }
}
