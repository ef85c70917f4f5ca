//! Making a plan: extract, compare, match, decide. Nothing is written to the destination.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::lookups::{Lookups, Resolved};
use super::{Engine, EngineError, Freshness, Phase, Progress, ProgressSender, Shape};
use crate::config::{MappingId, Model};
use crate::destination::{Api, Destination, DestinationError, Payload, Record};
use crate::mapping::{IS_PERSON, Mapping, Operation, Severity, WritePolicy, are_persons, check, has_persons, places};
use crate::plan::{
    Actions, Books, Candidates, Change, Decision, PARENT_FIELD, Route, RowFacts, Rules, decide, record_keys, row_keys,
};
use crate::snowflake::QueryOptions;
use crate::store::{NewRun, RunId, RunStatus, StagedRow, Store};
use crate::types::ObjectDescribe;

/// Rows that are looked up together: large enough to fill the URLs, small enough for memory.
const LOOK_UP_ROWS: usize = 4_000;
/// Rows from which on it is worth to ask how large the object is.
const SCAN_FROM_ROWS: u64 = 2_000;
/// An object is read whole when it has at most so many records for each row …
const SCAN_FACTOR: u64 = 4;
/// … or at most so many in all.
const SCAN_ALWAYS: u64 = 100_000;

/// What a plan should cover.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Act on unchanged rows too.
    pub full: bool,
    /// Only rows with these keys; all when empty.
    pub keys: Vec<String>,
    /// Only the first rows of the query.
    pub limit: Option<u64>,
}

impl PlanOptions {
    /// Whether some rows of the query are left out, so that nothing can be called removed.
    pub fn is_partial(&self) -> bool {
        !self.keys.is_empty() || self.limit.is_some()
    }
}

/// A plan being made.
pub(super) struct Plan<'a> {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) name: String,
    pub(super) model: Model,
    pub(super) mapping: Mapping,
    pub(super) object: ObjectDescribe,
    pub(super) parents: Vec<ObjectDescribe>,
    pub(super) books: Books,
    pub(super) destination: Arc<dyn Destination>,
    progress: &'a ProgressSender,
    started: Instant,
    calls_before: u64,
}

