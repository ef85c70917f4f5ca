//! Draws the Map screen: two lists, the lines between them, and what the cursor is on.

mod footer;
mod grid;
mod lines;
mod lists;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::Scene;
use super::map::MapScreen;
use super::map::drawing::{Drawing, Show, Side, plain};
use crate::engine::age_words;
use crate::tui::widget::gutter::GutterStyles;
use crate::tui::widget::route::LineSet;
use crate::types::Field;

/// The styles of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapStyles {
    pub text: Style,
    pub dim: Style,
    pub accent: Style,
    pub selected: Style,
    pub partner: Style,
    pub title: Style,
    pub border: Style,
    pub warning: Style,
    pub error: Style,
    pub good: Style,
    pub gutter: GutterStyles,
}

/// What the screen is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// The styles.
    pub styles: MapStyles,
    /// The characters.
    pub set: LineSet,
}

impl Paint {
    /// From the terminal's colours and signs.
    pub fn of(look: &super::super::look::Look) -> Self {
        use crate::tui::theme::Role;
        let set = if look.glyphs.is_unicode { LineSet::Unicode } else { LineSet::Ascii };
        let style = |role| look.style(role);
        // Box drawing has heavy and double lines of its own: a colour beside them is enough, and
        // each modifier that changes costs bytes in every cell.
        let bare = |style: Style| Style { add_modifier: Modifier::empty(), ..style };
        let line_style = |role| if set == LineSet::Unicode { bare(style(role)) } else { style(role) };
        let focused = match (set, look.theme.has_colour()) {
            (LineSet::Unicode, _) => line_style(Role::LineFocused),
            (LineSet::Ascii, true) => style(Role::LineFocused),
            (LineSet::Ascii, false) => style(Role::LineFocused).add_modifier(Modifier::REVERSED),
        };
        let styles = MapStyles {
            text: style(Role::Text),
            dim: style(Role::Dim),
            accent: style(Role::NextWord),
            selected: style(Role::Selected),
            partner: style(Role::LineFocused),
            title: style(Role::BorderFocused),
            border: style(Role::Border),
            warning: style(Role::Warning),
            error: style(Role::Bad),
            good: style(Role::Good),
            gutter: GutterStyles {
                line: style(Role::Line),
                focused,
                matcher: line_style(Role::LineMatch),
                proposal: style(Role::LineProposed),
                warning: style(Role::Warning),
                error: style(Role::Bad),
                open_dot: style(Role::Dim),
                linked_dot: style(Role::Line),
                label: style(Role::Dim),
            },
        };
        Self { styles, set }
    }

    fn ascii(&self) -> bool {
        self.set == LineSet::Ascii
    }

    /// One of two texts.
    fn pick<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.ascii() { ascii } else { unicode }
    }
}

/// Rows that the lists have in an area of this height: the sentence, two borders, two lines below.
pub fn list_rows(height: u16) -> usize {
    usize::from(height.saturating_sub(5)).max(1)
}

/// Where everything is.
struct Places {
    sentence: Rect,
    frame: Rect,
    left: Rect,
    gutter: Rect,
    right: Rect,
    below: Rect,
}

impl Places {
    fn of(area: Rect) -> Self {
        let frame = Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area };
        let inner = Rect {
            x: frame.x + 1,
            y: frame.y + 1,
            width: frame.width.saturating_sub(2),
            height: frame.height.saturating_sub(2),
        };
        let least = if inner.width >= 76 { 19 } else { 14 };
        let gutter = (inner.width * 24 / 100).clamp(least, 36).min(inner.width);
        let left = (inner.width - gutter) * 48 / 100;
        let right = inner.width - gutter - left;
        Self {
            sentence: Rect { height: 1, ..area },
            frame,
            left: Rect { width: left, ..inner },
            gutter: Rect { x: inner.x + left, width: gutter, ..inner },
            right: Rect { x: inner.x + left + gutter, width: right, ..inner },
            below: Rect { y: area.bottom().saturating_sub(2), height: area.height.min(2), ..area },
        }
    }
}

/// Draws the screen: the drawing, or what it waits for, or what went wrong.
pub(super) fn screen(map: &MapScreen, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let paint = Paint::of(scene.look);
    let Some(drawing) = &map.drawing else {
        return waiting(map, frame.buffer_mut(), area, scene, &paint);
    };
    // After a resize the drawing hears of its new height with the next key.
    let rows = list_rows(area.height);
    let fresh = (drawing.rows() != rows).then(|| {
        let mut fresh = drawing.clone();
        fresh.resize(rows);
        fresh
    });
    let cursor = draw(fresh.as_ref().unwrap_or(drawing), area, frame.buffer_mut(), &paint);
    // The terminal's own cursor follows, for magnifiers and screen readers.
    if let (true, Some(at)) = (scene.active, cursor) {
        frame.set_cursor_position(at);
    }
}

