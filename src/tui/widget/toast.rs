//! A short notice over the lower right corner. It goes by itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::text;
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// How serious a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    Plain,
    /// Something worked.
    Good,
    /// Something did not.
    Bad,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How serious.
    pub tone: Tone,
    /// The words.
    pub text: String,
    /// Ticks that it stays.
    pub ticks: u32,
}

/// Draws it over the lower right corner of `area`; returns the lines it takes.
pub fn draw(buffer: &mut Buffer, area: Rect, toast: &Toast, look: &Look) -> u16 {
    let (role, sign) = match toast.tone {
        Tone::Plain => (Role::BorderFocused, look.glyphs.dot),
        Tone::Good => (Role::Good, look.glyphs.done),
        Tone::Bad => (Role::Bad, look.glyphs.failed),
    };
    let lines =
        text::wrap(&text::harmless_lines(&toast.text, look.glyphs), usize::from(area.width.saturating_sub(8)).min(64));
    let wide = lines.iter().map(|line| text::width(line)).max().unwrap_or(0) as u16 + 6;
    let high = (lines.len() as u16 + 2).min(area.height);
    if wide > area.width || high < 3 {
        return 0;
    }
    let place = Rect { x: area.right() - wide, y: area.bottom() - high, width: wide, height: high };
    Clear.render(place, buffer);
    let block = ratatui::widgets::Block::bordered().border_set(look.glyphs.border).border_style(look.style(role));
    let inner = block.inner(place);
    block.render(place, buffer);
    buffer.set_string(inner.x + 1, inner.y, sign, look.style(role));
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        buffer.set_string(inner.x + 3, y, line, look.style(Role::Text));
    }
    high
}
