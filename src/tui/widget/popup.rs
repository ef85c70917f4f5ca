//! Boxes: panes side by side, and windows over them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::look::Look;
use crate::tui::theme::Role;

/// A pane's frame; returns what is inside. The focus shows in the colour of the frame.
pub fn pane(buffer: &mut Buffer, area: Rect, title: &str, focused: bool, look: &Look) -> Rect {
    let (border, words) = if focused { (Role::BorderFocused, Role::TitleFocused) } else { (Role::Border, Role::Title) };
    let mut block = Block::bordered().border_set(look.glyphs.border).border_style(look.style(border));
    if !title.is_empty() {
        block = block.title(Line::from(vec![
            Span::raw(" "),
            Span::styled(title.to_owned(), look.style(words)),
            Span::raw(" "),
        ]));
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Writes at the right end of a pane's upper edge.
pub fn corner(buffer: &mut Buffer, area: Rect, text: &str, role: Role, look: &Look) {
    let text = format!(" {text} ");
    let wide = super::text::width(&text) as u16;
    if wide + 4 <= area.width {
        buffer.set_string(area.right() - wide - 1, area.y, text, look.style(role));
    }
}

/// Writes at the right end of a pane's lower edge.
pub fn bottom_corner(buffer: &mut Buffer, area: Rect, text: &str, role: Role, look: &Look) {
    if area.height > 1 {
        corner(buffer, Rect { y: area.bottom() - 1, height: 1, ..area }, text, role, look);
    }
}

/// An empty window in the middle of `area`, at most this large; returns what is inside.
pub fn window(buffer: &mut Buffer, area: Rect, width: u16, height: u16, title: &str, look: &Look) -> Rect {
    // A narrow rest of what is under it, at both sides, would only be noise.
    let grown = |wanted: u16, room: u16| if wanted + 6 > room { room } else { wanted };
    let size = Rect { width: grown(width, area.width), height: height.min(area.height), ..area };
    let place = Rect { x: area.x + (area.width - size.width) / 2, y: area.y + (area.height - size.height) / 2, ..size };
    Clear.render(place, buffer);
    let inner = pane(buffer, place, title, true, look);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
