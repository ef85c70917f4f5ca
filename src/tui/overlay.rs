//! What lies on top of a screen: questions, help, things to read.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::keys::{Action, Key, Scope};
use super::look::Look;
use super::screen::Hint;
use super::theme::Role;
use super::widget::field::Field;
use super::widget::picker::Picker;
use super::widget::{help, popup, text};

/// What a question is about; its reply carries this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// Whether to leave the program.
    Quit,
    /// What a new model is called.
    ModelName,
    /// Whether to send a plan.
    Send,
    /// Whether to end a run.
    StopRun,
    /// Which object rows go to.
    Object,
    /// By which field of the parent a reference finds it.
    Lookup,
}

/// What a person replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Yes.
    Yes,
    /// No, or gone back.
    No,
    /// This text.
    Text(String),
}

/// Something on top.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The keys that work here.
    Help {
        /// The page.
        page: Vec<help::Line>,
        /// Its first line on the screen.
        top: usize,
    },
    /// Yes or no.
    Confirm {
        /// What it is about.
        question: Question,
        /// The window's title.
        title: String,
        /// The words.
        text: String,
        /// What `y` does, for the footer.
        yes: String,
    },
    /// A text.
    Prompt {
        /// What it is about.
        question: Question,
        /// The window's title.
        title: String,
        /// The words above the field.
        text: String,
        /// The field.
        field: Field,
        /// The only text that is accepted, when there is one.
        wanted: Option<String>,
    },
    /// One of many things.
    Pick {
        /// What it is about.
        question: Question,
        /// The things.
        picker: Picker,
    },
    /// Something to read.
    Reader {
        /// The window's title.
        title: String,
        /// The words.
        text: String,
        /// The first line on the screen.
        top: usize,
    },
}

/// What became of an overlay.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Stays,
    /// It goes.
    Goes,
    /// It goes with a reply.
    Replies(Question, Reply),
}

impl Overlay {
    /// A text to read.
    pub fn reader(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Reader { title: title.into(), text: text.into(), top: 0 }
    }

    /// A question with yes and no; `yes` says in a word or two what yes does.
    pub fn confirm(question: Question, title: &str, text: impl Into<String>, yes: &str) -> Self {
        Self::Confirm { question, title: title.to_owned(), text: text.into(), yes: yes.to_owned() }
    }

    /// A question that wants text.
    pub fn prompt(question: Question, title: &str, text: impl Into<String>, filled_in: &str) -> Self {
        Self::Prompt {
            question,
            title: title.to_owned(),
            text: text.into(),
            field: Field::new(filled_in),
            wanted: None,
        }
    }

