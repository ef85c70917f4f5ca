//! Leases: who works on a mapping now. One at a time; each counts up while its process lives.
//!
//! Whether the process still lives is asked of the system, or, where it cannot be seen, of the count:
//! one that does not move for a while is nobody's. Wall clocks play no part. What a process writes
//! about a run counts only while the lease is its own: one that was taken for dead, and was not, is
//! refused before its next call.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::process::Process;
use super::{RunId, Store, StoreError};

/// What a person asked of a run that is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Send nothing until told to go on.
    Pause,
    /// End after what is under way.
    Stop,
}

impl Request {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Stop => "stop",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Pause, Self::Stop].into_iter().find(|request| request.as_str() == word)
    }
}

/// Who works on a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The run that is going.
    pub run: RunId,
    /// `model/mapping`.
    pub mapping: String,
    /// Whoever opened the store and took it; nobody else has this word.
    pub token: String,
    /// The process.
    pub process: Process,
    /// Counts up while it lives.
    pub beat: u64,
    /// What was asked of it.
    pub request: Option<Request>,
    /// How far it is, in the words of who wrote it.
    pub progress: Option<String>,
}

const COLUMNS: &str = "lease.run, mapping.name, token, lease.pid, boot, namespace, born, beat, request, progress";

fn read(row: &Row<'_>) -> rusqlite::Result<Lease> {
    Ok(Lease {
        run: RunId(row.get(0)?),
        mapping: row.get(1)?,
        token: row.get(2)?,
        process: Process { pid: row.get(3)?, boot: row.get(4)?, namespace: row.get(5)?, born: row.get(6)? },
        beat: row.get::<_, i64>(7)?.cast_unsigned(),
        request: row.get::<_, Option<String>>(8)?.as_deref().and_then(Request::of),
        progress: row.get(9)?,
    })
}

/// Takes the lease of a mapping for a run; false when somebody has it.
pub(super) fn take(
    transaction: &Transaction<'_>,
    mapping: i64,
    run: RunId,
    token: &str,
) -> Result<bool, rusqlite::Error> {
    let Process { pid, boot, namespace, born } = Process::current();
    let taken = transaction.execute(
        "INSERT OR IGNORE INTO lease (mapping, run, token, pid, boot, namespace, born) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![mapping, run.0, token, pid, boot, namespace, born],
    )?;
    Ok(taken == 1)
}

/// Gives the lease of a run back; an error when it is not this store's any more.
pub(super) fn give_back(transaction: &Transaction<'_>, run: RunId, token: &str) -> Result<(), StoreError> {
    let given = transaction.execute("DELETE FROM lease WHERE run = ?1 AND token = ?2", params![run.0, token])?;
    if given == 1 { Ok(()) } else { Err(StoreError::LeaseLost(run)) }
}

/// An error unless the lease of a run is this store's.
pub(super) fn hold(connection: &Connection, run: RunId, token: &str) -> Result<(), StoreError> {
    let held = connection
        .prepare_cached("SELECT 1 FROM lease WHERE run = ?1 AND token = ?2")?
        .exists(params![run.0, token])?;
    if held { Ok(()) } else { Err(StoreError::LeaseLost(run)) }
}

