//! Watching a run from outside, and asking things of it.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::super::{Engine, EngineError, Phase, Progress, ProgressSender, RunSummary};
use crate::store::{Lease, Presence, Request, RunId, RunStatus};

/// Between two looks at a run. The rows themselves are read from the store by whoever shows them.
const LOOK: Duration = Duration::from_millis(200);
/// Between two questions whether the process is there.
const ASK: Duration = Duration::from_secs(1);
/// A process that cannot be seen from here is gone after so long without a sign of life.
const SILENCE: Duration = Duration::from_secs(10);

/// A run as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct RunNow {
    /// Its counts; of a run that is going, as far as it has told.
    pub summary: RunSummary,
    /// How far it is, while somebody works on it.
    pub progress: Option<Progress>,
    /// The process that works on it.
    pub pid: Option<u32>,
    /// What was asked of it.
    pub request: Option<Request>,
}

impl RunNow {
    /// A summary of a run that may still be going: `live` says how far it is.
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = self.summary.to_json();
        if let Some(progress) = &self.progress {
            body["live"] = progress.to_json();
            body["live"]["process"] = self.pid.into();
        }
        body
    }

    /// Whether a person has paused it.
    pub fn is_paused(&self) -> bool {
        self.request == Some(Request::Pause)
    }
}

fn progress_of(lease: &Lease) -> Progress {
    let told = lease.progress.as_deref().and_then(|text| serde_json::from_str(text).ok());
    told.unwrap_or_else(|| Progress { run: Some(lease.run), ..Progress::default() })
}

impl Engine {
    /// A run as it is now. One whose process is gone is ended first.
    pub fn look(&self, run: RunId) -> Result<RunNow, EngineError> {
        if let Some(lease) = self.store.lease(run)?
            && lease.process.presence() == Presence::Gone
        {
            self.close_abandoned(&lease)?;
        }
        let lease = self.store.lease(run)?;
        let mut summary = self.summary(run)?;
        let progress = lease.as_ref().map(progress_of);
        if let Some(progress) = progress.filter(|progress| progress.books.extracted > 0) {
            summary.books = progress.books;
            (summary.api_calls, summary.seconds) = (progress.api_calls, progress.seconds);
        }
        let pid = lease.as_ref().map(|lease| lease.process.pid);
        Ok(RunNow { summary, progress, pid, request: lease.and_then(|lease| lease.request) })
    }

    /// Every run that somebody works on, with how far it is.
    pub fn going(&self) -> Result<Vec<(RunId, Progress)>, EngineError> {
        Ok(self.store.leases()?.iter().map(|lease| (lease.run, progress_of(lease))).collect())
    }

    /// The run of a mapping that is being applied now, if there is one.
    pub fn going_of(&self, mapping: &str) -> Result<Option<RunId>, EngineError> {
        let Some(lease) = self.store.lease_of(mapping)? else { return Ok(None) };
        let now = self.look(lease.run)?;
        Ok((now.summary.status == RunStatus::Running).then_some(lease.run))
    }

    /// Follows a run from the store to its end. Cancelling ends the following, never the run.
    pub async fn follow(
        &self,
        run: RunId,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<RunSummary, EngineError> {
        let mut alive = SignsOfLife::default();
        loop {
            let Some(lease) = self.store.lease(run)? else {
                let summary = self.summary(run)?;
                if summary.status.is_active() {
                    self.close_abandoned_runs()?;
                    return self.summary(run);
                }
                return Ok(summary);
            };
            let now = progress_of(&lease);
            progress.send_if_modified(|before| std::mem::replace(before, now) != now);
            if alive.is_gone(&lease) {
                self.close_abandoned(&lease)?;
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = cancel.cancelled() => return Err(EngineError::stopped()),
            }
        }
    }

    /// Asks a run to send nothing until told to go on.
    pub fn pause(&self, run: RunId) -> Result<RunNow, EngineError> {
        let now = self.look(run)?;
        if now.summary.status == RunStatus::Planning {
            return Err(EngineError::configuration(format!("run {run} is still making its plan"))
                .with_hint(format!("Nothing is written by that. `gondola stop {run}` ends it.")));
        }
        self.ask(run, Some(Request::Pause))
    }

    /// Tells a run that is paused to go on; false when it is not going at all.
    pub fn unpause(&self, run: RunId) -> Result<bool, EngineError> {
        let now = self.look(run)?;
        Ok(now.summary.status == RunStatus::Running && self.store.ask(run, None)?)
    }

    /// Asks a run to end after what is under way.
    pub fn stop(&self, run: RunId) -> Result<RunNow, EngineError> {
        self.ask(run, Some(Request::Stop))
    }

    fn ask(&self, run: RunId, request: Option<Request>) -> Result<RunNow, EngineError> {
        let now = self.look(run)?;
        if now.pid.is_some() && self.store.ask(run, request)? {
            return self.look(run);
        }
        let status = self.summary(run)?.status;
        let error = EngineError::configuration(match status {
            RunStatus::Planned => format!("run {run} is a plan that was not applied"),
            _ => format!("run {run} is not going on: it {}", ended_words(status)),
        });
        Err(match status {
            RunStatus::Planned => {
                error.with_hint(format!("`gondola run {} --plan {run}` does it.", now.summary.mapping))
            }
            _ => error.with_hint(format!("`gondola show {run}` lists its rows.")),
        })
    }

    /// Waits until a run has done what was asked of it: it is paused, or it has ended. Gives up after a
    /// while, without a fault: a job on the other side may take its time.
    pub async fn wait_for_pause(&self, run: RunId, patience: Duration) -> Result<RunNow, EngineError> {
        let since = Instant::now();
        loop {
            let now = self.look(run)?;
            let is_paused = now.progress.is_some_and(|progress| progress.phase == Phase::Paused);
            if now.pid.is_none() || is_paused || since.elapsed() > patience {
                return Ok(now);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// How a run ended, after "it".
pub(in crate::engine) fn ended_words(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "has succeeded",
        RunStatus::Partial => "has ended, and some rows are left to a person",
        RunStatus::Failed => "has failed",
        RunStatus::Stopped => "was stopped",
        RunStatus::Planning | RunStatus::Planned | RunStatus::Running => "has not begun",
    }
}

/// Tells whether whoever has a lease is gone, now and then.
#[derive(Debug, Default)]
struct SignsOfLife {
    asked: Option<Instant>,
    /// The last count, and when it was seen to change.
    beat: Option<(u64, Instant)>,
}

impl SignsOfLife {
    fn is_gone(&mut self, lease: &Lease) -> bool {
        let now = Instant::now();
        if self.beat.is_none_or(|(beat, _)| beat != lease.beat) {
            self.beat = Some((lease.beat, now));
        }
        if self.asked.is_some_and(|asked| now.duration_since(asked) < ASK) {
            return false;
        }
        self.asked = Some(now);
        match lease.process.presence() {
            Presence::There => false,
            Presence::Gone => true,
            Presence::Unseen => self.beat.is_some_and(|(_, since)| now.duration_since(since) > SILENCE),
        }
    }
}
