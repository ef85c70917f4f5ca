//! 4 Sync: the plan, row by row, then the sending of it, row by row.

mod pages;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::pages::Pages;
use super::{Context, Event, Hint, Scene, Screen, sync_view};
use crate::config::MappingId;
use crate::engine::{EngineError, Phase, Progress, RunSummary};
use crate::mapping::Mapping;
use crate::plan::{Action as RowAction, Outcome};
use crate::store::{ErrorGroup, RowFilter, RunId, RunRow, RunStatus};
use crate::tui::effect::{Effect, Wish};
use crate::tui::keys::{Action, Scope};
use crate::tui::msg::Answer;
use crate::tui::overlay::{Overlay, Question, Reply};
use crate::tui::ticket::{Ticket, Waiting};
use crate::tui::widget::field::Field;
use crate::tui::widget::list::Position;
use crate::tui::widget::text;
use crate::tui::widget::toast::Tone;
use crate::tui::work::Work;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// No plan yet.
    #[default]
    Empty,
    /// A plan is being made.
    Planning,
    /// A plan can be read.
    Planned,
    /// It is being sent.
    Sending,
    /// It was sent.
    Sent,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Sync {
    pub(super) stage: Stage,
    /// The mapping that everything here is about.
    of: Option<(MappingId, Mapping)>,
    pub(super) run: Option<RunId>,
    pub(super) progress: Progress,
    pub(super) summary: Option<RunSummary>,
    pub(super) error: Option<EngineError>,
    pub(super) pages: Pages,
    pub(super) list: Position,
    pub(super) groups: Option<(Vec<ErrorGroup>, Position)>,
    working: Waiting,
    reading: Waiting,
    summing: Waiting,
    grouping: Waiting,
    asking: Waiting,
    telling: Waiting,
    /// Whether the run goes on by itself.
    started: bool,
}

impl Sync {
    /// The selected row, when it is here.
    pub(super) fn selected(&self) -> Option<&RunRow> {
        self.pages.get(self.list.at)
    }

    pub(super) fn height_of(&self, row: usize) -> usize {
        self.pages.get(row).map_or(1, sync_view::height_of)
    }

    fn forget(&mut self, cx: &mut Context<'_>) {
        cx.cancel(&self.working);
        *self = Self::default();
    }

    fn plan(&mut self, cx: &mut Context<'_>) {
        let Some((id, mapping)) = cx.work.mapping_id().zip(cx.work.drawn().cloned()) else { return };
        *self = Self { stage: Stage::Planning, of: Some((id.clone(), mapping)), ..Self::default() };
        cx.work.synced = false;
        cx.ask(&mut self.working, |ticket| Effect::Plan(ticket, id));
    }

    fn ask_to_send(&mut self, cx: &mut Context<'_>) {
        let Some(summary) = &self.summary else { return };
        let actions = summary.books.actions;
        let mut what = Vec::new();
        for (count, word) in [(actions.create, "create"), (actions.update, "update"), (actions.delete, "delete")] {
            if count > 0 {
                what.push(format!("{word} {}", text::thousands(count)));
            }
        }
        let kept = actions.hold + actions.reject;
        let rest = match kept {
            0 => String::new(),
            1 => "\n1 row is held or rejected; nothing is sent for it.".to_owned(),
            _ => format!("\n{} rows are held or rejected; nothing is sent for them.", text::thousands(kept)),
        };
        let mass = summary.mass_delete.map_or_else(String::new, |mass| {
            format!(
                "\nATTENTION: {} of the {} records that this mapping knows go, because the query no longer returns \
                 their rows.",
                text::thousands(mass.rows),
                text::thousands(mass.of)
            )
        });
        let words = format!(
            "{} {} in {}: {}.{mass}{rest}",
            text::count(actions.writes(), "record of", "records of"),
            summary.definition.object,
            summary.org.name,
            what.join(", ")
        );
        if summary.org.is_production() {
            cx.open(Overlay::Prompt {
                question: Question::Send,
                title: "This org is PRODUCTION".to_owned(),
                text: format!("{words}\n\nType the org's name to send: {}", summary.org.name),
                field: Field::new(""),
                wanted: Some(summary.org.name.clone()),
            });
        } else {
            cx.open(Overlay::confirm(Question::Send, "Send this plan?", words, "send"));
        }
    }

