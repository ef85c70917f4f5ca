//! What a killed worker left behind: its jobs and calls are found by the journal, looked up, settled.

use tokio_util::sync::CancellationToken;

use super::jobs::{FIRST_POLL, LONGEST_POLL, write_results};
use super::joining::JoinKey;
use super::{Lane, Stop, doubt, jobs};
use crate::destination::{Bulk, BulkState, Destination, DestinationError, ErrorKind};
use crate::engine::applying::{Applying, local_error};
use crate::engine::worker::lease::let_calls_end;
use crate::engine::{Engine, EngineError, Phase};
use crate::plan::Outcome;
use crate::store::OpenJob;
use crate::types::ObjectDescribe;

impl Engine {
    /// Settles the jobs of earlier runs of a mapping whose results nobody has read. A job that never
    /// began is aborted; one that is at work is waited for.
    pub(in crate::engine) async fn recover_jobs(
        &self,
        mapping: &str,
        destination: &dyn Destination,
        object: &ObjectDescribe,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let Some(bulk) = destination.bulk() else { return Ok(()) };
        for left in self.store.open_jobs(mapping)? {
            tracing::warn!(run = left.run.0, job = %left.job, "settling a job that an earlier run left behind");
            let ended = end(bulk, &left.job, cancel).await?;
            match self.settle_left(bulk, &left, object, ended.as_ref()).await {
                Ok(()) => {}
                Err(Stop::Destination(error)) => return Err(error.into()),
                Err(Stop::Engine(error)) => return Err(error),
                Err(Stop::Asked) => return Err(EngineError::stopped()),
            }
            let Some(run) = self.store.run(left.run)? else { continue };
            let mut books = run.books;
            self.store.count_words(left.run, &mut books)?;
            self.store.save_books(left.run, &books, None, run.api_calls, run.seconds)?;
        }
        Ok(())
    }

    async fn settle_left(
        &self,
        bulk: &dyn Bulk,
        left: &OpenJob,
        object: &ObjectDescribe,
        ended: Option<&DestinationError>,
    ) -> Result<(), Stop> {
        let Some(lane) = Lane::of(&left.kind) else { return Ok(()) };
        if let Some(run) = self.store.run(left.run)?
            && let Some(join) = JoinKey::new(lane.kind, &run.definition.matcher, object)
        {
            let results = bulk.results(&left.job).await?;
            write_results(&self.store, left.run, lane, &join, results, ended, |_| {})?;
        }
        // What the results did not name keeps its state: the plan that follows looks it up.
        Ok(self.store.end_job(left.run, left.call)?)
    }
}

/// Takes up a run that broke off: finds out what its jobs and calls did whose end nobody has written
/// down, and opens the rows that ended unprocessed, those that nothing can find left out.
pub(in crate::engine) async fn take_up(run: &mut Applying) -> Result<(), Stop> {
    run.report(Phase::ClearingDoubt, 0, None);
    let destination = run.destination.clone();
    let number = run.run;
    let mut jobs = run.store.open_jobs(run.name())?;
    jobs.retain(|left| left.run == number);
    if let Some(bulk) = destination.bulk() {
        for left in jobs {
            let Some(lane) = Lane::of(&left.kind) else { continue };
            let ended = end(bulk, &left.job, &run.cancel).await.or_else(|error| run.stopped_or(error))?;
            match JoinKey::new(lane.kind, &run.mapping.matcher, &run.object) {
                Some(join) => {
                    let results = bulk.results(&left.job).await?;
                    jobs::settle(run, lane, &join, left.call, results, ended.as_ref()).await?;
                }
                None => run.store.end_job(run.run, left.call)?,
            }
        }
    }
    run.store.reopen(run.run)?;
    run.recount()?;
    let_calls_end(&run.store, run.name(), &run.cancel).await.or_else(|error| run.stopped_or(error))?;
    let calls = run.store.open_calls(run.run)?;
    let total = calls.len() as u64;
    for (done, open) in calls.into_iter().enumerate() {
        run.rest().await?;
        run.report(Phase::ClearingDoubt, done as u64, Some(total));
        let Some(lane) = Lane::of(&open.kind) else { continue };
        let rows = run.store.rows_of_call(run.run, &open)?;
        let lost = DestinationError {
            kind: ErrorKind::InDoubt,
            ..local_error(
                "RUN_INTERRUPTED",
                "the run's process ended before an answer came, and nothing can find the record",
            )
        };
        let cleared = doubt::clear(run, lane, &rows, &lost).await?;
        let stays_open = cleared.settled.iter().any(|(_, outcome, ..)| *outcome == Outcome::Unprocessed);
        run.store.settle(run.run, (!stays_open).then_some(open.call), &cleared.settled)?;
        run.count(&cleared.settled);
    }
    Ok(())
}

async fn end(bulk: &dyn Bulk, job: &str, cancel: &CancellationToken) -> Result<Option<DestinationError>, EngineError> {
    let mut pause = FIRST_POLL;
    loop {
        match bulk.state(job).await? {
            BulkState::Open => bulk.abort(job).await?,
            BulkState::Ended(None) => return Ok(None),
            BulkState::Ended(Some(why)) => return Ok(Some(local_error("JOB_ENDED", &why))),
            BulkState::Working(_) => {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cancel.cancelled() => return Err(EngineError::stopped()),
                }
                pause = (pause * 3 / 2).min(LONGEST_POLL);
            }
        }
    }
}
