//! The snapshot of a mapping: for each key, the hash of what the destination confirmed.

use rusqlite::params;

use super::{RunId, Store, StoreError};

impl Store {
    /// Compares a batch of `(canonical key, hash)` with the snapshot: for each, `None` when the key
    /// is new, else whether the hash is the same.
    pub fn compare(&self, mapping: &str, rows: &[(&str, u128)]) -> Result<Vec<Option<bool>>, StoreError> {
        let number = self.mapping_number(mapping)?;
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT hash FROM snapshot WHERE mapping = ?1 AND key = ?2")?;
        rows.iter()
            .map(|(key, hash)| {
                let mut found = statement.query(params![number, key])?;
                let Some(row) = found.next()? else { return Ok(None) };
                let stored: [u8; 16] = row.get(0)?;
                Ok(Some(stored == hash.to_be_bytes()))
            })
            .collect()
    }

    /// Starts to remember which keys a run has seen. Forgotten when the process ends.
    pub fn begin_seen(&self) -> Result<(), StoreError> {
        Ok(self.lock().execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID; \
             DELETE FROM seen;",
        )?)
    }

    /// Remembers keys with their positions; returns for each the position of its first occurrence
    /// when it was seen before.
    pub fn see(&self, keys: &[(&str, u64)]) -> Result<Vec<Option<u64>>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let earlier = {
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO seen (key, position) VALUES (?1, ?2)")?;
            let mut find = transaction.prepare_cached("SELECT position FROM seen WHERE key = ?1")?;
            keys.iter()
                .map(|(key, position)| {
                    if insert.execute(params![key, *position as i64])? == 1 {
                        return Ok(None);
                    }
                    find.query_row([key], |row| row.get::<_, i64>(0)).map(|at| u64::try_from(at).ok())
                })
                .collect::<rusqlite::Result<_>>()?
        };
        transaction.commit()?;
        Ok(earlier)
    }

    /// How many keys of the snapshot the run has not seen.
    pub fn count_removed(&self, mapping: &str) -> Result<u64, StoreError> {
        let number = self.mapping_number(mapping)?;
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM snapshot WHERE mapping = ?1 AND key NOT IN (SELECT key FROM seen)",
            [number],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Rows of a run whose record already belongs to another key that the query still returns:
    /// `(position, that key)`.
    pub fn records_taken(&self, mapping: &str, run: RunId) -> Result<Vec<(u64, String)>, StoreError> {
        let number = self.mapping_number(mapping)?;
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT row.position, min(snapshot.key) FROM row JOIN snapshot \
             ON snapshot.mapping = ?1 AND snapshot.record_id = row.record_id AND snapshot.key <> row.canonical \
             WHERE row.run = ?2 AND row.action IN ('update', 'delete', 'skip') \
             AND snapshot.key IN (SELECT key FROM seen) GROUP BY row.position",
        )?;
        let found = statement.query_map(params![number, run.0], |row| {
            Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Added rows that the mapping does not send become known to the snapshot, so that their next
    /// change is seen as one (`rows = "updated"` starts with nothing known).
    pub fn settle_unselected(&self, run: RunId) -> Result<(), StoreError> {
        self.lock().execute(
            "INSERT OR IGNORE INTO snapshot (mapping, key, hash) \
             SELECT run.mapping, row.canonical, row.hash FROM row JOIN run ON run.id = row.run \
             WHERE row.run = ?1 AND row.action IS NULL AND row.change = 'added' AND row.canonical IS NOT NULL",
            [run.0],
        )?;
        Ok(())
    }
}
