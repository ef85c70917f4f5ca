//! 1 Connect: choose the two ends and see line by line that they answer.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Context, Event, Hint, Scene, Screen, ScreenId, connect_view};
use crate::engine::{CheckLine, CheckState, EngineError};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Scope};
use crate::tui::msg::Answer;
use crate::tui::ticket::{Ticket, Waiting};
use crate::tui::widget::toast::Tone;
use crate::tui::work::Work;

/// How a checklist stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Health {
    /// Not checked in this session.
    #[default]
    Unknown,
    /// Being checked.
    Checking,
    /// Every line is well.
    Good,
    /// Some line is not.
    Bad,
}

/// One of the two ends.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The connection that the lines are about.
    pub checked: Option<String>,
    /// The checklist.
    pub lines: Vec<CheckLine>,
    /// How it stands.
    pub health: Health,
    waiting: Waiting,
}

impl End {
    fn check(&mut self, name: Option<&String>, effect: fn(Ticket, String) -> Effect, cx: &mut Context<'_>) {
        cx.cancel(&self.waiting);
        self.lines.clear();
        self.checked = name.cloned();
        self.health = Health::Unknown;
        if let Some(name) = name {
            self.health = Health::Checking;
            let name = name.clone();
            cx.ask(&mut self.waiting, |ticket| effect(ticket, name));
        }
    }

    fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::CheckLine(line) => match self.lines.iter_mut().find(|old| old.name == line.name) {
                Some(old) => *old = line.clone(),
                None => self.lines.push(line.clone()),
            },
            Answer::Checked(result) => {
                self.waiting = Waiting::default();
                match result {
                    Ok(all_well) => self.health = if *all_well { Health::Good } else { Health::Bad },
                    Err(error) => self.fail(error.clone()),
                }
            }
            Answer::Broken(why) => {
                self.waiting = Waiting::default();
                self.fail(EngineError::failed(why.clone()));
            }
            _ => {}
        }
    }

    fn fail(&mut self, error: EngineError) {
        self.health = Health::Bad;
        self.lines.retain(|line| line.state != CheckState::Running);
        self.lines.push(CheckLine {
            name: "check".to_owned(),
            state: CheckState::Failed,
            detail: error.message,
            hint: error.hint,
        });
    }

    fn stop(&mut self, cx: &mut Context<'_>) {
        if cx.cancel(&self.waiting) {
            self.waiting = Waiting::default();
            self.fail(EngineError::stopped());
        }
    }
}

/// The screen.
#[derive(Debug, Default)]
pub struct Connect {
    pub(super) source: End,
    pub(super) destination: End,
    /// Whether the right pane has the focus.
    pub(super) on_right: bool,
    /// Whether it came to the front before the files were read.
    early: bool,
    org: Waiting,
}

impl Connect {
    fn check_both(&mut self, cx: &mut Context<'_>) {
        cx.work.connected = false;
        cx.work.org = None;
        let (source, destination) = (cx.work.source.clone(), cx.work.destination.clone());
        cx.effect(Effect::ForgetSessions);
        self.source.check(source.as_ref(), Effect::CheckSource, cx);
        self.destination.check(destination.as_ref(), Effect::CheckDestination, cx);
    }

    fn answered(&mut self, cx: &mut Context<'_>) {
        if self.destination.health == Health::Good
            && cx.work.org.is_none()
            && !self.org.is_busy()
            && let Some(name) = cx.work.destination.clone()
        {
            cx.ask(&mut self.org, |ticket| Effect::Org(ticket, name));
        }
        cx.work.connected = self.is_well(cx.work);
    }

    /// Whether the two connections in use are those that were checked, and both answer.
    fn is_well(&self, work: &Work) -> bool {
        self.source.health == Health::Good
            && self.destination.health == Health::Good
            && self.source.checked == work.source
            && self.destination.checked == work.destination
    }

