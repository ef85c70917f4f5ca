//! Runs: one row each, from the plan to its end.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Basis, Store, StoreError, from_json, lease, to_json, unreadable};
use crate::destination::OrgInfo;
use crate::mapping::Mapping;
use crate::plan::{Books, Forecast, MassDelete};

/// A run's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not a run's number; `gondola runs` lists them"))
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Its plan is being made.
    Planning,
    /// Its plan can be read and applied.
    Planned,
    /// It writes.
    Running,
    /// Every row arrived, or had nothing to do.
    Succeeded,
    /// It ended, but some rows failed, were held or rejected.
    Partial,
    /// It could not go on.
    Failed,
    /// A person stopped it.
    Stopped,
}

impl RunStatus {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether a process is at work on it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Planning | Self::Running)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known when a run begins.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// `model/mapping`.
    pub mapping_name: &'a str,
    /// The mapping as it is now.
    pub definition: &'a Mapping,
    /// The org it is for.
    pub org: &'a OrgInfo,
    /// Whether unchanged rows are acted on too.
    pub full: bool,
    /// Whether only some rows are read.
    pub partial: bool,
    /// What the mapping's snapshot will be true of.
    pub basis: &'a Basis,
    /// Keys in the snapshot now.
    pub snapshot_rows: u64,
}

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// `model/mapping`.
    pub mapping: String,
    /// Where it is.
    pub status: RunStatus,
    /// The process that worked on it last.
    pub pid: u32,
    /// When its plan was begun (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// The org it is for.
    pub org: OrgInfo,
    /// The mapping as it was.
    pub definition: Mapping,
    /// Whether unchanged rows were acted on too.
    pub full: bool,
    /// Whether only some rows were read.
    pub partial: bool,
    /// The counts.
    pub books: Books,
    /// What applying the plan would cost.
    pub forecast: Option<Forecast>,
    /// API calls so far, planning included.
    pub api_calls: u64,
    /// Seconds of work so far, planning included.
    pub seconds: f64,
    /// Why it ended as it did.
    pub message: Option<String>,
    /// What the mapping's snapshot is true of, as the plan found it; `None` in what an older version
    /// wrote.
    pub basis: Option<Basis>,
    /// Keys in the snapshot before the plan.
    pub snapshot_rows: u64,
    /// Set when the plan would take away more than is likely meant.
    pub mass_delete: Option<MassDelete>,
    /// Whether a person has said that it is meant.
    pub mass_delete_allowed: bool,
}

const COLUMNS: &str = "run.id, mapping.name, status, run.pid, started_at, finished_at, org, definition, full_resync, \
                       partial, books, forecast, api_calls, seconds, message, run.basis, snapshot_rows, mass_delete, \
                       mass_delete_allowed";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<RunRecord, StoreError>> {
    let status: String = row.get(2)?;
    let (org, definition, books): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(10)?);
    let forecast: Option<String> = row.get(11)?;
    let (id, mapping, pid, started_at, finished_at) =
        (RunId(row.get(0)?), row.get(1)?, row.get(3)?, row.get(4)?, row.get(5)?);
    let (full, partial, api_calls, seconds, message) =
        (row.get(8)?, row.get(9)?, row.get::<_, i64>(12)?, row.get(13)?, row.get(14)?);
    let (basis, snapshot_rows): (Option<String>, i64) = (row.get(15)?, row.get(16)?);
    let (mass_delete, mass_delete_allowed): (Option<i64>, _) = (row.get(17)?, row.get(18)?);
    Ok((|| {
        Ok(RunRecord {
            id,
            mapping,
            status: serde_json::from_value(status.into()).map_err(unreadable)?,
            pid,
            started_at,
            finished_at,
            org: from_json(&org)?,
            definition: from_json(&definition)?,
            full,
            partial,
            books: from_json(&books)?,
            forecast: forecast.as_deref().map(from_json).transpose()?,
            api_calls: u64::try_from(api_calls).unwrap_or(0),
            seconds,
            message,
            basis: basis.as_deref().map(from_json).transpose()?,
            snapshot_rows: snapshot_rows.cast_unsigned(),
            mass_delete: mass_delete
                .map(|rows| MassDelete { rows: rows.cast_unsigned(), of: snapshot_rows.cast_unsigned() }),
            mass_delete_allowed,
        })
    })())
}

