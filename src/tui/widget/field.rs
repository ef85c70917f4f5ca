//! One line of text to type into.

use ratatui::Frame;
use ratatui::layout::Rect;
use tui_textarea::{CursorMove, TextArea};

use super::editor::input_of;
use crate::tui::keys::Key;
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// A text field.
#[derive(Debug, Clone)]
pub struct Field {
    area: TextArea<'static>,
}

impl Field {
    /// A field that says this, with the cursor at the end.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::from([text.to_owned()]);
        area.set_cursor_line_style(ratatui::style::Style::new());
        area.set_cursor_style(ratatui::style::Style::new());
        area.move_cursor(CursorMove::End);
        Self { area }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// Types, deletes or moves.
    pub fn press(&mut self, key: Key) {
        if let Some(input) = input_of(key)
            && input.key != tui_textarea::Key::Enter
        {
            self.area.input(input);
        }
    }

    /// Pastes; line ends become spaces.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(text.trim_end_matches(['\r', '\n']).replace(['\r', '\n'], " "));
    }

    /// Draws it on one line, with the cursor.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, active: bool, look: &Look) {
        frame.render_widget(&self.area, area);
        frame.buffer_mut().set_style(area, look.style(Role::Text).add_modifier(ratatui::style::Modifier::UNDERLINED));
        if active {
            let column = self.area.screen_cursor().col as u16 - self.area.scroll_offset().1;
            frame.set_cursor_position((area.x + column.min(area.width.saturating_sub(1)), area.y));
        }
    }
}
