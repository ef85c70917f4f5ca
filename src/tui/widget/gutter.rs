//! Paints routed lines between two lists, with the dots at their ends.
//!
//! The gutter is as wide as the area less three columns: `●`, a space, the lines, `▶`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use super::route::{Direction, End, Label, LineSet, Mark, Routed, Side, Weight, glyph};

/// Columns of the area that are not lines: the dot, a space, the arrow head.
pub const ENDS: u16 = 3;

/// What stands at one end of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dot {
    /// No row here.
    #[default]
    Nothing,
    /// A row without a line.
    Open,
    /// A row with a line.
    Linked,
    /// A row by which records are found.
    Matcher,
    /// A row that needs a line and has none.
    Missing,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// `!`
    Warning,
    /// `x`
    Error,
}

/// How one line looks, beyond its route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether the focus is on it.
    pub focused: bool,
    /// The worst that is wrong with it.
    pub problem: Option<Problem>,
    /// What its left end is called, for a stub at the right list.
    pub from: String,
    /// What its right end is called, for a stub at the left list.
    pub to: String,
}

/// The styles of everything in a gutter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GutterStyles {
    pub line: Style,
    pub focused: Style,
    pub matcher: Style,
    pub proposal: Style,
    pub warning: Style,
    pub error: Style,
    pub open_dot: Style,
    pub linked_dot: Style,
    pub label: Style,
}

/// Everything that a gutter paints.
#[derive(Debug)]
pub struct Gutter<'a> {
    /// The lines; as wide as the area less [`ENDS`].
    pub routed: &'a Routed,
    /// By net id.
    pub looks: &'a [Look],
    /// Dots at the columns, by row.
    pub left: &'a [Dot],
    /// Dots at the fields, by row.
    pub right: &'a [Dot],
    /// The characters.
    pub set: LineSet,
    /// The styles.
    pub styles: GutterStyles,
}

impl Gutter<'_> {
    /// Paints into `area`; what does not fit is left out.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width < ENDS {
            return;
        }
        let width = area.width - ENDS;
        for row in 0..area.height {
            for column in 0..width {
                let cell = self.routed.cell(usize::from(row), usize::from(column));
                if cell.is_empty() {
                    continue;
                }
                let (net, weight) = top(&cell);
                put(buffer, area, row, column + 2, glyph(&cell, self.set), self.style(net, weight));
            }
            self.dots(area, row, buffer);
        }
        for label in &self.routed.labels {
            self.label(label, area, buffer);
        }
        for row in 0..area.height {
            self.problem(area, row, buffer);
        }
    }

    fn look(&self, net: usize) -> Option<&Look> {
        self.looks.get(net)
    }

    fn style(&self, net: usize, weight: Weight) -> Style {
        let look = self.look(net);
        let base = match weight {
            Weight::Dotted => self.styles.proposal,
            Weight::Double => self.styles.matcher,
            Weight::Light | Weight::Heavy => self.styles.line,
        };
        let base = match look.and_then(|look| look.problem) {
            Some(Problem::Error) => base.patch(self.styles.error),
            Some(Problem::Warning) => base.patch(self.styles.warning),
            None => base,
        };
        // A record matcher stands out by itself; leaving it as it is saves its repaint.
        let focused = weight != Weight::Double && look.is_some_and(|look| look.focused);
        if focused { base.patch(self.styles.focused) } else { base }
    }

    fn dots(&self, area: Rect, row: u16, buffer: &mut Buffer) {
        let at = usize::from(row);
        let ascii = self.set == LineSet::Ascii;
        let style = |dot| match dot {
            Dot::Matcher => self.styles.matcher,
            Dot::Linked => self.styles.linked_dot,
            Dot::Missing => self.styles.error,
            _ => self.styles.open_dot,
        };
        let left = self.left.get(at).copied().unwrap_or_default();
        let glyph = match (left, ascii) {
            (Dot::Nothing, _) => ' ',
            (Dot::Open, false) => '○',
            (Dot::Linked, false) => '●',
            (Dot::Matcher, false) => '◆',
            (Dot::Open, true) => 'o',
            (Dot::Linked, true) => '*',
            (Dot::Matcher, true) => '#',
            (Dot::Missing, _) => 'x',
        };
        put(buffer, area, row, 0, glyph, self.end_style(row, Side::Left).unwrap_or(style(left)));
        let right = self.right.get(at).copied().unwrap_or_default();
        let arrow = if ascii { '>' } else { '▶' };
        let glyph = match right {
            Dot::Nothing => ' ',
            Dot::Open if ascii => 'o',
            Dot::Open => '○',
            Dot::Missing => 'x',
            Dot::Linked | Dot::Matcher => arrow,
        };
        put(buffer, area, row, area.width - 1, glyph, self.end_style(row, Side::Right).unwrap_or(style(right)));
    }

    /// The style of the line that touches a list on this row.
    fn end_style(&self, row: u16, side: Side) -> Option<Style> {
        let (column, direction) = match side {
            Side::Left => (0, Direction::Left),
            Side::Right => (self.routed.width().saturating_sub(1), Direction::Right),
        };
        let arm = self.routed.cell(usize::from(row), column).arm(direction)?;
        Some(self.style(arm.net, arm.weight))
    }

    fn label(&self, label: &Label, area: Rect, buffer: &mut Buffer) {
        let row = u16::try_from(label.row).unwrap_or(u16::MAX);
        let mut at = label.column;
        let ascii = self.set == LineSet::Ascii;
        for mark in &label.marks {
            let text: String = match mark {
                Mark::Tag { sign, .. } => format!("({sign})"),
                Mark::Many => "(+)".into(),
                Mark::Stub { other: End::Above, .. } => if ascii { "^" } else { "▴" }.into(),
                Mark::Stub { other: End::Below, .. } => if ascii { "v" } else { "▾" }.into(),
                Mark::Stub { .. } => if ascii { "." } else { "·" }.into(),
            };
            let style = mark.net().map_or(self.styles.label, |net| self.style(net, Weight::Light));
            self.text(buffer, area, row, at, &text, style);
            at += mark.width();
        }
        // One stub has its other end's name beside it, as far as there is room for a readable part.
        let [Mark::Stub { net, .. }] = label.marks.as_slice() else { return };
        let Some(look) = self.look(*net) else { return };
        let style = if look.focused { self.styles.label.patch(self.styles.focused) } else { self.styles.label };
        match label.side {
            Side::Left => {
                let name = shorten(&look.to, label.room, ascii);
                self.text(buffer, area, row, at, &name, style);
            }
            Side::Right => {
                let name = shorten(&look.from, label.room, ascii);
                let start = label.column.saturating_sub(name.chars().count());
                self.text(buffer, area, row, start, &name, style);
            }
        }
    }

    fn text(&self, buffer: &mut Buffer, area: Rect, row: u16, column: usize, text: &str, style: Style) {
        for (at, letter) in text.chars().enumerate() {
            let column = u16::try_from(column + at + 2).unwrap_or(u16::MAX);
            put(buffer, area, row, column, letter, style);
        }
    }

    /// A mark on the line just before its arrow head: seen without colour, too.
    fn problem(&self, area: Rect, row: u16, buffer: &mut Buffer) {
        let last = self.routed.width().saturating_sub(1);
        let Some(arm) = self.routed.cell(usize::from(row), last).arm(Direction::Right) else { return };
        let Some(problem) = self.look(arm.net).and_then(|look| look.problem) else { return };
        let (glyph, style) = match problem {
            Problem::Warning => ('!', self.styles.warning),
            Problem::Error => ('x', self.styles.error),
        };
        put(buffer, area, row, area.width - 2, glyph, style);
    }
}

