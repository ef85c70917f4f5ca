//! Making a plan: extract, compare, match, decide. Nothing is written to the destination.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::detect::Detector;
use super::extract::extract;
use super::matching::{LOOK_UP_ROWS, Matching};
use super::progress::Pace;
use super::worker::heart::Heart;
use super::worker::lease::let_calls_end;
use super::{Engine, EngineError, Freshness, Phase, Progress, ProgressSender, Shape};
use crate::config::{MappingId, Model};
use crate::destination::Destination;
use crate::mapping::{Mapping, Severity, check};
use crate::plan::{Books, Change, Decision, Route};
use crate::snowflake::QueryOptions;
use crate::store::{NewRun, RunId, RunStatus, Store};
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
    /// Act on unchanged rows too.
    pub(super) full: bool,
    /// Keys in the snapshot before the plan.
    pub(super) snapshot_rows: u64,
    /// What the query returned, beside the snapshot.
    pub(super) detector: Detector,
    /// Why it does not go on.
    pub(super) broken: Option<EngineError>,
    progress: &'a ProgressSender,
    pace: Mutex<Pace>,
    started: Instant,
    calls_before: u64,
    /// Says that this process lives, until the plan is made.
    _heart: Heart,
}

/// When a plan came to its destination.
struct Arrival {
    calls_before: u64,
    started: Instant,
}

