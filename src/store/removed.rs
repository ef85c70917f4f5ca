//! Removed rows of a run: which would be written, and whose record other rows mean.

use super::{RunId, StagedRow, Store, StoreError};

impl Store {
    /// Removed rows that are to be written, in order, after `after`.
    pub fn removed_writes(&self, run: RunId, after: Option<u64>, limit: usize) -> Result<Vec<StagedRow>, StoreError> {
        self.staged_where(run, "change = 'removed' AND action IN ('update', 'delete')", after, limit)
    }

    /// Removed rows that a run would write, so that their number can be judged.
    pub fn count_removed_writes(&self, run: RunId) -> Result<u64, StoreError> {
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM row WHERE run = ?1 AND change = 'removed' AND action IN ('update', 'delete')",
            [run.0],
            |row| row.get(0),
        )?;
        Ok(count.cast_unsigned())
    }

    /// Removed rows whose record other rows of the run may mean: `(position, whether one of those is
    /// written or skipped as this very record)`. The others are held, rejected, or without a key.
    pub fn removed_but_meant(&self, run: RunId) -> Result<Vec<(u64, bool)>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT gone.position, max(gone.other IS NOT NULL) FROM ( \
               SELECT removed.position, other.position AS other FROM row AS removed \
                 JOIN row AS other ON other.run = ?1 AND other.record_id = removed.record_id \
                 AND other.change <> 'removed' AND other.action IN ('update', 'skip') \
                 WHERE removed.run = ?1 AND removed.change = 'removed' AND removed.action IN ('update', 'delete') \
               UNION SELECT removed.position, NULL FROM row AS removed \
                 JOIN row AS other ON other.run = ?1 AND other.signature = removed.signature \
                 AND other.change <> 'removed' \
                 WHERE removed.run = ?1 AND removed.change = 'removed' AND removed.action IN ('update', 'delete') \
               UNION SELECT removed.position, NULL FROM row AS other, json_each(other.candidates) AS candidate \
                 JOIN row AS removed ON removed.run = ?1 AND removed.record_id = candidate.value \
                 AND removed.change = 'removed' AND removed.action IN ('update', 'delete') \
                 WHERE other.run = ?1 AND other.action = 'hold' AND other.change <> 'removed' \
             ) AS gone GROUP BY gone.position ORDER BY 1",
        )?;
        let found = statement.query_map([run.0], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Removed rows that mean one record together with an earlier removed row.
    pub fn removed_twice(&self, run: RunId) -> Result<Vec<u64>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT later.position FROM row AS later WHERE later.run = ?1 AND later.change = 'removed' \
             AND later.action IN ('update', 'delete') AND EXISTS (SELECT 1 FROM row AS first WHERE first.run = ?1 \
               AND first.record_id = later.record_id AND first.change = 'removed' \
               AND first.action IN ('update', 'delete') AND first.position < later.position)",
        )?;
        let found = statement.query_map([run.0], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