    /// Where its keys are in the table.
    pub fn scopes(&self) -> &'static [Scope] {
        match self {
            Self::Help { .. } | Self::Reader { .. } => &[Scope::Reader, Scope::List],
            Self::Confirm { .. } => &[Scope::Confirm],
            Self::Prompt { .. } => &[Scope::Prompt],
            Self::Pick { .. } => &[Scope::Pick],
        }
    }

    /// Whether it has a text field.
    pub fn takes_text(&self) -> bool {
        matches!(self, Self::Prompt { .. } | Self::Pick { .. })
    }

    /// Keys for the footer.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Help { .. } | Self::Reader { .. } => {
                vec![Hint::of(Action::Close), Hint::of(Action::Down), Hint::of(Action::Up)]
            }
            Self::Confirm { yes, .. } => vec![Hint::named(Action::Yes, yes.clone()), Hint::named(Action::No, "back")],
            Self::Prompt { question: Question::Send, .. } => {
                vec![Hint::named(Action::Submit, "send"), Hint::of(Action::Close)]
            }
            Self::Prompt { .. } => vec![Hint::of(Action::Submit), Hint::of(Action::Close)],
            Self::Pick { .. } => vec![
                Hint::named(Action::Submit, "take"),
                Hint::of(Action::Down),
                Hint::of(Action::Up),
                Hint::of(Action::Close),
            ],
        }
    }

    /// Acts on a key of the table; `area` is the screen's.
    pub fn act(&mut self, action: Action, area: Rect) -> Fate {
        match self {
            Self::Help { page, top } => scroll(action, top, page.len(), area.height),
            Self::Reader { text, top, .. } => scroll(action, top, text::wrap(text, room(area, 72)).len(), area.height),
            Self::Confirm { question, .. } => match action {
                Action::Yes => Fate::Replies(*question, Reply::Yes),
                Action::No => Fate::Replies(*question, Reply::No),
                _ => Fate::Stays,
            },
            Self::Prompt { question, field, wanted, .. } => match action {
                Action::Submit if field.text().trim().is_empty() => Fate::Stays,
                Action::Submit if wanted.as_ref().is_some_and(|wanted| wanted != field.text().trim()) => Fate::Stays,
                Action::Submit => Fate::Replies(*question, Reply::Text(field.text().trim().to_owned())),
                Action::Close => Fate::Replies(*question, Reply::No),
                _ => Fate::Stays,
            },
            Self::Pick { question, picker } => match (action, picker.chosen()) {
                (Action::Submit, Some(chosen)) => Fate::Replies(*question, Reply::Text(chosen.to_owned())),
                (Action::Submit, None) => Fate::Stays,
                (Action::Close, _) => Fate::Replies(*question, Reply::No),
                (action, _) => {
                    picker.act(action);
                    Fate::Stays
                }
            },
        }
    }

    /// Types into its text field.
    pub fn press(&mut self, key: Key) {
        match self {
            Self::Prompt { field, .. } => field.press(key),
            Self::Pick { picker, .. } => picker.press(key),
            _ => {}
        }
    }

    /// Pastes into its text field.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Prompt { field, .. } => field.paste(text),
            Self::Pick { picker, .. } => picker.paste(text),
            _ => {}
        }
    }

    /// Draws it over the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, active: bool, look: &Look) {
        match self {
            Self::Help { page, top } => help::draw(frame.buffer_mut(), area, page, *top, look),
            Self::Reader { title, text, top } => {
                let lines = text::wrap(&text::harmless_lines(text, look.glyphs), room(area, 72));
                let inner = popup::window(frame.buffer_mut(), area, 76, lines.len() as u16 + 2, title, look);
                let top = (*top).min(help::last_top(lines.len(), inner.height));
                for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(top)) {
                    frame.buffer_mut().set_stringn(inner.x, y, line, usize::from(inner.width), look.style(Role::Text));
                }
            }
            Self::Confirm { title, text, .. } => {
                let lines = text::wrap(text, room(area, 60));
                let inner = popup::window(frame.buffer_mut(), area, 66, lines.len() as u16 + 4, title, look);
                for (y, line) in (inner.y + 1..inner.bottom()).zip(&lines) {
                    frame.buffer_mut().set_stringn(inner.x, y, line, usize::from(inner.width), look.style(Role::Text));
                }
            }
            Self::Pick { picker, .. } => picker.draw(frame, area, active, look),
            Self::Prompt { title, text, field, wanted, .. } => {
                let lines = text::wrap(text, room(area, 60));
                let inner = popup::window(frame.buffer_mut(), area, 66, lines.len() as u16 + 6, title, look);
                for (y, line) in (inner.y + 1..inner.bottom()).zip(&lines) {
                    frame.buffer_mut().set_stringn(inner.x, y, line, usize::from(inner.width), look.style(Role::Text));
                }
                let y = inner.y + 2 + lines.len() as u16;
                if y < inner.bottom() {
                    let sign = match wanted {
                        Some(wanted) if wanted == field.text().trim() => (look.glyphs.done, Role::Good),
                        Some(_) => (look.glyphs.waiting, Role::Dim),
                        None => (look.glyphs.selected, Role::Key),
                    };
                    frame.buffer_mut().set_string(inner.x, y, sign.0, look.style(sign.1));
                    let place = Rect { x: inner.x + 2, y, width: inner.width.saturating_sub(2), height: 1 };
                    field.draw(frame, place, active, look);
                }
            }
        }
    }
}

/// Cells for the words of a window that would like this many.
fn room(area: Rect, wanted: u16) -> usize {
    usize::from(wanted.min(area.width.saturating_sub(6)))
}

fn scroll(action: Action, top: &mut usize, length: usize, height: u16) -> Fate {
    let page = usize::from(height).saturating_sub(4).max(1);
    let last = help::last_top(length, height.saturating_sub(2));
    *top = match action {
        Action::Close => return Fate::Goes,
        Action::Up => top.saturating_sub(1),
        Action::Down => *top + 1,
        Action::PageUp => top.saturating_sub(page),
        Action::PageDown => *top + page,
        Action::First => 0,
        Action::Last => last,
        _ => *top,
    }
    .min(last);
    Fate::Stays
}
