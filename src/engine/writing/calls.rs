//! Several calls in flight, each in the journal before it is sent and settled after.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use tokio::task::JoinSet;

use super::pacing::{Pacing, TRIES, backoff};
use super::packing::{Batch, pack};
use super::{Lane, Settled, Stop, doubt};
use crate::destination::{
    API_FLOOR, Api, DestinationError, ErrorKind, PartResult, Refusal, RowResult, WriteOptions, WriteRow,
};
use crate::engine::applying::{Applying, changes};
use crate::mapping::DuplicateRule;
use crate::plan::Outcome;
use crate::store::RunRow;

/// Rows that are packed together: a multiple of what fits into a call.
const PAGE_ROWS: usize = 4_000;

/// Rows that wait for a call.
#[derive(Debug)]
struct Work {
    batch: Batch,
    /// How often these rows were sent or refused.
    tries: usize,
    /// Not sent before.
    ready: Instant,
}

/// A call that came back.
struct Landed {
    call: u64,
    works: Vec<Work>,
    result: Result<Vec<PartResult>, Refusal>,
}

/// The writer of one action.
struct Calls<'a> {
    run: &'a mut Applying,
    lane: Lane,
    waiting: VecDeque<Work>,
    flying: JoinSet<Landed>,
    /// Parents that calls in flight lock.
    busy: BTreeMap<String, usize>,
    pacing: Pacing,
    after: Option<u64>,
    read_all: bool,
    stop: Option<Stop>,
}

/// Writes every row of the action that has no outcome yet.
pub(super) async fn write(run: &mut Applying, lane: Lane) -> Result<(), Stop> {
    let calls = Calls {
        run,
        lane,
        waiting: VecDeque::new(),
        flying: JoinSet::new(),
        busy: BTreeMap::new(),
        pacing: Pacing::default(),
        after: None,
        read_all: false,
        stop: None,
    };
    calls.go().await
}

/// What is known after a call, before it is written down.
#[derive(Default)]
struct Ledger {
    settled: Vec<Settled>,
    /// Whether some row of the call stays in doubt.
    open: bool,
}

