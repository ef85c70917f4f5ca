//! Rows through Bulk jobs: the job's id is in the journal before a row leaves, and its results are
//! joined to the rows by key.

use std::collections::BTreeSet;
use std::time::Duration;

use super::joining::JoinKey;
use super::pacing::{TRIES, backoff};
use super::{Lane, Settled, Stop, doubt};
use crate::destination::{Api, Bulk, BulkResults, BulkRows, BulkState, DestinationError, ErrorKind, RowResult};
use crate::engine::applying::{Applying, local_error};
use crate::plan::Outcome;
use crate::store::{RunId, Store};

/// Rows that are read, written and settled together.
const PAGE_ROWS: usize = 2_000;
/// The first wait for a job; each is half as long again.
pub(super) const FIRST_POLL: Duration = Duration::from_millis(500);
/// The longest wait between two looks at a job.
pub(super) const LONGEST_POLL: Duration = Duration::from_secs(30);

/// Writes the rows of an action that a job can carry. What it says to try again stays without an
/// outcome, for the calls that follow.
pub(super) async fn write(run: &mut Applying, lane: Lane) -> Result<(), Stop> {
    let Some(join) = JoinKey::new(lane.kind, &run.mapping.matcher, &run.object) else { return Ok(()) };
    let fields = fields(run, lane)?;
    let destination = run.destination.clone();
    let Some(bulk) = destination.bulk() else { return Ok(()) };
    let mut after = None;
    let mut losses = 0;
    loop {
        if run.store.unsent(run.run, lane.action, after, 1)?.is_empty() {
            return Ok(());
        }
        run.rest().await?;
        let job = bulk.open(lane.kind, &run.object.name).await?;
        let call = run.store.next_call(run.run)?;
        run.store.journal_job(run.run, call, lane.action.as_str(), &job)?;
        let mut file = bulk.rows(lane.kind, &run.object, &fields)?;
        let (rows, last) = fill(run, lane, &join, call, after, file.as_mut())?;
        if rows == 0 || !send(run, bulk, (&job, call), file.as_mut()).await? {
            // Nothing was written by it.
            bulk.abort(&job).await?;
            run.store.end_job(run.run, call)?;
            losses += 1;
            if rows == 0 {
                return Ok(());
            }
            if losses >= TRIES {
                return Err(Stop::Destination(local_error(
                    "UPLOAD_LOST",
                    "the upload of a job broke off again and again",
                )));
            }
            continue;
        }
        drop(file);
        after = last;
        let ended = finish(run, bulk, &job).await?;
        settle(run, lane, &join, call, bulk.results(&job).await?, ended.as_ref()).await?;
        if let Some(error) = ended {
            return Err(if run.cancel.is_cancelled() { Stop::Asked } else { Stop::Destination(error) });
        }
    }
}

/// Every field that some row of the action sets.
fn fields(run: &Applying, lane: Lane) -> Result<Vec<String>, Stop> {
    let mut fields = BTreeSet::new();
    let mut after = None;
    loop {
        let rows = run.store.unsent(run.run, lane.action, after, PAGE_ROWS)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.position);
        fields.extend(rows.iter().flat_map(|row| &row.fields).map(|change| change.field.clone()));
    }
    Ok(fields.into_iter().collect())
}

/// Fills the file of a job; returns the rows in it and the last position that was looked at. Rows
/// that a job cannot carry, or whose result could not be told from another's, are left out.
fn fill(
    run: &Applying,
    lane: Lane,
    join: &JoinKey,
    call: u64,
    mut after: Option<u64>,
    file: &mut dyn BulkRows,
) -> Result<(u64, Option<u64>), Stop> {
    let mut count = 0;
    loop {
        let rows = run.store.unsent(run.run, lane.action, after, PAGE_ROWS)?;
        if rows.is_empty() {
            return Ok((count, after));
        }
        let mut carried: Vec<(String, u64)> = Vec::new();
        let mut full = false;
        let mut keys = BTreeSet::new();
        for row in &rows {
            let sent = lane.sent(row);
            let key = join.sent(&sent).filter(|key| !keys.contains(key));
            if let Some(key) = key
                && run.destination.carries(Api::Bulk, &sent)
                && run.store.job_position(run.run, &key)?.is_none()
            {
                if !file.add(&sent)? {
                    full = true;
                    break;
                }
                keys.insert(key.clone());
                carried.push((key, row.position));
            }
            after = Some(row.position);
        }
        count += carried.len() as u64;
        run.store.put_in_job(run.run, call, &carried)?;
        if full {
            return Ok((count, after));
        }
    }
}

