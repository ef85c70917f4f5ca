//! The snapshot of a mapping: for each key, the hash of what the destination confirmed, the record,
//! and the values that find the record should its id not.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{RunId, Store, StoreError, from_json, to_json, unreadable};
use crate::mapping::{Operation, RecordMatcher};
use crate::plan::{Change, MatchValues};
use crate::types::Value;

/// What a snapshot is true of. When one of these is another, its keys or hashes mean something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The model's key columns.
    pub key: Vec<String>,
    /// Where the query runs: account, database and schema.
    pub source: String,
    /// The destination's object.
    pub object: String,
    /// What is done there.
    pub operation: Operation,
    /// What the match values are compared with.
    pub matcher: RecordMatcher,
}

/// What the snapshot knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The number of its row: small, and of no other row.
    pub number: u64,
    /// Whether the hash is the same.
    pub same: bool,
}

/// A row of the snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRow {
    /// The number of its row.
    pub number: u64,
    /// The key as one text.
    pub key: String,
    /// The hash of what was confirmed.
    pub hash: u128,
    /// The record's id, when one was written or found.
    pub record_id: Option<String>,
    /// What found the record, when it is known.
    pub match_values: Option<MatchValues>,
}

/// A row of a run whose record belongs to another key of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub position: u64,
    /// How it compares with the snapshot.
    pub change: Change,
    /// The other key's number.
    pub number: u64,
    /// The other key.
    pub key: String,
}

impl Store {
    /// Compares `(canonical key, hash)` with the snapshot: for each, `None` when the key is new.
    ///
    /// Best in the order of the keys: neighbours share a page of the file.
    pub fn compare(&self, mapping: &str, rows: &[(&str, u128)]) -> Result<Vec<Option<Known>>, StoreError> {
        let mapping = self.mapping_number(mapping)?;
        let mut connection = self.lock();
        // Without a transaction each question would take and give back the file's locks.
        let transaction = connection.transaction()?;
        let mut statement = transaction.prepare_cached(
            "SELECT number, hash FROM snapshot INDEXED BY snapshot_compare WHERE mapping = ?1 AND key = ?2",
        )?;
        rows.iter()
            .map(|(key, hash)| {
                let mut found = statement.query(params![mapping, key])?;
                let Some(row) = found.next()? else { return Ok(None) };
                let same = row.get_ref(1)?.as_blob().map_err(unreadable)? == hash.to_be_bytes();
                Ok(Some(Known { number: row.get::<_, i64>(0)?.cast_unsigned(), same }))
            })
            .collect()
    }

