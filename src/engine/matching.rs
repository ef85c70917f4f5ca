//! The records and the parents that rows mean, and what is decided about each row.

use std::collections::HashMap;
use std::sync::Arc;

use super::EngineError;
use super::lookups::{Lookups, Resolved};
use crate::destination::{Api, Destination, DestinationError, Payload, Record};
use crate::mapping::{IS_PERSON, Mapping, Operation, WritePolicy, are_persons, has_persons, places};
use crate::plan::{
    Actions, Candidates, Change, Decision, PARENT_FIELD, Route, RowFacts, Rules, clearable, decide, record_keys,
    row_keys,
};
use crate::store::{RunId, StagedRow, Store};
use crate::types::ObjectDescribe;

/// Rows that are looked up together: large enough to fill the URLs, small enough for memory.
pub(super) const LOOK_UP_ROWS: usize = 12_000;
/// Rows from which on it is worth to ask how large the object is.
const SCAN_FROM_ROWS: u64 = 2_000;
/// An object is read whole when it has at most so many records for each row …
const SCAN_FACTOR: u64 = 4;
/// … or at most so many in all.
const SCAN_ALWAYS: u64 = 100_000;

/// Looks records up for rows and decides about them.
pub(super) struct Matching<'a> {
    pub(super) destination: Arc<dyn Destination>,
    pub(super) mapping: &'a Mapping,
    pub(super) object: &'a ObjectDescribe,
    fields: Vec<String>,
    only_if_empty: Vec<String>,
    /// Fields that are emptied for removed rows.
    pub(super) clears: Vec<String>,
    api: Api,
    /// Where a scan has put every record.
    scanned: Option<(Store, RunId)>,
    lookups: Option<tokio::sync::Mutex<Lookups>>,
}

impl<'a> Matching<'a> {
    pub(super) fn new(destination: Arc<dyn Destination>, mapping: &'a Mapping, object: &'a ObjectDescribe) -> Self {
        let named = mapping
            .links
            .iter()
            .map(|link| link.field.as_str())
            .chain(mapping.matcher.terms.iter().map(|term| term.field.as_str()))
            .chain([PARENT_FIELD]);
        let mut fields: Vec<String> = Vec::new();
        for field in named.filter_map(|name| object.field(name)) {
            if field.name != "Id" && !fields.contains(&field.name) {
                fields.push(field.name.clone());
            }
        }
        // Whose contact it is decides how it may be written.
        if let Some(field) = object.field(IS_PERSON).filter(|_| has_persons(object))
            && !fields.contains(&field.name)
        {
            fields.push(field.name.clone());
        }
        let only_if_empty = mapping
            .links
            .iter()
            .filter(|link| link.write == WritePolicy::OnlyIfEmpty)
            .filter_map(|link| object.field(&link.field))
            .map(|field| field.name.clone())
            .collect();
        let is_matched = |name: &str| mapping.matcher.terms.iter().any(|term| term.field.eq_ignore_ascii_case(name));
        let clears = mapping
            .links
            .iter()
            .filter(|link| link.write == WritePolicy::Always && !is_matched(&link.field))
            .filter_map(|link| object.field(&link.field))
            .filter(|field| clearable(object, &field.name))
            .map(|field| field.name.clone())
            .collect();
        Self {
            destination,
            mapping,
            object,
            fields,
            only_if_empty,
            clears,
            api: Api::Collections,
            scanned: None,
            lookups: None,
        }
    }

    /// Chooses how so many rows are looked up. For very many, the whole object is read by a job when
    /// it is not much larger than what is looked for.
    pub(super) async fn choose_way(&mut self, store: &Store, run: RunId, rows: u64) -> Result<(), EngineError> {
        if self.mapping.matcher.terms.is_empty() {
            return Ok(());
        }
        let all = Actions { create: rows, ..Actions::default() };
        self.api = Route::choose(self.mapping, &all, self.destination.limits(), self.destination.usage()).api;
        let Some(bulk) = self.destination.bulk().filter(|_| self.api == Api::Bulk && rows >= SCAN_FROM_ROWS) else {
            return Ok(());
        };
        if bulk.count(&self.object.name).await? > (rows * SCAN_FACTOR).max(SCAN_ALWAYS) {
            return Ok(());
        }
        let matcher = &self.mapping.matcher;
        let set: Vec<String> = Candidates::first_fields(matcher);
        let mut page = Vec::new();
        store.forget_found(run)?;
        for record in bulk.scan(self.object, &self.fields, &set).await? {
            let record = record?;
            page.push((record_keys(matcher, &record), record));
            if page.len() == LOOK_UP_ROWS {
                store.keep_found(run, &page)?;
                page.clear();
            }
        }
        store.keep_found(run, &page)?;
        self.scanned = Some((store.clone(), run));
        Ok(())
    }

