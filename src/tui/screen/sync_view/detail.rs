//! One row in full: field by field old and new, and why it is as it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::Scene;
use crate::destination::Wire;
use crate::plan::{Action as RowAction, FieldChange};
use crate::store::RunRow;
use crate::tui::look::Look;
use crate::tui::theme::Role;
use crate::tui::widget::{popup, text};

/// One field: its name, what the record has (for an update), what it gets.
struct FieldLine<'a> {
    field: &'a str,
    old: Option<&'a Wire>,
    new: &'a Wire,
    /// What the source says, where that is not what is sent.
    source: Option<&'a str>,
}

/// What is written, or what would be, in the order of the mapping's lines.
fn field_lines<'a>(row: &'a RunRow, order: &[&str]) -> Vec<FieldLine<'a>> {
    let is_update = row.action == Some(RowAction::Update);
    let mut lines: Vec<FieldLine<'a>> = if row.fields.is_empty() {
        row.payload.iter().map(|(field, value)| FieldLine { field, old: None, new: value, source: None }).collect()
    } else {
        let line = |change: &'a FieldChange| FieldLine {
            field: &change.field,
            old: is_update.then_some(&change.old),
            new: &change.new,
            source: change.source.as_deref(),
        };
        row.fields.iter().map(line).collect()
    };
    let place = |line: &FieldLine<'_>| order.iter().position(|field| field.eq_ignore_ascii_case(line.field));
    lines.sort_by_key(|line| place(line).unwrap_or(order.len()));
    lines
}

/// A value as it is shown, and whether there is none.
fn shown(value: &Wire, look: &Look) -> (String, bool) {
    match value {
        Wire::Null => (look.glyphs.null.to_owned(), true),
        Wire::String(text) if text.is_empty() => ("''".to_owned(), true),
        Wire::String(text) => (text::harmless(text, look.glyphs), false),
        other => (other.to_string(), false),
    }
}

