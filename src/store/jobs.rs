//! Bulk jobs: which rows a job carries, by which key its results find them, which jobs are open.

use rusqlite::{OptionalExtension, params};

use super::{RunId, RunRow, Store, StoreError, lease};

/// A job whose results nobody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJob {
    /// The run that opened it.
    pub run: RunId,
    /// Its call in the journal.
    pub call: u64,
    /// The action of its rows.
    pub kind: String,
    /// The destination's id of it.
    pub job: String,
}

impl Store {
    /// Writes down that a job was opened. On the disk when this returns; no row has left yet.
    pub fn journal_job(&self, run: RunId, call: u64, kind: &str, job: &str) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        lease::hold(&transaction, run, self.token())?;
        transaction.execute(
            "INSERT INTO journal (run, call, kind, positions, sent_at, job) VALUES (?1, ?2, ?3, '[]', ?4, ?5)",
            params![run.0, call as i64, kind, jiff::Timestamp::now().to_string(), job],
        )?;
        Ok(transaction.commit()?)
    }

    /// Writes down that these rows are in the job of a call, and the key of each.
    pub fn put_in_job(&self, run: RunId, call: u64, rows: &[(String, u64)]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut key = transaction.prepare_cached("INSERT INTO job_key (run, key, position) VALUES (?1, ?2, ?3)")?;
            let mut row = transaction.prepare_cached("UPDATE row SET call = ?3 WHERE run = ?1 AND position = ?2")?;
            for (text, position) in rows {
                key.execute(params![run.0, text, *position as i64])?;
                row.execute(params![run.0, *position as i64, call as i64])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// The row with this key in a job of the run.
    pub fn job_position(&self, run: RunId, key: &str) -> Result<Option<u64>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT position FROM job_key WHERE run = ?1 AND key = ?2")?;
        let found: Option<i64> = statement.query_row(params![run.0, key], |row| row.get(0)).optional()?;
        Ok(found.and_then(|at| u64::try_from(at).ok()))
    }

    /// These rows are in no job any more.
    pub fn take_from_job(&self, run: RunId, positions: &[u64]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut row = transaction.prepare_cached("UPDATE row SET call = NULL WHERE run = ?1 AND position = ?2")?;
            for position in positions {
                row.execute(params![run.0, *position as i64])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Rows of a job that have no result yet.
    pub fn rows_without_result(&self, run: RunId, call: u64, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.rows_where(run, "call = CAST(?2 AS INTEGER)", Some(&call.to_string()), limit)
    }

    /// The job's results are read.
    pub fn end_job(&self, run: RunId, call: u64) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction
            .execute("UPDATE journal SET answered = 1 WHERE run = ?1 AND call = ?2", params![run.0, call as i64])?;
        transaction.execute("UPDATE row SET call = NULL WHERE run = ?1 AND call = ?2", params![run.0, call as i64])?;
        transaction.execute("DELETE FROM job_key WHERE run = ?1", [run.0])?;
        Ok(transaction.commit()?)
    }

    /// Jobs of a mapping whose results nobody has read, oldest first.
    pub fn open_jobs(&self, mapping: &str) -> Result<Vec<OpenJob>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT journal.run, call, kind, job FROM journal JOIN run ON run.id = journal.run \
             JOIN mapping ON mapping.id = run.mapping \
             WHERE answered = 0 AND job IS NOT NULL AND mapping.name = ?1 ORDER BY journal.run, call",
        )?;
        let found = statement.query_map([mapping], |row| {
            Ok(OpenJob {
                run: RunId(row.get(0)?),
                call: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                kind: row.get(2)?,
                job: row.get(3)?,
            })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