impl Store {
    /// Every lease that somebody has.
    pub fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM lease JOIN mapping ON mapping.id = lease.mapping"))?;
        let found = statement.query_map([], read)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Who works on a run.
    pub fn lease(&self, run: RunId) -> Result<Option<Lease>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM lease JOIN mapping ON mapping.id = lease.mapping WHERE lease.run = ?1"
        ))?;
        Ok(statement.query_row([run.0], read).optional()?)
    }

    /// Who works on a mapping.
    pub fn lease_of(&self, mapping: &str) -> Result<Option<Lease>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM lease JOIN mapping ON mapping.id = lease.mapping WHERE mapping.name = ?1"
        ))?;
        Ok(statement.query_row([mapping], read).optional()?)
    }

    /// Says that this process lives, and how far it is. False when the lease is not its own any more.
    pub fn beat(&self, run: RunId, progress: Option<&str>) -> Result<bool, StoreError> {
        let changed = self
            .lock()
            .prepare_cached(
                "UPDATE lease SET beat = beat + 1, progress = coalesce(?3, progress) WHERE run = ?1 AND token = ?2",
            )?
            .execute(params![run.0, self.token(), progress])?;
        Ok(changed == 1)
    }

    /// Asks something of whoever works on a run, or takes a pause back. A stop stays asked. False when
    /// nobody works on it.
    pub fn ask(&self, run: RunId, request: Option<Request>) -> Result<bool, StoreError> {
        let changed = self.lock().execute(
            "UPDATE lease SET request = CASE WHEN request = 'stop' THEN request ELSE ?2 END WHERE run = ?1",
            params![run.0, request.map(Request::as_str)],
        )?;
        Ok(changed == 1)
    }

    /// Takes over the lease of a process that is gone, just as it was read. False when somebody else
    /// was quicker, or the process has said that it lives.
    pub fn take_over(&self, dead: &Lease) -> Result<bool, StoreError> {
        let Process { pid, boot, namespace, born } = Process::current();
        let changed = self.lock().execute(
            "UPDATE lease SET token = ?4, pid = ?5, boot = ?6, namespace = ?7, born = ?8, beat = beat + 1, \
             request = NULL WHERE run = ?1 AND token = ?2 AND beat = ?3",
            params![dead.run.0, dead.token, dead.beat.cast_signed(), self.token(), pid, boot, namespace, born],
        )?;
        Ok(changed == 1)
    }

    /// An error unless the lease of a run is this store's.
    pub fn hold_lease(&self, run: RunId) -> Result<(), StoreError> {
        hold(&self.lock(), run, self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::OrgInfo;
    use crate::mapping::{Mapping, Operation, RecordMatcher};
    use crate::store::{Basis, NewRun, RunStatus};

    fn begin(store: &Store) -> Result<RunId, RunId> {
        let mapping = Mapping::new("sales", "Contact");
        let basis = Basis {
            key: vec!["ID".into()],
            source: String::new(),
            object: "Contact".into(),
            operation: Operation::Upsert,
            matcher: RecordMatcher::default(),
        };
        let new = NewRun {
            mapping_name: "customers/contacts",
            definition: &mapping,
            org: &OrgInfo::default(),
            full: false,
            partial: false,
            basis: &basis,
            snapshot_rows: 0,
        };
        store.begin_run(&new).unwrap().map_err(|busy| busy.id)
    }

    fn two() -> (tempfile::TempDir, Store, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gondola.db");
        let one = Store::open(&path).unwrap();
        (folder, one, Store::open(&path).unwrap())
    }

    #[test]
    fn one_works_on_a_mapping_at_a_time() {
        let (_folder, one, other) = two();
        let run = begin(&one).unwrap();
        assert_eq!(begin(&other), Err(run));
        assert_eq!(begin(&one), Err(run));
        assert!(one.beat(run, Some("{}")).unwrap() && !other.beat(run, None).unwrap());
        assert!(one.beside().unwrap().beat(run, None).unwrap(), "its heart is its own");
        assert_eq!(one.lease(run).unwrap().unwrap().beat, 2);
        assert!(one.move_run(run, &[RunStatus::Planning], RunStatus::Planned).unwrap());
        let next = begin(&other).unwrap();
        assert!(!one.move_run(run, &[RunStatus::Planned], RunStatus::Running).unwrap(), "another has the mapping");
        other.finish_run(next, RunStatus::Failed, None).unwrap();
        assert!(one.move_run(run, &[RunStatus::Planned], RunStatus::Running).unwrap());
        assert!(!one.move_run(run, &[RunStatus::Planned], RunStatus::Running).unwrap(), "a plan is applied once");
    }

    #[test]
    fn who_lost_a_run_writes_nothing_of_it() {
        let (_folder, one, other) = two();
        let run = begin(&one).unwrap();
        let seen = other.lease(run).unwrap().unwrap();
        one.beat(run, None).unwrap();
        assert!(!other.take_over(&seen).unwrap(), "it has said that it lives");
        assert!(other.take_over(&other.lease(run).unwrap().unwrap()).unwrap());
        let lost = |result: Result<(), StoreError>| matches!(result, Err(StoreError::LeaseLost(lost)) if lost == run);
        assert!(lost(one.journal_sent(run, 1, "create", &[0])));
        assert!(lost(one.journal_job(run, 1, "create", "750")));
        assert!(lost(one.finish_run(run, RunStatus::Succeeded, None)));
        assert!(lost(one.hold_lease(run)) && other.hold_lease(run).is_ok());
        assert_eq!(one.open_calls(run).unwrap(), []);
        other.finish_run(run, RunStatus::Failed, None).unwrap();
        assert_eq!(one.lease(run).unwrap(), None);
    }

    #[test]
    fn a_stop_stays_asked_and_a_pause_is_taken_back() {
        let (_folder, one, other) = two();
        let run = begin(&one).unwrap();
        let request = || one.lease(run).unwrap().unwrap().request;
        for (asked, wanted) in [
            (Some(Request::Pause), Some(Request::Pause)),
            (None, None),
            (Some(Request::Stop), Some(Request::Stop)),
            (None, Some(Request::Stop)),
            (Some(Request::Pause), Some(Request::Stop)),
        ] {
            assert!(other.ask(run, asked).unwrap());
            assert_eq!(request(), wanted);
        }
        one.finish_run(run, RunStatus::Stopped, None).unwrap();
        assert!(!other.ask(run, Some(Request::Pause)).unwrap());
    }

    #[test]
    fn a_full_disk_is_an_error_before_anything_is_sent() {
        let (_folder, one, other) = two();
        let run = begin(&one).unwrap();
        one.journal_sent(run, 1, "create", &[0]).unwrap();
        let pages: i64 = one.lock().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        one.lock().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        let positions: Vec<u64> = (0..5_000).collect();
        let error = one.journal_sent(run, 2, "create", &positions).unwrap_err();
        assert!(matches!(error, StoreError::CannotWrite(_)), "{error}");
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(other.open_calls(run).unwrap().len(), 1, "half a call is no call");
        assert_eq!(one.next_call(run).unwrap(), 2);
    }
}