    /// Everything about the selected row.
    fn read_row(&self, cx: &mut Context<'_>) {
        if let Some(row) = self.selected() {
            cx.open(Overlay::reader(format!("Row {}", row.key), sync_view::story(row, &self.order())));
        }
    }

    /// The fields in the order of the mapping's lines.
    pub(super) fn order(&self) -> Vec<&str> {
        let links = self.of.iter().flat_map(|(_, mapping)| &mapping.links);
        links.map(|link| link.field.as_str()).collect()
    }

    fn send(&mut self, cx: &mut Context<'_>) {
        let (Some(run), Stage::Planned) = (self.run, self.stage) else { return };
        self.watch(cx, |ticket| Effect::Run(ticket, run));
    }

    /// Shows a run that goes on, or begins to, by this effect.
    fn watch(&mut self, cx: &mut Context<'_>, effect: impl FnOnce(Ticket) -> Effect) {
        self.stage = Stage::Sending;
        self.started = false;
        self.error = None;
        self.groups = None;
        self.progress = Progress::default();
        self.filter(RowFilter::Writes, cx);
        cx.ask(&mut self.working, effect);
    }

    /// Asks whether a run of this mapping is going, so that it is shown.
    fn ask_what_goes(&mut self, cx: &mut Context<'_>) {
        if let (Stage::Empty | Stage::Sent, Some(id)) = (self.stage, cx.work.mapping_id()) {
            cx.ask(&mut self.asking, |ticket| Effect::Going(ticket, id));
        }
    }

    /// A run of this mapping is going: whoever began it, it is shown.
    fn attach(&mut self, run: RunId, cx: &mut Context<'_>) {
        let of = cx.work.mapping_id().zip(cx.work.drawn().cloned());
        *self = Self { of, run: Some(run), ..Self::default() };
        self.watch(cx, |ticket| Effect::Follow(ticket, run));
        cx.ask(&mut self.summing, |ticket| Effect::Summary(ticket, run));
    }

    fn resume(&mut self, cx: &mut Context<'_>) {
        let Some(run) = self.run else { return };
        if self.stage == Stage::Sending {
            cx.ask(&mut self.telling, |ticket| Effect::Tell(ticket, run, Wish::GoOn));
        } else {
            self.watch(cx, |ticket| Effect::Resume(ticket, run));
        }
    }

    fn ask_to_stop(&self, cx: &mut Context<'_>) {
        let words = "What is under way ends first; a Bulk job is aborted. Rows that were not sent stay open: \
                     r goes on with them, or a new plan takes them up.";
        cx.open(Overlay::confirm(Question::StopRun, "Stop this run?", words, "stop it"));
    }

    fn tell(&mut self, wish: Wish, cx: &mut Context<'_>) {
        if let (Some(run), Stage::Sending) = (self.run, self.stage) {
            cx.ask(&mut self.telling, |ticket| Effect::Tell(ticket, run, wish));
        }
    }

    /// Rows of a run that ended, and that it could still send.
    fn open_rows(&self) -> u64 {
        let summary = self.summary.as_ref().filter(|_| self.stage == Stage::Sent);
        summary.map_or(0, |summary| summary.books.outcomes.unprocessed)
    }

    fn filter(&mut self, filter: RowFilter, cx: &mut Context<'_>) {
        self.list = Position::default();
        self.pages.show(filter);
        self.read(cx, true);
    }

    /// Asks for the rows around what is seen, unless they are here.
    fn read(&mut self, cx: &mut Context<'_>, anew: bool) {
        let Some(run) = self.run else { return };
        let height = sync_view::list_height(cx.area, self);
        if !anew && (self.pages.has(self.list.top, height) || self.reading.is_busy()) {
            return;
        }
        let (filter, offset, limit) = self.pages.around(self.list.top, height);
        cx.ask(&mut self.reading, |ticket| Effect::Rows(ticket, run, filter, offset, limit));
    }

    fn planned(&mut self, result: &Result<RunId, EngineError>, cx: &mut Context<'_>) {
        match result {
            Ok(run) => {
                self.stage = Stage::Planned;
                self.run = Some(*run);
                self.filter(RowFilter::All, cx);
                let run = *run;
                cx.ask(&mut self.summing, |ticket| Effect::Summary(ticket, run));
            }
            Err(error) => {
                self.stage = Stage::Empty;
                self.error = Some(error.clone());
            }
        }
    }

