//! A call that was sent and not answered: what arrived is found by looking.

use std::collections::HashSet;
use std::time::Duration;

use super::{Lane, Settled, Stop};
use crate::destination::{DestinationError, Record, WriteKind};
use crate::engine::EngineError;
use crate::engine::applying::Applying;
use crate::engine::matching::Matching;
use crate::mapping::wire_equal;
use crate::plan::{Candidates, Outcome};
use crate::store::{RunRow, StagedRow, StoreError};

/// How long a call without an answer may still be at work on the other side.
const PAUSE: Duration = Duration::from_millis(300);

/// What looking brought.
#[derive(Default)]
pub(super) struct Cleared {
    pub(super) settled: Vec<Settled>,
    /// Rows that did not arrive.
    pub(super) again: Vec<RunRow>,
}

/// Looks the rows up.
pub(super) async fn clear(
    run: &Applying,
    lane: Lane,
    rows: &[RunRow],
    error: &DestinationError,
) -> Result<Cleared, Stop> {
    tracing::warn!(code = %error.code, rows = rows.len(), "a call got no answer; looking up what arrived");
    tokio::time::sleep(PAUSE).await;
    match lane.kind {
        WriteKind::Create => created(run, rows, error).await,
        WriteKind::Update | WriteKind::Delete => written(run, lane, rows).await,
    }
}

async fn created(run: &Applying, rows: &[RunRow], error: &DestinationError) -> Result<Cleared, Stop> {
    let mut cleared = Cleared::default();
    if run.mapping.matcher.terms.is_empty() {
        let lost = |row: &RunRow| (row.position, Outcome::Unprocessed, None, Some(error.clone()));
        cleared.settled = rows.iter().map(lost).collect();
        return Ok(cleared);
    }
    let wanted: HashSet<u64> = rows.iter().map(|row| row.position).collect();
    let staged: Vec<StagedRow> = staged_of(run, &wanted)?;
    let matching = Matching::new(run.destination.clone(), &run.mapping, &run.object);
    let records = matching.records(&staged.iter().collect::<Vec<_>>()).await?;
    let candidates = Candidates::new(&run.mapping.matcher, &records);
    for row in rows {
        let found = staged
            .iter()
            .find(|staged| staged.position == row.position)
            .map(|staged| candidates.of(&staged.match_values))
            .unwrap_or_default();
        match found.as_slice() {
            [] => cleared.again.push(row.clone()),
            [one] => cleared.settled.push((row.position, Outcome::Created, Some(one.id.clone()), None)),
            several => cleared.settled.push((
                row.position,
                Outcome::Failed,
                None,
                Some(DestinationError {
                    message: format!("{} records match after a call without an answer", several.len()),
                    ..error.clone()
                }),
            )),
        }
    }
    Ok(cleared)
}

async fn written(run: &Applying, lane: Lane, rows: &[RunRow]) -> Result<Cleared, Stop> {
    let ids: Vec<String> = rows.iter().filter_map(|row| row.id.clone()).collect();
    let matching = Matching::new(run.destination.clone(), &run.mapping, &run.object);
    let records = run.destination.retrieve(&run.object, matching.fields(), &ids).await.map_err(EngineError::from)?;
    let mut cleared = Cleared::default();
    for row in rows {
        let record = records.iter().find(|record| row.id.as_deref() == Some(record.id.as_str()));
        let arrived = match (lane.kind, record) {
            (WriteKind::Delete, record) => record.is_none(),
            (_, Some(record)) => has_arrived(run, row, record),
            (_, None) => false,
        };
        if arrived {
            cleared.settled.push((row.position, lane.done, row.id.clone(), None));
        } else {
            cleared.again.push(row.clone());
        }
    }
    Ok(cleared)
}

fn has_arrived(run: &Applying, row: &RunRow, record: &Record) -> bool {
    row.fields.iter().all(|change| {
        let old = record.fields.get(&change.field).unwrap_or(&serde_json::Value::Null);
        run.object.field(&change.field).is_some_and(|field| wire_equal(field, old, &change.new))
    })
}

/// The staged form of these rows: their match values are there.
fn staged_of(run: &Applying, wanted: &HashSet<u64>) -> Result<Vec<StagedRow>, StoreError> {
    let mut staged = Vec::new();
    let mut after = wanted.iter().min().and_then(|first| first.checked_sub(1));
    while staged.len() < wanted.len() {
        let page = run.store.staged_writes(run.run, after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        staged.extend(page.into_iter().filter(|row| wanted.contains(&row.position)));
    }
    Ok(staged)
}