/// What a row is about, on the rest of its line.
pub(super) fn in_short(row: &RunRow, order: &[&str], look: &Look) -> String {
    if row.action == Some(RowAction::Skip) {
        return match &row.error {
            Some(error) => text::harmless(&error.message, look.glyphs),
            None => "Salesforce already has these values".to_owned(),
        };
    }
    let lines = field_lines(row, order);
    let words = lines.iter().filter(|line| line.old.is_some() || !line.new.is_null()).map(|line| {
        let new = shown(line.new, look).0;
        match line.old {
            Some(old) => format!("{} {} {} {new}", line.field, shown(old, look).0, look.glyphs.arrow),
            None => new,
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Everything about a row, as a text to read.
pub(in crate::tui::screen) fn story(row: &RunRow, order: &[&str]) -> String {
    let mut lines: Vec<String> = row.key.pairs().iter().map(|(name, value)| format!("{name} {value}")).collect();
    let action = row.action.map_or(String::new(), |action| format!(", action {action}"));
    let outcome = row.outcome.map_or(String::new(), |outcome| format!(", outcome {outcome}"));
    lines.push(format!("change {}{action}{outcome}", row.change));
    lines.extend(row.id.as_ref().map(|id| format!("Salesforce id {id}")));
    if let Some(error) = &row.error {
        lines.push(String::new());
        lines.push(format!("{}: {}", error.code, error.message));
        if !error.fields.is_empty() {
            lines.push(format!("Fields: {}", error.fields.join(", ")));
        }
        lines.extend(error.hint.clone());
    }
    if !row.candidates.is_empty() {
        lines.push(format!("Records that match: {}", row.candidates.join(", ")));
    }
    lines.push(String::new());
    let value = |value: &Wire| match value {
        Wire::Null => "nothing".to_owned(),
        Wire::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    for line in field_lines(row, order) {
        let source = line.source.map(|source| format!(" (from \"{source}\")")).unwrap_or_default();
        lines.push(match line.old {
            Some(old) => format!("{}: {}{source}, before {}", line.field, value(line.new), value(old)),
            None => format!("{}: {}{source}", line.field, value(line.new)),
        });
    }
    lines.join("\n")
}

/// Draws the selected row.
pub(super) fn draw(row: Option<&RunRow>, order: &[&str], buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let Some(row) = row else {
        popup::pane(buffer, area, "", false, look);
        return;
    };
    let action = row.action.map_or(row.change.as_str(), RowAction::as_str);
    let key: Vec<String> = row.key.pairs().iter().map(|(name, value)| format!("{name} {value}")).collect();
    let title = format!("{} {} {action}", text::harmless(&key.join(", "), look.glyphs), look.glyphs.separator);
    let inner = popup::pane(buffer, area, &title, false, look);
    if let Some(id) = &row.id {
        popup::corner(buffer, area, id, Role::Dim, look);
    }
    let mut pen = Pen { y: inner.y, hidden: 0, inner, look };
    if let Some(error) = &row.error {
        let role = match row.action {
            Some(RowAction::Skip) => Role::Dim,
            Some(RowAction::Hold) => Role::Hold,
            _ => Role::Bad,
        };
        pen.words(buffer, &format!("{}: {}", error.code, error.message), role);
        if let Some(hint) = &error.hint {
            pen.words(buffer, hint, Role::Text);
        }
    }
    if !row.candidates.is_empty() {
        pen.words(buffer, &format!("Records that match: {}", row.candidates.join(", ")), Role::Text);
    }
    let lines = field_lines(row, order);
    let names = lines.iter().map(|line| text::width(line.field)).max().unwrap_or(0).min(24);
    for line in &lines {
        pen.field(buffer, names, line);
    }
    if pen.hidden > 0 {
        popup::bottom_corner(buffer, area, &format!("{} {} more", look.glyphs.below, pen.hidden), Role::Dim, look);
    }
}

/// Writes line under line.
struct Pen<'a> {
    y: u16,
    hidden: usize,
    inner: Rect,
    look: &'a Look,
}

impl Pen<'_> {
    /// Whether there is a line left; counts those for which there is none.
    fn has_room(&mut self) -> bool {
        let fits = self.y < self.inner.bottom();
        self.hidden += usize::from(!fits);
        fits
    }

    fn words(&mut self, buffer: &mut Buffer, words: &str, role: Role) {
        let wide = usize::from(self.inner.width.saturating_sub(2));
        for line in text::wrap(&text::harmless(words, self.look.glyphs), wide) {
            if self.has_room() {
                buffer.set_string(self.inner.x + 1, self.y, line, self.look.style(role));
                self.y += 1;
            }
        }
    }

    fn field(&mut self, buffer: &mut Buffer, names: usize, line: &FieldLine<'_>) {
        if !self.has_room() {
            return;
        }
        let look = self.look;
        let name = format!("{}  ", text::fit(line.field, names, look.glyphs));
        let (new, new_is_null) = shown(line.new, look);
        let new_role = match (new_is_null, line.old.is_some()) {
            (true, _) => Role::Null,
            (false, true) => Role::NewValue,
            (false, false) => Role::Text,
        };
        let arrow = format!(" {} ", look.glyphs.arrow);
        let mut parts = vec![(name.as_str(), look.style(Role::Dim))];
        let old = line.old.map(|old| shown(old, look).0);
        if let Some(old) = &old {
            parts.push((old, look.style(Role::OldValue)));
            parts.push((&arrow, look.style(Role::Dim)));
        }
        parts.push((&new, look.style(new_role)));
        let source = line.source.map(|source| format!("  from \"{}\"", text::harmless(source, look.glyphs)));
        if let Some(source) = &source {
            parts.push((source, look.style(Role::Dim)));
        }
        text::pieces(buffer, self.inner.x + 1, self.y, self.inner.width.saturating_sub(2), &parts, look.glyphs);
        self.y += 1;
    }
}