    fn sent(&mut self, result: &Result<RunSummary, EngineError>, cx: &mut Context<'_>) {
        match result {
            Ok(summary) => {
                self.stage = Stage::Sent;
                cx.work.synced = summary.status == RunStatus::Succeeded || summary.status == RunStatus::Partial;
                self.summary = Some(summary.clone());
                self.filter(RowFilter::All, cx);
            }
            Err(error) => {
                // Nothing was begun: the plan stands, or what was stopped.
                let was_sent = self.started || self.summary.as_ref().is_some_and(|run| run.finished_at.is_some());
                self.stage = if was_sent { Stage::Sent } else { Stage::Planned };
                self.error = Some(error.clone());
                self.read(cx, true);
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: &Answer, cx: &mut Context<'_>) {
        if self.working.is_for(ticket) {
            match answer {
                Answer::Progress(progress) => {
                    self.progress = *progress;
                    if self.stage == Stage::Sending && !self.reading.is_busy() {
                        self.read(cx, true);
                    }
                }
                Answer::Started => self.started = true,
                Answer::Planned(result) => {
                    self.working.take(ticket);
                    self.planned(result, cx);
                }
                Answer::Ran(result) => {
                    self.working.take(ticket);
                    self.sent(result, cx);
                }
                Answer::Broken(why) => {
                    self.working.take(ticket);
                    let stage = if self.stage == Stage::Sending { Stage::Sent } else { Stage::Empty };
                    self.stage = stage;
                    self.error = Some(EngineError::failed(why.clone()));
                }
                _ => {}
            }
        } else if self.reading.take(ticket) {
            match answer {
                Answer::Rows(Ok(page)) if Some(page.run) == self.run => {
                    self.pages.take(page.clone());
                    self.keep_in_view(cx.area);
                    self.read(cx, false);
                }
                Answer::Rows(Err(error)) => cx.say_error(error),
                Answer::Broken(why) => cx.say(Tone::Bad, why.clone()),
                _ => {}
            }
        } else if self.summing.take(ticket) {
            match answer {
                Answer::Summary(Ok(summary)) => {
                    cx.work.org = Some(summary.org.clone());
                    cx.work.synced = summary.finished_at.is_none() && summary.books.actions.total() == 0;
                    self.summary = Some(summary.clone());
                }
                Answer::Summary(Err(error)) => cx.say_error(error),
                _ => {}
            }
        } else if self.asking.take(ticket) {
            match answer {
                Answer::Going(Ok(Some(run))) if matches!(self.stage, Stage::Empty | Stage::Sent) => {
                    self.attach(*run, cx);
                }
                Answer::Going(Err(error)) => cx.say_error(error),
                _ => {}
            }
        } else if self.telling.take(ticket) {
            if let Answer::Told(Err(error)) = answer {
                cx.say_error(error);
            }
        } else if self.grouping.take(ticket) {
            match answer {
                Answer::Groups(Ok(groups)) => self.groups = Some((groups.clone(), Position::default())),
                Answer::Groups(Err(error)) => cx.say_error(error),
                _ => {}
            }
        }
    }

    /// Rows may be two lines high, so the list is kept in view by lines.
    fn keep_in_view(&mut self, area: Rect) {
        let height = sync_view::list_height(area, self).max(1);
        let length = usize::try_from(self.pages.total).unwrap_or(usize::MAX);
        self.list.keep_in_view(length, height);
        let lines = |sync: &Self, top: usize| (top..=sync.list.at).map(|row| sync.height_of(row)).sum::<usize>();
        while self.list.top < self.list.at && lines(self, self.list.top) > height {
            self.list.top += 1;
        }
    }

    fn act(&mut self, action: Action, cx: &mut Context<'_>) {
        if let Some((groups, position)) = &mut self.groups {
            let height = sync_view::groups_height(cx.area);
            match action {
                Action::Groups => self.groups = None,
                Action::Choose => {
                    let filter = groups.get(position.at).map(|group| RowFilter::Code(group.code.clone()));
                    self.groups = None;
                    if let Some(filter) = filter {
                        self.filter(filter, cx);
                    }
                }
                other => {
                    position.act(other, groups.len(), height);
                }
            }
            return;
        }
        match action {
            Action::MakePlan => self.plan(cx),
            Action::Choose if self.stage == Stage::Empty => self.plan(cx),
            Action::Choose => self.read_row(cx),
            Action::Send => self.ask_to_send(cx),
            Action::Stop | Action::StopRun if self.stage == Stage::Sending => self.ask_to_stop(cx),
            Action::Stop | Action::StopRun => {
                if cx.cancel(&self.working) {
                    cx.say(Tone::Plain, "Stopping after what is under way");
                }
            }
            Action::PauseRun => self.tell(Wish::Pause, cx),
            Action::ResumeRun => self.resume(cx),
            Action::CycleFilter => {
                let next = self.next_filter();
                self.filter(next, cx);
            }
            Action::Groups => {
                if let Some(run) = self.run {
                    cx.ask(&mut self.grouping, |ticket| Effect::Groups(ticket, run));
                }
            }
            Action::CopyCell => {
                if let Some(id) = self.selected().and_then(|row| row.id.clone()) {
                    cx.effect(Effect::Copy(id.clone()));
                    cx.say(Tone::Plain, format!("Sent {id} to your terminal's clipboard"));
                }
            }
            other => {
                let height = sync_view::list_height(cx.area, self);
                let length = usize::try_from(self.pages.total).unwrap_or(usize::MAX);
                if self.list.act(other, length, height) {
                    self.keep_in_view(cx.area);
                    self.read(cx, false);
                }
            }
        }
    }

    /// The filters that find something, in order; the one after the current.
    fn next_filter(&self) -> RowFilter {
        let filters = self.filters();
        let at = filters.iter().position(|filter| *filter == self.pages.filter);
        filters.get(at.map_or(0, |at| at + 1)).cloned().unwrap_or(RowFilter::All)
    }

    fn filters(&self) -> Vec<RowFilter> {
        let books = self.summary.as_ref().map(|summary| summary.books).unwrap_or_default();
        let mut actions = books.actions;
        let mut outcomes = books.outcomes;
        let mut filters = vec![RowFilter::All];
        if self.stage == Stage::Sent {
            for outcome in Outcome::ALL {
                if *outcomes.of(*outcome) > 0 {
                    filters.push(RowFilter::Outcome(*outcome));
                }
            }
        }
        for action in RowAction::ALL {
            let told = self.stage == Stage::Sent && !matches!(action, RowAction::Hold | RowAction::Reject);
            if !told && *actions.of(*action) > 0 {
                filters.push(RowFilter::Action(*action));
            }
        }
        filters
    }
}

impl Screen for Sync {
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>) {
        match event {
            Event::Shown => {
                let now = cx.work.mapping_id().zip(cx.work.drawn().cloned());
                let id = |of: &Option<(MappingId, Mapping)>| of.as_ref().map(|(id, _)| id.clone());
                let is_going = self.stage == Stage::Sending && id(&self.of) == id(&now);
                // A plan of another mapping, or of this one before it was changed, is no plan of this.
                if self.of.is_some() && self.of != now && !is_going {
                    self.forget(cx);
                }
                self.ask_what_goes(cx);
            }
            Event::Action(action) => self.act(action, cx),
            Event::Answer(ticket, answer) => self.answer(ticket, answer, cx),
            Event::Reply(Question::Send, Reply::Yes | Reply::Text(_)) => self.send(cx),
            Event::Reply(Question::StopRun, Reply::Yes) => self.tell(Wish::Stop, cx),
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        sync_view::draw(self, frame.buffer_mut(), area, scene);
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Sync, Scope::List]
    }

    fn hints(&self, work: &Work) -> Vec<Hint> {
        if self.groups.is_some() {
            return vec![Hint::named(Action::Choose, "its rows"), Hint::named(Action::Groups, "back")];
        }
        let rows = [Hint::named(Action::Choose, "whole row"), Hint::of(Action::CycleFilter), Hint::of(Action::Groups)];
        let mut hints = match self.stage {
            Stage::Empty => return vec![Hint::named(Action::Choose, "make the plan")],
            Stage::Planning => return vec![Hint::of(Action::Stop)],
            Stage::Sending if self.progress.phase.is_pause() => {
                vec![Hint::of(Action::ResumeRun), Hint::of(Action::StopRun)]
            }
            Stage::Sending => vec![Hint::of(Action::PauseRun), Hint::of(Action::StopRun)],
            Stage::Planned if self.disabled(Action::Send, work).is_none() => {
                vec![Hint::named(Action::Send, "sync these rows")]
            }
            Stage::Planned if self.disabled(Action::Groups, work).is_none() => vec![Hint::named(Action::Groups, "why")],
            Stage::Planned => vec![Hint::named(Action::GoHome, "done: home")],
            Stage::Sent if self.disabled(Action::ResumeRun, work).is_none() => {
                vec![Hint::named(Action::ResumeRun, "go on"), Hint::named(Action::MakePlan, "plan again")]
            }
            Stage::Sent if self.disabled(Action::Groups, work).is_none() => {
                vec![Hint::named(Action::Groups, "why"), Hint::named(Action::MakePlan, "plan again")]
            }
            Stage::Sent => vec![Hint::named(Action::MakePlan, "plan again"), Hint::of(Action::GoHome)],
        };
        hints.extend(
            rows.into_iter().filter(|row| hints.iter().all(|hint| hint.action != row.action)).collect::<Vec<_>>(),
        );
        if self.stage == Stage::Planned && hints.iter().all(|hint| hint.action != Action::MakePlan) {
            hints.push(Hint::named(Action::MakePlan, "plan again"));
        }
        hints
    }

    fn disabled(&self, action: Action, _work: &Work) -> Option<String> {
        let busy = matches!(self.stage, Stage::Planning | Stage::Sending);
        let writes = self.summary.as_ref().map_or(0, |summary| summary.books.actions.writes());
        match action {
            Action::MakePlan if busy => Some("Wait for what is going on, or stop it with x".to_owned()),
            Action::PauseRun => match (self.stage, self.progress.phase) {
                (Stage::Sending, Phase::Pausing | Phase::Paused) => Some("It is paused: r goes on".to_owned()),
                (Stage::Sending, Phase::Stopping) => Some("It is stopping".to_owned()),
                (Stage::Sending, _) => None,
                _ => Some("Nothing is being sent that could be paused".to_owned()),
            },
            Action::ResumeRun => match self.stage {
                Stage::Sending if self.progress.phase.is_pause() => None,
                Stage::Sending => Some("It is not paused".to_owned()),
                Stage::Sent if self.open_rows() > 0 => None,
                Stage::Sent => Some("Every row of this run has its outcome; p plans what is open".to_owned()),
                _ => Some("Nothing is paused or stopped here".to_owned()),
            },
            Action::StopRun => match (self.stage, self.progress.phase) {
                (Stage::Sending, Phase::Stopping) => Some("It is stopping".to_owned()),
                (Stage::Sending | Stage::Planning, _) => None,
                _ => Some("Nothing is going on that could be stopped".to_owned()),
            },
            Action::Send => match self.stage {
                Stage::Empty | Stage::Planning => Some("There is no plan yet: press p".to_owned()),
                Stage::Planned if writes == 0 => Some("The plan writes nothing: there is nothing to send".to_owned()),
                Stage::Planned => None,
                Stage::Sending => Some("It is being sent".to_owned()),
                Stage::Sent => Some("This plan was sent; make a new one with p".to_owned()),
            },
            Action::CycleFilter if self.run.is_none() => Some("There are no rows yet: make a plan with p".to_owned()),
            Action::Groups if self.groups.is_none() => {
                let books = self.summary.as_ref().map(|summary| summary.books).unwrap_or_default();
                let left =
                    books.actions.hold + books.actions.reject + books.outcomes.failed + books.outcomes.unprocessed;
                (left == 0).then(|| "No row is held, rejected or failed".to_owned())
            }
            Action::CopyCell if self.selected().is_none_or(|row| row.id.is_none()) => {
                Some("This row has no Salesforce id".to_owned())
            }
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        self.working.is_busy()
    }

    fn unfinished(&self) -> Option<String> {
        match self.stage {
            Stage::Planning => Some("A plan is being made. Leaving stops it; nothing was written.".to_owned()),
            _ => None,
        }
    }
    fn farewell(&self, work: &Work) -> Option<String> {
        let (run, id) = self.run.zip(self.of.as_ref().map(|(id, _)| id)).filter(|_| self.stage == Stage::Sending)?;
        let Progress { done, total, phase, .. } = self.progress;
        let far = total.map_or_else(String::new, |total| {
            format!(" ({} of {} rows)", text::thousands(done), text::thousands(total))
        });
        let state = if phase.is_pause() { "stays paused" } else { "goes on" };
        let how = if work.demo {
            "`gondola demo` shows it again.".to_owned()
        } else {
            format!("Follow it with: gondola attach {run}")
        };
        Some(format!("Run {run} of {id} {state} without the screen{far}. {how}"))
    }
}