    /// How many keys the snapshot has.
    pub fn snapshot_size(&self, mapping: &str) -> Result<u64, StoreError> {
        let mapping = self.mapping_number(mapping)?;
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM snapshot INDEXED BY snapshot_compare WHERE mapping = ?1",
            [mapping],
            |row| row.get(0),
        )?;
        Ok(count.cast_unsigned())
    }

    /// Rows of the snapshot that `wanted` means by their numbers: at most `limit` keys after `after`
    /// are looked at, in the order of the keys. Also says where to go on, if there is more.
    pub fn snapshot_rows(
        &self,
        mapping: &str,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<(Vec<SnapshotRow>, Option<String>), StoreError> {
        let mapping = self.mapping_number(mapping)?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut keys = transaction.prepare_cached(
            "SELECT number, key FROM snapshot INDEXED BY snapshot_compare \
             WHERE mapping = ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3",
        )?;
        let mut whole =
            transaction.prepare_cached("SELECT key, hash, record_id, match_values FROM snapshot WHERE number = ?1")?;
        let mut found = keys.query(params![mapping, after, limit as i64])?;
        let (mut rows, mut looked_at, mut last) = (Vec::new(), 0, None);
        while let Some(row) = found.next()? {
            let number: i64 = row.get(0)?;
            looked_at += 1;
            if looked_at == limit {
                last = Some(row.get(1)?);
            }
            if !wanted(number.cast_unsigned()) {
                continue;
            }
            rows.push(whole.query_row([number], |row| {
                let hash: [u8; 16] = row.get(1)?;
                let values: Option<String> = row.get(3)?;
                Ok((number, row.get(0)?, hash, row.get(2)?, values))
            })?);
        }
        let rows = rows.into_iter().map(|(number, key, hash, record_id, values)| {
            Ok(SnapshotRow {
                number: number.cast_unsigned(),
                key,
                hash: u128::from_be_bytes(hash),
                record_id,
                match_values: values.as_deref().map(match_values).transpose()?,
            })
        });
        Ok((rows.collect::<Result<_, StoreError>>()?, last))
    }

    /// Rows of a run whose record belongs to another key of the snapshot.
    pub fn records_taken(&self, mapping: &str, run: RunId) -> Result<Vec<Taken>, StoreError> {
        let mapping = self.mapping_number(mapping)?;
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT row.position, row.change, snapshot.number, snapshot.key FROM row JOIN snapshot \
             ON snapshot.mapping = ?1 AND snapshot.record_id = row.record_id AND snapshot.key <> row.canonical \
             WHERE row.run = ?2 AND row.action IN ('update', 'delete', 'skip') ORDER BY row.position, snapshot.key",
        )?;
        let mut found = statement.query(params![mapping, run.0])?;
        let mut taken = Vec::new();
        while let Some(row) = found.next()? {
            taken.push(Taken {
                position: row.get::<_, i64>(0)?.cast_unsigned(),
                change: row.get::<_, String>(1)?.parse().map_err(unreadable)?,
                number: row.get::<_, i64>(2)?.cast_unsigned(),
                key: row.get(3)?,
            });
        }
        Ok(taken)
    }

    /// What the mapping does not send becomes known to the snapshot all the same: added rows, so
    /// that their next change is seen as one (`rows = "updated"` starts with nothing known), and the
    /// match values of updated rows, so that a removed row is found by its last ones.
    pub fn settle_unselected(&self, run: RunId) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        advance(&transaction, run, "row.action IS NULL AND row.change = 'added'", None)?;
        transaction.execute(
            "UPDATE snapshot SET match_values = row.match_values FROM row JOIN run ON run.id = row.run \
             WHERE row.run = ?1 AND row.action IS NULL AND row.change = 'updated' \
             AND snapshot.mapping = run.mapping AND snapshot.key = row.canonical",
            [run.0],
        )?;
        Ok(transaction.commit()?)
    }

    /// Forgets every key of a mapping and what they are true of; its runs stay. Says how many keys.
    pub fn forget_snapshot(&self, mapping: &str) -> Result<u64, StoreError> {
        let number = self.mapping_number(mapping)?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let forgotten = transaction.execute("DELETE FROM snapshot WHERE mapping = ?1", [number])?;
        transaction.execute("UPDATE mapping SET basis = NULL, org_id = NULL WHERE id = ?1", [number])?;
        transaction.commit()?;
        Ok(forgotten as u64)
    }

    /// What the mapping's snapshot is true of; `None` when it is not known (nothing was confirmed
    /// yet, or an older version did).
    pub fn basis_of(&self, mapping: &str) -> Result<Option<Basis>, StoreError> {
        let connection = self.lock();
        let text: Option<Option<String>> = connection
            .query_row("SELECT basis FROM mapping WHERE name = ?1", [mapping], |row| row.get(0))
            .optional()?;
        text.flatten().as_deref().map(from_json).transpose()
    }

    /// Writes down what the mapping's snapshot is true of from now on. Values that another matcher
    /// looked for are forgotten: they would be compared with other fields.
    pub fn set_basis(&self, mapping: &str, basis: &Basis) -> Result<(), StoreError> {
        let before = self.basis_of(mapping)?;
        let number = self.mapping_number(mapping)?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        if before.is_some_and(|before| before.matcher != basis.matcher) {
            transaction.execute("UPDATE snapshot SET match_values = NULL WHERE mapping = ?1", [number])?;
        }
        transaction.execute("UPDATE mapping SET basis = ?2 WHERE id = ?1", params![number, to_json(basis)?])?;
        Ok(transaction.commit()?)
    }
}

/// Brings the snapshot to what the destination confirmed, for the rows of a run that `clause` means
/// (`?2` is the position): removed rows are forgotten, all others are remembered as they are now.
pub(super) fn advance(
    transaction: &Connection,
    run: RunId,
    clause: &str,
    position: Option<i64>,
) -> Result<(), StoreError> {
    let from = format!(
        "FROM row JOIN run ON run.id = row.run \
         WHERE row.run = ?1 AND (?2 IS NULL OR 1) AND {clause} AND row.canonical IS NOT NULL"
    );
    transaction
        .prepare_cached(&format!(
            "INSERT INTO snapshot (mapping, key, hash, record_id, match_values) \
             SELECT run.mapping, row.canonical, row.hash, row.record_id, row.match_values {from} \
             AND row.change <> 'removed' ON CONFLICT (mapping, key) DO UPDATE \
             SET hash = excluded.hash, record_id = excluded.record_id, match_values = excluded.match_values"
        ))?
        .execute(params![run.0, position])?;
    transaction
        .prepare_cached(&format!(
            "DELETE FROM snapshot WHERE (mapping, key) IN \
             (SELECT run.mapping, row.canonical {from} AND row.change = 'removed')"
        ))?
        .execute(params![run.0, position])?;
    Ok(())
}

/// Match values as they are stored: texts, because they are compared as text anyway.
pub(super) fn match_values(text: &str) -> Result<MatchValues, StoreError> {
    let values: Vec<Option<String>> = from_json(text)?;
    Ok(MatchValues(values.into_iter().map(|text| text.map(Value::Text)).collect()))
}
