//! The screens. Each keeps its state and changes it in one file and draws it in another; they know
//! each other only through [`Work`].

pub mod connect;
mod connect_view;
pub mod home;
mod home_view;
pub mod map;
mod map_view;
pub mod query;
mod query_view;
pub mod sync;
mod sync_view;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::effect::Effect;
use super::keys::{Action, Key, Scope};
use super::look::Look;
use super::msg::{Answer, Mouse};
use super::overlay::{Overlay, Question, Reply};
use super::ticket::{Ticket, Tickets, Waiting};
use super::widget::toast::Tone;
use super::work::Work;
use crate::engine::EngineError;

/// Which screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the screen's name")]
pub enum ScreenId {
    Home,
    Connect,
    Query,
    Map,
    Sync,
}

impl ScreenId {
    /// In the order of the steps.
    pub const ALL: [Self; 5] = [Self::Home, Self::Connect, Self::Query, Self::Map, Self::Sync];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Connect => "Connect",
            Self::Query => "Query",
            Self::Map => "Map",
            Self::Sync => "Sync",
        }
    }

    /// The step after this one.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Home => Some(Self::Connect),
            Self::Connect => Some(Self::Query),
            Self::Query => Some(Self::Map),
            Self::Map => Some(Self::Sync),
            Self::Sync => None,
        }
    }

    /// The action that leads here.
    pub const fn action(self) -> Action {
        match self {
            Self::Home => Action::GoHome,
            Self::Connect => Action::GoConnect,
            Self::Query => Action::GoQuery,
            Self::Map => Action::GoMap,
            Self::Sync => Action::GoSync,
        }
    }
}

/// Something for a screen to act on.
#[derive(Debug)]
pub enum Event<'a> {
    /// It has come to the front.
    Shown,
    /// A key of the table was pressed.
    Action(Action),
    /// A key was pressed that the table does not know here; text fields type it.
    Key(Key),
    /// Text was pasted.
    Paste(&'a str),
    /// The mouse was used.
    Mouse(Mouse),
    /// An effect was answered; every screen hears of it and looks for its own ticket.
    Answer(Ticket, &'a Answer),
    /// A question that this screen asked was answered.
    Reply(Question, &'a Reply),
}

/// A key for the footer: the next step comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// What it does.
    pub action: Action,
    /// Other words than the table's.
    pub words: Option<String>,
}

impl Hint {
    /// In the table's words.
    pub fn of(action: Action) -> Self {
        Self { action, words: None }
    }

    /// In other words.
    pub fn named(action: Action, words: impl Into<String>) -> Self {
        Self { action, words: Some(words.into()) }
    }
}

/// What a screen wants of the program, beside effects.
#[derive(Debug)]
pub enum Request {
    /// Go to a screen.
    Go(ScreenId),
    /// Ask or show something on top.
    Open(Overlay),
    /// Say something for a while.
    Toast(Tone, String),
}

/// What a screen may use while it acts.
#[derive(Debug)]
pub struct Context<'a> {
    /// What all screens share.
    pub work: &'a mut Work,
    /// Where the screen is drawn.
    pub area: Rect,
    pub(in crate::tui) tickets: &'a mut Tickets,
    pub(in crate::tui) effects: &'a mut Vec<Effect>,
    pub(in crate::tui) requests: &'a mut Vec<Request>,
}

impl Context<'_> {
    /// Asks for an effect and waits for its answer.
    pub fn ask(&mut self, waiting: &mut Waiting, effect: impl FnOnce(Ticket) -> Effect) {
        let ticket = self.tickets.issue();
        waiting.on(ticket);
        self.effects.push(effect(ticket));
    }

    /// Asks for an effect that has no answer.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Stops what is waited for, if anything is.
    pub fn cancel(&mut self, waiting: &Waiting) -> bool {
        if let Some(ticket) = waiting.ticket() {
            self.effects.push(Effect::Cancel(ticket));
        }
        waiting.is_busy()
    }

    /// Goes to a screen.
    pub fn go(&mut self, screen: ScreenId) {
        self.requests.push(Request::Go(screen));
    }

    /// Asks or shows something on top.
    pub fn open(&mut self, overlay: Overlay) {
        self.requests.push(Request::Open(overlay));
    }

    /// Says something for a while.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.requests.push(Request::Toast(tone, text.into()));
    }

    /// Says what went wrong and what to do.
    pub fn say_error(&mut self, error: &EngineError) {
        let mut text = error.message.clone();
        if let Some(hint) = &error.hint {
            text.push('\n');
            text.push_str(hint);
        }
        self.say(Tone::Bad, text);
    }
}

/// What a screen needs to draw itself.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What all screens share.
    pub work: &'a Work,
    /// Colours and signs.
    pub look: &'a Look,
    /// Whether the keys go to the screen, and not to something on top of it.
    pub active: bool,
    /// Counts up while something is going on.
    pub beat: usize,
}

impl Scene<'_> {
    /// The sign that something is going on.
    pub fn spinner(&self) -> &'static str {
        self.look.glyphs.spinner[self.beat % self.look.glyphs.spinner.len()]
    }
}

/// A screen.
pub trait Screen {
    /// Acts.
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>);

    /// Draws itself. Cannot change anything.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>);

    /// Where its keys are in the table, nearest first; those of everywhere follow by themselves.
    fn scopes(&self) -> &'static [Scope];

    /// Whether a text field has the focus.
    fn takes_text(&self) -> bool {
        false
    }

    /// Keys for the footer, the next step first.
    fn hints(&self, work: &Work) -> Vec<Hint>;

    /// Why an action cannot be done now.
    fn disabled(&self, _action: Action, _work: &Work) -> Option<String> {
        None
    }

    /// Whether something is going on that the screen shows.
    fn is_busy(&self) -> bool {
        false
    }

    /// What leaving the program would break off.
    fn unfinished(&self) -> Option<String> {
        None
    }

    /// What goes on after the program was left, and how to see it again.
    fn farewell(&self, _work: &Work) -> Option<String> {
        None
    }

    /// Whether the operator may go to another screen now. A screen that says no has asked
    /// something, or said why, and goes there itself later.
    fn leave(&mut self, _to: ScreenId, _cx: &mut Context<'_>) -> bool {
        true
    }
}