impl Engine {
    /// Makes a plan and returns its run number. Nothing is written to the destination.
    pub async fn plan(
        &self,
        id: &MappingId,
        options: PlanOptions,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<RunId, EngineError> {
        let started = Instant::now();
        progress.send_replace(Progress::default());
        let (model, mapping) = self.workspace.mapping(id)?;
        if model.key.is_empty() {
            return Err(EngineError::configuration(format!("the model {} has no key", model.slug))
                .with_hint("Set key = [\"CUSTOMER_ID\"] (its unique columns) in model.toml."));
        }
        let source = self.source(&model.connection).await?;
        let destination = self.destination(&mapping.connection).await?;
        let calls_before = destination.calls();
        let sql = model.sql.trim().trim_end_matches(';').trim_end().to_owned();
        if sql.is_empty() {
            return Err(EngineError::configuration(format!("the query of the model {} is empty", model.slug)));
        }
        let columns = source.describe(&sql).await?;
        let org = destination.org().await?;
        let name = id.to_string();
        let mut shape = self.shape_at(destination.as_ref(), &org, &mapping, Freshness::Recent).await?.value;
        self.recover_jobs(&name, destination.as_ref(), &shape.object, &cancel).await?;
        if self.refuse_broken(id, &model, &mapping, &columns, &shape).is_err() {
            // Somebody may have given the permission, or made the field, a minute ago.
            shape = self.shape_at(destination.as_ref(), &org, &mapping, Freshness::Now).await?.value;
        }
        let mapping = mapping.respelled(&shape.object);
        self.refuse_broken(id, &model, &mapping, &columns, &shape)?;
        let Shape { object, parents } = shape;
        if let Some(other) = self.store.org_of(&name)?.filter(|other| *other != org.id) {
            return Err(EngineError::configuration(format!(
                "{name} was synced to the org {other}, and [salesforce.{}] is now {} ({})",
                mapping.connection, org.id, org.name
            ))
            .with_hint("Its snapshot is not true there. Copy the mapping's file under a new name to sync both."));
        }
        let new = NewRun {
            mapping_name: &name,
            definition: &mapping,
            org: &org,
            full: options.full,
            partial: options.is_partial(),
        };
        let run = self.store.begin_run(&new)?.map_err(|busy| busy_error(&busy.mapping, busy.id, busy.pid))?;
        let mut plan = Plan {
            store: self.store.clone(),
            run,
            name,
            model,
            mapping,
            object,
            parents,
            books: Books::default(),
            destination,
            progress: &progress,
            started,
            calls_before,
        };
        let made = plan.make(&source, &sql, &options, &cancel).await;
        if let Err(error) = made {
            let status = if cancel.is_cancelled() { RunStatus::Stopped } else { RunStatus::Failed };
            self.store.finish_run(run, status, Some(&error.message))?;
            return Err(if cancel.is_cancelled() { EngineError::stopped() } else { error });
        }
        Ok(run)
    }

    /// A mapping with errors does not run: all of them are named at once.
    fn refuse_broken(
        &self,
        id: &MappingId,
        model: &Model,
        mapping: &Mapping,
        columns: &[crate::types::Column],
        shape: &Shape,
    ) -> Result<(), EngineError> {
        let mut broken: Vec<String> = check(mapping, columns, &shape.object, &shape.parents)
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(ToString::to_string)
            .collect();
        for key in &model.key {
            if !columns.iter().any(|column| column.name == *key) {
                broken.push(format!("The query has no column `{key}`, which is in the model's key."));
            }
        }
        for (at, column) in columns.iter().enumerate() {
            if columns[..at].iter().any(|other| other.name == column.name) {
                broken.push(format!("The query has two columns `{}`: give one another name.", column.name));
            }
        }
        if broken.is_empty() {
            return Ok(());
        }
        let file = self.workspace.folders().models().join(&id.model).join(format!("{}.toml", id.mapping));
        Err(EngineError::configuration(format!("{}: {}", file.display(), broken.join("\n  "))))
    }
}

pub(super) fn busy_error(mapping: &str, run: RunId, pid: u32) -> EngineError {
    EngineError::failed(format!("run {run} of {mapping} is going on (process {pid})"))
        .with_hint("Wait for it to end, or stop that process; two runs of one mapping would write twice.")
}

impl Plan<'_> {
    async fn make(
        &mut self,
        source: &crate::snowflake::Snowflake,
        sql: &str,
        options: &PlanOptions,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        self.report(Phase::Extracting, 0, None);
        let mut stream = source.query(sql, QueryOptions::default(), cancel.clone()).await?;
        self.extract(&mut stream, options, cancel).await?;
        drop(stream);
        let matching = Instant::now();
        let calls_before = self.destination.calls();
        self.match_rows(options, cancel).await?;
        let calls = self.destination.calls() - calls_before;
        self.hold_collisions()?;
        self.store.count_words(self.run, &mut self.books)?;
        self.books.selected = self.books.actions.total();
        let expected = self.selected(options);
        if expected != self.books.selected {
            return Err(EngineError::failed(format!(
                "the books do not balance: {expected} rows selected, but {} actions; nothing was written",
                self.books.selected
            )));
        }
        self.books
            .balance(false)
            .map_err(|why| EngineError::failed(format!("the books do not balance: {why}; nothing was written")))?;
        let seconds_per_call = if calls == 0 { 0.5 } else { matching.elapsed().as_secs_f64() / calls as f64 };
        let (limits, usage) = (self.destination.limits(), self.destination.usage());
        let route = Route::choose(&self.mapping, &self.books.actions, limits, usage);
        let forecast = route.forecast(&self.books.actions, limits, seconds_per_call, usage);
        self.store.save_books(
            self.run,
            &self.books,
            Some(&forecast),
            self.destination.calls() - self.calls_before,
            self.started.elapsed().as_secs_f64(),
        )?;
        self.store.move_run(self.run, &[RunStatus::Planning], RunStatus::Planned)?;
        self.report(Phase::Done, self.books.selected, Some(self.books.selected));
        Ok(())
    }

