//! The journal: what was sent before each call, what came of it after.

use rusqlite::params;

use super::snapshot::advance;
use super::{RunId, RunRow, Store, StoreError, from_json, lease, to_json, unreadable};
use crate::destination::DestinationError;
use crate::plan::Outcome;

/// A call that was sent, and of which nobody has written down what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// Its number.
    pub call: u64,
    /// The action of its rows.
    pub kind: String,
    /// Its rows.
    pub positions: Vec<u64>,
}

impl Store {
    /// Writes down that these rows are about to be sent. On the disk when this returns; an error when
    /// the run is not this store's any more.
    pub fn journal_sent(&self, run: RunId, call: u64, kind: &str, positions: &[u64]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        lease::hold(&transaction, run, self.token())?;
        transaction.execute(
            "INSERT INTO journal (run, call, kind, positions, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![run.0, call as i64, kind, to_json(&positions)?, jiff::Timestamp::now().to_string()],
        )?;
        Ok(transaction.commit()?)
    }

    /// Calls of a run that were sent and whose end nobody has written down; jobs left out.
    pub fn open_calls(&self, run: RunId) -> Result<Vec<OpenCall>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT call, kind, positions FROM journal WHERE run = ?1 AND answered = 0 AND job IS NULL ORDER BY call",
        )?;
        let mut found = statement.query([run.0])?;
        let mut calls = Vec::new();
        while let Some(row) = found.next()? {
            calls.push(OpenCall {
                call: row.get::<_, i64>(0)?.cast_unsigned(),
                kind: row.get(1)?,
                positions: from_json(&row.get::<_, String>(2)?)?,
            });
        }
        Ok(calls)
    }

    /// When the last call of a mapping was sent whose end nobody has written down.
    pub fn last_open_call(&self, mapping: &str) -> Result<Option<jiff::Timestamp>, StoreError> {
        let sent: Option<String> = self.lock().query_row(
            "SELECT (SELECT sent_at FROM journal JOIN run ON run.id = journal.run JOIN mapping ON mapping.id = run.mapping \
             WHERE answered = 0 AND job IS NULL AND mapping.name = ?1 ORDER BY run.id DESC, call DESC LIMIT 1)",
            [mapping],
            |row| row.get(0),
        )?;
        sent.map(|text| text.parse().map_err(unreadable)).transpose()
    }

    /// The rows of a call that have no outcome.
    pub fn rows_of_call(&self, run: RunId, call: &OpenCall) -> Result<Vec<RunRow>, StoreError> {
        let positions = to_json(&call.positions)?;
        let clause = "outcome IS NULL AND position IN (SELECT value FROM json_each(?2))";
        self.rows_where(run, clause, Some(&positions), call.positions.len())
    }

    /// Rows that ended unprocessed are open again; says how many there are.
    pub fn reopen(&self, run: RunId) -> Result<u64, StoreError> {
        let changed = self.lock().execute(
            "UPDATE row SET outcome = NULL, error = NULL, code = NULL, call = NULL \
             WHERE run = ?1 AND outcome = 'unprocessed'",
            [run.0],
        )?;
        Ok(changed as u64)
    }

    /// The number for the next call of this run.
    pub fn next_call(&self, run: RunId) -> Result<u64, StoreError> {
        let last: i64 =
            self.lock()
                .query_row("SELECT coalesce(max(call), 0) FROM journal WHERE run = ?1", [run.0], |row| row.get(0))?;
        Ok(u64::try_from(last).unwrap_or(0) + 1)
    }

    /// Writes down, in one transaction, what became of rows: their outcomes, the snapshot of those
    /// that the destination confirmed, and that the call was answered.
    pub fn settle(
        &self,
        run: RunId,
        call: Option<u64>,
        outcomes: &[(u64, Outcome, Option<String>, Option<DestinationError>)],
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            // What was to be written and needs nothing after all is skipped.
            let mut update = transaction.prepare_cached(
                "UPDATE row SET outcome = ?3, record_id = coalesce(?4, record_id), \
                 error = CASE WHEN outcome = 'unprocessed' THEN ?5 ELSE coalesce(?5, error) END, \
                 code = CASE WHEN outcome = 'unprocessed' THEN ?6 ELSE coalesce(?6, code) END, action = CASE WHEN ?3 = 'unchanged' THEN 'skip' ELSE action END \
                 WHERE run = ?1 AND position = ?2",
            )?;
            for (position, outcome, id, error) in outcomes {
                let at = *position as i64;
                let error_text = error.as_ref().map(to_json).transpose()?;
                let code = error.as_ref().map(|error| error.code.clone());
                update.execute(params![run.0, at, outcome.as_str(), id, error_text, code])?;
                if matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Deleted | Outcome::Unchanged) {
                    advance(&transaction, run, "row.position = ?2", Some(at))?;
                }
            }
            if let Some(call) = call {
                transaction.execute(
                    "UPDATE journal SET answered = 1 WHERE run = ?1 AND call = ?2",
                    params![run.0, call as i64],
                )?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Settles every row that needs no call: skipped rows end unchanged, and those whose record has
    /// what the row says enter the snapshot.
    pub fn settle_skipped(&self, run: RunId) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE row SET outcome = 'unchanged' WHERE run = ?1 AND action = 'skip' AND outcome IS NULL",
            [run.0],
        )?;
        advance(&transaction, run, "row.action = 'skip' AND row.settled", None)?;
        Ok(transaction.commit()?)
    }

    /// Rows that were to be written and have no outcome end unprocessed, with this reason.
    pub fn settle_unsent_writes(&self, run: RunId, reason: &DestinationError) -> Result<u64, StoreError> {
        let changed = self.lock().execute(
            "UPDATE row SET outcome = 'unprocessed', error = ?2, code = ?3 \
             WHERE run = ?1 AND action IN ('create', 'update', 'delete') AND outcome IS NULL",
            params![run.0, to_json(reason)?, reason.code],
        )?;
        Ok(changed as u64)
    }

    /// Keys of a mapping whose create was sent in an earlier run and never answered.
    pub fn keys_in_doubt(&self, mapping: &str, before: RunId) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT journal.run, journal.positions FROM journal JOIN run ON run.id = journal.run \
             JOIN mapping ON mapping.id = run.mapping \
             WHERE answered = 0 AND kind = 'create' AND mapping.name = ?1 AND run.id < ?2",
        )?;
        let open: Vec<(i64, String)> = statement
            .query_map(params![mapping, before.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut keys = Vec::new();
        let mut key = connection
            .prepare_cached("SELECT canonical FROM row WHERE run = ?1 AND position = ?2 AND canonical IS NOT NULL")?;
        for (run, positions) in open {
            for position in from_json::<Vec<i64>>(&positions)? {
                let found: Vec<String> =
                    key.query_map(params![run, position], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                keys.extend(found);
            }
        }
        Ok(keys)
    }
}
