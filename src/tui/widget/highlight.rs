//! Colours over text that another widget drew: the text area has no such thing itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthChar;

use crate::tui::look::Look;
use crate::tui::theme::Role;

/// A stretch of one line, in characters from 0, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Line, from 0.
    pub line: usize,
    /// First character.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
    /// What it is.
    pub role: Role,
}

/// Where the text is on the screen.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The text's own cells, line numbers left out.
    pub area: Rect,
    /// The line in the first row.
    pub top: usize,
    /// The display column in the first cell.
    pub left: usize,
}

/// Colours the spans that are seen. Backgrounds stay, so a selection does too.
pub fn paint(buffer: &mut Buffer, view: View, lines: &[String], spans: &[Span], look: &Look) {
    let View { area, top, left } = view;
    for span in spans {
        if span.line < top || span.line >= top + usize::from(area.height) {
            continue;
        }
        let Some(line) = lines.get(span.line) else { continue };
        let y = area.y + (span.line - top) as u16;
        let mut column = 0;
        for (at, letter) in line.chars().enumerate() {
            let wide = if letter == '\t' { 4 - column % 4 } else { letter.width().unwrap_or(0) };
            if at >= span.end {
                break;
            }
            if at >= span.start {
                for cell in column..column + wide {
                    if cell >= left && cell - left < usize::from(area.width) {
                        let place = (area.x + (cell - left) as u16, y);
                        if let Some(cell) = buffer.cell_mut(place) {
                            let style = look.style(span.role);
                            cell.set_style(style);
                        }
                    }
                }
            }
            column += wide;
        }
    }
}
