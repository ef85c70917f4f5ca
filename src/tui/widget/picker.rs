//! A window to choose one of many things in: typing narrows, the arrows move, Enter takes.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::field::Field;
use super::list::Position;
use super::{popup, text};
use crate::tui::keys::{Action, Key};
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// Rows of the list that are seen, where the screen is high enough.
const ROWS: u16 = 14;

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What choosing it gives, shown first.
    pub name: String,
    /// What else there is to say.
    pub note: String,
}

/// The window's state.
#[derive(Debug, Clone)]
pub struct Picker {
    title: String,
    choices: Vec<Choice>,
    field: Field,
    list: Position,
}

impl Picker {
    /// Over these choices, in this order, with the cursor on `at` when it is among them.
    pub fn new(title: impl Into<String>, choices: Vec<Choice>, at: &str) -> Self {
        let mut list = Position { at: choices.iter().position(|choice| choice.name == at).unwrap_or(0), top: 0 };
        list.keep_in_view(choices.len(), usize::from(ROWS));
        Self { title: title.into(), choices, field: Field::new(""), list }
    }

    /// What fits what was typed: names that begin so first, then those that hold it.
    fn shown(&self) -> Vec<&Choice> {
        let typed = self.field.text().trim().to_lowercase();
        let fits = |text: &str| text.to_lowercase().contains(&typed);
        let mut shown: Vec<&Choice> =
            self.choices.iter().filter(|choice| fits(&choice.name) || fits(&choice.note)).collect();
        if !typed.is_empty() {
            shown.sort_by_key(|choice| (!choice.name.to_lowercase().starts_with(&typed), !fits(&choice.name)));
        }
        shown
    }

    /// The choice under the cursor.
    pub fn chosen(&self) -> Option<&str> {
        self.shown().get(self.list.at).map(|choice| choice.name.as_str())
    }

    /// Moves as the action says.
    pub fn act(&mut self, action: Action) {
        self.list.act(action, self.shown().len(), usize::from(ROWS));
    }

    /// Types into the search.
    pub fn press(&mut self, key: Key) {
        self.field.press(key);
        self.list = Position::default();
    }

    /// Pastes into the search.
    pub fn paste(&mut self, text: &str) {
        self.field.paste(text);
        self.list = Position::default();
    }

    /// Draws the window.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, active: bool, look: &Look) {
        let inner = popup::window(frame.buffer_mut(), area, 66, ROWS + 4, &self.title, look);
        if inner.height < 3 {
            return;
        }
        frame.buffer_mut().set_string(inner.x, inner.y, look.glyphs.selected, look.style(Role::Key));
        let place = Rect { x: inner.x + 2, y: inner.y, width: inner.width.saturating_sub(2), height: 1 };
        self.field.draw(frame, place, active, look);
        let rows = Rect { y: inner.y + 2, height: inner.height - 2, ..inner };
        let shown = self.shown();
        let buffer = frame.buffer_mut();
        if shown.is_empty() {
            buffer.set_stringn(rows.x, rows.y, "Nothing fits.", usize::from(rows.width), look.style(Role::Dim));
            return;
        }
        let names = shown.iter().map(|choice| text::width(&choice.name)).max().unwrap_or(0).min(34);
        let mut list = self.list;
        list.keep_in_view(shown.len(), usize::from(rows.height));
        for (y, at) in (rows.y..rows.bottom()).zip(list.window(shown.len(), usize::from(rows.height))) {
            let choice = shown[at];
            let name = text::fit(&choice.name, names, look.glyphs);
            let note = text::harmless(&choice.note, look.glyphs);
            let (mark, role) = if at == list.at { (look.glyphs.selected, Role::Selected) } else { (" ", Role::Text) };
            let pieces = [
                (mark, look.style(role)),
                (" ", look.style(role)),
                (&name, look.style(role)),
                ("  ", look.style(Role::Dim)),
                (&note, look.style(Role::Dim)),
            ];
            text::pieces(buffer, rows.x, y, rows.width, &pieces, look.glyphs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::Code;

    #[test]
    fn typing_narrows_and_what_begins_so_comes_first() {
        let choice = |name: &str, note: &str| Choice { name: name.into(), note: note.into() };
        let choices =
            vec![choice("AccountContactRole", "Role"), choice("Contact", "Person"), choice("Lead", "Contact to be")];
        let mut picker = Picker::new("Object", choices, "Lead");
        assert_eq!(picker.chosen(), Some("Lead"));
        for letter in "cont".chars() {
            picker.press(Key::plain(Code::Char(letter)));
        }
        assert_eq!(picker.chosen(), Some("Contact"));
        picker.act(Action::Down);
        assert_eq!(picker.chosen(), Some("AccountContactRole"));
        picker.act(Action::Last);
        assert_eq!(picker.chosen(), Some("Lead"));
        picker.press(Key::plain(Code::Char('z')));
        assert_eq!(picker.chosen(), None);
    }
}
