//! The program's state: which screen is in front, what lies on top of it, what is said for a while.
//! Messages come in, effects go out; nothing here waits for anything.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::Options;
use super::app_view;
use super::effect::Effect;
use super::keys::{Action, Code, Key, Scope, resolve};
use super::look::Look;
use super::msg::{Input, MouseKind, Msg};
use super::overlay::{Fate, Overlay, Question, Reply};
use super::screen::connect::Connect;
use super::screen::home::Home;
use super::screen::map::MapScreen;
use super::screen::query::Query;
use super::screen::sync::Sync;
use super::screen::{Context, Event, Request, Screen, ScreenId};
use super::ticket::Tickets;
use super::widget::help;
use super::widget::toast::{Toast, Tone};
use super::work::Work;

/// Between two ticks: spinners turn at this pace, and nothing ticks while nothing goes on.
pub const BEAT: Duration = Duration::from_millis(250);

/// The terminal that the screens are made for.
const MADE_FOR: (u16, u16) = (80, 24);

/// The smallest terminal in which anything useful can be drawn.
pub const SMALLEST: (u16, u16) = (60, 16);

/// The program's state.
pub struct App {
    pub(super) work: Work,
    pub(super) look: Look,
    pub(super) size: Rect,
    pub(super) front: ScreenId,
    pub(super) overlays: Vec<Overlay>,
    pub(super) toasts: Vec<Toast>,
    pub(super) beat: usize,
    home: Home,
    connect: Connect,
    query: Query,
    map: MapScreen,
    sync: Sync,
    tickets: Tickets,
    ticking: bool,
    mouse: bool,
    dirty: bool,
}

impl App {
    /// The program as it starts, on a terminal of this size.
    pub fn new(look: Look, options: &Options, columns: u16, rows: u16) -> Self {
        Self {
            work: Work { demo: options.demo, ..Work::default() },
            look,
            size: Rect::new(0, 0, columns, rows),
            front: ScreenId::Home,
            overlays: Vec::new(),
            toasts: Vec::new(),
            beat: 0,
            home: Home::new(options.first.clone()),
            connect: Connect::default(),
            query: Query::new(options.demo),
            map: MapScreen::default(),
            sync: Sync::default(),
            tickets: Tickets::default(),
            ticking: false,
            mouse: false,
            dirty: true,
        }
    }

