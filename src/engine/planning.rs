//! Making a plan: extract, compare, match, decide. Nothing is written to the destination.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::matching::{LOOK_UP_ROWS, Matching};
use super::{Engine, EngineError, Freshness, Phase, Progress, ProgressSender, Shape};
use crate::config::{MappingId, Model};
use crate::destination::Destination;
use crate::mapping::{Mapping, Severity, check};
use crate::plan::{Books, Change, Decision, Route};
use crate::snowflake::QueryOptions;
use crate::store::{NewRun, RunId, RunStatus, StagedRow, Store};
use crate::types::ObjectDescribe;

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
