//! `gondola schedule`: runs what is due, without a screen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::plan::narrate;
use super::several::Worst;
use super::{confirm, report, schedule_unit};
use crate::engine::{Engine, EngineError, ErrorClass, RunSummary, Scheduled, Schedules};
use crate::schedule::{Schedule, Standing};
use crate::store::RunId;

/// The files and the state are looked at this often at least.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run what is due now and end, with the worst exit code: for cron.
    #[arg(long)]
    once: bool,
    /// List the mappings that have a schedule, with their last and next run. Runs nothing.
    #[arg(long, conflicts_with = "once")]
    list: bool,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a systemd service with its timer, and a line for cron.
    Unit {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(arguments: Arguments, engine: &Engine) -> Result<u8, EngineError> {
    if let Some(Command::Unit { json }) = arguments.command {
        return schedule_unit::run(json, engine);
    }
    if arguments.list {
        return list(arguments.json, engine);
    }
    let scheduler = Scheduler {
        engine: engine.clone(),
        json: arguments.json,
        cancel: confirm::cancel_on_interrupt(),
        at_work: BTreeSet::new(),
        jobs: JoinSet::new(),
        told: HashMap::new(),
        worst: Worst::default(),
        runs: 0,
    };
    if arguments.once { scheduler.once().await } else { scheduler.watch().await }
}

/// Every scheduled mapping on a line.
fn list(json: bool, engine: &Engine) -> Result<u8, EngineError> {
    let Schedules { mappings, problems } = engine.schedules(Timestamp::now())?;
    let mut table = report::table(&["MAPPING", "SCHEDULE", "LAST RUN", "RESULT", "NEXT RUN"]);
    for scheduled in &mappings {
        let (id, last) = (scheduled.id.to_string(), scheduled.last.as_ref());
        if json {
            let body = json!({
                "event": "schedule", "mapping": id, "schedule": scheduled.schedule.to_string(),
                "enabled": scheduled.enabled,
                "last": last.map(|run| json!({
                    "run": run.id, "status": run.status, "started_at": run.started_at, "finished_at": run.finished_at,
                })),
                "next": scheduled.starts_at(),
            });
            report::line(&body.to_string())?;
            continue;
        }
        let next = match (&scheduled.standing, scheduled.starts_at()) {
            (Standing::Manual, _) => "-".to_owned(),
            (_, None) if !scheduled.enabled => "off (enabled = false)".to_owned(),
            (Standing::Due { .. }, _) if scheduled.busy.is_some() => "after the run that is going on".to_owned(),
            (Standing::Due { .. }, _) => "due now".to_owned(),
            (_, next) => next.map_or_else(|| "-".to_owned(), |next| told_in_zone(&scheduled.schedule, next)),
        };
        let when = last.map_or("never", |run| run.started_at.get(..16).unwrap_or_default());
        table.add_row([
            id,
            scheduled.schedule.to_string(),
            when.replace('T', " "),
            last.map_or_else(|| "-".to_owned(), |run| run.status.to_string()),
            next,
        ]);
    }
    for problem in &problems {
        note!("error: {problem}");
    }
    if json {
        let body = json!({"event": "summary", "mappings": mappings.len(), "problems": problems.len()});
        report::line(&body.to_string())?;
    } else if mappings.is_empty() {
        note!("{NOTHING}");
    } else {
        report::print_table(&table)?;
    }
    Ok(if problems.is_empty() { 0 } else { 2 })
}

/// What is said where nothing is scheduled.
const NOTHING: &str = "no model has a schedule yet: add [schedule] with every = \"15m\" to its model.toml";

/// A moment where its schedule is told, for people.
fn told_in_zone(schedule: &Schedule, moment: Timestamp) -> String {
    jiff::ZonedDateTime::new(moment, schedule.zone.time_zone().clone()).strftime("%a %F %H:%M:%S %Z").to_string()
}

/// A mapping and the moment that it is due for.
#[derive(Debug, Clone)]
struct Due {
    scheduled: Scheduled,
    moment: Timestamp,
    missed: u64,
}

struct Scheduler {
    engine: Engine,
    json: bool,
    cancel: CancellationToken,
    /// Models that are at work; each is one job.
    at_work: BTreeSet<String>,
    jobs: JoinSet<(String, Vec<u8>)>,
    /// What was said last of a mapping or a file, so that it is not said again.
    told: HashMap<String, String>,
    worst: Worst,
    runs: usize,
}

impl Scheduler {
    /// Runs what is due now, and ends.
    async fn once(mut self) -> Result<u8, EngineError> {
        let looked = self.look()?;
        if !looked {
            note!("{NOTHING}");
        } else if self.jobs.is_empty() {
            note!("nothing is due");
        }
        while let Some(ended) = self.jobs.join_next().await {
            self.ended(ended);
        }
        if self.json {
            let body = json!({"event": "done", "runs": self.runs, "exit_code": self.worst.0});
            report::line(&body.to_string())?;
        }
        Ok(self.worst.0)
    }

    /// Runs what becomes due, until it is stopped.
    async fn watch(mut self) -> Result<u8, EngineError> {
        note!("waiting for what is due; Ctrl-C ends it");
        while !self.cancel.is_cancelled() {
            match self.look() {
                Ok(true) => {}
                Ok(false) => self.tell("", NOTHING),
                // A state file that is locked, a disk that is full: it may be over soon.
                Err(error) => report::error(&error),
            }
            let wait = self.until_next();
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                Some(ended) = self.jobs.join_next() => self.ended(ended),
            }
        }
        self.worst = Worst::default();
        while let Some(ended) = self.jobs.join_next().await {
            self.ended(ended);
        }
        // A run that was broken off says so; to be stopped while waiting is how this ends.
        Ok(if self.worst.0 == 130 { 130 } else { 0 })
    }

    fn ended(&mut self, ended: Result<(String, Vec<u8>), tokio::task::JoinError>) {
        match ended {
            Ok((model, codes)) => {
                self.at_work.remove(&model);
                self.runs += codes.len();
                codes.into_iter().for_each(|code| self.worst.add(code));
            }
            Err(error) => {
                tracing::error!(%error, "a scheduled run ended without an answer");
                note!("error: gondola made a mistake here; the log has the details");
                self.worst.add(1);
            }
        }
    }

    /// How long nothing becomes due, as far as is known.
    fn until_next(&self) -> Duration {
        let now = Timestamp::now();
        let Ok(Schedules { mappings, .. }) = self.engine.schedules(now) else { return LOOK_AGAIN };
        mappings
            .iter()
            .filter(|scheduled| scheduled.enabled)
            .filter_map(|scheduled| match scheduled.standing {
                Standing::Waits { next } | Standing::New { next } => next,
                // It is at work, or left for later.
                Standing::Due { .. } | Standing::Manual => None,
            })
            .map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default())
            .fold(LOOK_AGAIN, Duration::min)
    }

    /// Says something once, until something else is to be said of the same.
    fn tell(&mut self, about: &str, words: &str) {
        if self.told.insert(about.to_owned(), words.to_owned()).is_none_or(|before| before != words) {
            note!("{words}");
        }
    }

    /// Starts a job for each model with something due; false when no model has a schedule.
    fn look(&mut self) -> Result<bool, EngineError> {
        let now = Timestamp::now();
        let Schedules { mappings, problems } = self.engine.schedules(now)?;
        for problem in problems {
            self.tell(&problem.path.display().to_string(), &format!("error: {problem}"));
            self.worst.add(2);
        }
        let scheduled = mappings.iter().any(|scheduled| !scheduled.schedule.is_manual());
        let mut due: BTreeMap<String, Vec<Due>> = BTreeMap::new();
        for scheduled in mappings.into_iter().filter(|scheduled| scheduled.enabled) {
            let name = scheduled.id.to_string();
            match scheduled.standing {
                Standing::Manual => {}
                Standing::New { .. } => {
                    self.engine.begin_schedule(&scheduled, now)?;
                    self.tell_next(&scheduled);
                }
                Standing::Waits { .. } => self.tell_next(&scheduled),
                Standing::Due { .. } if self.at_work.contains(&scheduled.id.model) => {}
                Standing::Due { moment, missed } => match scheduled.busy {
                    Some(run) => {
                        if self.told.get(&name).is_none_or(|told| *told != left_for_later(&name, run)) {
                            later(&name, run, self.json);
                        }
                        self.told.insert(name.clone(), left_for_later(&name, run));
                    }
                    None => due.entry(scheduled.id.model.clone()).or_default().push(Due { scheduled, moment, missed }),
                },
            }
        }
        for (model, due) in due {
            self.at_work.insert(model.clone());
            let (engine, json, cancel) = (self.engine.clone(), self.json, self.cancel.clone());
            self.jobs.spawn(async move {
                let codes = work(&engine, &model, due, json, &cancel).await;
                (model, codes)
            });
        }
        Ok(scheduled)
    }

    fn tell_next(&mut self, scheduled: &Scheduled) {
        let (name, Some(next)) = (scheduled.id.to_string(), scheduled.starts_at()) else { return };
        let words = format!("{name}: next run {}", told_in_zone(&scheduled.schedule, next));
        let known = self.told.get(&name).is_some_and(|told| *told == words);
        if self.json && !known {
            print(&json!({"event": "next", "mapping": name, "at": next}));
        }
        self.tell(&name, &words);
    }
}