fn waiting(map: &MapScreen, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, paint: &Paint) {
    let styles = &paint.styles;
    if area.height < 4 {
        return;
    }
    match &map.trouble {
        Some(error) => {
            spans(&[(format!(" {}", plain(&error.message)), styles.error)], row_at(area, 1), buffer);
            if let Some(hint) = &error.hint {
                spans(&[(format!(" {}", plain(hint)), styles.text)], row_at(area, 2), buffer);
            }
        }
        None => {
            let words = " Reading the columns of the query and the fields of the object.".to_owned();
            spans(&[(format!(" {}", scene.spinner()), styles.accent), (words, styles.dim)], row_at(area, 1), buffer);
        }
    }
}

/// The list and the row of it that are at this place; the dots belong to their rows.
pub(super) fn row_under(area: Rect, at: Position) -> Option<(Side, usize)> {
    let places = Places::of(area);
    let (left, right) = (places.left, places.right);
    let columns = Rect { width: left.width + 2, ..left };
    let fields = Rect { x: right.x.saturating_sub(2), width: right.width + 2, ..right };
    let row = usize::from(at.y.saturating_sub(left.y));
    if columns.contains(at) { Some((Side::Columns, row)) } else { fields.contains(at).then_some((Side::Fields, row)) }
}

/// Draws a drawing into `area`, which should have [`list_rows`] as [`Drawing::resize`] was told.
/// Returns where the terminal's cursor belongs: on the selected row.
pub fn draw(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) -> Option<(u16, u16)> {
    let area = area.intersection(buffer.area);
    if area.height < 6 || area.width < 40 {
        return None;
    }
    let places = Places::of(area);
    sentence(screen, places.sentence, buffer, paint);
    footer::draw(screen, places.below, buffer, paint);
    if screen.grid {
        return grid::draw(screen, places.frame, buffer, paint);
    }
    frame(screen, &places, buffer, paint);
    lists::columns(screen, places.left, buffer, paint);
    lists::fields(screen, places.right, buffer, paint);
    lines::draw(screen, places.gutter, buffer, paint);
    let side = screen.moving_side();
    let list = if side == Side::Columns { places.left } else { places.right };
    let row = u16::try_from(screen.list(side).cursor_row()).unwrap_or(0);
    (row < list.height).then_some((list.x, list.y + row))
}

