//! How 2 Query looks: the editor above, what it gave below.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::query::{Query, Shown, Trouble};
use crate::sql;
use crate::tui::look::Look;
use crate::tui::sql_text;
use crate::tui::theme::Role;
use crate::tui::widget::highlight::Span;
use crate::tui::widget::table::{self, Cell, Head};
use crate::tui::widget::{popup, text};
use crate::tui::work::Preview;
use crate::types::{ColumnType, Value};

/// Where things are.
pub(super) struct Places {
    editor: Rect,
    below: Rect,
    /// The table inside the lower pane.
    pub table: Rect,
}

/// Both panes share the height; `_` rows go where they are needed.
pub(super) fn places(area: Rect, with_rows: bool) -> Places {
    let editor_height = if with_rows { (area.height * 2 / 5).max(6) } else { area.height * 3 / 5 };
    let editor = Rect { height: editor_height.min(area.height), ..area };
    let below = Rect { y: editor.bottom(), height: area.height - editor.height, ..area };
    let table = Rect {
        x: below.x + 2,
        y: below.y + 1,
        width: below.width.saturating_sub(4),
        height: below.height.saturating_sub(2),
    };
    Places { editor, below, table }
}

pub(super) fn draw(query: &Query, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let places = places(area, true);
    editor(query, frame, places.editor, scene);
    let buffer = frame.buffer_mut();
    let focused = query.on_results && scene.active;
    match (&query.trouble, &query.shown) {
        (Some(trouble), _) => wrong(trouble, buffer, places.below, look),
        (None, Some(shown)) => rows(query, shown, buffer, &places, focused, scene),
        (None, None) => {
            let inner = popup::pane(buffer, places.below, "Rows", focused, look);
            let words =
                if super::Screen::is_busy(query) { "" } else { "Ctrl-R runs the query and shows its first rows here." };
            buffer.set_stringn(inner.x + 1, inner.y, words, usize::from(inner.width), look.style(Role::Dim));
        }
    }
    if super::Screen::is_busy(query) {
        let words = format!("{} running; Ctrl-C stops it on the server", scene.spinner());
        popup::corner(frame.buffer_mut(), places.below, &words, Role::Update, look);
    }
}

fn editor(query: &Query, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let focused = !query.on_results && scene.active;
    let title = match &scene.work.model {
        Some(model) => format!("{}.sql", model.slug),
        None => "new query".to_owned(),
    };
    let inner = popup::pane(frame.buffer_mut(), area, &title, focused, look);
    let source = scene.work.source.clone().unwrap_or_default();
    popup::corner(frame.buffer_mut(), area, &source, Role::Dim, look);
    let mut spans = sql_text::colours(query.editor.lines());
    if let Some(Trouble { place: Some((line, column)), text, .. }) = &query.trouble
        && *text == query.editor.text()
    {
        spans.push(marked(query.editor.lines(), *line, *column));
    }
    if query.editor.lines().iter().all(String::is_empty) {
        let words = "SELECT … FROM …   then Ctrl-R";
        let words = if look.glyphs.is_unicode { words.to_owned() } else { words.replace('…', "...") };
        frame.buffer_mut().set_stringn(inner.x + 4, inner.y, words, usize::from(inner.width), look.style(Role::Dim));
    }
    query.editor.draw(frame, inner, focused, &spans, look);
    // Remarks wait until the statement was run: half-typed SQL deserves none.
    if let Some(remark) = sql::lint(&query.editor.text()).into_iter().next()
        && query.is_shown_as_written()
        && area.height > 1
    {
        let words = format!("{} {}", look.glyphs.warning, remark.message);
        let words = format!(" {} ", text::cut(&words, usize::from(area.width.saturating_sub(6)), look.glyphs));
        frame.buffer_mut().set_string(area.x + 2, area.bottom() - 1, words, look.style(Role::Warning));
    }
    if let Some(Trouble { place: Some((line, column)), text, .. }) = &query.trouble
        && *text == query.editor.text()
    {
        let words = format!("line {}, column {}", line + 1, column + 1);
        popup::bottom_corner(frame.buffer_mut(), area, &words, Role::Bad, look);
    }
}

/// The word at the place of an error.
fn marked(lines: &[String], line: usize, column: usize) -> Span {
    let letters: Vec<char> = lines.get(line).map(|text| text.chars().collect()).unwrap_or_default();
    let word = letters.iter().skip(column).take_while(|letter| letter.is_alphanumeric() || **letter == '_').count();
    Span { line, start: column, end: column + word.max(1), role: Role::SqlMark }
}

fn wrong(trouble: &Trouble, buffer: &mut Buffer, area: Rect, look: &Look) {
    let inner = popup::pane(buffer, area, Query::trouble_title(&trouble.error), false, look);
    let wide = usize::from(inner.width.saturating_sub(4));
    let mut y = inner.y;
    let error = &trouble.error;
    let message = text::harmless_lines(&error.message, look.glyphs);
    let parts = [(Some(message.as_str()), Role::Bad), (error.hint.as_deref(), Role::Text)];
    for (words, role) in parts {
        for line in words.into_iter().flat_map(|words| text::wrap(words, wide)) {
            if y >= inner.bottom() {
                return;
            }
            if role == Role::Bad && y == inner.y {
                buffer.set_string(inner.x + 1, y, look.glyphs.failed, look.style(Role::Bad));
            }
            buffer.set_string(inner.x + 3, y, line, look.style(role));
            y += 1;
        }
    }
    // The line itself with a sign under the place, because the colour alone may not be seen.
    if let Some((line, column)) = trouble.place
        && let Some(shown) = trouble.text.split('\n').nth(line)
        && y + 2 < inner.bottom()
    {
        let before: String = shown.chars().take(column).collect();
        let at = text::width(&text::harmless(&before, look.glyphs));
        let skip = at.saturating_sub(wide.saturating_sub(12));
        let shown: String = text::harmless(shown, look.glyphs).chars().skip(skip).collect();
        buffer.set_string(inner.x + 3, y + 1, text::cut(&shown, wide, look.glyphs), look.style(Role::Dim));
        buffer.set_string(inner.x + 3 + (at - skip) as u16, y + 2, look.glyphs.caret, look.style(Role::Bad));
    }
}

