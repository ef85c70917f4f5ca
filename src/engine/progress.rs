//! How far a run is: the latest state wins, nothing queues up.

use tokio::sync::watch;

use crate::destination::ApiUsage;
use crate::plan::Books;
use crate::store::RunId;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Signing in, checking the mapping.
    #[default]
    Preparing,
    /// Reading the query's rows.
    Extracting,
    /// Looking records up.
    Matching,
    /// Looking again at what a reviewed plan is about.
    Rechecking,
    /// Writing.
    Writing,
    /// Waiting until more API calls are left than are left to others.
    WaitingForCalls,
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
            Self::Rechecking => "checking that nothing changed since the plan",
            Self::Writing => "writing",
            Self::WaitingForCalls => "waiting: no API calls are left above the floor",
            Self::Done => "done",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// The run, once it has a number.
    pub run: Option<RunId>,
    /// What it is doing.
    pub phase: Phase,
    /// Rows of this phase that are done.
    pub done: u64,
    /// Rows of this phase in all, when that is known.
    pub total: Option<u64>,
    /// The counts so far.
    pub books: Books,
    /// API calls so far.
    pub api_calls: u64,
    /// The API budget as of the last answer.
    pub usage: Option<ApiUsage>,
    /// Seconds since it began.
    pub seconds: f64,
}

/// Where progress is told to; whoever looks sees the latest.
pub type ProgressSender = watch::Sender<Progress>;