/// Rows and operation in words, and how far the mapping is.
fn sentence(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) {
    let styles = &paint.styles;
    let mapping = screen.mapping();
    let arrow = paint.pick(" → ", " -> ");
    let mut line = vec![
        (" ".to_owned(), styles.text),
        (mapping.rows.words().to_owned(), styles.text),
        (arrow.to_owned(), styles.dim),
        (mapping.operation.words().to_owned(), styles.accent),
    ];
    if !mapping.matcher.terms.is_empty() {
        line.push((" by ".into(), styles.dim));
        line.push((mapping.matcher.to_string(), styles.gutter.matcher));
    }
    let used: usize = line.iter().map(|(text, _)| text.width()).sum();
    spans(&line, area, buffer);
    let mut state: Vec<(String, Style)> = Vec::new();
    let (errors, warnings) = screen.problems();
    if errors > 0 {
        state.push((count(errors, "error"), styles.error));
    }
    if warnings > 0 {
        state.push((count(warnings, "warning"), styles.warning));
    }
    if !screen.proposals.is_empty() {
        state.push((count(screen.proposals.len(), "proposal"), styles.gutter.proposal));
    }
    if errors + warnings == 0 {
        state.push((paint.pick("✓ ready", "ready").into(), styles.good));
    }
    state.push(if screen.is_changed() {
        (paint.pick("● not saved", "* not saved").into(), styles.warning)
    } else {
        ("saved".into(), styles.dim)
    });
    let separator = (paint.pick(" · ", " | ").to_owned(), styles.dim);
    let mut line: Vec<(String, Style)> = Vec::new();
    for part in state {
        if !line.is_empty() {
            line.push(separator.clone());
        }
        line.push(part);
    }
    line.push((" ".into(), styles.text));
    let width: usize = line.iter().map(|(text, _)| text.width()).sum();
    let start = usize::from(area.width).saturating_sub(width);
    if start > used {
        let start = start as u16;
        spans(&line, Rect { x: area.x + start, width: area.width - start, ..area }, buffer);
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The box with its two titles above and what is out of view below.
fn frame(screen: &Drawing, places: &Places, buffer: &mut Buffer, paint: &Paint) {
    let (styles, dot) = (&paint.styles, paint.pick("·", "-"));
    border(places.frame, buffer, paint);
    let rows = usize::from(places.left.height);
    let (drawn, _) = screen.drawn();
    let writable = |field: &&Field| field.is_writable() || screen.read_only;
    let count = screen.object.fields.iter().filter(writable).count();
    let titles = [
        (Side::Columns, format!("{} {dot} {} columns", screen.title, screen.columns.len()), screen.columns.len()),
        (Side::Fields, format!("{} {dot} {count} fields {dot} {drawn} drawn", screen.object.name), count),
    ];
    for (side, title, all) in titles {
        let list = screen.list(side);
        let place = match side {
            Side::Columns => Rect { width: places.left.width + places.gutter.width, ..places.left },
            Side::Fields => places.right,
        };
        let top = Rect { y: places.frame.y, height: 1, ..place };
        let style = if screen.moving_side() == side { styles.title } else { styles.dim };
        let mut line = vec![(format!(" {title} "), style)];
        if !list.filter.is_empty() || (screen.filtering && screen.side == side) {
            line = vec![
                (format!(" /{}{} ", list.filter, paint.pick("▏", "_")), styles.accent),
                (format!("{} of {all} ", list.len()), style),
            ];
        } else if screen.show != Show::All {
            line.insert(0, (format!(" {} ", screen.show.words()), styles.accent));
        }
        let (above, below) = list.beyond(rows);
        if above > 0 {
            line.push((format!("{} {above} ", paint.pick("▴", "^")), styles.dim));
        }
        spans(&line, top, buffer);
        let bottom = Rect { y: places.frame.bottom() - 1, height: 1, ..place };
        let mut line = Vec::new();
        if below > 0 {
            line.push((format!(" {} {below} more ", paint.pick("▾", "v")), styles.dim));
        }
        if let (Side::Fields, Some(age)) = (side, age(screen)) {
            line.push((format!(" as of {age} "), styles.dim));
        }
        // A required field without a line is never out of sight.
        if side == Side::Fields {
            let seen: Vec<usize> = list.view(rows).iter().flatten().copied().collect();
            for (at, field) in screen.object.fields.iter().enumerate() {
                if screen.is_missing(field) && !seen.contains(&at) {
                    line.push((format!(" {}* needs a line ", field.name), styles.error));
                }
            }
        }
        spans(&line, bottom, buffer);
    }
}

/// How long ago the fields were known to be true, once that is worth telling.
fn age(screen: &Drawing) -> Option<String> {
    let age = Timestamp::now().duration_since(screen.checked_at?);
    (age.as_mins() > 0).then(|| age_words(age))
}

/// An empty box.
fn border(area: Rect, buffer: &mut Buffer, paint: &Paint) {
    let style = paint.styles.border;
    let [across, down, corners] = if paint.ascii() { ["-", "|", "++++"] } else { ["─", "│", "┌┐└┘"] };
    let corner = |at: usize| corners.chars().nth(at).unwrap_or('+');
    for x in area.left()..area.right() {
        for y in [area.top(), area.bottom() - 1] {
            buffer[(x, y)].set_symbol(across).set_style(style);
        }
    }
    for y in area.top()..area.bottom() {
        for x in [area.left(), area.right() - 1] {
            buffer[(x, y)].set_symbol(down).set_style(style);
        }
    }
    buffer[(area.left(), area.top())].set_char(corner(0));
    buffer[(area.right() - 1, area.top())].set_char(corner(1));
    buffer[(area.left(), area.bottom() - 1)].set_char(corner(2));
    buffer[(area.right() - 1, area.bottom() - 1)].set_char(corner(3));
}

fn row_at(area: Rect, row: usize) -> Rect {
    Rect { y: area.y + u16::try_from(row).unwrap_or(u16::MAX).min(area.height.saturating_sub(1)), height: 1, ..area }
}

/// Writes styled texts one after another, as far as they fit.
fn spans(parts: &[(String, Style)], area: Rect, buffer: &mut Buffer) {
    let mut x = area.x;
    for (text, style) in parts {
        if x >= area.right() || area.height == 0 {
            return;
        }
        (x, _) = buffer.set_stringn(x, area.y, text, usize::from(area.right() - x), *style);
    }
}

/// A text cut or padded to exactly so many columns.
fn fit(text: &str, width: usize, paint: &Paint) -> String {
    let cut = cut(text, width, paint);
    let gap = width.saturating_sub(cut.width());
    cut + &" ".repeat(gap)
}

/// A text of at most so many columns; a sign says that something is missing.
fn cut(text: &str, width: usize, paint: &Paint) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for letter in text.graphemes(true) {
        if cut.width() + letter.width() + 1 > width {
            break;
        }
        cut.push_str(letter);
    }
    if width > 0 {
        cut.push_str(paint.pick("…", "."));
    }
    cut
}
