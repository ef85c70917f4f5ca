//! The rows of a run: staged while the query is read, decided in the plan, settled by outcomes.

use rusqlite::{OptionalExtension, Row, params};

use super::snapshot::match_values;
use super::{RunId, Store, StoreError, from_json, to_json, unreadable};
use crate::destination::{DestinationError, Payload};
use crate::mapping::Sources;
use crate::plan::{Action, Books, Change, Decision, FieldChange, MatchValues, Outcome, Planned};
use crate::types::{RowKey, Value};

/// A row of the query that a run may act on.
#[derive(Debug, Clone)]
pub struct StagedRow {
    /// Place in the query's result, from 0.
    pub position: u64,
    /// Its key; for an invalid row whatever is there, NULL as nothing.
    pub key: RowKey,
    /// Whether the key identifies it.
    pub has_key: bool,
    /// How it compares with the snapshot.
    pub change: Change,
    /// Hash over the mapped payload.
    pub hash: u128,
    /// What would be sent, parents left out.
    pub payload: Payload,
    /// What the source says where that is not what is sent; parents are found by it.
    pub sources: Sources,
    /// Why it cannot be sent.
    pub rejections: Vec<DestinationError>,
    /// What finds its record.
    pub match_values: MatchValues,
    /// Of a removed row: its record, as the snapshot knows it.
    pub known_record: Option<String>,
}

/// A row of a run, for people and for the writer.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Place in the query's result, from 0.
    pub position: u64,
    /// Its key.
    pub key: RowKey,
    /// How it compares with the snapshot.
    pub change: Change,
    /// What is to be done.
    pub action: Option<Action>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// The record's id.
    pub id: Option<String>,
    /// Field by field.
    pub fields: Vec<FieldChange>,
    /// Records that match, when several do.
    pub candidates: Vec<String>,
    /// What would be sent in all.
    pub payload: Payload,
    /// Why it is held, rejected, skipped or failed.
    pub error: Option<DestinationError>,
    /// The record's `SystemModstamp` as the plan read it.
    pub modstamp: Option<String>,
    /// The parent record that a write locks too.
    pub parent: Option<String>,
    /// What was reviewed, where something changed since and it was decided anew.
    pub planned: Option<Planned>,
}

/// Which rows of a run are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RowFilter {
    /// All that are stored (unchanged rows without an action are only counted).
    #[default]
    All,
    /// With this action.
    Action(Action),
    /// With this outcome.
    Outcome(Outcome),
    /// That failed with this code.
    Code(String),
    /// Created, updated, deleted: what arrived.
    Arrived,
    /// That will be, or were, written.
    Writes,
    /// That are to be written and have no outcome yet.
    Open,
}

impl RowFilter {
    fn clause(&self) -> (String, Option<String>) {
        match self {
            Self::All => ("1".to_owned(), None),
            Self::Action(action) => ("action = ?2".to_owned(), Some(action.to_string())),
            Self::Outcome(outcome) => ("outcome = ?2".to_owned(), Some(outcome.to_string())),
            Self::Code(code) => ("code = ?2".to_owned(), Some(code.clone())),
            Self::Arrived => ("outcome IN ('created', 'updated', 'deleted')".to_owned(), None),
            Self::Writes => ("action IN ('create', 'update', 'delete')".to_owned(), None),
            Self::Open => ("action IN ('create', 'update', 'delete') AND outcome IS NULL".to_owned(), None),
        }
    }
}

/// Rows that are held, rejected or failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    /// What was decided, or `None` for rows that the destination refused.
    pub action: Option<Action>,
    /// The code.
    pub code: String,
    /// The fields it names.
    pub fields: Vec<String>,
    /// One of its messages.
    pub message: String,
    /// One of its hints.
    pub hint: Option<String>,
    /// How many rows.
    pub rows: u64,
}

const COLUMNS: &str = "position, key, change, action, outcome, record_id, fields, candidates, payload, error, modstamp, \
                       parent, planned";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<RunRow, StoreError>> {
    let position: i64 = row.get(0)?;
    let (key, change): (String, String) = (row.get(1)?, row.get(2)?);
    let (action, outcome): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let id = row.get(5)?;
    let (fields, candidates, payload): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let (error, modstamp): (Option<String>, Option<String>) = (row.get(9)?, row.get(10)?);
    let (parent, planned): (_, Option<String>) = (row.get(11)?, row.get(12)?);
    Ok((|| {
        Ok(RunRow {
            position: u64::try_from(position).map_err(unreadable)?,
            key: RowKey::from_pairs(from_json(&key)?),
            change: change.parse().map_err(unreadable)?,
            action: action.map(|word| word.parse()).transpose().map_err(unreadable)?,
            outcome: outcome.map(|word| word.parse()).transpose().map_err(unreadable)?,
            id,
            fields: from_json(&fields)?,
            candidates: from_json(&candidates)?,
            payload: from_json(&payload)?,
            error: error.as_deref().map(from_json).transpose()?,
            modstamp,
            parent,
            planned: planned.as_deref().map(from_json).transpose()?,
        })
    })())
}