impl Arrival {
    fn now(destination: &dyn Destination) -> Self {
        Self { calls_before: destination.calls(), started: Instant::now() }
    }
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
        let (model, mapping) = self.workspace.mapping(id)?;
        let mut plans = self.plan_together(&model, vec![(id.clone(), mapping)], options, &progress, &cancel).await?;
        plans.pop().map_or_else(|| Err(EngineError::failed("no plan was made")), |(_, made)| made)
    }

    /// Makes a plan for each of a model's mappings that are switched on, with one query for all of
    /// them. A mapping that fails does not stop the others; an error means that the query failed.
    pub async fn plan_model(
        &self,
        model: &str,
        options: PlanOptions,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<Vec<(MappingId, Result<RunId, EngineError>)>, EngineError> {
        let (model, broken) = self.workspace.model_and_problems(model)?;
        let id = |mapping: &str| MappingId { model: model.slug.clone(), mapping: mapping.to_owned() };
        let mut plans: Vec<(MappingId, Result<RunId, EngineError>)> =
            broken.into_iter().map(|(slug, problem)| (id(&slug), Err(problem.into()))).collect();
        let mappings: Vec<(MappingId, Mapping)> = model
            .mappings
            .iter()
            .filter(|named| named.mapping.enabled)
            .map(|named| (id(&named.slug), named.mapping.clone()))
            .collect();
        if mappings.is_empty() && plans.is_empty() {
            let hint = if model.mappings.is_empty() {
                "Draw one: `gondola` and then 3 Map."
            } else {
                "Set enabled = true, or name one as MODEL/MAPPING."
            };
            return Err(EngineError::configuration(format!("the model {} has no mapping that is on", model.slug))
                .with_hint(hint));
        }
        if !mappings.is_empty() {
            plans.extend(self.plan_together(&model, mappings, options, &progress, &cancel).await?);
        }
        plans.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(plans)
    }

    /// Plans of one model's mappings, with one query.
    pub(super) async fn plan_together(
        &self,
        model: &Model,
        mappings: Vec<(MappingId, Mapping)>,
        options: PlanOptions,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Vec<(MappingId, Result<RunId, EngineError>)>, EngineError> {
        progress.send_replace(Progress::default());
        if model.key.is_empty() {
            return Err(EngineError::configuration(format!("the model {} has no key", model.slug))
                .with_hint("Set key = [\"CUSTOMER_ID\"] (its unique columns) in model.toml."));
        }
        let sql = model.sql.trim().trim_end_matches(';').trim_end().to_owned();
        if sql.is_empty() {
            return Err(EngineError::configuration(format!("the query of the model {} is empty", model.slug)));
        }
        // Both ends take their time to let one in.
        let reach = async {
            let source = self.source(&model.connection).await?;
            let columns = source.describe(&sql).await?;
            Ok::<_, EngineError>((source, columns))
        };
        let (reached, mut met) = tokio::join!(reach, self.meet(&mappings));
        let (source, columns) = reached?;
        let (mut ids, mut plans, mut made) = (Vec::new(), Vec::new(), Vec::new());
        for (id, mapping) in mappings {
            // What it took to come in is the first mapping's.
            let begun = match met.remove(&mapping.connection).unwrap_or(Ok(None)) {
                Ok(arrival) => {
                    met.insert(mapping.connection.clone(), Ok(None));
                    self.begin_plan(&id, model, mapping, &columns, &options, arrival, progress, cancel).await
                }
                Err(error) => {
                    met.insert(mapping.connection.clone(), Err(error.clone()));
                    Err(error)
                }
            };
            match begun {
                Ok(plan) => {
                    ids.push(id);
                    plans.push(plan);
                }
                Err(error) => made.push((id, Err(error))),
            }
        }
        if let Some(first) = plans.first() {
            first.report(Phase::Extracting, 0, None);
            let read = async {
                let mut stream = source.query(&sql, QueryOptions::default(), cancel.clone()).await?;
                extract(&mut stream, &mut plans, &options, cancel).await
            };
            if let Err(error) = read.await {
                for plan in &mut plans {
                    plan.broken.get_or_insert_with(|| error.clone());
                }
            }
        }
        for (id, mut plan) in ids.into_iter().zip(plans) {
            let result = match plan.broken.take() {
                Some(error) => Err(error),
                None => plan.make(cancel).await,
            };
            let result = match result {
                Ok(()) => Ok(plan.run),
                Err(error) => {
                    let status = if cancel.is_cancelled() { RunStatus::Stopped } else { RunStatus::Failed };
                    self.store.finish_run(plan.run, status, Some(&error.message))?;
                    Err(if cancel.is_cancelled() { EngineError::stopped() } else { error })
                }
            };
            made.push((id, result));
        }
        made.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(made)
    }

    /// Signs in to every org that these mappings write to, and asks for their objects. For each
    /// connection when that began, or why nobody comes in.
    async fn meet(&self, mappings: &[(MappingId, Mapping)]) -> HashMap<String, Result<Option<Arrival>, EngineError>> {
        let mut met: HashMap<String, Result<Option<Arrival>, EngineError>> = HashMap::new();
        for (_, mapping) in mappings {
            let name = &mapping.connection;
            if met.get(name).is_some_and(Result::is_err) {
                continue;
            }
            let meet = async {
                let destination = self.destination(name).await?;
                let arrival = Arrival::now(destination.as_ref());
                let org = destination.org().await?;
                // Whatever is wrong with an object is told with its mapping.
                let _ = self.shape_at(destination.as_ref(), &org, mapping, Freshness::Recent).await;
                Ok(Some(arrival))
            };
            let now = meet.await;
            match met.entry(name.clone()) {
                Entry::Occupied(_) if now.is_ok() => {}
                entry => drop(entry.insert_entry(now)),
            }
        }
        met
    }

    /// Everything that is asked before a query runs: the org, the object, whether the mapping can
    /// run, whether its snapshot is true of it. Then the run has a number.
    async fn begin_plan<'a>(
        &self,
        id: &MappingId,
        model: &Model,
        mapping: Mapping,
        columns: &[crate::types::Column],
        options: &PlanOptions,
        arrival: Option<Arrival>,
        progress: &'a ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Plan<'a>, EngineError> {
        let destination = self.destination(&mapping.connection).await?;
        let Arrival { calls_before, started } = arrival.unwrap_or_else(|| Arrival::now(destination.as_ref()));
        let org = destination.org().await?;
        let name = id.to_string();
        let mut shape = self.shape_at(destination.as_ref(), &org, &mapping, Freshness::Recent).await?.value;
        if self.refuse_broken(id, model, &mapping, columns, &shape).is_err() {
            // Somebody may have given the permission, or made the field, a minute ago.
            shape = self.shape_at(destination.as_ref(), &org, &mapping, Freshness::Now).await?.value;
        }
        let mapping = mapping.respelled(&shape.object);
        self.refuse_broken(id, model, &mapping, columns, &shape)?;
        let Shape { object, parents } = shape;
        if let Some(other) = self.store.org_of(&name)?.filter(|other| *other != org.id) {
            return Err(EngineError::configuration(format!(
                "{name} was synced to the org {other}, and [salesforce.{}] is now {} ({})",
                mapping.connection, org.id, org.name
            ))
            .with_hint(format!(
                "Its snapshot is not true there. Copy the mapping's file under a new name to sync both; \
                 `gondola reset {name}` forgets the snapshot."
            )));
        }
        let basis = self.basis(model, &mapping)?;
        let snapshot_rows = self.store.snapshot_size(&name)?;
        self.refuse_other_basis(&name, &basis, snapshot_rows)?;
        let new = NewRun {
            mapping_name: &name,
            definition: &mapping,
            org: &org,
            full: options.full,
            partial: options.is_partial(),
            basis: &basis,
            snapshot_rows,
        };
        let run = self.begin_run(&new, cancel).await?;
        let heart = Heart::start(&self.store, run, progress, cancel.clone());
        let heart = heart.inspect_err(|error| {
            let _ = self.store.finish_run(run, RunStatus::Failed, Some(&error.to_string()));
        })?;
        // Only with the lease: the job of a run that is going is its own.
        let left = async {
            self.recover_jobs(&name, destination.as_ref(), &object, cancel).await?;
            let_calls_end(&self.store, &name, cancel).await
        };
        let broken = left.await.err();
        Ok(Plan {
            _heart: heart,
            store: self.store.clone(),
            run,
            detector: Detector::new(self.store.clone(), name.clone()),
            name,
            model: model.clone(),
            mapping,
            object,
            parents,
            books: Books::default(),
            destination,
            full: options.full,
            snapshot_rows,
            broken,
            progress,
            pace: Mutex::default(),
            started,
            calls_before,
        })
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

impl Plan<'_> {
    /// Decides about every row that was staged.
    async fn make(&mut self, cancel: &CancellationToken) -> Result<(), EngineError> {
        self.match_rows(cancel).await?;
        self.keep_meant_records()?;
        self.hold_collisions()?;
        self.judge_removals()?;
        self.store.count_words(self.run, &mut self.books)?;
        self.books.selected = self.books.actions.total();
        let expected = self.selected();
        if expected != self.books.selected {
            return Err(EngineError::failed(format!(
                "the books do not balance: {expected} rows selected, but {} actions; nothing was written",
                self.books.selected
            )));
        }
        self.books
            .balance(false)
            .map_err(|why| EngineError::failed(format!("the books do not balance: {why}; nothing was written")))?;
        let seconds_per_call = self.destination.seconds_per_call().unwrap_or(0.5);
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
    fn selected(&self) -> u64 {
        let mut changes = self.books.changes;
        Change::ALL
            .iter()
            .filter(|change| change.is_selected(self.mapping.rows, self.full))
            .map(|change| *changes.of(*change))
            .sum()
    }

    pub(super) fn report(&self, phase: Phase, done: u64, total: Option<u64>) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.progress.send_replace(Progress {
            run: Some(self.run),
            phase,
            done,
            total,
            rate: self.pace.lock().unwrap_or_else(PoisonError::into_inner).rate(phase, seconds, done),
            books: self.books,
            api_calls: self.destination.calls() - self.calls_before,
            usage: self.destination.usage(),
            seconds,
        });
    }

    async fn match_rows(&mut self, cancel: &CancellationToken) -> Result<(), EngineError> {
        let total = self.selected();
        let mut matching =
            Matching::new(self.destination.clone(), &self.mapping, &self.object).with_parents(&self.parents)?;
        matching.choose_way(&self.store, self.run, total).await?;
        let in_doubt = if self.mapping.matcher.terms.is_empty() {
            self.store.keys_in_doubt(&self.name, self.run)?
        } else {
            Vec::new()
        };
        let selected: Vec<Change> =
            Change::ALL.iter().copied().filter(|change| change.is_selected(self.mapping.rows, self.full)).collect();
        let (mut after, mut done) = (None, 0);
        loop {
            let rows = self.store.undecided(self.run, &selected, after, LOOK_UP_ROWS)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.position);
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
            // Counted from the rows themselves at the end.
            for (_, decision) in &decisions {
                *self.books.actions.of(decision.action) += 1;
            }
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
        for taken in self.store.records_taken(&self.name, self.run)? {
            if taken.change == Change::Removed || !self.detector.has_seen(taken.number) {
                continue;
            }
            let (position, other) = (taken.position, taken.key);
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