/// The line on top in a cell.
fn top(cell: &super::route::Cell) -> (usize, Weight) {
    Direction::ALL
        .iter()
        .filter_map(|direction| cell.arm(*direction))
        .max_by_key(|arm| arm.weight)
        .map_or((0, Weight::Light), |arm| (arm.net, arm.weight))
}

/// A name cut to so many columns; nothing when less than four would remain.
fn shorten(name: &str, room: usize, ascii: bool) -> String {
    let plain: String = name.chars().filter(|letter| letter.width() == Some(1)).collect();
    if plain.chars().count() <= room {
        return plain;
    }
    if room < 4 {
        return String::new();
    }
    let mut cut: String = plain.chars().take(room - 1).collect();
    cut.push(if ascii { '.' } else { '…' });
    cut
}

/// Writes one cell, if it is inside.
fn put(buffer: &mut Buffer, area: Rect, row: u16, column: u16, glyph: char, style: Style) {
    if row < area.height
        && column < area.width
        && let Some(cell) = buffer.cell_mut((area.x + column, area.y + row))
    {
        cell.set_char(glyph).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::super::route::{Net, route};
    use super::*;

    fn paint(nets: &[Net], looks: &[Look], dots: (&[Dot], &[Dot]), size: (u16, u16), set: LineSet) -> String {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let routed = route(nets, usize::from(size.1), usize::from(size.0 - ENDS));
        let gutter =
            Gutter { routed: &routed, looks, left: dots.0, right: dots.1, set, styles: GutterStyles::default() };
        gutter.render(area, &mut buffer);
        let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        (0..size.1).map(|y| row(y) + "\n").collect()
    }

    fn net(id: usize, from: End, to: End) -> Net {
        Net { id, from, to, weight: Weight::Light, in_hand: false }
    }

    #[test]
    fn a_line_has_a_dot_and_an_arrow_head_and_its_problem() {
        let looks = [Look { problem: Some(Problem::Error), ..Look::default() }];
        let picture = paint(
            &[net(0, End::Row(0), End::Row(1))],
            &looks,
            (&[Dot::Linked, Dot::Open], &[Dot::Open, Dot::Linked]),
            (14, 2),
            LineSet::Unicode,
        );
        assert_eq!(picture, "● ─────╮     ○\n○      ╰────x▶\n");
    }

    #[test]
    fn a_stub_names_its_other_end() {
        let look = Look { from: "EMAIL".into(), to: "MailingStreet".into(), ..Look::default() };
        let nets = [net(0, End::Row(0), End::Below), net(1, End::Above, End::Row(1))];
        let dots: (&[Dot], &[Dot]) = (&[Dot::Linked, Dot::Open], &[Dot::Open, Dot::Linked]);
        let looks = [look.clone(), look];
        let picture = paint(&nets, &looks, dots, (17, 2), LineSet::Unicode);
        assert_eq!(picture, "● ─▾MailingStr… ○\n○        EMAIL▴─▶\n");
        let picture = paint(&nets, &looks, dots, (17, 2), LineSet::Ascii);
        assert!(picture.is_ascii(), "{picture}");
    }
}