    /// How many rows must have an action, by the counts of changes alone.
    fn selected(&self, options: &PlanOptions) -> u64 {
        let mut changes = self.books.changes;
        [Change::Added, Change::Updated, Change::Unchanged, Change::Invalid]
            .into_iter()
            .filter(|change| change.is_selected(self.mapping.rows, options.full))
            .map(|change| *changes.of(change))
            .sum()
    }

    pub(super) fn report(&self, phase: Phase, done: u64, total: Option<u64>) {
        self.progress.send_replace(Progress {
            run: Some(self.run),
            phase,
            done,
            total,
            books: self.books,
            api_calls: self.destination.calls() - self.calls_before,
            usage: self.destination.usage(),
            seconds: self.started.elapsed().as_secs_f64(),
        });
    }

    async fn match_rows(&mut self, options: &PlanOptions, cancel: &CancellationToken) -> Result<(), EngineError> {
        let total = self.selected(options);
        let mut matching =
            Matching::new(self.destination.clone(), &self.mapping, &self.object).with_parents(&self.parents)?;
        matching.choose_way(&self.store, self.run, total).await?;
        let in_doubt = if self.mapping.matcher.terms.is_empty() {
            self.store.keys_in_doubt(&self.name, self.run)?
        } else {
            Vec::new()
        };
        let (mut after, mut done) = (None, 0);
        loop {
            let rows = self.store.undecided(self.run, after, LOOK_UP_ROWS)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.position);
            let rows: Vec<StagedRow> =
                rows.into_iter().filter(|row| row.change.is_selected(self.mapping.rows, options.full)).collect();
            let mut decisions = matching.decide(&rows).await?;
            for ((_, decision), row) in decisions.iter_mut().zip(&rows) {
                if in_doubt.contains(&row.key.canonical()) {
                    *decision = Decision::hold(
                        "IN_DOUBT",
                        "an earlier run sent it and got no answer, and nothing can find its record".to_owned(),
                        "Look for it in Salesforce; give the mapping a record matcher.",
                    );
                }
            }
            self.store.decide(self.run, &decisions)?;
            done += rows.len() as u64;
            self.store.count_words(self.run, &mut self.books)?;
            self.report(Phase::Matching, done, Some(total));
            if cancel.is_cancelled() {
                return Err(EngineError::stopped());
            }
        }
        Ok(self.store.forget_found(self.run)?)
    }

    /// Two rows for one record are never written in one run: all of them are held.
    fn hold_collisions(&self) -> Result<(), EngineError> {
        let mut held = Vec::new();
        for position in self.store.colliding(self.run)? {
            let decision = Decision::hold(
                "SEVERAL_ROWS_ONE_RECORD",
                "another row of this query means the same record".to_owned(),
                "Leave one of them out of the query, or match by a field that tells them apart.",
            );
            held.push((position, decision));
        }
        for (position, other) in self.store.records_taken(&self.name, self.run)? {
            let decision = Decision::hold(
                "RECORD_TAKEN",
                format!("its record belongs to the row with the key {other}, which the query still returns"),
                "Leave one of them out of the query, or match by a field that tells them apart.",
            );
            held.push((position, decision));
        }
        Ok(self.store.decide(self.run, &held)?)
    }
}

/// Looks records up for rows and decides about them.
pub(super) struct Matching<'a> {
    destination: Arc<dyn Destination>,
    mapping: &'a Mapping,
    object: &'a ObjectDescribe,
    fields: Vec<String>,
    only_if_empty: Vec<String>,
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
        Self {
            destination,
            mapping,
            object,
            fields,
            only_if_empty,
            api: Api::Collections,
            scanned: None,
            lookups: None,
        }
    }

    /// Chooses how so many rows are looked up. For very many, the whole object is read by a job when
    /// it is not much larger than what is looked for.
    async fn choose_way(&mut self, store: &Store, run: RunId, rows: u64) -> Result<(), EngineError> {
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

    /// A decision for each row.
    pub(super) async fn decide(&self, rows: &[StagedRow]) -> Result<Vec<(u64, Decision)>, EngineError> {
        let looked_up: Vec<&StagedRow> =
            rows.iter().filter(|row| row.change != Change::Invalid && row.rejections.is_empty()).collect();
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