    /// The same for decisions about a mapping with lookups: the describes of the objects they name.
    pub(super) fn with_parents(self, parents: &[ObjectDescribe]) -> Result<Self, EngineError> {
        let lookups = Lookups::new(self.mapping, self.object, parents)?;
        Ok(Self { lookups: (!lookups.is_empty()).then(|| tokio::sync::Mutex::new(lookups)), ..self })
    }

    /// The fields that are read of each record.
    pub(super) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Every record that one of these rows may mean.
    pub(super) async fn records(&self, rows: &[&StagedRow]) -> Result<Vec<Record>, EngineError> {
        if let Some((store, run)) = &self.scanned {
            let mut keys: Vec<String> =
                rows.iter().flat_map(|row| row_keys(&self.mapping.matcher, &row.match_values)).collect();
            keys.sort_unstable();
            keys.dedup();
            return Ok(store.found(*run, &keys)?);
        }
        let wanted = Candidates::look_up(&self.mapping.matcher, rows.iter().map(|row| &row.match_values));
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.destination.find(self.object, &self.fields, &wanted, self.api).await?)
    }

    /// A decision for each row, in order.
    pub(super) async fn decide(&self, rows: &[StagedRow]) -> Result<Vec<(u64, Decision)>, EngineError> {
        let (removed, present): (Vec<&StagedRow>, Vec<&StagedRow>) =
            rows.iter().partition(|row| row.change == Change::Removed);
        let mut decisions = if present.is_empty() { Vec::new() } else { self.decide_present(&present).await? };
        if !removed.is_empty() {
            decisions.extend(self.decide_removed(&removed).await?);
            decisions.sort_by_key(|(position, _)| *position);
        }
        Ok(decisions)
    }

    async fn decide_present(&self, rows: &[&StagedRow]) -> Result<Vec<(u64, Decision)>, EngineError> {
        let looked_up: Vec<&StagedRow> =
            rows.iter().copied().filter(|row| row.change != Change::Invalid && row.rejections.is_empty()).collect();
        let resolved: HashMap<u64, Resolved> = match &self.lookups {
            Some(lookups) if self.mapping.operation != Operation::Delete => {
                let found = lookups.lock().await.resolve(&self.destination, &looked_up, self.api).await?;
                looked_up.iter().map(|row| row.position).zip(found).collect()
            }
            _ => HashMap::new(),
        };
        let nothing = Resolved::default();
        let records = self.records(&looked_up).await?;
        let candidates = Candidates::new(&self.mapping.matcher, &records);
        let rules = Rules {
            operation: self.mapping.operation,
            matching: (!self.mapping.matcher.terms.is_empty()).then_some(self.mapping.matcher.mode),
            object: self.object,
            only_if_empty: &self.only_if_empty,
            persons: are_persons(self.object, |name| self.mapping.link_to(name).is_some()),
            has_places: !places(self.object).is_empty(),
        };
        Ok(rows
            .iter()
            .map(|row| {
                let resolved = resolved.get(&row.position).unwrap_or(&nothing);
                (row.position, self.decide_one(&rules, row, resolved, &candidates))
            })
            .collect())
    }

    fn decide_one(
        &self,
        rules: &Rules<'_>,
        row: &StagedRow,
        resolved: &Resolved,
        candidates: &Candidates<'_>,
    ) -> Decision {
        if row.change == Change::Invalid {
            return invalid(row);
        }
        if resolved.rejections.is_empty()
            && let Some(hold) = &resolved.hold
        {
            return hold.clone();
        }
        let payload = row.payload.iter().chain(&resolved.parents);
        let payload: Payload = payload.map(|(name, wire)| (name.clone(), wire.clone())).collect();
        let rejections: Vec<DestinationError> = row.rejections.iter().chain(&resolved.rejections).cloned().collect();
        let facts = RowFacts {
            payload: &payload,
            sources: &row.sources,
            rejections: &rejections,
            can_match: row.match_values.can_match(self.mapping.matcher.mode),
        };
        decide(rules, facts, &candidates.of(&row.match_values))
    }
}

fn invalid(row: &StagedRow) -> Decision {
    if row.has_key {
        Decision::hold(
            "KEY_REPEATED",
            format!("the key {} is on several rows of the query", row.key),
            "Make the query return each key once, or add a column to the model's key.",
        )
    } else {
        Decision::hold("KEY_NULL", "its key is NULL".to_owned(), "Leave such rows out of the query.")
    }
}
