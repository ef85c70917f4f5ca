//! Sending rows: journal, call, settle. Transient refusals are tried again in smaller calls; calls
//! without an answer are looked up before anything is sent again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::EngineError;
use super::applying::Applying;
use super::planning::Matching;
use crate::destination::{DestinationError, ErrorKind, Record, RowResult, WriteKind, WriteRow};
use crate::mapping::wire_equal;
use crate::plan::{Action, Candidates, Outcome};
use crate::store::{RunRow, StagedRow, StoreError};

/// Tries of one row before its transient error is final.
const TRIES: usize = 6;
/// How long a call without an answer may still be at work on the other side.
const DOUBT_PAUSE: Duration = Duration::from_millis(300);

/// Why a run does not go on.
pub(super) enum Stop {
    /// A person asked for it.
    Asked,
    /// The destination refuses everything.
    Destination(DestinationError),
    /// Our own side failed.
    Engine(EngineError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// What became of one row: position, outcome, id, error.
type Settled = (u64, Outcome, Option<String>, Option<DestinationError>);

/// Writes the rows of one action.
pub(super) struct Writer<'a> {
    run: &'a mut Applying,
    action: Action,
    kind: WriteKind,
    done: Outcome,
}

impl<'a> Writer<'a> {
    pub(super) fn new(run: &'a mut Applying, action: Action) -> Self {
        let (kind, done) = match action {
            Action::Update => (WriteKind::Update, Outcome::Updated),
            Action::Delete => (WriteKind::Delete, Outcome::Deleted),
            _ => (WriteKind::Create, Outcome::Created),
        };
        Self { run, action, kind, done }
    }

    /// Writes every row of the action, in calls as large as the destination takes.
    pub(super) async fn write_all(mut self) -> Result<(), Stop> {
        let batch = self.run.destination.write_batch();
        let mut after = None;
        loop {
            if self.run.cancel.is_cancelled() {
                return Err(Stop::Asked);
            }
            let rows = self.run.store.unsent(self.run.run, self.action, after, batch)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.position);
            self.write(rows).await?;
        }
    }

