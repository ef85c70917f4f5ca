//! A text of several lines to edit, with colours and a marked place.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use tui_textarea::{CursorMove, Input, TextArea};

use super::highlight::{self, Span};
use crate::tui::keys::{Code, Key};
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// An editor.
#[derive(Debug, Clone)]
pub struct Editor {
    area: TextArea<'static>,
}

impl Editor {
    /// An editor that says this, with the cursor at the end.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::from(text.trim_end_matches('\n').split('\n').map(str::to_owned).collect::<Vec<_>>());
        area.set_cursor_line_style(Style::new());
        area.set_cursor_style(Style::new());
        area.set_tab_length(4);
        area.set_max_histories(500);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area }
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// Line and character of the cursor, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        let at = self.area.cursor();
        (at.0, at.1)
    }

    /// Moves the cursor to a line and character, from 0.
    pub fn go_to(&mut self, line: usize, column: usize) {
        let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(clamp(line), clamp(column)));
    }

    /// Types, deletes or moves. True when the text may have changed.
    pub fn press(&mut self, key: Key) -> bool {
        input_of(key).is_some_and(|input| self.area.input(input))
    }

    /// Pastes as one step of undo.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    /// Takes the last edit back.
    pub fn undo(&mut self) -> bool {
        self.area.undo()
    }

    /// Makes it again.
    pub fn redo(&mut self) -> bool {
        self.area.redo()
    }

    /// Draws the text with line numbers and colours, and the cursor when `active`.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, active: bool, spans: &[Span], look: &Look) {
        let digits = self.area.lines().len().to_string().len() as u16;
        let gutter = (digits + 2).min(area.width);
        let text = Rect { x: area.x + gutter, width: area.width - gutter, ..area };
        frame.render_widget(&self.area, text);
        let (top, left) = self.area.scroll_offset();
        let (top, left) = (usize::from(top), usize::from(left));
        let (line, _) = self.cursor();
        for y in 0..area.height {
            let number = top + usize::from(y);
            if number >= self.area.lines().len() {
                break;
            }
            let role = if active && number == line { Role::Text } else { Role::Dim };
            let shown = format!("{:>width$}", number + 1, width = usize::from(digits) + 1);
            frame.buffer_mut().set_string(area.x, area.y + y, shown, look.style(role));
        }
        highlight::paint(frame.buffer_mut(), highlight::View { area: text, top, left }, self.area.lines(), spans, look);
        if active && text.width > 0 && text.height > 0 {
            let cursor = self.area.screen_cursor();
            let x = cursor.col.saturating_sub(left).min(usize::from(text.width) - 1) as u16;
            let y = cursor.row.saturating_sub(top).min(usize::from(text.height) - 1) as u16;
            frame.set_cursor_position((text.x + x, text.y + y));
        }
    }
}

/// The text area's word for a key; `None` for keys that it has no use for.
pub(super) fn input_of(key: Key) -> Option<Input> {
    use tui_textarea::Key as Theirs;
    let theirs = match key.code {
        Code::Char(letter) => Theirs::Char(letter),
        Code::Enter => Theirs::Enter,
        Code::Backspace => Theirs::Backspace,
        Code::Delete => Theirs::Delete,
        Code::Up => Theirs::Up,
        Code::Down => Theirs::Down,
        Code::Left => Theirs::Left,
        Code::Right => Theirs::Right,
        Code::Home => Theirs::Home,
        Code::End => Theirs::End,
        Code::PageUp => Theirs::PageUp,
        Code::PageDown => Theirs::PageDown,
        Code::Esc | Code::Tab | Code::Insert | Code::F(_) => return None,
    };
    Some(Input { key: theirs, ctrl: key.ctrl, alt: key.alt, shift: key.shift })
}