    fn choose(&mut self, step: isize, cx: &mut Context<'_>) {
        let work = &mut *cx.work;
        let (names, chosen): (Vec<String>, _) = if self.on_right {
            (work.connections.salesforce.keys().cloned().collect(), &mut work.destination)
        } else {
            (work.connections.snowflake.keys().cloned().collect(), &mut work.source)
        };
        let at = chosen.as_ref().and_then(|name| names.iter().position(|other| other == name)).unwrap_or(0);
        let next = at.saturating_add_signed(step).min(names.len().saturating_sub(1));
        let Some(name) = names.get(next).cloned() else { return };
        if chosen.as_ref() == Some(&name) {
            return;
        }
        *chosen = Some(name.clone());
        work.connected = false;
        if self.on_right {
            work.org = None;
            work.object = None;
            self.destination.check(Some(&name), Effect::CheckDestination, cx);
        } else {
            self.source.check(Some(&name), Effect::CheckSource, cx);
        }
    }
}

impl Screen for Connect {
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>) {
        match event {
            Event::Shown => {
                self.early = cx.work.source.is_none() && cx.work.destination.is_none();
                let stale = |end: &End, name: &Option<String>| end.health == Health::Unknown || end.checked != *name;
                if stale(&self.source, &cx.work.source) || stale(&self.destination, &cx.work.destination) {
                    self.check_both(cx);
                }
            }
            Event::Action(Action::Continue) if self.is_well(cx.work) => cx.go(ScreenId::Query),
            Event::Action(Action::Continue | Action::Check) if !self.is_busy() => self.check_both(cx),
            Event::Action(Action::NextPane | Action::PreviousPane) => self.on_right = !self.on_right,
            Event::Action(Action::Left) => self.on_right = false,
            Event::Action(Action::Right) => self.on_right = true,
            Event::Action(Action::Up) => self.choose(-1, cx),
            Event::Action(Action::Down) => self.choose(1, cx),
            Event::Action(Action::Stop) => {
                self.source.stop(cx);
                self.destination.stop(cx);
            }
            Event::Answer(_, Answer::Loaded(Ok(_))) if std::mem::take(&mut self.early) => self.check_both(cx),
            Event::Answer(ticket, answer) => {
                if self.source.waiting.is_for(ticket) {
                    self.source.answer(answer);
                } else if self.destination.waiting.is_for(ticket) {
                    self.destination.answer(answer);
                } else if self.org.take(ticket) {
                    match answer {
                        Answer::Org(Ok(org)) => cx.work.org = Some(org.clone()),
                        Answer::Org(Err(error)) => cx.say_error(error),
                        Answer::Broken(why) => cx.say(Tone::Bad, why.clone()),
                        _ => {}
                    }
                } else {
                    return;
                }
                self.answered(cx);
            }
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        connect_view::draw(self, frame.buffer_mut(), area, scene);
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Connect, Scope::List]
    }

    fn hints(&self, work: &Work) -> Vec<Hint> {
        if self.is_busy() {
            return vec![Hint::of(Action::Stop)];
        }
        let mut hints = if self.is_well(work) {
            vec![Hint::named(Action::Continue, "write the query"), Hint::of(Action::Check)]
        } else {
            vec![Hint::named(Action::Continue, "check both ends")]
        };
        let several = work.connections.snowflake.len() > 1 || work.connections.salesforce.len() > 1;
        if several {
            hints.push(Hint::named(Action::Down, "other connection"));
            hints.push(Hint::named(Action::NextPane, "other end"));
        }
        hints
    }

    fn disabled(&self, action: Action, work: &Work) -> Option<String> {
        match action {
            Action::Continue | Action::Check if self.is_busy() => Some("The check is still going".to_owned()),
            Action::Continue | Action::Check if work.source.is_none() && work.destination.is_none() => {
                Some(format!("There is no connection yet. Write one into {}", work.connections_path))
            }
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        self.source.waiting.is_busy() || self.destination.waiting.is_busy()
    }
}