/// SQLite's page cache while rows are staged, in its own unit: minus so many kB.
const STAGING_CACHE: i64 = -32_000;
/// And at all other times; its own default.
const USUAL_CACHE: i64 = -2_000;

/// Match values are texts in the store: they are compared as text anyway. Numbers lose trailing
/// zeros, so that 7.00 finds 7.
fn match_texts(values: &MatchValues) -> Vec<Option<String>> {
    let text = |value: &Value| match value {
        Value::Number(number) => number.normalized().to_string(),
        other => other.to_string(),
    };
    values.0.iter().map(|value| value.as_ref().map(text)).collect()
}

impl Store {
    /// Keeps rows of a run, in one transaction; says how many. Rows are taken one by one, so that they
    /// need not be in memory together.
    pub fn stage(&self, run: RunId, rows: impl IntoIterator<Item = StagedRow>) -> Result<u64, StoreError> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(0);
        }
        let mut connection = self.lock();
        // Keys come in any order, and pages that are written twice in one transaction are written once.
        connection.pragma_update(None, "cache_size", STAGING_CACHE)?;
        let transaction = connection.transaction()?;
        let mut count = 0;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO row (run, position, key, canonical, change, hash, payload, rejections, \
                 match_values, signature, sources, known_record) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?;
            for row in rows {
                insert.execute(params![
                    run.0,
                    row.position as i64,
                    to_json(&row.key.pairs())?,
                    row.has_key.then(|| row.key.canonical()),
                    row.change.as_str(),
                    row.hash.to_be_bytes(),
                    to_json(&row.payload)?,
                    to_json(&row.rejections)?,
                    to_json(&match_texts(&row.match_values))?,
                    row.match_values.0.iter().any(Option::is_some).then(|| row.match_values.signature()),
                    to_json(&row.sources)?,
                    row.known_record,
                ])?;
                count += 1;
            }
        }
        transaction.commit()?;
        connection.pragma_update(None, "cache_size", USUAL_CACHE)?;
        Ok(count)
    }

    /// Marks a staged row as one of several with the same key. Returns what it counted as before, or
    /// `None` when no row with this key is staged.
    pub fn mark_repeated(&self, run: RunId, canonical: &str) -> Result<Option<Change>, StoreError> {
        let connection = self.lock();
        let mut find = connection
            .prepare_cached("SELECT change FROM row WHERE run = ?1 AND canonical = ?2 ORDER BY position LIMIT 1")?;
        let before: Option<String> = find.query_row(params![run.0, canonical], |row| row.get(0)).optional()?;
        if before.as_deref().is_some_and(|change| change != Change::Invalid.as_str()) {
            connection
                .prepare_cached("UPDATE row SET change = 'invalid' WHERE run = ?1 AND canonical = ?2")?
                .execute(params![run.0, canonical])?;
        }
        before.map(|word| word.parse().map_err(unreadable)).transpose()
    }

    /// Added rows whose key is on several rows of the run have no identity; says how many they are.
    pub fn mark_added_twice(&self, run: RunId) -> Result<u64, StoreError> {
        let marked = self.lock().execute(
            "UPDATE row SET change = 'invalid' WHERE run = ?1 AND change = 'added' AND canonical IN \
             (SELECT canonical FROM row WHERE run = ?1 AND canonical IS NOT NULL GROUP BY canonical HAVING count(*) > 1)",
            [run.0],
        )?;
        Ok(marked as u64)
    }

    /// Moves rows that were staged at `from` or later, because their place was not known, to `to`.
    pub fn move_rows(&self, run: RunId, from: u64, to: u64) -> Result<(), StoreError> {
        self.lock().execute(
            "UPDATE row SET position = position - ?2 + ?3 WHERE run = ?1 AND position >= ?2",
            params![run.0, from as i64, to as i64],
        )?;
        Ok(())
    }

    /// Staged rows with one of these changes and without a decision, in order, after `after`.
    pub fn undecided(
        &self,
        run: RunId,
        changes: &[Change],
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StagedRow>, StoreError> {
        let words: Vec<String> = changes.iter().map(|change| format!("'{change}'")).collect();
        self.staged_where(run, &format!("action IS NULL AND change IN ({})", words.join(", ")), after, limit)
    }

    /// Decided rows that are to be written, in order, after `after`, as they were staged.
    pub fn staged_writes(&self, run: RunId, after: Option<u64>, limit: usize) -> Result<Vec<StagedRow>, StoreError> {
        self.staged_where(run, "action IN ('create', 'update', 'delete')", after, limit)
    }

    /// Those of them that have no outcome yet.
    pub fn staged_open(&self, run: RunId, after: Option<u64>, limit: usize) -> Result<Vec<StagedRow>, StoreError> {
        self.staged_where(run, "action IN ('create', 'update', 'delete') AND outcome IS NULL", after, limit)
    }

    pub(super) fn staged_where(
        &self,
        run: RunId,
        clause: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StagedRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT position, key, canonical IS NOT NULL, change, hash, payload, rejections, match_values, sources, \
             known_record FROM row \
             WHERE run = ?1 AND position > ?2 AND {clause} ORDER BY position LIMIT ?3"
        ))?;
        let after = after.map_or(-1, |at| at as i64);
        let mut found = statement.query(params![run.0, after, limit as i64])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let position: i64 = row.get(0)?;
            let hash: [u8; 16] = row.get(4)?;
            let (key, change): (String, String) = (row.get(1)?, row.get(3)?);
            let (payload, rejections, values): (String, String, String) = (row.get(5)?, row.get(6)?, row.get(7)?);
            let sources: String = row.get(8)?;
            rows.push(StagedRow {
                position: u64::try_from(position).map_err(unreadable)?,
                key: RowKey::from_pairs(from_json(&key)?),
                has_key: row.get(2)?,
                change: change.parse().map_err(unreadable)?,
                hash: u128::from_be_bytes(hash),
                payload: from_json(&payload)?,
                sources: from_json(&sources)?,
                rejections: from_json(&rejections)?,
                match_values: match_values(&values)?,
                known_record: row.get(9)?,
            });
        }
        Ok(rows)
    }

    /// Writes decisions down.
    pub fn decide(&self, run: RunId, decisions: &[(u64, Decision)]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut update = transaction.prepare_cached(
                "UPDATE row SET action = ?3, record_id = ?4, modstamp = ?5, fields = ?6, candidates = ?7, \
                 settled = ?8, error = ?9, code = ?10, parent = ?11 WHERE run = ?1 AND position = ?2",
            )?;
            for (position, decision) in decisions {
                update.execute(params![
                    run.0,
                    *position as i64,
                    decision.action.as_str(),
                    decision.record,
                    decision.modstamp,
                    to_json(&decision.fields)?,
                    to_json(&decision.candidates)?,
                    decision.settled,
                    decision.reason.as_ref().map(to_json).transpose()?,
                    decision.reason.as_ref().map(|reason| reason.code.clone()),
                    decision.parent,
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Writes down what is decided anew since a plan was reviewed, and what was reviewed.
    pub fn decide_anew(&self, run: RunId, decisions: &[(u64, Decision, Planned)]) -> Result<(), StoreError> {
        let plain: Vec<(u64, Decision)> = decisions.iter().map(|(at, now, _)| (*at, now.clone())).collect();
        self.decide(run, &plain)?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut update =
                transaction.prepare_cached("UPDATE row SET planned = ?3 WHERE run = ?1 AND position = ?2")?;
            for (position, _, planned) in decisions {
                update.execute(params![run.0, *position as i64, to_json(planned)?])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Positions of rows that mean one record together with another row of this run.
    pub fn colliding(&self, run: RunId) -> Result<Vec<u64>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT position FROM row WHERE run = ?1 AND action IN ('update', 'delete', 'skip') AND record_id IN \
               (SELECT record_id FROM row WHERE run = ?1 AND record_id IS NOT NULL \
                AND action IN ('update', 'delete', 'skip') GROUP BY record_id HAVING count(*) > 1) \
             UNION SELECT position FROM row WHERE run = ?1 AND action = 'create' AND match_values <> '[]' \
               AND signature IN (SELECT signature FROM row WHERE run = ?1 AND action = 'create' \
               GROUP BY signature HAVING count(*) > 1) ORDER BY 1",
        )?;
        let found = statement.query_map([run.0], |row| row.get::<_, i64>(0))?;
        Ok(found.map(|at| at.map(|at| u64::try_from(at).unwrap_or(0))).collect::<rusqlite::Result<_>>()?)
    }

    /// Rows that this filter means, in order.
    pub fn rows(&self, run: RunId, filter: &RowFilter, offset: u64, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let (clause, value) = filter.clause();
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM row WHERE run = ?1 AND (?2 IS NULL OR 1) AND {clause} \
             ORDER BY position LIMIT ?3 OFFSET ?4"
        ))?;
        let found = statement.query_map(params![run.0, value, limit as i64, offset as i64], read)?;
        found.map(|row| row?).collect()
    }

    /// Rows that this filter means, after a position: paging that does not slow down.
    pub fn rows_after(
        &self,
        run: RunId,
        filter: &RowFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<RunRow>, StoreError> {
        let (clause, value) = filter.clause();
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM row WHERE run = ?1 AND (?2 IS NULL OR 1) AND {clause} AND position > ?3 \
             ORDER BY position LIMIT ?4"
        ))?;
        let after = after.map_or(-1, |at| at as i64);
        let found = statement.query_map(params![run.0, value, after, limit as i64], read)?;
        found.map(|row| row?).collect()
    }

    /// How many rows this filter means.
    pub fn count_rows(&self, run: RunId, filter: &RowFilter) -> Result<u64, StoreError> {
        let (clause, value) = filter.clause();
        let count: i64 = self.lock().query_row(
            &format!("SELECT count(*) FROM row WHERE run = ?1 AND (?2 IS NULL OR 1) AND {clause}"),
            params![run.0, value],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Rows of a run for which `clause` holds, in order; `value` is its `?2`.
    pub(super) fn rows_where(
        &self,
        run: RunId,
        clause: &str,
        value: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RunRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM row WHERE run = ?1 AND (?2 IS NULL OR 1) AND {clause} ORDER BY position LIMIT ?3"
        ))?;
        let found = statement.query_map(params![run.0, value, limit as i64], read)?;
        found.map(|row| row?).collect()
    }

    /// The next rows with this action and no outcome, in order.
    pub fn unsent(
        &self,
        run: RunId,
        action: Action,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<RunRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM row WHERE run = ?1 AND action = ?2 AND outcome IS NULL AND position > ?3 \
             ORDER BY position LIMIT ?4"
        ))?;
        let after = after.map_or(-1, |at| at as i64);
        let found = statement.query_map(params![run.0, action.as_str(), after, limit as i64], read)?;
        found.map(|row| row?).collect()
    }

    /// Counts actions and outcomes from the rows themselves.
    pub fn count_words(&self, run: RunId, books: &mut Books) -> Result<(), StoreError> {
        let connection = self.lock();
        books.actions = crate::plan::Actions::default();
        books.outcomes = crate::plan::Outcomes::default();
        let mut statement = connection
            .prepare_cached("SELECT action, outcome, count(*) FROM row WHERE run = ?1 GROUP BY action, outcome")?;
        let mut found = statement.query([run.0])?;
        while let Some(row) = found.next()? {
            let (action, outcome): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
            let count = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            if let Some(action) = action {
                *books.actions.of(action.parse().map_err(unreadable)?) += count;
            }
            if let Some(outcome) = outcome {
                *books.outcomes.of(outcome.parse().map_err(unreadable)?) += count;
            }
        }
        Ok(())
    }

    /// Held, rejected and failed rows by their reason, the largest group first.
    pub fn error_groups(&self, run: RunId) -> Result<Vec<ErrorGroup>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT CASE WHEN outcome IS NULL THEN action END, code, min(error), count(*) FROM row \
             WHERE run = ?1 AND code IS NOT NULL AND (outcome IN ('failed', 'unprocessed') OR action IN ('hold', 'reject')) \
             GROUP BY 1, 2 ORDER BY 4 DESC, 2",
        )?;
        let mut found = statement.query([run.0])?;
        let mut groups = Vec::new();
        while let Some(row) = found.next()? {
            let action: Option<String> = row.get(0)?;
            let error: DestinationError = from_json(&row.get::<_, String>(2)?)?;
            groups.push(ErrorGroup {
                action: action.map(|word| word.parse()).transpose().map_err(unreadable)?,
                code: row.get(1)?,
                fields: error.fields,
                message: error.message,
                hint: error.hint,
                rows: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
            });
        }
        Ok(groups)
    }
}
