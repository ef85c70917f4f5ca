//! Applying a plan: look again where it was reviewed before, write, settle, balance the books. Going on
//! with one that broke off: look up first what its last calls did.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::progress::Pace;
use super::worker::ended_words;
use super::worker::heart::Heart;
use super::writing::{self, Stop};
use super::{Engine, EngineError, Freshness, Phase, Progress, ProgressSender, RunSummary, Shape};
use crate::destination::{Destination, DestinationError, ErrorKind};
use crate::mapping::Mapping;
use crate::plan::{Books, Outcome, Route};
use crate::store::{RunId, RunRecord, RunStatus, Store};
use crate::types::ObjectDescribe;

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Begin {
    /// Its plan is applied.
    Plan {
        /// Whether every record is looked at again first.
        recheck: bool,
    },
    /// It goes on where it was stopped, or where its process ended.
    Again,
}

/// A plan being applied.
pub(super) struct Applying {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) mapping: Mapping,
    pub(super) object: ObjectDescribe,
    pub(super) parents: Vec<ObjectDescribe>,
    pub(super) destination: Arc<dyn Destination>,
    /// Cancelled when the run is to end; whoever began it, or a request in the store, does so.
    pub(super) cancel: CancellationToken,
    /// Whether a person wants a pause.
    pub(super) paused: watch::Receiver<bool>,
    pub(super) route: Route,
    begin: Begin,
    progress: ProgressSender,
    pace: Mutex<Pace>,
    started: Instant,
    calls_before: u64,
    pub(super) planned: RunRecord,
    pub(super) books: Books,
    _heart: Heart,
}

