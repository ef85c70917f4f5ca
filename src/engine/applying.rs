//! Applying a plan: look again where it was reviewed before, write, settle, balance the books.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::planning::busy_error;
use super::writing::{self, Stop};
use super::{Engine, EngineError, Freshness, Phase, Progress, ProgressSender, RunSummary, Shape};
use crate::destination::{Destination, DestinationError, ErrorKind};
use crate::mapping::Mapping;
use crate::plan::{Books, Outcome, Route};
use crate::store::{RunId, RunRecord, RunStatus, Store};
use crate::types::ObjectDescribe;

/// A plan being applied.
pub(super) struct Applying {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) mapping: Mapping,
    pub(super) object: ObjectDescribe,
    pub(super) parents: Vec<ObjectDescribe>,
    pub(super) destination: Arc<dyn Destination>,
    pub(super) cancel: CancellationToken,
    pub(super) route: Route,
    progress: ProgressSender,
    started: Instant,
    calls_before: u64,
    pub(super) planned: RunRecord,
    pub(super) books: Books,
}

impl Engine {
    /// Applies a plan. With `recheck`, every record is looked at again first: a row whose write would
    /// be another one now is held, or skipped when nothing is left to do; without, the plan must have
    /// just been made.
    ///
    /// The end of a run, good or bad, is a summary; an error means that nothing was begun.
    pub async fn run(
        &self,
        plan: RunId,
        recheck: bool,
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<RunSummary, EngineError> {
        let started = Instant::now();
        let planned = self.store.run(plan)?.ok_or_else(|| {
            EngineError::configuration(format!("there is no plan {plan}")).with_hint("`gondola runs` lists them.")
        })?;
        let destination = self.destination(&planned.definition.connection).await?;
        let org = destination.org().await?;
        if org.id != planned.org.id {
            return Err(EngineError::configuration(format!(
                "plan {plan} was made for the org {} ({}), and [salesforce.{}] is now {} ({})",
                planned.org.id, planned.org.name, planned.definition.connection, org.id, org.name
            )));
        }
        self.refuse_outdated(&planned)?;
        self.refuse_mass_delete(&planned)?;
        let calls_before = destination.calls();
        let route = planned.forecast.map_or_else(Route::default, |forecast| forecast.route());
        let shape = self.shape_at(destination.as_ref(), &org, &planned.definition, Freshness::Recent).await?;
        let Shape { object, parents } = shape.value;
        if let Some(busy) = self.store.active_runs()?.into_iter().find(|run| run.mapping == planned.mapping) {
            return Err(busy_error(&busy.mapping, busy.id, busy.pid));
        }
        if !self.store.move_run(plan, &[RunStatus::Planned], RunStatus::Running)? {
            return Err(EngineError::configuration(format!(
                "plan {plan} is {}: it can be applied once",
                planned.status
            ))
            .with_hint("Make a new plan; rows that failed are in it again."));
        }
        self.store.set_org_of(&planned.mapping, &org.id)?;
        if let Some(basis) = &planned.basis {
            self.store.set_basis(&planned.mapping, basis)?;
        }
        let mut applying = Applying {
            store: self.store.clone(),
            run: plan,
            mapping: planned.definition.clone(),
            object,
            parents,
            destination,
            cancel,
            route,
            progress,
            started,
            calls_before,
            books: planned.books,
            planned,
        };
        let stop = applying.apply(recheck).await;
        applying.finish(stop.as_ref())?;
        self.summary(plan)
    }

    /// Runs whose process is gone (a crash, a lost machine) are ended: what they had not settled
    /// is unprocessed, and the next run looks it up again.
    pub(super) fn close_abandoned_runs(&self) -> Result<(), EngineError> {
        for run in self.store.active_runs()? {
            if run.pid == std::process::id() || is_alive(run.pid) {
                continue;
            }
            let why = local_error(
                "RUN_INTERRUPTED",
                "the run ended in the middle; whether this row arrived is looked up by the next run",
            );
            self.store.settle_unsent_writes(run.id, &why)?;
            let mut books = run.books;
            self.store.count_words(run.id, &mut books)?;
            self.store.save_books(run.id, &books, None, run.api_calls, run.seconds)?;
            self.store.finish_run(run.id, RunStatus::Failed, Some("its process ended in the middle"))?;
        }
        Ok(())
    }
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    // A process of another user answers with a refusal, and lives.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
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
    async fn apply(&mut self, recheck: bool) -> Option<Stop> {
        if recheck && let Err(error) = self.recheck().await {
            return Some(error);
        }
        if let Err(error) = self.store.settle_skipped(self.run) {
            return Some(Stop::Engine(error.into()));
        }
        writing::write_all(self).await.err()
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

    /// Tells how far the writing is; at the API floor it waits.
    pub(super) fn report_writing(&self, at_floor: bool) {
        let phase = if at_floor { Phase::WaitingForCalls } else { Phase::Writing };
        self.report(phase, self.written(), Some(self.books.actions.writes()));
    }

    /// Tells how far a job is, by what the destination says.
    pub(super) fn report_job(&self, rows: u64) {
        self.report(Phase::Writing, self.written() + rows, Some(self.books.actions.writes()));
    }

    pub(super) fn report(&self, phase: Phase, done: u64, total: Option<u64>) {
        self.progress.send_replace(Progress {
            run: Some(self.run),
            phase,
            done,
            total,
            books: self.books,
            api_calls: self.planned.api_calls + self.calls(),
            usage: self.destination.usage(),
            seconds: self.planned.seconds + self.started.elapsed().as_secs_f64(),
        });
    }

    fn calls(&self) -> u64 {
        self.destination.calls() - self.calls_before
    }

    fn finish(&mut self, stop: Option<&Stop>) -> Result<(), EngineError> {
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
            (Some(Stop::Asked), _) => (RunStatus::Stopped, Some("stopped on request".to_owned())),
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
