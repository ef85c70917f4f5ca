//! Rows that the query no longer returns: found again, and kept where another row means their record.

use std::collections::{HashMap, HashSet};

use super::EngineError;
use super::matching::Matching;
use super::planning::Plan;
use crate::destination::Record;
use crate::mapping::OnRemoved;
use crate::plan::{
    Candidates, Change, Decision, MassDelete, RemovedRules, Trace, decide_removed, keep_removed, removed_twice,
};
use crate::store::StagedRow;

/// Rows of the snapshot that are looked at together.
const PAGE_ROWS: usize = 10_000;

impl Matching<'_> {
    /// Decides about removed rows: found by the record's id, else by the match values.
    pub(super) async fn decide_removed(&self, rows: &[&StagedRow]) -> Result<Vec<(u64, Decision)>, EngineError> {
        let rules = RemovedRules { on_removed: self.mapping.on_removed, object: self.object, clears: &self.clears };
        let by_id: HashMap<String, Record> = if rules.on_removed == OnRemoved::Ignore {
            HashMap::new()
        } else {
            let ids: Vec<String> = rows.iter().filter_map(|row| row.known_record.clone()).collect();
            let found = self.destination.retrieve(self.object, self.fields(), &ids).await?;
            found.into_iter().map(|record| (record.id.clone(), record)).collect()
        };
        let known = |row: &StagedRow| row.known_record.as_ref().and_then(|id| by_id.get(id));
        let rest: Vec<&StagedRow> =
            rows.iter().copied().filter(|row| rules.on_removed != OnRemoved::Ignore && known(row).is_none()).collect();
        let records = self.records(&rest).await?;
        let candidates = Candidates::new(&self.mapping.matcher, &records);
        let mode = self.mapping.matcher.mode;
        Ok(rows
            .iter()
            .map(|row| {
                let trace = if row.known_record.is_some() || row.match_values.can_match(mode) {
                    Trace::Known
                } else {
                    Trace::None
                };
                let found = match known(row) {
                    Some(record) => vec![record],
                    None => candidates.of(&row.match_values),
                };
                (row.position, decide_removed(&rules, trace, &found))
            })
            .collect())
    }
}

impl Plan<'_> {
    /// Removed rows whose record another row means keep it: a customer who got a new key is not deleted.
    pub(super) fn keep_meant_records(&mut self) -> Result<(), EngineError> {
        if !self.mapping.rows.takes_removed() || self.books.changes.removed == 0 {
            return Ok(());
        }
        let mut kept: HashMap<u64, bool> = self.store.removed_but_meant(self.run)?.into_iter().collect();
        for taken in self.store.records_taken(&self.name, self.run)? {
            if taken.change == Change::Removed && self.detector.has_seen(taken.number) {
                kept.insert(taken.position, true);
            }
        }
        for position in self.meant_by_unchanged()? {
            kept.insert(position, true);
        }
        let mut decisions: Vec<(u64, Decision)> =
            kept.into_iter().map(|(position, settled)| (position, keep_removed(settled))).collect();
        self.store.decide(self.run, &decisions)?;
        decisions.clear();
        for position in self.store.removed_twice(self.run)? {
            decisions.push((position, removed_twice()));
        }
        Ok(self.store.decide(self.run, &decisions)?)
    }

    /// Removed rows with the match values of a row that is unchanged, which is not staged.
    fn meant_by_unchanged(&self) -> Result<Vec<u64>, EngineError> {
        let mut meant = Vec::new();
        let mut after = None;
        loop {
            let rows = self.store.removed_writes(self.run, after, PAGE_ROWS)?;
            let Some(last) = rows.last() else { return Ok(meant) };
            after = Some(last.position);
            let signatures: HashMap<String, u64> = rows
                .iter()
                .filter(|row| row.match_values.can_match(self.mapping.matcher.mode))
                .map(|row| (row.match_values.signature(), row.position))
                .collect();
            if signatures.is_empty() {
                continue;
            }
            let mut found = HashSet::new();
            let mut from: Option<String> = None;
            loop {
                let (known, next) = self
                    .store
                    .snapshot_rows(&self.name, from.as_deref(), PAGE_ROWS, |number| self.detector.is_same(number))?;
                for values in known.iter().filter_map(|row| row.match_values.as_ref()) {
                    found.extend(signatures.get(&values.signature()).copied());
                }
                from = next;
                if from.is_none() {
                    break;
                }
            }
            meant.extend(found);
        }
    }

    /// Marks the plan when it takes away more than is likely meant.
    pub(super) fn judge_removals(&self) -> Result<(), EngineError> {
        let rows = self.store.count_removed_writes(self.run)?;
        let mass = MassDelete::of(rows, self.snapshot_rows);
        Ok(self.store.mark_mass_delete(self.run, mass.map(|mass| mass.rows))?)
    }
}
