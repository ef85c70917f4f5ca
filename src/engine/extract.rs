//! Reading the query: each row gets its key, its hash and its change; what may need an action is
//! mapped whole and staged, the rest is only counted.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::detect::{CHUNK_ROWS, Keyed};
use super::planning::{Plan, PlanOptions};
use super::{EngineError, Phase};
use crate::destination::{DestinationError, Payload};
use crate::mapping::{Mapper, Source, Sources, check_match_value};
use crate::plan::{Change, MatchValues};
use crate::snowflake::RowStream;
use crate::store::StagedRow;
use crate::types::{KeyColumns, RowKey, Schema, Value};

/// Keys of the snapshot that are looked at together.
const PAGE_KEYS: usize = 10_000;
/// Where rows are staged whose place in the result was not kept; they are moved behind the others.
const NO_PLACE: u64 = 1 << 40;

/// Rows of a query with their places in its result.
type Chunk = [(u64, Vec<Value>)];

/// Reads the rows of one query (or those that the options ask for) for one plan or several: counts
/// changes, stages rows. A plan that fails is left out from there on; an error means that the query
/// itself failed.
pub(super) async fn extract(
    stream: &mut RowStream,
    plans: &mut [Plan<'_>],
    options: &PlanOptions,
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    let Some(first) = plans.first() else { return Ok(()) };
    let names = first.model.key.clone();
    let needed: BTreeSet<String> = plans.iter().flat_map(Plan::columns).chain(names.iter().cloned()).collect();
    let all: Vec<String> = stream.schema().iter().map(|column| column.name.clone()).collect();
    // Templates name their columns inside a text; a name that is part of another costs little.
    let templates: Vec<&str> = plans.iter().flat_map(Plan::templates).collect();
    let is_needed = |name: &str| needed.contains(name) || templates.iter().any(|text| text.contains(name));
    if all.iter().any(|name| !is_needed(name)) {
        stream.keep_columns(is_needed);
    }
    let schema = stream.schema();
    let key = KeyColumns::new(&names, &schema);
    let mut readers: Vec<Reader<'_, '_>> =
        plans.iter_mut().filter_map(|plan| Reader::new(plan, &schema, &key)).collect();
    let wanted: BTreeSet<&str> = options.keys.iter().map(String::as_str).collect();
    let limit = options.limit.unwrap_or(u64::MAX);
    let (mut chunk, mut position, mut taken) = (Vec::with_capacity(CHUNK_ROWS), 0, 0);
    while let Some(batch) = stream.next_batch().await? {
        if cancel.is_cancelled() {
            return Err(EngineError::stopped());
        }
        for row in batch.rows {
            let is_wanted = taken < limit && (wanted.is_empty() || is_meant(&wanted, &key, &row));
            if is_wanted {
                chunk.push((position, row));
                taken += 1;
            }
            position += 1;
        }
        if chunk.len() >= CHUNK_ROWS || taken >= limit {
            readers.iter_mut().for_each(|reader| reader.take(&chunk));
            chunk.clear();
        }
        if taken >= limit || readers.iter().all(|reader| reader.plan.broken.is_some()) {
            break;
        }
    }
    let complete = !options.is_partial() && stream.is_complete();
    for reader in &mut readers {
        reader.take(&chunk);
        reader.end(position, complete);
    }
    Ok(())
}

/// Whether a row has one of these keys, as they are stored or as people write them.
fn is_meant(wanted: &BTreeSet<&str>, key: &KeyColumns, row: &[Value]) -> bool {
    let key = key.key(row);
    wanted.contains(key.canonical().as_str()) || wanted.contains(key.to_string().as_str())
}

/// One plan's part in the reading.
struct Reader<'p, 'a> {
    plan: &'p mut Plan<'a>,
    mapper: Mapper,
    schema: Schema,
    key: &'p KeyColumns,
    keyed: Keyed,
    /// Rows staged without their place.
    without_place: u64,
}

impl<'p, 'a> Reader<'p, 'a> {
    /// `None` when the mapping does not fit the query: the plan is broken then.
    fn new(plan: &'p mut Plan<'a>, schema: &Schema, key: &'p KeyColumns) -> Option<Self> {
        match Mapper::new(&plan.mapping, schema, &plan.object) {
            Ok(mapper) => {
                Some(Self { plan, mapper, schema: schema.clone(), key, keyed: Keyed::default(), without_place: 0 })
            }
            Err(why) => {
                plan.broken = Some(EngineError::configuration(why));
                None
            }
        }
    }

    /// Takes the next rows, unless the plan is broken.
    fn take(&mut self, chunk: &Chunk) {
        if self.plan.broken.is_none()
            && !chunk.is_empty()
            && let Err(error) = self.try_take(chunk)
        {
            self.plan.broken = Some(error);
        }
    }

    fn try_take(&mut self, chunk: &Chunk) -> Result<(), EngineError> {
        self.keyed.read(self.key, &self.mapper, chunk.iter().map(|(_, row)| row.as_slice()));
        let (changes, again) = self.plan.detector.changes(&self.keyed)?;
        for key in again {
            self.hold_first(&key)?;
        }
        for change in &changes {
            *self.plan.books.changes.of(*change) += 1;
        }
        self.plan.books.extracted += chunk.len() as u64;
        let (rows, full) = (self.plan.mapping.rows, self.plan.full);
        let staged = chunk.iter().zip(&changes).enumerate().filter_map(|(at, ((position, row), change))| {
            let needed = *change != Change::Unchanged || change.is_selected(rows, full);
            needed.then(|| self.whole(*position, row, *change, self.keyed.key(at).is_some()))
        });
        self.plan.store.stage(self.plan.run, staged)?;
        self.plan.report(Phase::Extracting, self.plan.books.extracted, None);
        Ok(())
    }

    /// A key came again: its first row has no identity either.
    fn hold_first(&mut self, canonical: &str) -> Result<(), EngineError> {
        let plan = &mut *self.plan;
        let before = match plan.store.mark_repeated(plan.run, canonical)? {
            Some(Change::Invalid) => return Ok(()),
            Some(change) => change,
            None => {
                // It was unchanged, so it was only counted.
                let row = StagedRow {
                    position: NO_PLACE + self.without_place,
                    key: RowKey::from_canonical(&plan.model.key, canonical),
                    has_key: true,
                    change: Change::Invalid,
                    hash: 0,
                    payload: Payload::new(),
                    sources: Sources::new(),
                    rejections: Vec::new(),
                    match_values: MatchValues(Vec::new()),
                    known_record: None,
                };
                plan.store.stage(plan.run, [row])?;
                self.without_place += 1;
                Change::Unchanged
            }
        };
        *plan.books.changes.of(before) -= 1;
        plan.books.changes.invalid += 1;
        Ok(())
    }

    fn whole(&self, position: u64, row: &[Value], change: Change, has_key: bool) -> StagedRow {
        let mapped = self.mapper.map(row);
        let match_values = MatchValues::of(&self.plan.mapping.matcher, &self.schema, row);
        let mut rejections = mapped.rejections;
        rejections.extend(self.misfits(&match_values));
        StagedRow {
            position,
            key: self.key.key(row),
            has_key,
            change,
            hash: mapped.hash,
            payload: mapped.payload,
            sources: mapped.sources,
            rejections,
            match_values,
            known_record: None,
        }
    }

    /// Match values that their field cannot be compared with.
    fn misfits(&self, values: &MatchValues) -> Vec<DestinationError> {
        let terms = &self.plan.mapping.matcher.terms;
        terms
            .iter()
            .zip(&values.0)
            .filter_map(|(term, value)| check_match_value(value.as_ref()?, self.plan.object.field(&term.field)?).err())
            .collect()
    }

    /// After the last row: what the snapshot has and the query did not return is removed, if every
    /// row was read. `position` is the number of rows in the result.
    fn end(&mut self, position: u64, complete: bool) {
        if self.plan.broken.is_none()
            && let Err(error) = self.try_end(position, complete)
        {
            self.plan.broken = Some(error);
        }
    }

    fn try_end(&mut self, position: u64, complete: bool) -> Result<(), EngineError> {
        let twice = self.plan.store.mark_added_twice(self.plan.run)?;
        self.plan.books.changes.added -= twice;
        self.plan.books.changes.invalid += twice;
        if self.without_place > 0 {
            self.plan.store.move_rows(self.plan.run, NO_PLACE, position)?;
        }
        let plan = &mut *self.plan;
        if !complete || plan.detector.seen() >= plan.snapshot_rows {
            return Ok(());
        }
        let staged = plan.mapping.rows.takes_removed();
        // Values that another matcher looked for would be compared with other fields.
        let comparable = plan.store.basis_of(&plan.name)?.is_none_or(|basis| basis.matcher == plan.mapping.matcher);
        let mut next = position + self.without_place;
        let mut after: Option<String> = None;
        if !staged {
            plan.books.changes.removed = plan.snapshot_rows - plan.detector.seen();
            return Ok(());
        }
        loop {
            let (gone, from) = plan
                .store
                .snapshot_rows(&plan.name, after.as_deref(), PAGE_KEYS, |number| !plan.detector.has_seen(number))?;
            plan.books.changes.removed += gone.len() as u64;
            let rows = gone.into_iter().zip(next..).map(|(gone, position)| StagedRow {
                position,
                key: RowKey::from_canonical(&plan.model.key, &gone.key),
                has_key: true,
                change: Change::Removed,
                hash: gone.hash,
                payload: Payload::new(),
                sources: Sources::new(),
                rejections: Vec::new(),
                match_values: gone.match_values.filter(|_| comparable).unwrap_or(MatchValues(Vec::new())),
                known_record: gone.record_id,
            });
            next += plan.store.stage(plan.run, rows)?;
            match from {
                Some(from) => after = Some(from),
                None => return Ok(()),
            }
        }
    }
}

impl Plan<'_> {
    /// Columns that the mapping names, templates left out.
    fn columns(&self) -> impl Iterator<Item = String> {
        let links = self.mapping.links.iter().filter_map(|link| link.column());
        let terms = self.mapping.matcher.terms.iter().map(|term| term.column.as_str());
        links.chain(terms).map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    fn templates(&self) -> impl Iterator<Item = &str> {
        self.mapping.links.iter().filter_map(|link| match &link.source {
            Source::Template(text) => Some(text.as_str()),
            _ => None,
        })
    }
}