fn left_for_later(mapping: &str, run: RunId) -> String {
    format!("{mapping}: run {run} is going on; what is due is left for later")
}

fn later(mapping: &str, run: RunId, json: bool) {
    note!("{}", left_for_later(mapping, run));
    if json {
        print(&json!({"event": "later", "mapping": mapping, "run": run}));
    }
}

/// A line of data. Whoever does not read it any more does not stop the work.
fn print(body: &Value) {
    let _ = report::line(&body.to_string());
}

/// Runs the mappings of a model that are due; an exit code for each that was run.
async fn work(engine: &Engine, model: &str, due: Vec<Due>, json: bool, cancel: &CancellationToken) -> Vec<u8> {
    let starts = due.iter().filter_map(|due| due.scheduled.starts_at()).max().unwrap_or_default();
    let wait = Duration::try_from(starts.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::select! {
        () = cancel.cancelled() => return Vec::new(),
        () = tokio::time::sleep(wait) => {}
    }
    let mut claimed = Vec::new();
    for due in due {
        let name = due.scheduled.id.to_string();
        match claim(engine, &due) {
            Ok(Claim::Ours) => {
                let missed = match due.missed {
                    0 => String::new(),
                    1 => ", and one moment before it was missed".to_owned(),
                    missed => format!(", and {missed} moments before it were missed"),
                };
                note!("{name}: due since {}{missed}", told_in_zone(&due.scheduled.schedule, due.moment));
                if json {
                    print(&json!({"event": "due", "mapping": name, "moment": due.moment, "missed": due.missed}));
                }
                claimed.push(due);
            }
            Ok(Claim::Anothers) => note!("{name}: another scheduler runs it"),
            Ok(Claim::Busy(run)) => later(&name, run, json),
            Err(error) => failed(&name, &error, json),
        }
    }
    let ids: Vec<_> = claimed.iter().map(|due| due.scheduled.id.clone()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let plans = engine.plan_scheduled(model, &ids, narrate(), cancel.clone()).await;
    let plans = plans.unwrap_or_else(|error| ids.iter().map(|id| (id.clone(), Err(error.clone()))).collect());
    let mut codes = Vec::new();
    for (id, made) in plans {
        let Some(due) = claimed.iter().find(|due| due.scheduled.id == id) else { continue };
        let name = id.to_string();
        let went = match made {
            Ok(plan) if cancel.is_cancelled() => {
                note!("{name}: stopped; plan {plan} was not applied");
                Err(EngineError::stopped())
            }
            Ok(plan) => engine.run(plan, false, narrate(), cancel.clone()).await,
            Err(error) => Err(error),
        };
        match went {
            Ok(summary) => {
                told(&summary, due, json);
                codes.push(summary.exit_code());
            }
            Err(error) => {
                let busy = engine.store().lease_of(&name).ok().flatten().map(|lease| lease.run);
                // Nothing was written: the moment is still to come.
                if (busy.is_some() || error.class == ErrorClass::Stopped)
                    && let Err(error) = engine.give_moment_back(&due.scheduled, due.moment)
                {
                    report::error(&error);
                }
                match busy {
                    Some(run) => later(&name, run, json),
                    None => {
                        failed(&name, &error, json);
                        codes.push(error.exit_code());
                    }
                }
            }
        }
    }
    codes
}

enum Claim {
    Ours,
    Anothers,
    Busy(RunId),
}

/// Takes a moment, unless a run of the mapping began meanwhile.
fn claim(engine: &Engine, due: &Due) -> Result<Claim, EngineError> {
    let name = due.scheduled.id.to_string();
    if let Some(busy) = engine.working_on(&name)? {
        return Ok(Claim::Busy(busy));
    }
    Ok(if engine.claim_moment(&due.scheduled, due.moment)? { Claim::Ours } else { Claim::Anothers })
}

fn failed(mapping: &str, error: &EngineError, json: bool) {
    note!("{mapping}:");
    report::error(error);
    if json {
        let _ = report::json_error_of(mapping, error);
    }
}

fn told(summary: &RunSummary, due: &Due, json: bool) {
    if json {
        let mut body = summary.to_json();
        body["mapping"] = summary.mapping.clone().into();
        body["moment"] = due.moment.to_string().into();
        print(&body);
    } else {
        let _ = report::line(&report::summary_text(summary));
    }
}
