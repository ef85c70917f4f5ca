//! The two lists: columns with real values, fields with what they take.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::super::map::drawing::{Drawing, Side, plain, quoted};
use super::{Paint, cut, fit, row_at, spans};
use crate::mapping::{Lookup, Severity, is_record_type};
use crate::types::{Field, FieldType, ObjectDescribe, Value};

/// How a row of a list is shown.
struct RowStyle {
    mark: &'static str,
    over: Option<Style>,
}

fn row_style(screen: &Drawing, side: Side, item: usize, paint: &Paint) -> RowStyle {
    let moving = screen.moving_side();
    let here = screen.list(side).item() == Some(item);
    if here && side == moving {
        // One style over the whole row: colours below it would show as patches of background.
        return RowStyle { mark: ">", over: Some(Style::reset().patch(paint.styles.selected)) };
    }
    let held = screen.hand.as_ref().is_some_and(|hand| (hand.from, hand.item) == (side, item));
    let partner = side != screen.side
        && screen.focused().iter().any(|at| {
            let line = &screen.lines[*at];
            (if side == Side::Columns { line.column } else { line.field }) == Some(item)
        });
    RowStyle { mark: " ", over: (held || partner).then_some(paint.styles.partner) }
}

pub(super) fn columns(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) {
    let styles = &paint.styles;
    let width = usize::from(area.width);
    let longest = screen.columns.iter().map(|column| column.name.width()).max().unwrap_or(0);
    let wide = width >= 42;
    let kinds = if wide { 14 } else { 0 };
    let name_width = longest.min(width.saturating_sub(3 + kinds + 8)).max(6);
    let value_width = width.saturating_sub(3 + name_width + kinds);
    for (row, slot) in screen.left.view(usize::from(area.height)).iter().enumerate() {
        let Some(item) = *slot else { continue };
        let column = &screen.columns[item];
        let look = row_style(screen, Side::Columns, item, paint);
        let sample = screen.sample_of(item).map(|value| match value {
            Value::Text(text) => plain(text.trim()),
            other => quoted(other),
        });
        let mut line = vec![
            (look.mark.to_owned(), styles.accent),
            (fit(&column.name, name_width, paint), styles.text),
            (" ".into(), styles.text),
        ];
        if wide {
            line.push((fit(&column.kind.to_string(), kinds, paint), styles.dim));
        }
        line.push((fit(&sample.unwrap_or_default(), value_width, paint), styles.dim));
        spans(&line, row_at(area, row), buffer);
        if let Some(over) = look.over {
            buffer.set_style(Rect { width: name_width as u16 + 2, ..row_at(area, row) }, over);
        }
    }
}

pub(super) fn fields(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) {
    let styles = &paint.styles;
    let width = usize::from(area.width);
    let kinds = if width >= 44 { 13 } else { 12.min(width / 2) };
    let shown = screen.right.view(usize::from(area.height));
    let longest = screen.object.fields.iter().map(|field| field.name.width()).max().unwrap_or(0);
    let name_width = (longest + 1).min(width.saturating_sub(2 + kinds)).max(6);
    let note_width = width.saturating_sub(3 + name_width + kinds);
    for (row, slot) in shown.iter().enumerate() {
        let Some(item) = *slot else { continue };
        let field = &screen.object.fields[item];
        let look = row_style(screen, Side::Fields, item, paint);
        let missing = screen.is_missing(field);
        let name_style = if missing {
            styles.error
        } else if field.is_writable() {
            styles.text
        } else {
            styles.dim
        };
        let name = cut(&field.name, name_width - usize::from(field.is_required()), paint);
        let required = if field.is_required() { "*" } else { "" };
        let gap = name_width.saturating_sub(name.width() + required.len()) + 1;
        let mut line = vec![
            (look.mark.to_owned(), styles.accent),
            (name, name_style),
            (required.to_owned(), if missing { styles.error } else { styles.accent }),
            (" ".repeat(gap), styles.text),
        ];
        let lookup = screen.lookup_of(field).map(|lookup| way(lookup, paint));
        match lookup {
            // How the record is found is worth the room of both.
            Some(way) => line.push((fit(&way, kinds + 1 + note_width, paint), styles.gutter.matcher)),
            None => {
                line.push((fit(&kind(field, &screen.object, paint), kinds, paint), styles.dim));
                if note_width >= 6 {
                    let (note, style) = note(screen, item, field, paint);
                    line.push((format!(" {}", fit(&note, note_width, paint)), style));
                }
            }
        }
        spans(&line, row_at(area, row), buffer);
        if let Some(over) = look.over {
            buffer.set_style(Rect { width: name_width as u16 + 1, ..row_at(area, row) }, over);
        }
    }
}

/// `→ Account by External_Id__c`.
pub(super) fn way(lookup: &Lookup, paint: &Paint) -> String {
    format!("{} {} by {}", paint.pick("→", "->"), lookup.object, lookup.field)
}

/// Type and length, or how many values a picklist has, or what a reference points to.
pub(super) fn kind(field: &Field, object: &ObjectDescribe, paint: &Paint) -> String {
    match field.kind {
        _ if is_record_type(field) => {
            let named = object.record_types.iter().filter(|one| !one.master).count();
            if named == 0 { "record type".to_owned() } else { format!("rec. type {named}") }
        }
        FieldType::Reference if !field.reference_to.is_empty() => {
            format!("{} {}", paint.pick("→", "->"), field.reference_to.join(", "))
        }
        FieldType::Picklist | FieldType::MultiPicklist | FieldType::Combobox if !field.picklist.is_empty() => {
            format!("picklist {}", field.picklist.iter().filter(|value| value.active).count())
        }
        _ if field.kind.is_text() && field.length > 0 => format!("{}({})", field.kind, field.length),
        _ => field.kind.to_string(),
    }
}

/// What else there is to say about a field where there is room.
fn note(screen: &Drawing, item: usize, field: &Field, paint: &Paint) -> (String, Style) {
    let styles = &paint.styles;
    if let Some(finding) = screen.findings_at(Side::Fields, item).max_by_key(|finding| finding.severity) {
        let style = if finding.severity == Severity::Error { styles.error } else { styles.warning };
        return (if screen.is_missing(field) { "needs a line".into() } else { finding.message.clone() }, style);
    }
    let proposal = screen.lines_at(Side::Fields, item).find_map(|(_, line)| line.proposal);
    if let Some(proposal) = proposal.and_then(|at| screen.proposals.get(at)) {
        return (format!("{} {}", proposal.reason, proposal.score), styles.gutter.proposal);
    }
    let words = if field.calculated {
        "computed"
    } else if !field.is_writable() {
        "read-only"
    } else if field.external_id {
        "external id"
    } else if field.restricted_picklist {
        "restricted"
    } else {
        ""
    };
    (words.into(), styles.dim)
}
