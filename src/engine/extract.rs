//! Reading the query: each row gets its key, its payload and its change; what may need an action
//! is staged, the rest is only counted.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::planning::{Plan, PlanOptions};
use super::{EngineError, Phase};
use crate::destination::DestinationError;
use crate::mapping::{Mapper, Mapping, check_match_value};
use crate::plan::{Change, MatchValues};
use crate::snowflake::RowStream;
use crate::store::StagedRow;
use crate::types::{Column, RowBatch, RowKey, Value};

/// A row with everything that is known of it before the snapshot is asked.
struct Read {
    position: u64,
    key: RowKey,
    has_key: bool,
    row: Vec<Value>,
}

impl Plan<'_> {
    /// Reads every row (or those that the options ask for), counts changes, stages rows.
    pub(super) async fn extract(
        &mut self,
        stream: &mut RowStream,
        options: &PlanOptions,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let mapping = self.mapping.clone();
        let schema = stream.schema();
        let mapper = Mapper::new(&mapping, &schema, &self.object).map_err(EngineError::configuration)?;
        let wanted: BTreeSet<&str> = options.keys.iter().map(String::as_str).collect();
        self.store.begin_seen()?;
        let mut position = 0;
        while let Some(batch) = stream.next_batch().await? {
            if cancel.is_cancelled() {
                return Err(EngineError::stopped());
            }
            let left = options.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.books.extracted));
            let mut rows = self.keys(batch, &schema, &mut position);
            if !wanted.is_empty() {
                rows.retain(|read| {
                    wanted.contains(read.key.canonical().as_str()) || wanted.contains(read.key.to_string().as_str())
                });
            }
            rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.take(rows, &mapper, &mapping, &schema, options)?;
            self.report(Phase::Extracting, self.books.extracted, None);
            if options.limit.is_some_and(|limit| self.books.extracted >= limit) {
                break;
            }
        }
        if !options.is_partial() {
            self.books.changes.removed = self.store.count_removed(&self.name)?;
        }
        Ok(())
    }

    fn keys(&self, batch: RowBatch, schema: &[Column], position: &mut u64) -> Vec<Read> {
        let place = |row: &[Value], name: &String| {
            let at = schema.iter().position(|column| column.name == *name);
            (name.clone(), at.map_or_else(String::new, |at| row[at].to_string()))
        };
        batch
            .rows
            .into_iter()
            .map(|row| {
                let at = *position;
                *position += 1;
                match RowKey::of(&self.model.key, schema, &row) {
                    Ok(key) => Read { position: at, key, has_key: true, row },
                    Err(_) => {
                        let pairs = self.model.key.iter().map(|name| place(&row, name)).collect();
                        Read { position: at, key: RowKey::from_pairs(pairs), has_key: false, row }
                    }
                }
            })
            .collect()
    }

    fn take(
        &mut self,
        rows: Vec<Read>,
        mapper: &Mapper,
        mapping: &Mapping,
        schema: &[Column],
        options: &PlanOptions,
    ) -> Result<(), EngineError> {
        let mapped: Vec<_> = rows.iter().map(|read| mapper.map(&read.row)).collect();
        let canonical: Vec<String> = rows.iter().map(|read| read.key.canonical()).collect();
        let keyed = || (0..rows.len()).filter(|at| rows[*at].has_key);
        let to_see: Vec<(&str, u64)> = keyed().map(|at| (canonical[at].as_str(), rows[at].position)).collect();
        let to_compare: Vec<(&str, u128)> = keyed().map(|at| (canonical[at].as_str(), mapped[at].hash)).collect();
        let mut seen = self.store.see(&to_see)?.into_iter();
        let mut compared = self.store.compare(&self.name, &to_compare)?.into_iter();

        let mut staged = Vec::new();
        let mut repeated = Vec::new();
        for (read, mapped) in rows.into_iter().zip(mapped) {
            let change = if read.has_key {
                let (earlier, known) = (seen.next().flatten(), compared.next().flatten());
                if let Some(first) = earlier {
                    repeated.push((first, read.key.clone()));
                    Change::Invalid
                } else {
                    match known {
                        None => Change::Added,
                        Some(true) => Change::Unchanged,
                        Some(false) => Change::Updated,
                    }
                }
            } else {
                Change::Invalid
            };
            self.books.extracted += 1;
            *self.books.changes.of(change) += 1;
            if change == Change::Unchanged && !change.is_selected(mapping.rows, options.full) {
                continue;
            }
            let match_values = MatchValues::of(&mapping.matcher, schema, &read.row);
            let mut rejections = mapped.rejections;
            rejections.extend(self.misfits(&match_values));
            staged.push(StagedRow {
                position: read.position,
                key: read.key,
                has_key: read.has_key,
                change,
                hash: mapped.hash,
                payload: mapped.payload,
                sources: mapped.sources,
                rejections,
                match_values,
            });
        }
        self.store.stage(self.run, &staged)?;
        for (first, key) in repeated {
            self.hold_first(first, key)?;
        }
        Ok(())
    }

    /// Match values that their field cannot be compared with.
    fn misfits(&self, values: &MatchValues) -> Vec<DestinationError> {
        let terms = &self.mapping.matcher.terms;
        terms
            .iter()
            .zip(&values.0)
            .filter_map(|(term, value)| check_match_value(value.as_ref()?, self.object.field(&term.field)?).err())
            .collect()
    }

    /// A key came a second time: its first row has no identity either.
    fn hold_first(&mut self, position: u64, key: RowKey) -> Result<(), EngineError> {
        let before = match self.store.mark_repeated(self.run, position)? {
            Some(change) => change,
            None => {
                // It was unchanged, so it was only counted.
                let row = StagedRow {
                    position,
                    key,
                    has_key: true,
                    change: Change::Invalid,
                    hash: 0,
                    payload: crate::destination::Payload::new(),
                    sources: crate::mapping::Sources::new(),
                    rejections: Vec::new(),
                    match_values: MatchValues(Vec::new()),
                };
                self.store.stage(self.run, &[row])?;
                Change::Unchanged
            }
        };
        *self.books.changes.of(before) -= 1;
        self.books.changes.invalid += 1;
        Ok(())
    }
}