impl Engine {
    /// Applies a plan in this process. With `recheck`, every record is looked at again first: a row
    /// whose write would be another one now is held, or skipped when nothing is left to do; without,
    /// the plan must have just been made.
    ///
    /// The end of a run, good or bad, is a summary. An error means that nothing was begun, or that the
    /// end cannot be written down (a full disk, a run that another process has taken over): then
    /// nothing more was sent, and [`Engine::resume`] goes on.
    pub async fn run(
        &self,
        plan: RunId,
        recheck: bool,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<RunSummary, EngineError> {
        self.begin(plan, Begin::Plan { recheck }, progress, cancel).await?.go().await
    }

    /// Goes on, in this process, with exactly the rows of a run that have no outcome: one that was
    /// stopped, or whose process is gone. What its last calls did is looked up first, then each record.
    pub async fn resume(
        &self,
        run: RunId,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<RunSummary, EngineError> {
        self.begin(run, Begin::Again, progress, cancel).await?.go().await
    }

    /// Everything up to having the mapping's lease.
    pub(super) async fn begin(
        &self,
        run: RunId,
        begin: Begin,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<Applying, EngineError> {
        let started = Instant::now();
        let find = || {
            self.store.run(run)?.ok_or_else(|| {
                EngineError::configuration(format!("there is no run {run}")).with_hint("`gondola runs` lists them.")
            })
        };
        let mapping = find()?.mapping;
        self.take_over_mapping(&mapping, &cancel).await?;
        self.refuse_busy(&mapping)?;
        let planned = find()?;
        self.refuse_state(&planned, begin)?;
        let destination = self.destination(&planned.definition.connection).await?;
        let org = destination.org().await?;
        if org.id != planned.org.id {
            return Err(EngineError::configuration(format!(
                "plan {run} was made for the org {} ({}), and [salesforce.{}] is now {} ({})",
                planned.org.id, planned.org.name, planned.definition.connection, org.id, org.name
            )));
        }
        self.refuse_outdated(&planned)?;
        self.refuse_mass_delete(&planned)?;
        let calls_before = destination.calls();
        let route = planned.forecast.map_or_else(Route::default, |forecast| forecast.route());
        let shape = self.shape_at(destination.as_ref(), &org, &planned.definition, Freshness::Recent).await?;
        let Shape { object, parents } = shape.value;
        if !self.begin_work(&planned, &[planned.status], &cancel).await? {
            return Err(EngineError::configuration(format!("run {run} was begun by somebody else just now"))
                .with_hint(format!("`gondola attach {run}` follows it.")));
        }
        self.store.set_org_of(&planned.mapping, &org.id)?;
        if let Some(basis) = &planned.basis {
            self.store.set_basis(&planned.mapping, basis)?;
        }
        // A request to stop ends this run, not whatever else its caller does.
        let cancel = cancel.child_token();
        let heart = Heart::start(&self.store, run, &progress, cancel.clone())?;
        Ok(Applying {
            store: self.store.clone(),
            run,
            mapping: planned.definition.clone(),
            object,
            parents,
            destination,
            cancel,
            paused: heart.paused(),
            route,
            begin,
            progress,
            pace: Mutex::default(),
            started,
            calls_before,
            books: planned.books,
            planned,
            _heart: heart,
        })
    }

    /// A plan is applied once; only a run that broke off goes on.
    fn refuse_state(&self, run: &RunRecord, begin: Begin) -> Result<(), EngineError> {
        let (id, status) = (run.id, run.status);
        let refused = |what: String, hint: String| Err(EngineError::configuration(what).with_hint(hint));
        match (begin, status) {
            (Begin::Plan { .. }, RunStatus::Planned) => Ok(()),
            (Begin::Plan { .. }, RunStatus::Stopped | RunStatus::Failed) if run.books.outcomes.unprocessed > 0 => {
                refused(
                    format!("plan {id} is {status}: it can be applied once"),
                    format!("`gondola resume {id}` goes on with the rows that were not sent."),
                )
            }
            (Begin::Plan { .. }, _) => refused(
                format!("plan {id} is {status}: it can be applied once"),
                "Make a new plan; rows that failed are in it again.".to_owned(),
            ),
            (Begin::Again, RunStatus::Planned) => refused(
                format!("run {id} is a plan that was not applied yet"),
                format!("`gondola run {} --plan {id}` does it.", run.mapping),
            ),
            (Begin::Again, _) if run.books.outcomes.unprocessed == 0 => refused(
                format!("run {id} {}, and none of its rows is open", ended_words(status)),
                format!("Rows that failed or are held are in the next plan: `gondola run {}`.", run.mapping),
            ),
            (Begin::Again, _) => match self.store.is_taken_up(id)? {
                Some(later) => refused(
                    format!("run {later} has taken up the rows that run {id} left open"),
                    format!("`gondola run {}` plans what is open now.", run.mapping),
                ),
                None => Ok(()),
            },
        }
    }
}

/// An error of our own, in the shape of the destination's.
pub(super) fn local_error(code: &str, message: &str) -> DestinationError {
    DestinationError {
        kind: ErrorKind::Transient,
        code: code.to_owned(),
        message: message.to_owned(),
        fields: Vec::new(),
        hint: Some("The next run takes it up again.".to_owned()),
    }
}

impl Applying {
    /// Applies it to its end, good or bad.
    pub(super) async fn go(mut self) -> Result<RunSummary, EngineError> {
        let stop = self.apply().await.err();
        if let Some(Stop::Engine(error)) = &stop {
            tracing::error!(run = self.run.0, %error, "the run cannot go on");
        }
        self.finish(stop.as_ref()).map_err(|error| self.unwritten(error))?;
        let run = self.store.run(self.run)?;
        run.map(RunSummary::from).ok_or_else(|| EngineError::failed(format!("run {} is gone", self.run)))
    }

    async fn apply(&mut self) -> Result<(), Stop> {
        let recheck = match self.begin {
            Begin::Plan { recheck } => recheck,
            Begin::Again => {
                writing::take_up(self).await?;
                true
            }
        };
        if recheck {
            self.recheck().await?;
        }
        self.store.settle_skipped(self.run)?;
        writing::write_all(self).await
    }

    /// The end of a run that could not be written down.
    fn unwritten(&self, error: EngineError) -> EngineError {
        let message = format!("run {} ended, and that cannot be written down: {}", self.run, error.message);
        let hint = format!(
            "Nothing was sent after that. Once it can be written, `gondola resume {}` looks up what arrived and goes on.",
            self.run
        );
        EngineError { message, ..error }.with_hint(hint)
    }

    /// Waits while a person wants a pause; an error when they want an end.
    pub(super) async fn rest(&self) -> Result<(), Stop> {
        let mut paused = self.paused.clone();
        while *paused.borrow_and_update() && !self.cancel.is_cancelled() {
            let now = *self.progress.borrow();
            self.report(Phase::Paused, now.done, now.total);
            tokio::select! {
                () = changes(&mut paused) => {}
                () = self.cancel.cancelled() => {}
            }
        }
        if self.cancel.is_cancelled() { Err(Stop::Asked) } else { Ok(()) }
    }

    /// `model/mapping`.
    pub(super) fn name(&self) -> &str {
        &self.planned.mapping
    }

    /// An error, or that somebody asked for the end.
    pub(super) fn stopped_or<T>(&self, error: EngineError) -> Result<T, Stop> {
        Err(if self.cancel.is_cancelled() { Stop::Asked } else { Stop::Engine(error) })
    }

    /// Counts from the rows themselves.
    pub(super) fn recount(&mut self) -> Result<(), Stop> {
        Ok(self.store.count_words(self.run, &mut self.books)?)
    }

    /// Counts what was settled, without reading every row again.
    pub(super) fn count(&mut self, settled: &[(u64, Outcome, Option<String>, Option<DestinationError>)]) {
        for (_, outcome, ..) in settled {
            *self.books.outcomes.of(*outcome) += 1;
            // A record that was to be deleted and is gone already.
            if *outcome == Outcome::Unchanged {
                self.books.actions.delete = self.books.actions.delete.saturating_sub(1);
                self.books.actions.skip += 1;
            }
        }
    }

    fn written(&self) -> u64 {
        let outcomes = self.books.outcomes;
        outcomes.created + outcomes.updated + outcomes.deleted + outcomes.failed + outcomes.unprocessed
    }

    /// Tells how far the writing is, and why it waits if it does.
    pub(super) fn report_writing(&self, at_floor: bool, in_flight: usize) {
        let phase = match (self.cancel.is_cancelled(), *self.paused.borrow()) {
            (true, _) => Phase::Stopping,
            (false, true) if in_flight == 0 => Phase::Paused,
            (false, true) => Phase::Pausing,
            (false, false) if at_floor => Phase::WaitingForCalls,
            (false, false) => Phase::Writing,
        };
        self.report(phase, self.written(), Some(self.books.actions.writes()));
    }

    /// Tells how far a job is, by what the destination says. It cannot be paused there.
    pub(super) fn report_job(&self, rows: u64) {
        let phase = match (self.cancel.is_cancelled(), *self.paused.borrow()) {
            (true, _) => Phase::Stopping,
            (false, true) => Phase::Pausing,
            (false, false) => Phase::Writing,
        };
        self.report(phase, self.written() + rows, Some(self.books.actions.writes()));
    }

    pub(super) fn report(&self, phase: Phase, done: u64, total: Option<u64>) {
        let seconds = self.planned.seconds + self.started.elapsed().as_secs_f64();
        self.progress.send_replace(Progress {
            run: Some(self.run),
            phase,
            done,
            total,
            rate: self.pace.lock().unwrap_or_else(PoisonError::into_inner).rate(phase, seconds, done),
            books: self.books,
            api_calls: self.planned.api_calls + self.calls(),
            usage: self.destination.usage(),
            seconds,
        });
    }

    fn calls(&self) -> u64 {
        self.destination.calls() - self.calls_before
    }

    fn finish(&mut self, stop: Option<&Stop>) -> Result<(), EngineError> {
        // Whoever has taken it over writes its end.
        self.store.hold_lease(self.run)?;
        let why = match stop {
            None => None,
            Some(Stop::Asked) => Some(local_error("STOPPED", "the run was stopped before this row was sent")),
            Some(Stop::Destination(error)) => Some(DestinationError {
                message: format!("the run stopped before this row was sent: {}", error.message),
                ..error.clone()
            }),
            Some(Stop::Engine(error)) => Some(local_error("RUN_FAILED", &error.message)),
        };
        if let Some(why) = &why {
            self.store.settle_unsent_writes(self.run, why)?;
            self.store.settle_skipped(self.run)?;
        }
        self.store.settle_unselected(self.run)?;
        self.store.count_words(self.run, &mut self.books)?;
        self.books.selected = self.planned.books.selected;
        let seconds = self.planned.seconds + self.started.elapsed().as_secs_f64();
        self.store.save_books(self.run, &self.books, None, self.planned.api_calls + self.calls(), seconds)?;
        let balance = self.books.balance(true);
        let (status, message) = match (stop, &balance) {
            (_, Err(why)) => (RunStatus::Failed, Some(format!("the books do not balance: {why}"))),
            (Some(Stop::Asked), _) => (
                RunStatus::Stopped,
                Some(match self.books.outcomes.unprocessed {
                    0 => "stopped on request".to_owned(),
                    open => format!("stopped on request; `gondola resume {}` goes on with {open} rows", self.run),
                }),
            ),
            (Some(Stop::Destination(error)), _) => (
                RunStatus::Failed,
                Some(match &error.hint {
                    Some(hint) => format!("{error}. {hint}"),
                    None => error.to_string(),
                }),
            ),
            (Some(Stop::Engine(error)), _) => (RunStatus::Failed, Some(error.to_string())),
            (None, Ok(())) => {
                let Books { actions, outcomes, .. } = self.books;
                let left = actions.hold + actions.reject + outcomes.failed + outcomes.unprocessed;
                (if left > 0 { RunStatus::Partial } else { RunStatus::Succeeded }, None)
            }
        };
        self.store.finish_run(self.run, status, message.as_deref())?;
        self.report(Phase::Done, self.books.selected, Some(self.books.selected));
        Ok(())
    }
}

/// Returns once the value changes; never when nobody can change it any more.
pub(super) async fn changes(value: &mut watch::Receiver<bool>) {
    if value.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
