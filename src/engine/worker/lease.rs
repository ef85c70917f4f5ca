//! Who may work on a mapping, and what becomes of a run whose process is gone.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::super::applying::local_error;
use super::super::{Engine, EngineError};
use crate::store::{Lease, NewRun, Presence, RunId, RunRecord, RunStatus, Store};

/// Without a sign of life for so long, a process that cannot be seen counts as gone: five times what
/// it takes at most.
const SILENCE: Duration = Duration::from_secs(10);
/// Between two looks at a sign of life.
const LOOK: Duration = Duration::from_millis(500);
/// How long a call without an answer may still be at work on the other side after its sender died.
const LINGERING: Duration = Duration::from_secs(5);

impl Engine {
    /// Begins a plan's run with the mapping's lease. A process that is gone is taken over first; one
    /// that lives is named.
    pub(in crate::engine) async fn begin_run(
        &self,
        new: &NewRun<'_>,
        cancel: &CancellationToken,
    ) -> Result<RunId, EngineError> {
        self.take_over_mapping(new.mapping_name, cancel).await?;
        self.store.begin_run(new)?.map_err(|busy| busy_error(&busy.mapping, busy.id, busy.pid))
    }

    /// Moves a run into work; an error names who works on its mapping.
    pub(in crate::engine) async fn begin_work(
        &self,
        run: &RunRecord,
        from: &[RunStatus],
        cancel: &CancellationToken,
    ) -> Result<bool, EngineError> {
        self.take_over_mapping(&run.mapping, cancel).await?;
        let moved = self.store.move_run(run.id, from, RunStatus::Running)?;
        if !moved {
            self.refuse_busy(&run.mapping)?;
        }
        Ok(moved)
    }

    /// The run of a mapping that a living process works on, as far as it can be seen from here.
    pub fn working_on(&self, mapping: &str) -> Result<Option<RunId>, EngineError> {
        let lease = self.store.lease_of(mapping)?;
        Ok(lease.filter(|lease| lease.process.presence() == Presence::There).map(|lease| lease.run))
    }

    /// An error when somebody works on a mapping.
    pub(in crate::engine) fn refuse_busy(&self, mapping: &str) -> Result<(), EngineError> {
        match self.store.lease_of(mapping)? {
            Some(lease) => Err(busy_error(mapping, lease.run, lease.process.pid)),
            None => Ok(()),
        }
    }

    /// Ends the runs whose process is gone: what they had not settled is unprocessed, and is looked up
    /// before it is sent again.
    pub(in crate::engine) fn close_abandoned_runs(&self) -> Result<(), EngineError> {
        for lease in self.store.leases()? {
            if lease.process.presence() == Presence::Gone {
                self.close_abandoned(&lease)?;
            }
        }
        for run in self.store.unleased_runs()? {
            if self.store.adopt(run.id)? {
                self.close_run(run.id)?;
            }
        }
        Ok(())
    }

    /// Ends one run whose process is gone, unless somebody else does so now.
    pub(super) fn close_abandoned(&self, dead: &Lease) -> Result<(), EngineError> {
        if self.store.take_over(dead)? {
            tracing::warn!(run = dead.run.0, pid = dead.process.pid, "closing a run whose process is gone");
            self.close_run(dead.run)?;
        }
        Ok(())
    }

    /// Ends a run of which this store has just taken the lease from the dead.
    fn close_run(&self, id: RunId) -> Result<(), EngineError> {
        let Some(run) = self.store.run(id)? else { return Ok(()) };
        let why = local_error(
            "RUN_INTERRUPTED",
            "the run's process ended in the middle; whether this row arrived is looked up before it is sent again",
        );
        let mut books = run.books;
        let mut message = "its process ended while the plan was made".to_owned();
        if run.status == RunStatus::Running {
            let open = self.store.settle_unsent_writes(id, &why)?;
            self.store.settle_skipped(id)?;
            self.store.count_words(id, &mut books)?;
            self.store.save_books(id, &books, None, run.api_calls, run.seconds)?;
            message = if open == 0 {
                "its process ended when every row had its outcome".to_owned()
            } else {
                format!("its process ended in the middle; `gondola resume {id}` goes on with {open} rows")
            };
        }
        Ok(self.store.finish_run(id, RunStatus::Failed, Some(&message))?)
    }

    /// Closes what a dead process left of a mapping. One that cannot be seen from here is watched for
    /// a while: its count tells whether it lives, whatever any clock says.
    pub(in crate::engine) async fn take_over_mapping(
        &self,
        mapping: &str,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let Some(first) = self.store.lease_of(mapping)? else { return Ok(()) };
        match first.process.presence() {
            Presence::There => return Ok(()),
            Presence::Gone => return self.close_abandoned(&first),
            Presence::Unseen => {}
        }
        tracing::info!(run = first.run.0, "watching whether a process lives that cannot be seen from here");
        let since = Instant::now();
        while since.elapsed() < SILENCE {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = cancel.cancelled() => return Err(EngineError::stopped()),
            }
            let now = self.store.lease_of(mapping)?;
            if now.is_none_or(|now| (now.beat, &now.token) != (first.beat, &first.token)) {
                return Ok(());
            }
        }
        self.close_abandoned(&first)
    }
}

/// Waits until calls that a dead process left without an answer have ended on the other side: looked
/// up before, they could be sent a second time.
pub(in crate::engine) async fn let_calls_end(
    store: &Store,
    mapping: &str,
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    let Some(sent) = store.last_open_call(mapping)? else { return Ok(()) };
    // A clock that was set back says nothing about how long ago that was.
    let age = Duration::try_from(jiff::Timestamp::now().duration_since(sent)).unwrap_or_default();
    let Some(rest) = LINGERING.checked_sub(age) else { return Ok(()) };
    tokio::select! {
        () = tokio::time::sleep(rest) => Ok(()),
        () = cancel.cancelled() => Err(EngineError::stopped()),
    }
}

/// What is said to whoever comes second.
pub(in crate::engine) fn busy_error(mapping: &str, run: RunId, pid: u32) -> EngineError {
    EngineError::failed(format!("run {run} of {mapping} is going on (process {pid})")).with_hint(format!(
        "Two runs of one mapping would write twice. `gondola attach {run}` follows it, `gondola stop {run}` ends it."
    ))
}
