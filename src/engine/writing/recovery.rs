//! Jobs that a killed worker left behind: found by the journal, ended, settled.

use tokio_util::sync::CancellationToken;

use super::jobs::{FIRST_POLL, LONGEST_POLL, write_results};
use super::joining::JoinKey;
use super::{Lane, Stop};
use crate::destination::{Bulk, BulkState, Destination, DestinationError};
use crate::engine::applying::local_error;
use crate::engine::{Engine, EngineError};
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
