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

/// A value as it is shown: null is no text.
fn shown(value: &Wire, look: &Look) -> (String, bool) {
    match value {
        Wire::Null => (look.glyphs.null.to_owned(), true),
        Wire::String(text) if text.is_empty() => ("''".to_owned(), true),
        Wire::String(text) => (text::harmless(text, look.glyphs), false),
        other => (other.to_string(), false),
    }
}

/// What a row is about, on the rest of its line.
pub(super) fn in_short(row: &RunRow, look: &Look) -> String {
    let change = |change: &FieldChange| {
        let (new, _) = shown(&change.new, look);
        match row.action {
            Some(RowAction::Update) => {
                let (old, _) = shown(&change.old, look);
                format!("{} {old} {} {new}", change.field, look.glyphs.arrow)
            }
            _ => new,
        }
    };
    if !row.fields.is_empty() {
        return row.fields.iter().map(change).collect::<Vec<_>>().join(", ");
    }
    let payload = || row.payload.values().filter(|value| !value.is_null()).map(|value| shown(value, look).0);
    match row.action {
        Some(RowAction::Skip) if row.error.is_none() => "Salesforce already has these values".to_owned(),
        Some(RowAction::Skip) => {
            row.error.as_ref().map(|error| text::harmless(&error.message, look.glyphs)).unwrap_or_default()
        }
        _ => payload().collect::<Vec<_>>().join(", "),
    }
}

/// Draws the selected row.
pub(super) fn draw(row: Option<&RunRow>, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
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
    let mut pen = Pen { y: inner.y, inner, look };
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
    let names = row
        .fields
        .iter()
        .map(|change| text::width(&change.field))
        .chain(row.payload.keys().map(|name| text::width(name)))
        .max()
        .unwrap_or(0)
        .min(24);
    if row.fields.is_empty() {
        for (field, value) in &row.payload {
            pen.field(buffer, names, field, None, value);
        }
    }
    let update = row.action == Some(RowAction::Update);
    for change in &row.fields {
        pen.field(buffer, names, &change.field, update.then_some(&change.old), &change.new);
    }
}

struct Pen<'a> {
    y: u16,
    inner: Rect,
    look: &'a Look,
}

impl Pen<'_> {
    fn words(&mut self, buffer: &mut Buffer, words: &str, role: Role) {
        let wide = usize::from(self.inner.width.saturating_sub(2));
        for line in text::wrap(&text::harmless(words, self.look.glyphs), wide) {
            if self.y < self.inner.bottom() {
                buffer.set_string(self.inner.x + 1, self.y, line, self.look.style(role));
                self.y += 1;
            }
        }
    }

    fn field(&mut self, buffer: &mut Buffer, names: usize, field: &str, old: Option<&Wire>, new: &Wire) {
        if self.y >= self.inner.bottom() {
            return;
        }
        let look = self.look;
        let name = format!("{}  ", text::fit(field, names, look.glyphs));
        let (new, new_is_null) = shown(new, look);
        let new_role = match (new_is_null, old.is_some()) {
            (true, _) => Role::Null,
            (false, true) => Role::NewValue,
            (false, false) => Role::Text,
        };
        let arrow = format!(" {} ", look.glyphs.arrow);
        let mut parts = vec![(name.as_str(), look.style(Role::Dim))];
        let old = old.map(|old| shown(old, look).0);
        if let Some(old) = &old {
            parts.push((old, look.style(Role::OldValue)));
            parts.push((&arrow, look.style(Role::Dim)));
        }
        parts.push((&new, look.style(new_role)));
        text::pieces(buffer, self.inner.x + 1, self.y, self.inner.width.saturating_sub(2), &parts, look.glyphs);
        self.y += 1;
    }
}
