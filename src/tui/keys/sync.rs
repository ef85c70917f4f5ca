//! Keys of 4 Sync.

use super::Action::{Choose, CopyCell, CycleFilter, Groups, MakePlan, PauseRun, ResumeRun, Send, StopRun};
use super::{Binding, Scope, bind};

/// The lines.
pub(super) const KEYS: &[Binding] = &[
    bind(Scope::Sync, &["p"], MakePlan, "plan", "Make a plan: read the rows, look the records up, write nothing"),
    bind(Scope::Sync, &["s"], Send, "sync", "Send this plan to Salesforce; asks once before"),
    bind(
        Scope::Sync,
        &["Space"],
        PauseRun,
        "pause",
        "Send nothing more until you resume; what is under way ends first",
    ),
    bind(Scope::Sync, &["r"], ResumeRun, "resume", "Go on with a run that is paused, was stopped, or broke off"),
    bind(Scope::Sync, &["x"], StopRun, "stop", "End the run after what is under way; asks once before"),
    bind(Scope::Sync, &["f"], CycleFilter, "filter", "Show only rows with the next action or outcome"),
    bind(Scope::Sync, &["e"], Groups, "by reason", "Group held, rejected and failed rows by their reason"),
    bind(
        Scope::Sync,
        &["Enter"],
        Choose,
        "open",
        "Make the plan; show the whole row; in the groups, show the rows of one",
    ),
    bind(Scope::Sync, &["y"], CopyCell, "copy id", "Copy the row's Salesforce id to your terminal's clipboard"),
];
