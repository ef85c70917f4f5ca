//! How far a run is: the latest state wins, nothing queues up.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::destination::ApiUsage;
use crate::plan::Books;
use crate::store::RunId;

/// Seconds of a phase after which its rate is told: before, it is a guess.
const SURE_AFTER: f64 = 5.0;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Signing in, checking the mapping.
    #[default]
    Preparing,
    /// Reading the query's rows.
    Extracting,
    /// Looking records up.
    Matching,
    /// Finding out what calls did whose answer never came.
    ClearingDoubt,
    /// Looking again at what a reviewed plan is about.
    Rechecking,
    /// Writing.
    Writing,
    /// Waiting until more API calls are left than are left to others.
    WaitingForCalls,
    /// A person asked for a pause; what was sent is still under way.
    Pausing,
    /// A person asked for a pause; nothing is under way.
    Paused,
    /// A person asked it to end; what was sent is still under way.
    Stopping,
    /// It is over.
    Done,
}

impl Phase {
    /// What a person would call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Extracting => "reading rows",
            Self::Matching => "looking up records",
            Self::ClearingDoubt => "looking up what was sent and never answered",
            Self::Rechecking => "checking that nothing changed since the plan",
            Self::Writing => "writing",
            Self::WaitingForCalls => "waiting: no API calls are left above the floor",
            Self::Pausing => "pausing after what is under way",
            Self::Paused => "paused",
            Self::Stopping => "stopping after what is under way",
            Self::Done => "done",
        }
    }

    /// Whether a person has paused it.
    pub fn is_pause(self) -> bool {
        matches!(self, Self::Pausing | Self::Paused)
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The run, once it has a number.
    pub run: Option<RunId>,
    /// What it is doing.
    pub phase: Phase,
    /// Rows of this phase that are done.
    pub done: u64,
    /// Rows of this phase in all, when that is known.
    pub total: Option<u64>,
    /// Rows a second in this phase, once that is no guess.
    pub rate: Option<f64>,
    /// The counts so far.
    pub books: Books,
    /// API calls so far.
    pub api_calls: u64,
    /// The API budget as of the last answer.
    pub usage: Option<ApiUsage>,
    /// Seconds since it began.
    pub seconds: f64,
}

impl Progress {
    /// Seconds that are left, by the rate.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.total?.checked_sub(self.done).filter(|left| *left > 0)?;
        self.rate.filter(|rate| *rate > 0.0).map(|rate| (left as f64 / rate).ceil())
    }

    /// What `--json` shows of a run that is going.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "phase": self.phase,
            "words": self.phase.words(),
            "done": self.done,
            "total": self.total,
            "rows_per_second": self.rate.map(|rate| (rate * 10.0).round() / 10.0),
            "seconds_left": self.seconds_left(),
            "api_calls_left": self.usage.map(|usage| usage.left()),
        })
    }
}

/// Measures the rate of each phase. A pause is not counted as slow work.
#[derive(Debug, Default)]
pub(super) struct Pace {
    phase: Phase,
    /// Seconds and rows at which the phase was taken up.
    began: (f64, u64),
    rate: Option<f64>,
}

impl Pace {
    /// The rate after so many seconds and rows.
    pub(super) fn rate(&mut self, phase: Phase, seconds: f64, done: u64) -> Option<f64> {
        if phase != self.phase {
            *self = Self { phase, began: (seconds, done), rate: None };
        }
        let (elapsed, rows) = (seconds - self.began.0, done.saturating_sub(self.began.1));
        if elapsed >= SURE_AFTER && rows > 0 && !phase.is_pause() {
            self.rate = Some(rows as f64 / elapsed);
        }
        self.rate
    }
}

/// Where progress is told to; whoever looks sees the latest.
pub type ProgressSender = watch::Sender<Progress>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_its_phase_and_told_when_it_is_no_guess() {
        let mut pace = Pace::default();
        assert_eq!(pace.rate(Phase::Writing, 10.0, 500), None);
        assert_eq!(pace.rate(Phase::Writing, 14.0, 900), None);
        assert_eq!(pace.rate(Phase::Writing, 20.0, 1_500), Some(100.0));
        assert_eq!(pace.rate(Phase::Paused, 21.0, 1_500), None);
        assert_eq!(pace.rate(Phase::Writing, 60.0, 1_500), None);
        let progress = Progress { done: 500, total: Some(1_500), rate: Some(100.0), ..Progress::default() };
        assert_eq!(progress.seconds_left(), Some(10.0));
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let progress = Progress { phase: Phase::WaitingForCalls, done: 7, rate: Some(2.5), ..Progress::default() };
        let text = serde_json::to_string(&progress).unwrap();
        assert!(text.contains("\"waiting-for-calls\""));
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
    }
}
