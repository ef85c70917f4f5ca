//! Which rows go into one call.
//!
//! Salesforce locks a record's parent while it writes (all contacts of one account): rows of one
//! parent must not be in two calls at the same time, so they go into one call where they fit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::plan::PARENT_FIELD;
use crate::store::RunRow;

/// Rows for one call, and the parents that the call locks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) rows: Vec<RunRow>,
    pub(super) parents: BTreeSet<String>,
}

/// The parents that a write of this row locks: the one it has, and the one it gets.
fn parents(row: &RunRow) -> BTreeSet<String> {
    let new = row.fields.iter().find(|change| change.field == PARENT_FIELD).and_then(|change| change.new.as_str());
    row.parent.iter().map(String::as_str).chain(new).map(str::to_owned).collect()
}

/// Packs rows into batches of at most `size`, families together, as few batches as best fit gives.
pub(super) fn pack(rows: Vec<RunRow>, size: usize) -> Vec<Batch> {
    let size = size.max(1);
    let (mut free, mut families) = (Vec::new(), families(rows));
    families.retain_mut(|family| {
        if family.parents.is_empty() {
            free.append(&mut family.rows);
        }
        !family.parents.is_empty()
    });
    let mut packed = Vec::new();
    // Families larger than a call fill calls of their own, which then wait for each other.
    let mut rest = Vec::new();
    for mut family in families {
        while family.rows.len() > size {
            let tail = family.rows.split_off(size);
            let full = std::mem::replace(&mut family.rows, tail);
            packed.push(Batch { rows: full, parents: family.parents.clone() });
        }
        rest.push(family);
    }
    rest.sort_by_key(|family| std::cmp::Reverse(family.rows.len()));
    let mut open: BTreeMap<usize, Vec<Batch>> = BTreeMap::new();
    for family in rest {
        let need = family.rows.len();
        let room = open.range(need..).next().map(|(room, _)| *room);
        let mut batch = room.and_then(|room| take(&mut open, room)).unwrap_or_else(empty);
        batch.rows.extend(family.rows);
        batch.parents.extend(family.parents);
        open.entry(size - batch.rows.len()).or_default().push(batch);
    }
    let mut free = free.into_iter().peekable();
    for mut batch in open.into_values().flatten() {
        while batch.rows.len() < size
            && let Some(row) = free.next()
        {
            batch.rows.push(row);
        }
        packed.push(batch);
    }
    while free.peek().is_some() {
        packed.push(Batch { rows: free.by_ref().take(size).collect(), parents: BTreeSet::new() });
    }
    for batch in &mut packed {
        batch.rows.sort_by_key(|row| row.position);
    }
    packed.sort_by_key(|batch| batch.rows.first().map(|row| row.position));
    packed
}

fn empty() -> Batch {
    Batch { rows: Vec::new(), parents: BTreeSet::new() }
}

fn take(open: &mut BTreeMap<usize, Vec<Batch>>, room: usize) -> Option<Batch> {
    let batches = open.get_mut(&room)?;
    let batch = batches.pop();
    if batches.is_empty() {
        open.remove(&room);
    }
    batch
}

/// Rows that share a parent, directly or through others, are one family; a row without parents is
/// a family of its own.
fn families(rows: Vec<RunRow>) -> Vec<Batch> {
    let mut families: Vec<Option<Batch>> = Vec::new();
    let mut of: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let parents = parents(&row);
        let mut joined: BTreeSet<usize> = parents.iter().filter_map(|parent| of.get(parent).copied()).collect();
        let home = joined.pop_first().unwrap_or_else(|| {
            families.push(Some(empty()));
            families.len() - 1
        });
        let mut family = families[home].take().unwrap_or_else(empty);
        for other in joined {
            if let Some(other) = families[other].take() {
                family.rows.extend(other.rows);
                family.parents.extend(other.parents);
            }
        }
        family.rows.push(row);
        family.parents.extend(parents);
        for parent in &family.parents {
            of.insert(parent.clone(), home);
        }
        families[home] = Some(family);
    }
    families.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::plan::{Change, FieldChange};
    use crate::types::RowKey;

    fn row(position: u64, has: Option<u8>, gets: Option<u8>) -> RunRow {
        let account = |at: u8| format!("001{at:015}");
        RunRow {
            position,
            key: RowKey::from_pairs(Vec::new()),
            change: Change::Added,
            action: None,
            outcome: None,
            id: None,
            fields: gets
                .map(|at| FieldChange {
                    field: PARENT_FIELD.into(),
                    old: json!(null),
                    new: json!(account(at)),
                    source: None,
                })
                .into_iter()
                .collect(),
            candidates: Vec::new(),
            payload: std::collections::BTreeMap::new(),
            error: None,
            modstamp: None,
            parent: has.map(account),
            planned: None,
        }
    }

    #[test]
    fn rows_without_parents_fill_calls_in_their_order() {
        let packed = pack((0..450).map(|at| row(at, None, None)).collect(), 200);
        assert_eq!(packed.iter().map(|batch| batch.rows.len()).collect::<Vec<_>>(), [200, 200, 50]);
        assert!(packed.iter().flat_map(|batch| &batch.rows).map(|row| row.position).eq(0..450));
    }

    proptest! {
        #[test]
        fn families_stay_together_and_nobody_is_lost(
            rows in prop::collection::vec((prop::option::of(0u8..9), prop::option::of(0u8..9)), 0..120),
            size in 1usize..40,
        ) {
            let rows: Vec<RunRow> =
                rows.into_iter().enumerate().map(|(at, (has, gets))| row(at as u64, has, gets)).collect();
            let packed = pack(rows.clone(), size);
            let mut positions: Vec<u64> = packed.iter().flat_map(|batch| &batch.rows).map(|row| row.position).collect();
            positions.sort_unstable();
            prop_assert!(positions.into_iter().eq(0..rows.len() as u64));
            for batch in &packed {
                prop_assert!(!batch.rows.is_empty() && batch.rows.len() <= size);
                prop_assert!(batch.rows.iter().flat_map(parents).all(|parent| batch.parents.contains(&parent)));
            }
            // A parent is in two batches only where its family does not fit into one.
            for (at, batch) in packed.iter().enumerate() {
                for other in &packed[at + 1..] {
                    if !batch.parents.is_disjoint(&other.parents) {
                        let family: usize = packed.iter()
                            .filter(|one| !one.parents.is_disjoint(&batch.parents))
                            .map(|one| one.rows.len()).sum();
                        prop_assert!(family > size);
                    }
                }
            }
        }
    }
}