    /// Writes these rows, again and in smaller calls while the destination refuses them for now.
    async fn write(&mut self, rows: Vec<RunRow>) -> Result<(), Stop> {
        let mut size = rows.len();
        let mut waiting = rows;
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(20))
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        loop {
            let pause = pauses.next();
            let mut again = Vec::new();
            let mut refused = None;
            for part in waiting.chunks(size) {
                again.extend(self.call(part, pause.is_none(), &mut refused).await?);
            }
            self.run.count()?;
            self.run.report_writing();
            if again.is_empty() {
                return Ok(());
            }
            let Some(pause) = pause else {
                let refused = refused
                    .unwrap_or_else(|| super::applying::local_error("SERVER_UNAVAILABLE", "refused again and again"));
                return Err(Stop::Destination(refused));
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.run.cancel.cancelled() => return Err(Stop::Asked),
            }
            waiting = again;
            size = (size / 4).max(1);
        }
    }

    /// One call. Returns the rows to send again; `last` makes transient row errors final.
    async fn call(
        &mut self,
        rows: &[RunRow],
        last: bool,
        refused: &mut Option<DestinationError>,
    ) -> Result<Vec<RunRow>, Stop> {
        let run = &self.run;
        let positions: Vec<u64> = rows.iter().map(|row| row.position).collect();
        let number = run.store.next_call(run.run)?;
        run.store.journal_sent(run.run, number, self.action.as_str(), &positions)?;
        let sent: Vec<WriteRow> = rows
            .iter()
            .map(|row| WriteRow {
                id: row.id.clone().filter(|_| self.kind != WriteKind::Create),
                fields: row.fields.iter().map(|change| (change.field.clone(), change.new.clone())).collect(),
            })
            .collect();
        match run.destination.write(self.kind, &run.object.name, &sent).await {
            Ok(results) => self.settle(rows, results, number, last),
            Err(error) if error.kind == ErrorKind::InDoubt => self.clear_doubt(rows, number, &error).await,
            Err(error) => {
                // Refused whole: nothing happened.
                match error.kind {
                    ErrorKind::Data if rows.len() == 1 || last => {
                        let failed: Vec<Settled> = positions
                            .iter()
                            .map(|position| (*position, Outcome::Failed, None, Some(error.clone())))
                            .collect();
                        run.store.settle(run.run, Some(number), &failed)?;
                        Ok(Vec::new())
                    }
                    // One row spoils the call: smaller calls find out which.
                    ErrorKind::Data | ErrorKind::Transient => {
                        run.store.settle(run.run, Some(number), &[])?;
                        *refused = Some(error);
                        Ok(rows.to_vec())
                    }
                    _ => {
                        run.store.settle(run.run, Some(number), &[])?;
                        Err(Stop::Destination(error))
                    }
                }
            }
        }
    }

    fn settle(&mut self, rows: &[RunRow], results: Vec<RowResult>, call: u64, last: bool) -> Result<Vec<RunRow>, Stop> {
        let mut settled: Vec<Settled> = Vec::new();
        let mut again = Vec::new();
        for (row, result) in rows.iter().zip(results) {
            match result {
                RowResult::Ok(id) => settled.push((row.position, self.done, Some(id), None)),
                RowResult::Err(error) if error.kind == ErrorKind::Transient && !last => again.push(row.clone()),
                RowResult::Err(error) => settled.push((row.position, Outcome::Failed, None, Some(error))),
            }
        }
        self.run.store.settle(self.run.run, Some(call), &settled)?;
        match same_for_all(&settled, rows.len()) {
            // Every row fails alike: more calls would only fail too.
            Some(error) if error.kind == ErrorKind::Configuration => Err(Stop::Destination(error)),
            _ => Ok(again),
        }
    }

    /// Sent, and no answer: what arrived is found by looking, and only the rest is sent again.
    async fn clear_doubt(&mut self, rows: &[RunRow], call: u64, error: &DestinationError) -> Result<Vec<RunRow>, Stop> {
        tracing::warn!(code = %error.code, rows = rows.len(), "a call got no answer; looking up what arrived");
        tokio::time::sleep(DOUBT_PAUSE).await;
        let (settled, again) = match self.kind {
            WriteKind::Create => self.find_created(rows, error).await?,
            WriteKind::Update | WriteKind::Delete => self.find_written(rows).await?,
        };
        // A create that nothing can find stays open in the journal: the next run holds it.
        let open = settled.iter().any(|(_, outcome, ..)| *outcome == Outcome::Unprocessed);
        self.run.store.settle(self.run.run, (!open).then_some(call), &settled)?;
        Ok(again)
    }

    async fn find_created(
        &self,
        rows: &[RunRow],
        error: &DestinationError,
    ) -> Result<(Vec<Settled>, Vec<RunRow>), Stop> {
        let run = &self.run;
        if run.mapping.matcher.terms.is_empty() {
            let lost = |row: &RunRow| (row.position, Outcome::Unprocessed, None, Some(error.clone()));
            return Ok((rows.iter().map(lost).collect(), Vec::new()));
        }
        let Some(first) = rows.first() else { return Ok((Vec::new(), Vec::new())) };
        let wanted: std::collections::HashSet<u64> = rows.iter().map(|row| row.position).collect();
        let staged: Vec<StagedRow> = staged_of(run, first.position, &wanted)?;
        let matching = Matching::new(run.destination.clone(), &run.mapping, &run.object);
        let records = matching.records(&staged.iter().collect::<Vec<_>>()).await?;
        let candidates = Candidates::new(&run.mapping.matcher, &records);
        let (mut settled, mut again): (Vec<Settled>, Vec<RunRow>) = (Vec::new(), Vec::new());
        for row in rows {
            let found = staged
                .iter()
                .find(|staged| staged.position == row.position)
                .map(|staged| candidates.of(&staged.match_values))
                .unwrap_or_default();
            match found.as_slice() {
                [] => again.push(row.clone()),
                [one] => settled.push((row.position, Outcome::Created, Some(one.id.clone()), None)),
                several => settled.push((
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
        Ok((settled, again))
    }

    async fn find_written(&self, rows: &[RunRow]) -> Result<(Vec<Settled>, Vec<RunRow>), Stop> {
        let run = &self.run;
        let ids: Vec<String> = rows.iter().filter_map(|row| row.id.clone()).collect();
        let matching = Matching::new(run.destination.clone(), &run.mapping, &run.object);
        let records =
            run.destination.retrieve(&run.object, matching.fields(), &ids).await.map_err(EngineError::from)?;
        let (mut settled, mut again): (Vec<Settled>, Vec<RunRow>) = (Vec::new(), Vec::new());
        for row in rows {
            let record = records.iter().find(|record| row.id.as_deref() == Some(record.id.as_str()));
            let arrived = match (self.kind, record) {
                (WriteKind::Delete, record) => record.is_none(),
                (_, Some(record)) => self.has_arrived(row, record),
                (_, None) => false,
            };
            if arrived {
                settled.push((row.position, self.done, row.id.clone(), None));
            } else {
                again.push(row.clone());
            }
        }
        Ok((settled, again))
    }

    fn has_arrived(&self, row: &RunRow, record: &Record) -> bool {
        row.fields.iter().all(|change| {
            let old = record.fields.get(&change.field).unwrap_or(&serde_json::Value::Null);
            self.run.object.field(&change.field).is_some_and(|field| wire_equal(field, old, &change.new))
        })
    }
}

/// The staged form of these rows: their match values are there.
fn staged_of(
    run: &Applying,
    first: u64,
    wanted: &std::collections::HashSet<u64>,
) -> Result<Vec<StagedRow>, StoreError> {
    let mut staged = Vec::new();
    let mut after = first.checked_sub(1);
    while staged.len() < wanted.len() {
        let page = run.store.staged_writes(run.run, after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        staged.extend(page.into_iter().filter(|row| wanted.contains(&row.position)));
    }
    Ok(staged)
}

/// The error, when all rows of a call failed with the same code.
fn same_for_all(settled: &[Settled], rows: usize) -> Option<DestinationError> {
    let (_, _, _, Some(first)) = settled.first()? else { return None };
    let alike = settled.len() == rows
        && settled.iter().all(|(_, _, _, error)| error.as_ref().is_some_and(|error| error.code == first.code));
    alike.then(|| first.clone())
}
