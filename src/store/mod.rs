//! The state: one SQLite file with snapshots, runs, their rows and the journal.
//!
//! The only folder (beside the sandbox's own) that names `rusqlite`. Calls block for microseconds
//! to milliseconds; the engine makes them from its own tasks.

mod described;
mod found;
mod jobs;
mod journal;
mod lease;
mod process;
mod removed;
mod rows;
mod runs;
mod scheduled;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

pub use described::{Kept, Viewer};
pub use jobs::OpenJob;
pub use journal::OpenCall;
pub use lease::{Lease, Request};
pub use process::{Presence, Process};
pub use rows::{ErrorGroup, RowFilter, RunRow, StagedRow};
pub use runs::{NewRun, RunId, RunRecord, RunStatus};
pub use snapshot::{Basis, Known, SnapshotRow, Taken};

/// The state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own error, with the file's path.
    #[error("the state file {path}: {source}")]
    Sqlite {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Nothing can be written: the disk is full, or broken.
    #[error("the state cannot be written: {0}")]
    CannotWrite(rusqlite::Error),
    /// Another process has taken the run over: what this one would write does not count.
    #[error("another process has taken run {0} over")]
    LeaseLost(RunId),
    /// What is stored is not what this version wrote.
    #[error("the state file holds something unreadable: {0}")]
    Unreadable(String),
    /// The file was written by a newer version.
    #[error("the state file {path} is of format {found}, and this version knows {known}: use the newer gondola")]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DiskFull, ReadOnly, SystemIoFailure};
        if matches!(source.sqlite_error_code(), Some(DiskFull | SystemIoFailure | ReadOnly)) {
            return Self::CannotWrite(source);
        }
        Self::Sqlite { path: "gondola.db".to_owned(), source }
    }
}

/// The state file, open. Clones share one connection, and what they lease is each other's.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    token: Arc<str>,
    /// `None` in memory.
    path: Option<PathBuf>,
}

impl Store {
    /// Opens or creates the file and brings it to this version's format.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let named = |source| StoreError::Sqlite { path: path.display().to_string(), source };
        let connection = Connection::open(path).map_err(named)?;
        // What a run did holds customers' data: for its owner's eyes only.
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        let _ = std::fs::set_permissions(path, private);
        Ok(Self { path: Some(path.to_owned()), ..Self::prepare(connection, &path.display().to_string())? })
    }

    /// The same file over a connection of its own, for small signs of life that must not wait for
    /// long transactions and need not survive a power cut.
    pub fn beside(&self) -> Result<Self, StoreError> {
        let Some(path) = &self.path else { return Ok(self.clone()) };
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), ..self.clone() })
    }

    /// A state that is gone when it is dropped.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, "in memory")
    }

    fn prepare(connection: Connection, path: &str) -> Result<Self, StoreError> {
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Every commit is on the disk before a call is made or believed.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(&connection, path)?;
        let token = uuid::Uuid::new_v4().to_string().into();
        Ok(Self { connection: Arc::new(Mutex::new(connection)), token, path: None })
    }

    /// What this store's leases are known by.
    fn token(&self) -> &str {
        &self.token
    }

    /// Bytes of the file that a table and its indexes take, in whole pages.
    pub fn bytes_of(&self, table: &str) -> Result<u64, StoreError> {
        let bytes: i64 = self.lock().query_row(
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN \
             (SELECT name FROM sqlite_schema WHERE tbl_name = ?1)",
            [table],
            |row| row.get(0),
        )?;
        Ok(bytes.cast_unsigned())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// JSON for a column of the store; our own types always serialize.
fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unreadable)
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(unreadable)
}