impl Calls<'_> {
    async fn go(mut self) -> Result<(), Stop> {
        let cancel = self.run.cancel.clone();
        let mut paused = self.run.paused.clone();
        loop {
            if self.stop.is_none() && cancel.is_cancelled() {
                self.stop = Some(Stop::Asked);
                self.tell();
            }
            let rests = *paused.borrow_and_update();
            if self.stop.is_none()
                && let Err(stop) = self.start_more(rests).await
            {
                // What is in flight has been sent: its answers are still worth writing down.
                self.stop = Some(stop);
            }
            if self.flying.is_empty() {
                if let Some(stop) = self.stop {
                    return Err(stop);
                }
                if self.waiting.is_empty() && self.read_all {
                    return Ok(());
                }
            }
            let wake = if rests { None } else { self.wake() };
            tokio::select! {
                Some(landed) = self.flying.join_next() => {
                    let landed = match landed {
                        Ok(landed) => self.land(landed).await,
                        // A task that panicked took its call's end with it: the journal has it open.
                        Err(error) => Err(crate::engine::EngineError::failed(format!("a call broke off: {error}")).into()),
                    };
                    if let Err(stop) = landed {
                        self.stop.get_or_insert(stop);
                    }
                }
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {}
                () = changes(&mut paused), if self.stop.is_none() => {}
                () = cancel.cancelled(), if self.stop.is_none() => {}
            }
        }
    }

    async fn start_more(&mut self, rests: bool) -> Result<(), Stop> {
        self.refill()?;
        if rests {
            self.tell();
            return Ok(());
        }
        self.look_at_budget().await;
        self.launch()
    }

    fn tell(&self) {
        self.run.report_writing(self.pacing.is_at_floor(), self.flying.len());
    }

    /// When to look again without an answer: a pause ends, or rows may be tried again.
    fn wake(&self) -> Option<Instant> {
        if self.stop.is_some() || (self.waiting.is_empty() && self.read_all) {
            return None;
        }
        if self.flying.len() >= self.run.destination.limits().in_flight {
            return None;
        }
        let ready = self.waiting.iter().filter(|work| self.is_free(work)).map(|work| work.ready).min();
        ready.map(|ready| self.pacing.closed_until().map_or(ready, |until| until.max(ready)))
    }

    fn is_free(&self, work: &Work) -> bool {
        work.batch.parents.iter().all(|parent| !self.busy.contains_key(parent))
    }

    /// Reads and packs more rows, so that there is always enough for every call in flight.
    fn refill(&mut self) -> Result<(), Stop> {
        let limits = self.run.destination.limits();
        while !self.read_all && self.waiting.len() < 2 * limits.in_flight * limits.parts {
            let rows = self.run.store.unsent(self.run.run, self.lane.action, self.after, PAGE_ROWS)?;
            self.read_all = rows.len() < PAGE_ROWS;
            let Some(last) = rows.last() else { break };
            self.after = Some(last.position);
            self.wait(rows, limits.rows, 0, Instant::now());
        }
        Ok(())
    }

    /// Puts rows in the queue, in batches of at most `size`.
    fn wait(&mut self, rows: Vec<RunRow>, size: usize, tries: usize, ready: Instant) {
        self.waiting.extend(pack(rows, size).into_iter().map(|batch| Work { batch, tries, ready }));
    }

    async fn look_at_budget(&mut self) {
        if !self.pacing.wants_look() {
            return;
        }
        let left = match self.run.destination.ask_usage().await {
            Ok(usage) => usage.spendable() > self.run.destination.limits().in_flight as u64,
            Err(error) => {
                tracing::warn!(code = %error.code, "the API budget cannot be read");
                false
            }
        };
        if !self.pacing.looked(left) {
            let mut error = crate::engine::applying::local_error(
                API_FLOOR,
                "for hours no more API calls were left than those that are left to others",
            );
            error.kind = ErrorKind::Limit;
            self.stop = Some(Stop::Destination(error));
        }
        self.tell();
    }

    /// Starts as many calls as may be in flight.
    fn launch(&mut self) -> Result<(), Stop> {
        let limits = self.run.destination.limits();
        while self.stop.is_none() && self.flying.len() < limits.in_flight && self.pacing.closed_until().is_none() {
            let parts = if self.run.route.api == Api::Collections { 1 } else { limits.parts };
            let works = self.next(parts);
            if works.is_empty() {
                return Ok(());
            }
            self.send(works)?;
        }
        Ok(())
    }

    /// The next rows that may be sent: their time has come and nobody else locks their parents.
    fn next(&mut self, parts: usize) -> Vec<Work> {
        let now = Instant::now();
        let mut chosen: Vec<Work> = Vec::new();
        let mut at = 0;
        while chosen.len() < parts && at < self.waiting.len() {
            let work = &self.waiting[at];
            let fits = work.ready <= now && self.is_free(work) && (parts == 1 || self.packs(work) || chosen.is_empty());
            if !fits {
                at += 1;
                continue;
            }
            let alone = parts > 1 && !self.packs(work);
            chosen.extend(self.waiting.remove(at));
            if alone {
                break;
            }
        }
        chosen
    }

    fn packs(&self, work: &Work) -> bool {
        work.batch.rows.iter().all(|row| self.run.destination.carries(Api::Composite, &self.lane.sent(row)))
    }

    fn send(&mut self, works: Vec<Work>) -> Result<(), Stop> {
        let run = &*self.run;
        let rows = || works.iter().flat_map(|work| &work.batch.rows);
        let positions: Vec<u64> = rows().map(|row| row.position).collect();
        let call = run.store.next_call(run.run)?;
        run.store.journal_sent(run.run, call, self.lane.action.as_str(), &positions)?;
        for parent in works.iter().flat_map(|work| &work.batch.parents) {
            *self.busy.entry(parent.clone()).or_default() += 1;
        }
        let parts: Vec<Vec<WriteRow>> =
            works.iter().map(|work| work.batch.rows.iter().map(|row| self.lane.sent(row)).collect()).collect();
        let options = WriteOptions {
            allow_duplicates: run.mapping.duplicate_rule == DuplicateRule::AllowSave,
            auto_assign: run.mapping.auto_assign,
        };
        let (destination, object, kind) = (run.destination.clone(), run.object.name.clone(), self.lane.kind);
        self.flying.spawn(async move {
            let result = destination.write(kind, &object, &parts, options).await;
            Landed { call, works, result }
        });
        Ok(())
    }

    async fn land(&mut self, landed: Landed) -> Result<(), Stop> {
        let Landed { call, works, result } = landed;
        for parent in works.iter().flat_map(|work| &work.batch.parents) {
            if let Some(count) = self.busy.get_mut(parent) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(parent);
                }
            }
        }
        let mut ledger = Ledger::default();
        match result {
            Ok(parts) => {
                for (work, part) in works.into_iter().zip(parts) {
                    match part {
                        Ok(results) => self.settle(work, results, &mut ledger).await?,
                        Err(error) => self.refused(work, error.into(), &mut ledger).await?,
                    }
                }
            }
            Err(refusal) => {
                for work in works {
                    self.refused(work, refusal.clone(), &mut ledger).await?;
                }
            }
        }
        self.run.store.settle(self.run.run, (!ledger.open).then_some(call), &ledger.settled)?;
        self.run.count(&ledger.settled);
        self.tell();
        Ok(())
    }

    async fn settle(&mut self, work: Work, results: Vec<RowResult>, ledger: &mut Ledger) -> Result<(), Stop> {
        let sent = work.batch.rows.len();
        let last = work.tries + 1 >= TRIES;
        let (mut later, mut smaller, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
        let mut failed: Vec<DestinationError> = Vec::new();
        let mut lost = None;
        for (row, result) in work.batch.rows.into_iter().zip(results) {
            match result {
                RowResult::Ok(id) => ledger.settled.push((row.position, self.lane.done, Some(id), None)),
                RowResult::Err(error) => match error.kind {
                    ErrorKind::Transient if !last => later.push(row),
                    ErrorKind::Batch if sent > 1 && !last => smaller.push(row),
                    ErrorKind::InDoubt => {
                        doubtful.push(row);
                        lost = Some(error);
                    }
                    _ => {
                        let (outcome, told) = self.lane.refused(error.clone());
                        if outcome == Outcome::Failed {
                            failed.push(error);
                        }
                        ledger.settled.push((row.position, outcome, None, told));
                    }
                },
            }
        }
        let size = smaller_than(sent);
        let now = Instant::now();
        self.wait(later, size, work.tries + 1, now + backoff(work.tries + 1));
        self.wait(smaller, size, work.tries + 1, now);
        if let Some(error) = lost {
            self.clear_doubt(doubtful, work.tries, &error, ledger).await?;
        }
        // Every row fails alike: more calls would only fail too.
        if failed.len() == sent
            && let Some(first) = failed.first()
            && first.kind == ErrorKind::Configuration
            && failed.iter().all(|error| error.code == first.code)
        {
            self.stop.get_or_insert(Stop::Destination(first.clone()));
        }
        Ok(())
    }

    /// The rows were refused together: nothing happened, unless that is in doubt.
    async fn refused(&mut self, work: Work, refusal: Refusal, ledger: &mut Ledger) -> Result<(), Stop> {
        let Refusal { error, retry_after } = refusal;
        let Work { batch, tries, .. } = work;
        let (rows, tries) = (batch.rows, tries + 1);
        let now = Instant::now();
        match error.kind {
            ErrorKind::InDoubt => self.clear_doubt(rows, tries - 1, &error, ledger).await?,
            ErrorKind::Data | ErrorKind::Batch if rows.len() == 1 => {
                ledger
                    .settled
                    .extend(rows.iter().map(|row| (row.position, Outcome::Failed, None, Some(error.clone()))));
            }
            // One row spoils the call: smaller calls find out which.
            ErrorKind::Data | ErrorKind::Batch => {
                let size = smaller_than(rows.len());
                self.wait(rows, size, tries, now);
            }
            ErrorKind::Transient if tries < TRIES => {
                let pause = backoff(tries).max(retry_after.unwrap_or_default());
                self.pacing.wait(pause);
                let size = self.run.destination.limits().rows;
                self.wait(rows, size, tries, now + pause);
            }
            ErrorKind::Limit if error.code == API_FLOOR => {
                self.pacing.reach_floor();
                let size = self.run.destination.limits().rows;
                self.wait(rows, size, tries - 1, now);
            }
            ErrorKind::Transient | ErrorKind::Limit | ErrorKind::Auth | ErrorKind::Configuration => {
                self.stop.get_or_insert(Stop::Destination(error));
            }
        }
        Ok(())
    }

    /// Sent, and no answer: what arrived is found by looking, and only the rest is sent again.
    async fn clear_doubt(
        &mut self,
        rows: Vec<RunRow>,
        tries: usize,
        error: &DestinationError,
        ledger: &mut Ledger,
    ) -> Result<(), Stop> {
        let cleared = match doubt::clear(self.run, self.lane, &rows, error).await {
            Ok(cleared) => cleared,
            // Cannot look either: the journal keeps the call open, and the next run looks.
            Err(stop) => {
                ledger.open = true;
                self.stop.get_or_insert(stop);
                return Ok(());
            }
        };
        // A create that nothing can find stays open in the journal: the next run holds it.
        ledger.open |= cleared.settled.iter().any(|(_, outcome, ..)| *outcome == Outcome::Unprocessed);
        ledger.settled.extend(cleared.settled);
        if cleared.again.is_empty() {
            return Ok(());
        }
        if tries + 1 >= TRIES {
            self.stop.get_or_insert(Stop::Destination(error.clone()));
            return Ok(());
        }
        let size = self.run.destination.limits().rows;
        self.wait(cleared.again, size, tries + 1, Instant::now() + backoff(tries + 1));
        Ok(())
    }
}

/// 200, 50, 1.
fn smaller_than(rows: usize) -> usize {
    if rows > 50 { 50 } else { 1 }
}
