//! What arrives from the keyboard, as [`Input`]. One of the two files that name crossterm.

use std::io;

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use futures::StreamExt;

use super::keys::{Code, Key};
use super::msg::{Input, Mouse, MouseKind};

/// The keyboard (and mouse, and size) of the terminal.
#[derive(Debug)]
pub struct Keyboard {
    events: EventStream,
}

impl Keyboard {
    /// Starts to listen. The terminal must be taken over.
    pub fn open() -> Self {
        Self { events: EventStream::new() }
    }

    /// The next thing that means something; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<io::Result<Input>> {
        loop {
            match self.events.next().await? {
                Ok(event) => {
                    if let Some(input) = input_of(event) {
                        return Some(Ok(input));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn input_of(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => key_of(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
        Event::Mouse(mouse) => mouse_of(mouse).map(Input::Mouse),
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let code = match event.code {
        KeyCode::Char(letter) => Code::Char(letter),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab | KeyCode::BackTab => Code::Tab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    // A letter says by itself whether Shift was down.
    let is_letter = matches!(code, Code::Char(_));
    Some(Key {
        code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
        shift: event.code == KeyCode::BackTab || (!is_letter && event.modifiers.contains(KeyModifiers::SHIFT)),
    })
}

fn mouse_of(event: MouseEvent) -> Option<Mouse> {
    let kind = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Down,
        MouseEventKind::Down(MouseButton::Right) => MouseKind::RightDown,
        MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
        MouseEventKind::Up(MouseButton::Left) => MouseKind::Up,
        MouseEventKind::ScrollUp => MouseKind::ScrollUp,
        MouseEventKind::ScrollDown => MouseKind::ScrollDown,
        _ => return None,
    };
    Some(Mouse { kind, column: event.column, row: event.row })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_of_the_table() {
        let name = |code, modifiers| key_of(KeyEvent::new(code, modifiers)).map(|key| key.to_string());
        assert_eq!(name(KeyCode::BackTab, KeyModifiers::SHIFT).as_deref(), Some("Shift-Tab"));
        assert_eq!(name(KeyCode::Char('G'), KeyModifiers::SHIFT).as_deref(), Some("G"));
        assert_eq!(name(KeyCode::Char('r'), KeyModifiers::CONTROL).as_deref(), Some("Ctrl-R"));
        assert_eq!(name(KeyCode::F(5), KeyModifiers::NONE).as_deref(), Some("F5"));
        assert_eq!(name(KeyCode::CapsLock, KeyModifiers::NONE), None);
    }
}