impl Store {
    /// The number of a mapping, given on first use.
    pub(super) fn mapping_number(&self, name: &str) -> Result<i64, StoreError> {
        let connection = self.lock();
        connection.prepare_cached("INSERT OR IGNORE INTO mapping (name) VALUES (?1)")?.execute([name])?;
        Ok(connection.prepare_cached("SELECT id FROM mapping WHERE name = ?1")?.query_row([name], |row| row.get(0))?)
    }

    /// The org that a mapping's snapshot is true of.
    pub fn org_of(&self, mapping: &str) -> Result<Option<String>, StoreError> {
        let connection = self.lock();
        let org: Option<Option<String>> = connection
            .query_row("SELECT org_id FROM mapping WHERE name = ?1", [mapping], |row| row.get(0))
            .optional()?;
        Ok(org.flatten())
    }

    /// Stamps a mapping's snapshot with the org it is true of.
    pub fn set_org_of(&self, mapping: &str, org_id: &str) -> Result<(), StoreError> {
        let number = self.mapping_number(mapping)?;
        self.lock().execute("UPDATE mapping SET org_id = ?2 WHERE id = ?1", params![number, org_id])?;
        Ok(())
    }

    /// Begins a run and takes the mapping's lease, unless somebody is at work on this mapping: then that
    /// run is returned.
    pub fn begin_run(&self, new: &NewRun<'_>) -> Result<Result<RunId, RunRecord>, StoreError> {
        let number = self.mapping_number(new.mapping_name)?;
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let busy = transaction
            .query_row(
                &format!(
                    "SELECT {COLUMNS} FROM lease JOIN run ON run.id = lease.run \
                     JOIN mapping ON mapping.id = run.mapping WHERE lease.mapping = ?1"
                ),
                [number],
                read,
            )
            .optional()?
            .transpose()?;
        if let Some(busy) = busy {
            return Ok(Err(busy));
        }
        transaction.execute(
            "INSERT INTO run (mapping, status, pid, started_at, org, definition, full_resync, partial, books, \
             basis, snapshot_rows) VALUES (?1, 'planning', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                number,
                std::process::id(),
                jiff::Timestamp::now().to_string(),
                to_json(new.org)?,
                to_json(new.definition)?,
                new.full,
                new.partial,
                to_json(&Books::default())?,
                to_json(new.basis)?,
                new.snapshot_rows as i64,
            ],
        )?;
        let id = RunId(transaction.last_insert_rowid());
        lease::take(&transaction, number, id, self.token())?;
        transaction.commit()?;
        Ok(Ok(id))
    }

    /// Moves a run on: into a state in which somebody works on it with the mapping's lease, out of one
    /// by giving it back. Returns false when the run was not in one of the `from` states any more, or
    /// when somebody else has the lease.
    pub fn move_run(&self, id: RunId, from: &[RunStatus], to: RunStatus) -> Result<bool, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let Some((mapping, before)) = state_of(&transaction, id)?.filter(|(_, before)| from.contains(before)) else {
            return Ok(false);
        };
        match (before.is_active(), to.is_active()) {
            (true, true) => lease::hold(&transaction, id, self.token())?,
            (true, false) => lease::give_back(&transaction, id, self.token())?,
            (false, true) if !lease::take(&transaction, mapping, id, self.token())? => return Ok(false),
            (false, _) => {}
        }
        transaction.execute(
            "UPDATE run SET status = ?2, pid = ?3, finished_at = NULL, message = NULL WHERE id = ?1",
            params![id.0, to.as_str(), std::process::id()],
        )?;
        transaction.commit()?;
        Ok(true)
    }

    /// Whether a later run of the same mapping has taken up the rows that this one left open.
    pub fn is_taken_up(&self, id: RunId) -> Result<Option<RunId>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT later.id FROM run JOIN run AS later ON later.mapping = run.mapping AND later.id > run.id \
             WHERE run.id = ?1 AND (later.status IN ('running', 'succeeded', 'partial') \
             OR EXISTS (SELECT 1 FROM row WHERE row.run = later.id AND outcome IS NOT NULL)) ORDER BY later.id LIMIT 1",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0)).optional()?.map(RunId))
    }

    /// Writes down the counts and costs so far.
    pub fn save_books(
        &self,
        id: RunId,
        books: &Books,
        forecast: Option<&Forecast>,
        api_calls: u64,
        seconds: f64,
    ) -> Result<(), StoreError> {
        self.lock().execute(
            "UPDATE run SET books = ?2, forecast = coalesce(?3, forecast), api_calls = ?4, seconds = ?5 WHERE id = ?1",
            params![id.0, to_json(books)?, forecast.map(to_json).transpose()?, api_calls as i64, seconds],
        )?;
        Ok(())
    }

    /// Writes down that a plan would take away this many records of removed rows: more than is likely
    /// meant, so a person has to say so first.
    pub fn mark_mass_delete(&self, id: RunId, rows: Option<u64>) -> Result<(), StoreError> {
        self.lock()
            .execute("UPDATE run SET mass_delete = ?2 WHERE id = ?1", params![id.0, rows.map(u64::cast_signed)])?;
        Ok(())
    }

    /// Writes down that a person has said so.
    pub fn allow_mass_delete(&self, id: RunId) -> Result<(), StoreError> {
        self.lock().execute("UPDATE run SET mass_delete_allowed = 1 WHERE id = ?1", [id.0])?;
        Ok(())
    }

    /// Ends a run and gives the mapping's lease back.
    pub fn finish_run(&self, id: RunId, status: RunStatus, message: Option<&str>) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if state_of(&transaction, id)?.is_some_and(|(_, before)| before.is_active()) {
            lease::give_back(&transaction, id, self.token())?;
        }
        transaction.execute(
            "UPDATE run SET status = ?2, finished_at = ?3, message = ?4 WHERE id = ?1",
            params![id.0, status.as_str(), jiff::Timestamp::now().to_string(), message],
        )?;
        Ok(transaction.commit()?)
    }

    /// One run.
    pub fn run(&self, id: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.lock()
            .query_row(
                &format!("SELECT {COLUMNS} FROM run JOIN mapping ON mapping.id = run.mapping WHERE run.id = ?1"),
                [id.0],
                read,
            )
            .optional()?
            .transpose()
    }

    /// Runs, the newest first; of one mapping, or of all.
    pub fn runs(&self, mapping: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run JOIN mapping ON mapping.id = run.mapping \
             WHERE ?1 IS NULL OR mapping.name = ?1 ORDER BY run.id DESC LIMIT ?2"
        ))?;
        let found = statement.query_map(params![mapping, limit as i64], read)?;
        found.map(|row| row?).collect()
    }

    /// Runs that nobody works on, though they have not ended: an older version wrote them.
    pub fn unleased_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run JOIN mapping ON mapping.id = run.mapping \
             WHERE status IN ('planning', 'running') AND run.id NOT IN (SELECT run FROM lease)"
        ))?;
        let found = statement.query_map([], read)?;
        found.map(|row| row?).collect()
    }

    /// Takes the lease of a run that nobody works on; false when somebody has its mapping's.
    pub fn adopt(&self, id: RunId) -> Result<bool, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let Some((mapping, _)) = state_of(&transaction, id)? else { return Ok(false) };
        let taken = lease::take(&transaction, mapping, id, self.token())?;
        transaction.commit()?;
        Ok(taken)
    }
}

/// The mapping's number and the state of a run.
fn state_of(connection: &Connection, id: RunId) -> Result<Option<(i64, RunStatus)>, StoreError> {
    let found: Option<(i64, String)> = connection
        .query_row("SELECT mapping, status FROM run WHERE id = ?1", [id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(mapping, status)| Ok((mapping, serde_json::from_value(status.into()).map_err(unreadable)?))).transpose()
}
