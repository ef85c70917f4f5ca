//! Change detection: which rows are new, changed, unchanged, or have no identity.
//!
//! Rows are taken in chunks. Within one, keys are compared with the snapshot in their order, so that
//! neighbours share a page of the file, and every key that is there twice is met side by side.
//! Memory holds a chunk and two bits for each row of the snapshot.

use super::marks::Marks;
use crate::mapping::Mapper;
use crate::plan::Change;
use crate::store::{Known, Store, StoreError};
use crate::types::{KeyColumns, Value};

/// Rows that are compared together: enough that most pages of a large snapshot are read once for
/// several keys (measured: twice as fast as with 4,096), few enough for memory.
pub const CHUNK_ROWS: usize = 32_768;

/// The keys and hashes of a chunk of rows.
#[derive(Debug, Default)]
pub struct Keyed {
    /// The canonical keys, one after the other.
    room: String,
    /// Where each row's key stands there; `None` when it is NULL.
    spans: Vec<Option<(u32, u32)>>,
    hashes: Vec<u128>,
    bytes: Vec<u8>,
}

impl Keyed {
    /// Takes the next chunk into use; what was there is forgotten, its memory is not.
    pub fn read<'r>(&mut self, key: &KeyColumns, mapper: &Mapper, rows: impl Iterator<Item = &'r [Value]>) {
        self.room.clear();
        self.spans.clear();
        self.hashes.clear();
        for row in rows {
            let from = self.room.len();
            let has_key = key.write_canonical(row, &mut self.room);
            // A chunk's keys have less than 4 GB: Snowflake's batches are some megabytes.
            let span = u32::try_from(from).ok().zip(u32::try_from(self.room.len()).ok());
            self.spans.push(span.filter(|_| has_key));
            self.hashes.push(mapper.digest(row, &mut self.bytes));
        }
    }

    /// The canonical key of a row; `None` when it is NULL.
    pub fn key(&self, row: usize) -> Option<&str> {
        self.spans[row].map(|(from, to)| &self.room[from as usize..to as usize])
    }
}

/// Compares the rows of one run with the snapshot of its mapping, and with each other.
#[derive(Debug)]
pub struct Detector {
    store: Store,
    mapping: String,
    seen: Marks,
    same: Marks,
}

impl Detector {
    /// Nothing is seen yet.
    pub fn new(store: Store, mapping: String) -> Self {
        Self { store, mapping, seen: Marks::default(), same: Marks::default() }
    }

    /// How each row of a chunk compares, and which keys of the snapshot had come before. A new key
    /// that had come before counts as added again: [`Store::mark_added_twice`] finds both.
    pub fn changes(&mut self, keyed: &Keyed) -> Result<(Vec<Change>, Vec<String>), StoreError> {
        let mut order: Vec<(&str, u32)> =
            (0u32..).zip(&keyed.spans).filter_map(|(at, _)| Some((keyed.key(at as usize)?, at))).collect();
        order.sort_unstable();
        let groups: Vec<&[(&str, u32)]> = order.chunk_by(|a, b| a.0 == b.0).collect();
        let asked: Vec<(&str, u128)> =
            groups.iter().map(|rows| (rows[0].0, keyed.hashes[rows[0].1 as usize])).collect();
        let known = self.store.compare(&self.mapping, &asked)?;
        // Rows whose key is NULL are in no group.
        let mut changes = vec![Change::Invalid; keyed.spans.len()];
        let mut again = Vec::new();
        for (rows, known) in groups.iter().zip(known) {
            let key = rows[0].0;
            if let Some(Known { number, .. }) = known
                && !self.seen.add(number)
            {
                self.same.remove(number);
                again.push(key.to_owned());
            } else if let [(_, only)] = rows {
                changes[*only as usize] = match known {
                    None => Change::Added,
                    Some(Known { number, same: true }) => {
                        self.same.add(number);
                        Change::Unchanged
                    }
                    Some(_) => Change::Updated,
                };
            }
        }
        Ok((changes, again))
    }

    /// Whether the query returned this row of the snapshot.
    pub fn has_seen(&self, number: u64) -> bool {
        self.seen.has(number)
    }

    /// Whether it did, unchanged and once.
    pub fn is_same(&self, number: u64) -> bool {
        self.same.has(number)
    }

    /// How many rows of the snapshot the query returned.
    pub fn seen(&self) -> u64 {
        self.seen.count()
    }
}
