//! How things are drawn on this terminal: colours and signs together.

use ratatui::style::Style;

use super::glyphs::{ASCII, Glyphs, UNICODE};
use super::theme::{Role, Theme};

/// Colours and signs.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Styles by role.
    pub theme: Theme,
    /// Signs.
    pub glyphs: &'static Glyphs,
}

impl Look {
    /// From `NO_COLOR` and the locale; `ascii` asks for ASCII whatever the locale says.
    pub fn from_environment(ascii: bool) -> Self {
        let glyphs = if ascii { &ASCII } else { Glyphs::from_environment() };
        Self { theme: Theme::from_environment(), glyphs }
    }

    /// Colour and Unicode.
    pub const fn full() -> Self {
        Self { theme: Theme::new(true), glyphs: &UNICODE }
    }

    /// No colour and ASCII.
    pub const fn plain() -> Self {
        Self { theme: Theme::new(false), glyphs: &ASCII }
    }

    /// How this looks.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}