fn rows(query: &Query, shown: &Shown, buffer: &mut Buffer, places: &Places, focused: bool, scene: &Scene<'_>) {
    let look = scene.look;
    let Shown { preview, heads, grid } = shown;
    let count = preview.rows.len() as u64;
    let title = if preview.more {
        format!("first {} of more rows", text::thousands(count))
    } else {
        text::count(count, "row", "rows")
    };
    popup::pane(buffer, places.below, &title, focused, look);
    let facts = [
        Some(format!("{:.2} s", preview.elapsed.as_secs_f64())),
        preview.warehouse.clone(),
        Some(preview.query_id.clone()),
    ];
    let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(&format!(" {} ", look.glyphs.separator));
    if !super::Screen::is_busy(query) {
        popup::corner(buffer, places.below, &facts, Role::Dim, look);
    }
    let key = if query.key.is_empty() {
        ("no key yet".to_owned(), Role::Warning)
    } else {
        (format!("{} key {}", look.glyphs.key, query.key.join(", ")), Role::LineMatch)
    };
    popup::bottom_corner(buffer, places.below, &key.0, key.1, look);
    table::draw(buffer, places.table, grid, heads, preview.rows.len(), focused, look, |row, column| {
        preview
            .rows
            .get(row)
            .and_then(|row| row.get(column))
            .map_or(Cell { text: String::new(), role: Role::Dim }, |value| cell(value, look))
    });
    let columns = format!("column {} of {}", grid.column + 1, heads.len());
    let place = Rect { width: 30.min(places.below.width), ..places.below };
    if place.height > 1 {
        buffer.set_string(place.x + 2, place.bottom() - 1, format!(" {columns} "), look.style(Role::Dim));
    }
}

/// How a value looks: NULL is no empty text, and a blank at the end is seen.
pub(super) fn cell(value: &Value, look: &Look) -> Cell {
    let text = match value {
        Value::Null => return Cell { text: "NULL".to_owned(), role: Role::Null },
        Value::Text(text) if text.is_empty() => return Cell { text: "''".to_owned(), role: Role::Dim },
        value => value.to_string(),
    };
    let mut shown = text::harmless(&text, look.glyphs);
    let kept = shown.trim_end_matches(' ').len();
    if kept < shown.len() {
        let blanks = shown.len() - kept;
        shown.truncate(kept);
        shown.push_str(&look.glyphs.space.repeat(blanks));
    }
    let role = match value {
        Value::Number(_) | Value::Float(_) => Role::Number,
        Value::Bool(_) => Role::SqlKeyword,
        _ => Role::Text,
    };
    Cell { text: shown, role }
}

/// The columns' heads, as wide as the first rows want, within reason.
pub(super) fn heads(preview: &Preview) -> Vec<Head> {
    let look = Look::full();
    preview
        .schema
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let values = preview.rows.iter().take(200).filter_map(|row| row.get(at));
            let longest = values.map(|value| text::width(&cell(value, &look).text)).max().unwrap_or(0);
            let kind = column.kind.to_string();
            // Room for the key's mark before the name.
            let width = longest.max(text::width(&column.name) + 2).max(text::width(&kind)).clamp(4, 32);
            Head {
                name: column.name.clone(),
                note: kind,
                width: width as u16,
                right: matches!(column.kind, ColumnType::Number { .. } | ColumnType::Float),
                marked: false,
            }
        })
        .collect()
}

/// Everything about one cell: title and text.
pub(super) fn inspect(preview: &Preview, row: usize, column: usize) -> Option<(String, String)> {
    let head = preview.schema.get(column)?;
    let value = preview.rows.get(row)?.get(column)?;
    let title = format!("{}, row {}", head.name, row + 1);
    let shown = match value {
        Value::Null => "NULL".to_owned(),
        Value::Json(json) => serde_json::from_str::<serde_json::Value>(json)
            .and_then(|tree| serde_json::to_string_pretty(&tree))
            .unwrap_or_else(|_| json.clone()),
        other => other.to_string(),
    };
    let about = match value {
        Value::Null => "no value".to_owned(),
        Value::Text(words) => {
            let blanks = words.len() - words.trim_end_matches(' ').len();
            let ends = if blanks > 0 {
                format!(", {} at its end", text::count(blanks as u64, "blank", "blanks"))
            } else {
                String::new()
            };
            format!("{}{ends}", text::count(words.chars().count() as u64, "character", "characters"))
        }
        _ => String::new(),
    };
    let null = if head.nullable { "may be NULL" } else { "never NULL" };
    let facts: Vec<String> =
        [head.kind.to_string(), null.to_owned(), about].into_iter().filter(|s| !s.is_empty()).collect();
    Some((title, format!("{}\n\n{shown}", facts.join(", "))))
}
