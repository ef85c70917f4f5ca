//! Performs effects: the only place that spawns tasks, and the only one that holds the engine.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::effect::{Effect, Wish};
use super::event_loop::pace;
use super::msg::{Answer, Loaded, Msg, RowPage};
use super::ticket::Ticket;
use super::work::Preview;
use crate::engine::{CheckLine, Engine, EngineError, Freshness, PlanOptions, Progress};
use crate::store::{RunId, StoreError};

/// Runs that Home reads to find the last one of each mapping.
const LAST_RUNS: usize = 500;
/// How long leaving waits for a plan to write down where it stopped.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Tasks and where their answers go.
#[derive(Debug)]
pub struct Runtime {
    engine: Engine,
    inbox: UnboundedSender<Msg>,
    tasks: JoinSet<()>,
    cancels: HashMap<Ticket, CancellationToken>,
}

impl Runtime {
    /// Performs effects with this engine; answers come out of the other value.
    pub fn new(engine: Engine) -> (Self, UnboundedReceiver<Msg>) {
        let (inbox, answers) = unbounded_channel();
        (Self { engine, inbox, tasks: JoinSet::new(), cancels: HashMap::new() }, answers)
    }

    /// Starts an effect. Those of the terminal are not for here and do nothing.
    pub fn start(&mut self, effect: Effect) {
        while self.tasks.try_join_next().is_some() {}
        let engine = self.engine.clone();
        match effect {
            Effect::Load(ticket) => self.read(ticket, move || Answer::Loaded(load(&engine))),
            Effect::ForgetSessions => engine.forget_sessions(),
            Effect::CheckSource(ticket, name) => {
                self.check(ticket, |lines| async move { engine.check_source(&name, lines).await });
            }
            Effect::CheckDestination(ticket, name) => {
                self.check(ticket, |lines| async move { engine.check_destination(&name, lines).await });
            }
            Effect::Org(ticket, name) => self.spawn(ticket, async move {
                let org = async { Ok(engine.destination(&name).await?.org().await?) };
                Answer::Org(org.await)
            }),
            Effect::Preview(ticket, connection, sql, limit) => {
                let cancel = self.cancel_of(ticket);
                self.spawn(ticket, async move {
                    let rows = engine.preview(&connection, &sql, limit, cancel).await;
                    Answer::Preview(rows.map(|rows| {
                        Arc::new(Preview {
                            sql,
                            schema: rows.schema,
                            rows: rows.rows,
                            query_id: rows.query_id,
                            warehouse: rows.warehouse,
                            elapsed: rows.elapsed,
                            more: rows.more,
                        })
                    }))
                });
            }
            Effect::Describe(ticket, mapping, freshness) => self
                .spawn(ticket, async move { Answer::Described(engine.shape(&mapping, freshness).await.map(Arc::new)) }),
            Effect::Objects(ticket, connection) => self.spawn(ticket, async move {
                Answer::Objects(engine.objects(&connection, Freshness::Recent).await.map(|objects| objects.value))
            }),
            Effect::SaveModel(ticket, model) => {
                self.read(ticket, move || Answer::Saved(engine.workspace().save_model(&model)));
            }
            Effect::SaveMapping(ticket, id, mapping) => {
                self.read(ticket, move || Answer::Saved(engine.workspace().save_mapping(&id, &mapping)));
            }
            Effect::Plan(ticket, id) => {
                let cancel = self.cancel_of(ticket);
                let progress = self.progress(ticket);
                self.spawn(ticket, async move {
                    Answer::Planned(engine.plan(&id, PlanOptions::default(), progress, cancel).await)
                });
            }
            Effect::Run(ticket, plan) => {
                let starter = engine.clone();
                self.follow(ticket, engine, plan, async move {
                    // The question before it named how many records go.
                    starter.allow_mass_delete(plan)?;
                    // Looked at again first: between reading a plan and sending it, time passes.
                    starter.start_detached(plan, true).await.map(drop)
                });
            }
            Effect::Resume(ticket, run) => {
                let starter = engine.clone();
                self.follow(ticket, engine, run, async move { starter.resume_detached(run).await.map(drop) });
            }
            Effect::Follow(ticket, run) => self.follow(ticket, engine, run, std::future::ready(Ok(()))),
            Effect::Going(ticket, id) => {
                self.read(ticket, move || Answer::Going(engine.going_of(&id.to_string())));
            }
            Effect::Tell(ticket, run, wish) => self.read(ticket, move || {
                Answer::Told(match wish {
                    Wish::Pause => engine.pause(run).map(drop),
                    Wish::GoOn => engine.unpause(run).map(drop),
                    Wish::Stop => engine.stop(run).map(drop),
                })
            }),
            Effect::Summary(ticket, run) => self.read(ticket, move || Answer::Summary(engine.summary(run))),
            Effect::Rows(ticket, run, filter, offset, limit) => self.read(ticket, move || {
                let store = engine.store();
                let page = || {
                    let rows = store.rows(run, &filter, offset, limit)?;
                    let total = store.count_rows(run, &filter)?;
                    Ok::<_, StoreError>(RowPage { run, filter: filter.clone(), offset, rows, total })
                };
                Answer::Rows(page().map_err(EngineError::from))
            }),
            Effect::Groups(ticket, run) => {
                self.read(ticket, move || Answer::Groups(engine.store().error_groups(run).map_err(EngineError::from)));
            }
            Effect::Cancel(ticket) => {
                if let Some(cancel) = self.cancels.get(&ticket) {
                    cancel.cancel();
                }
            }
            Effect::Tick(after) => {
                let inbox = self.inbox.clone();
                self.tasks.spawn(async move {
                    tokio::time::sleep(after).await;
                    let _ = inbox.send(Msg::Tick);
                });
            }
            Effect::Copy(_) | Effect::Mouse(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {}
        }
    }

    /// Stops everything, and waits a while for what must write down where it stopped.
    pub async fn finish(mut self) {
        for cancel in self.cancels.values() {
            cancel.cancel();
        }
        if self.cancels.is_empty() {
            return;
        }
        drop(self.inbox);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }

    fn cancel_of(&mut self, ticket: Ticket) -> CancellationToken {
        let cancel = CancellationToken::new();
        self.cancels.insert(ticket, cancel.clone());
        cancel
    }

    /// Runs a task; should it panic, its question is answered all the same.
    fn spawn(&mut self, ticket: Ticket, work: impl Future<Output = Answer> + Send + 'static) {
        let work = tokio::spawn(work);
        self.answer_with(ticket, work);
    }

    /// The same for work that blocks for a moment: files, the store.
    fn read(&mut self, ticket: Ticket, work: impl FnOnce() -> Answer + Send + 'static) {
        let work = tokio::task::spawn_blocking(work);
        self.answer_with(ticket, work);
    }

    fn answer_with(&mut self, ticket: Ticket, work: tokio::task::JoinHandle<Answer>) {
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            let answer = work.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a task ended without an answer");
                Answer::Broken("gondola made a mistake here; the log has the details".to_owned())
            });
            let _ = inbox.send(Msg::Answer(ticket, Box::new(answer)));
        });
    }

    /// Runs a check. Its end is told after its last line, never before: the end closes the question.
    fn check<F>(&mut self, ticket: Ticket, work: impl FnOnce(UnboundedSender<CheckLine>) -> F)
    where
        F: Future<Output = Result<bool, EngineError>> + Send + 'static,
    {
        let (lines, mut told) = unbounded_channel();
        let inbox = self.inbox.clone();
        let work = work(lines);
        self.spawn(ticket, async move {
            let forward = async {
                while let Some(line) = told.recv().await {
                    let _ = inbox.send(Msg::Answer(ticket, Box::new(Answer::CheckLine(line))));
                }
            };
            let (result, ()) = tokio::join!(work, forward);
            Answer::Checked(result)
        });
    }

    /// Begins a run that goes on by itself, and follows it.
    fn follow(
        &mut self,
        ticket: Ticket,
        engine: Engine,
        run: RunId,
        begin: impl Future<Output = Result<(), EngineError>> + Send + 'static,
    ) {
        let cancel = self.cancel_of(ticket);
        let progress = self.progress(ticket);
        let inbox = self.inbox.clone();
        self.spawn(ticket, async move {
            if let Err(error) = begin.await {
                return Answer::Ran(Err(error));
            }
            let _ = inbox.send(Msg::Answer(ticket, Box::new(Answer::Started)));
            Answer::Ran(engine.follow(run, progress, cancel).await)
        });
    }

    /// Where a run tells its progress to: the latest is passed on, now and then.
    fn progress(&mut self, ticket: Ticket) -> watch::Sender<Progress> {
        let (progress, mut latest) = watch::channel(Progress::default());
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            while latest.changed().await.is_ok() {
                let now = *latest.borrow_and_update();
                let _ = inbox.send(Msg::Answer(ticket, Box::new(Answer::Progress(now))));
                // More often would only be drawn over.
                tokio::time::sleep(pace()).await;
            }
        });
        progress
    }
}

fn load(engine: &Engine) -> Result<Loaded, EngineError> {
    let workspace = engine.workspace();
    Ok(Loaded {
        connections: workspace.connections()?,
        catalog: workspace.catalog(),
        runs: engine.store().runs(None, LAST_RUNS)?,
        going: engine.going()?,
        connections_path: workspace.folders().connections().display().to_string(),
    })
}