    /// What to do first.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.send(ScreenId::Home, Event::Shown, &mut effects);
        self.keep_time(&mut effects);
        effects
    }

    /// Acts on something that happened.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        match msg {
            Msg::Input(input) => {
                self.dirty = true;
                self.input(input, &mut effects);
            }
            Msg::Answer(ticket, answer) => {
                self.dirty = true;
                for id in ScreenId::ALL {
                    self.send(id, Event::Answer(ticket, &answer), &mut effects);
                }
            }
            Msg::Tick => self.tick(),
            Msg::Notice(text) => self.toast(Tone::Bad, text),
        }
        self.keep_time(&mut effects);
        effects
    }

    /// Whether anything has changed since this was asked last.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// What to say on the terminal after the program was left.
    pub fn farewell(&self) -> Option<String> {
        let words: Vec<String> = self.screens().iter().filter_map(|screen| screen.farewell(&self.work)).collect();
        (!words.is_empty()).then(|| words.join("\n"))
    }

    /// Draws everything. Cannot change anything.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        app_view::draw(self, frame);
    }

    /// The screen in front.
    pub(super) fn screen(&self) -> &dyn Screen {
        match self.front {
            ScreenId::Home => &self.home,
            ScreenId::Connect => &self.connect,
            ScreenId::Query => &self.query,
            ScreenId::Map => &self.map,
            ScreenId::Sync => &self.sync,
        }
    }

    fn screens(&self) -> [&dyn Screen; 5] {
        [&self.home, &self.connect, &self.query, &self.map, &self.sync]
    }

    /// Where keys are looked for now, nearest first.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let mut scopes = match self.overlays.last() {
            Some(overlay) => overlay.scopes().to_vec(),
            None => self.screen().scopes().to_vec(),
        };
        scopes.push(Scope::Always);
        if self.overlays.is_empty() {
            scopes.push(Scope::Global);
        }
        scopes
    }

    fn takes_text(&self) -> bool {
        self.overlays.last().map_or_else(|| self.screen().takes_text(), Overlay::takes_text)
    }

    /// Why an action cannot be done now.
    pub(super) fn disabled(&self, action: Action) -> Option<String> {
        if let Some(why) = self.screen().disabled(action, &self.work) {
            return Some(why);
        }
        match action {
            Action::Close if self.overlays.is_empty() => Some("Nothing lies on top that could be closed".to_owned()),
            Action::NextStep if self.front == ScreenId::Sync => Some("This is the last step".to_owned()),
            _ => None,
        }
    }

    fn input(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Resize(columns, rows) => {
                self.size = Rect::new(0, 0, columns, rows);
                if (columns < MADE_FOR.0 || rows < MADE_FOR.1) && columns >= SMALLEST.0 && rows >= SMALLEST.1 {
                    let words = format!("Made for 80x24; this is {columns}x{rows}. Everything works, with less room.");
                    self.toast(Tone::Plain, words);
                }
                // A terminal that woke up may show anything.
                effects.push(Effect::Redraw);
            }
            Input::Paste(text) => match self.overlays.last_mut() {
                Some(overlay) => overlay.paste(&text),
                None => self.send(self.front, Event::Paste(&text), effects),
            },
            Input::Mouse(mouse) => {
                let wheel = match mouse.kind {
                    MouseKind::ScrollUp => Some(Action::Up),
                    MouseKind::ScrollDown => Some(Action::Down),
                    _ => None,
                };
                match wheel {
                    // The Map screen scrolls the list under the pointer itself.
                    Some(action) if self.front != ScreenId::Map && self.scopes().contains(&Scope::List) => {
                        self.act(action, effects);
                    }
                    _ if self.overlays.is_empty() => self.send(self.front, Event::Mouse(mouse), effects),
                    _ => {}
                }
            }
            Input::Key(key) => self.key(key, effects),
        }
    }

    fn key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        if key == Key::plain(Code::Esc) && self.overlays.is_empty() && !self.toasts.is_empty() {
            // It lies on top, so it is what Esc closes, wherever the focus is.
            self.toasts.clear();
            return;
        }
        // What was said has been read once the next key comes; bad news waits for Esc or its time.
        self.toasts.retain(|toast| toast.tone == Tone::Bad);
        match resolve(&self.scopes(), key, self.takes_text()) {
            Some(action) => self.act(action, effects),
            None => match self.overlays.last_mut() {
                Some(overlay) => overlay.press(key),
                None => self.send(self.front, Event::Key(key), effects),
            },
        }
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => effects.push(Effect::Suspend),
            Action::Stop if self.overlays.is_empty() && self.screen().is_busy() => {
                self.send(self.front, Event::Action(action), effects);
            }
            Action::Stop => self.quit(true, effects),
            _ if !self.overlays.is_empty() => self.act_on_overlay(action, effects),
            _ => {
                if let Some(why) = self.disabled(action) {
                    if action != Action::Close {
                        self.toast(Tone::Plain, why);
                    }
                    return;
                }
                self.act_in_front(action, effects);
            }
        }
    }

    fn act_in_front(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let target = ScreenId::ALL.into_iter().find(|id| id.action() == action);
        match (action, target) {
            (_, Some(screen)) => self.go(screen, effects),
            (Action::NextStep, _) => {
                if let Some(next) = self.front.next() {
                    self.go(next, effects);
                }
            }
            (Action::Help, _) => {
                let page = help::lines(&self.scopes(), |action| self.disabled(action));
                self.overlays.push(Overlay::Help { page, top: 0 });
            }
            (Action::Quit, _) => self.quit(false, effects),
            (Action::ToggleMouse, _) => {
                self.mouse = !self.mouse;
                effects.push(Effect::Mouse(self.mouse));
                let text = if self.mouse {
                    "The mouse is on. Hold Shift to select text with it."
                } else {
                    "The mouse is off; your terminal selects text with it."
                };
                self.toast(Tone::Plain, text);
            }
            _ => self.send(self.front, Event::Action(action), effects),
        }
    }

    fn act_on_overlay(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let area = app_view::body(self.size);
        let Some(overlay) = self.overlays.last_mut() else { return };
        match overlay.act(action, area) {
            Fate::Stays => {}
            Fate::Goes => {
                self.overlays.pop();
            }
            Fate::Replies(question, reply) => {
                self.overlays.pop();
                match question {
                    Question::Quit if reply == Reply::Yes => effects.push(Effect::Quit),
                    Question::Quit => {}
                    question => self.send(self.front, Event::Reply(question, &reply), effects),
                }
            }
        }
    }

    fn quit(&mut self, ask: bool, effects: &mut Vec<Effect>) {
        let unfinished: Vec<String> = self.screens().iter().filter_map(|screen| screen.unfinished()).collect();
        if unfinished.is_empty() && !ask {
            effects.push(Effect::Quit);
        } else if !self.overlays.iter().any(|top| matches!(top, Overlay::Confirm { question: Question::Quit, .. })) {
            let text = if unfinished.is_empty() { "Leave gondola?".to_owned() } else { unfinished.join("\n") };
            self.overlays.push(Overlay::confirm(Question::Quit, "Leave gondola?", text, "leave"));
        }
    }

    fn go(&mut self, to: ScreenId, effects: &mut Vec<Effect>) {
        if to == self.front {
            return;
        }
        let mut may = true;
        self.with(self.front, effects, |screen, cx| may = screen.leave(to, cx));
        if !may {
            return;
        }
        match self.gate(to) {
            Some(why) => self.toast(Tone::Plain, why),
            None => {
                self.front = to;
                self.send(to, Event::Shown, effects);
            }
        }
    }

    /// Why a screen cannot be used yet.
    fn gate(&self, screen: ScreenId) -> Option<String> {
        let work = &self.work;
        match screen {
            ScreenId::Home | ScreenId::Connect => None,
            ScreenId::Query if work.source.is_none() => {
                Some(format!("There is no Snowflake connection yet. Write one into {}", work.connections_path))
            }
            ScreenId::Query => None,
            ScreenId::Map if work.model.is_none() => {
                Some("There is no query to map yet: go to 2 Query, run it, and save it".to_owned())
            }
            ScreenId::Map if work.destination.is_none() => {
                Some(format!("There is no Salesforce connection yet. Write one into {}", work.connections_path))
            }
            ScreenId::Map => None,
            ScreenId::Sync if work.drawn().is_none() => {
                Some("No line is drawn yet: go to 3 Map and draw the first one".to_owned())
            }
            ScreenId::Sync => None,
        }
    }

    fn send(&mut self, to: ScreenId, event: Event<'_>, effects: &mut Vec<Effect>) {
        self.with(to, effects, |screen, cx| screen.update(event, cx));
    }

    /// Lets a screen act, then does what it asked for.
    fn with(&mut self, id: ScreenId, effects: &mut Vec<Effect>, act: impl FnOnce(&mut dyn Screen, &mut Context<'_>)) {
        let mut requests = Vec::new();
        let mut cx = Context {
            area: app_view::body(self.size),
            work: &mut self.work,
            tickets: &mut self.tickets,
            effects,
            requests: &mut requests,
        };
        let screen: &mut dyn Screen = match id {
            ScreenId::Home => &mut self.home,
            ScreenId::Connect => &mut self.connect,
            ScreenId::Query => &mut self.query,
            ScreenId::Map => &mut self.map,
            ScreenId::Sync => &mut self.sync,
        };
        act(screen, &mut cx);
        for request in requests {
            match request {
                Request::Go(screen) => self.go(screen, effects),
                Request::Open(overlay) => self.overlays.push(overlay),
                Request::Toast(tone, text) => self.toast(tone, text),
            }
        }
    }

    fn toast(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        let ticks = if tone == Tone::Bad { 60 } else { 20 };
        self.toasts.retain(|toast| toast.text != text);
        self.toasts.push(Toast { tone, text, ticks });
        self.dirty = true;
    }

    fn tick(&mut self) {
        self.ticking = false;
        if self.screen().is_busy() {
            self.beat += 1;
            self.dirty = true;
        }
        let before = self.toasts.len();
        for toast in &mut self.toasts {
            toast.ticks = toast.ticks.saturating_sub(1);
        }
        self.toasts.retain(|toast| toast.ticks > 0);
        self.dirty |= before != self.toasts.len();
    }

    /// Ticks while something goes on that is seen, and only then: idle costs nothing.
    fn keep_time(&mut self, effects: &mut Vec<Effect>) {
        if !self.ticking && (self.screen().is_busy() || !self.toasts.is_empty()) {
            self.ticking = true;
            effects.push(Effect::Tick(BEAT));
        }
    }
}
