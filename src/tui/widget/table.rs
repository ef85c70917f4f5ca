//! Rows and columns of any number, of which only what is seen is touched.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::list::Position;
use super::text;
use crate::tui::keys::Action;
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// One column's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// What stands under it, such as a type.
    pub note: String,
    /// Cells; kept while scrolling, so that columns do not jump.
    pub width: u16,
    /// Whether values stand at the right.
    pub right: bool,
    /// Whether it is marked, as a key column is.
    pub marked: bool,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What it is.
    pub role: Role,
}

/// Where we are in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grid {
    /// The rows.
    pub row: Position,
    /// The selected column.
    pub column: usize,
    /// The first column on the screen.
    pub left: usize,
}

/// Rows under the two lines of heads.
pub fn body_height(area_height: u16) -> usize {
    usize::from(area_height.saturating_sub(2))
}

impl Grid {
    /// Moves as the action says. False when the action is none of a table's.
    pub fn act(&mut self, action: Action, heads: &[Head], rows: usize, area: Rect) -> bool {
        let last = heads.len().saturating_sub(1);
        match action {
            Action::Left => self.column = self.column.saturating_sub(1),
            Action::Right => self.column = (self.column + 1).min(last),
            _ => return self.row.act(action, rows, body_height(area.height)),
        }
        self.keep_in_view(heads, area.width);
        true
    }

    /// Scrolls so that the selected column is seen whole.
    pub fn keep_in_view(&mut self, heads: &[Head], width: u16) {
        self.column = self.column.min(heads.len().saturating_sub(1));
        self.left = self.left.min(self.column);
        while self.left < self.column && !seen(heads, self.left, width).contains(&self.column) {
            self.left += 1;
        }
    }
}

/// The columns that are seen whole from `left` on; at least one.
fn seen(heads: &[Head], left: usize, width: u16) -> Range<usize> {
    let mut used = 0;
    let mut end = left;
    for head in heads.iter().skip(left) {
        used += head.width + 2;
        if used > width + 1 && end > left {
            break;
        }
        end += 1;
    }
    left..end
}

/// Draws the table. `cell` is asked only for what is seen.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    grid: &Grid,
    heads: &[Head],
    rows: usize,
    active: bool,
    look: &Look,
    cell: impl Fn(usize, usize) -> Cell,
) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    let height = body_height(area.height);
    let mut x = area.x;
    for (column, head) in heads.iter().enumerate().skip(grid.left) {
        let left = area.right().saturating_sub(x);
        if left < 3 {
            break;
        }
        let wide = usize::from(head.width.min(left));
        let selected = column == grid.column;
        let name = if head.marked { format!("{} {}", look.glyphs.key, head.name) } else { head.name.clone() };
        let name_style = match (selected && active, head.marked) {
            (true, _) => look.style(Role::Key),
            (false, true) => look.style(Role::LineMatch),
            (false, false) => look.style(Role::Header),
        };
        put(buffer, x, area.y, &name, wide, head.right, name_style, look);
        if area.height > 1 {
            put(buffer, x, area.y + 1, &head.note, wide, head.right, look.style(Role::Dim), look);
        }
        for (line, row) in grid.row.window(rows, height).enumerate() {
            let y = area.y + 2 + line as u16;
            let Cell { text, role } = cell(row, column);
            let here = row == grid.row.at;
            let style = match (here && selected, active) {
                (true, true) => look.style(Role::Cursor),
                (true, false) => look.style(role).patch(look.style(Role::SelectedAway)),
                (false, _) => look.style(role),
            };
            put(buffer, x, y, &text, wide, head.right, style, look);
        }
        x += head.width + 2;
    }
}

#[expect(clippy::too_many_arguments, reason = "one place, one text, one style")]
fn put(buffer: &mut Buffer, x: u16, y: u16, shown: &str, wide: usize, right: bool, style: Style, look: &Look) {
    let shown = if right { text::fit_right(shown, wide, look.glyphs) } else { text::fit(shown, wide, look.glyphs) };
    buffer.set_string(x, y, shown, style);
}