/// Uploads the file and starts the job; false when it is certain that it did not begin.
async fn send(
    run: &Applying,
    bulk: &dyn Bulk,
    (job, call): (&str, u64),
    file: &mut dyn BulkRows,
) -> Result<bool, Stop> {
    let path = file.finish()?.to_owned();
    let mut tries = 0;
    loop {
        let Err(error) = bulk.send(job, &path).await else { return Ok(true) };
        tries += 1;
        // An answer that was lost may have been a good one, and closing twice is refused.
        let began = bulk.state(job).await? != BulkState::Open;
        match error.kind {
            _ if began => return Ok(true),
            ErrorKind::Transient if tries < TRIES => tokio::time::sleep(backoff(tries)).await,
            ErrorKind::InDoubt | ErrorKind::Transient => return Ok(false),
            _ => {
                // Refused: the job ends without rows, and so does the run.
                bulk.abort(job).await?;
                run.store.end_job(run.run, call)?;
                return Err(Stop::Destination(error));
            }
        }
    }
}

/// Waits for the end of the job; a person's wish to stop aborts it. Says how it ended, if not well.
async fn finish(run: &mut Applying, bulk: &dyn Bulk, job: &str) -> Result<Option<DestinationError>, Stop> {
    let mut pause = FIRST_POLL;
    let mut aborted = false;
    loop {
        match bulk.state(job).await? {
            BulkState::Ended(None) => return Ok(None),
            BulkState::Ended(Some(why)) => return Ok(Some(local_error("JOB_ENDED", &why))),
            BulkState::Working(done) => run.report_job(done),
            BulkState::Open => {}
        }
        if run.cancel.is_cancelled() && !aborted {
            aborted = true;
            // Too late is no trouble: the job has ended by itself then.
            if let Err(error) = bulk.abort(job).await {
                tracing::warn!(code = %error.code, "the job cannot be aborted");
            }
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = run.cancel.cancelled(), if !aborted => {}
        }
        pause = (pause * 3 / 2).min(LONGEST_POLL);
    }
}

/// Joins the results to the rows and writes down what became of them.
pub(super) async fn settle(
    run: &mut Applying,
    lane: Lane,
    join: &JoinKey,
    call: u64,
    results: BulkResults,
    ended: Option<&DestinationError>,
) -> Result<(), Stop> {
    let (store, number) = (run.store.clone(), run.run);
    write_results(&store, number, lane, join, results, ended, |settled| {
        run.count(settled);
        run.report_writing(false, 1);
    })?;
    // Rows that came back in none of the three results.
    loop {
        let rows = run.store.rows_without_result(run.run, call, PAGE_ROWS)?;
        if rows.is_empty() {
            break;
        }
        let missing = DestinationError {
            kind: ErrorKind::InDoubt,
            ..local_error("NO_RESULT", "the job's results do not name this row")
        };
        let cleared = doubt::clear(run, lane, &rows, &missing).await?;
        run.store.settle(run.run, None, &cleared.settled)?;
        run.count(&cleared.settled);
        // What did not arrive has no outcome: the calls that follow send it.
        run.store.take_from_job(run.run, &rows.iter().map(|row| row.position).collect::<Vec<_>>())?;
    }
    run.store.end_job(run.run, call)?;
    Ok(())
}

/// Settles rows by results, page by page, and tells each page. Rows to be tried again keep no
/// outcome when the job ended well.
pub(super) fn write_results(
    store: &Store,
    run: RunId,
    lane: Lane,
    join: &JoinKey,
    results: BulkResults,
    ended: Option<&DestinationError>,
    mut tell: impl FnMut(&[Settled]),
) -> Result<(), Stop> {
    let (mut settled, mut done): (Vec<Settled>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut write = |settled: &mut Vec<Settled>, done: &mut Vec<u64>| -> Result<(), Stop> {
        store.settle(run, None, settled)?;
        store.take_from_job(run, done)?;
        tell(settled);
        done.clear();
        settled.clear();
        Ok(())
    };
    for result in results {
        let result = result?;
        let key = join.returned(|name| result.values.get(name).map(String::as_str));
        let Some(position) = key.map(|key| store.job_position(run, &key)).transpose()?.flatten() else { continue };
        match result.result {
            Some(RowResult::Ok(id)) => settled.push((position, lane.done, Some(id), None)),
            // Left without a result: it is looked up.
            Some(RowResult::Err(error)) if error.kind == ErrorKind::InDoubt => continue,
            Some(RowResult::Err(error))
                if ended.is_none() && matches!(error.kind, ErrorKind::Transient | ErrorKind::Batch) => {}
            Some(RowResult::Err(error)) => {
                let (outcome, told) = lane.refused(error);
                settled.push((position, outcome, None, told));
            }
            None => {
                let why = ended
                    .cloned()
                    .unwrap_or_else(|| local_error("NOT_PROCESSED", "Salesforce did not process this row of the job"));
                settled.push((position, Outcome::Unprocessed, None, Some(why)));
            }
        }
        done.push(position);
        if done.len() >= PAGE_ROWS {
            write(&mut settled, &mut done)?;
        }
    }
    write(&mut settled, &mut done)
}
