//! The mapping as a table: the same content for narrow terminals, screen readers and quick eyes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::map::drawing::{Drawing, Line, Side, plain, quoted};
use super::lists::{kind, way};
use super::{Paint, border, fit, row_at, spans};
use crate::mapping::{Place, Severity};

/// One row of the table.
struct GridRow<'a> {
    column: Option<usize>,
    field: Option<usize>,
    line: Option<&'a Line>,
}

pub(super) fn draw(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) -> Option<(u16, u16)> {
    let styles = &paint.styles;
    border(area, buffer, paint);
    let dot = paint.pick("·", "-");
    let (drawn, columns) = screen.drawn();
    let title = format!(
        " {} {} {} {dot} {columns} of {} columns {dot} {drawn} fields drawn ",
        screen.title,
        paint.pick("→", "->"),
        screen.object.name,
        screen.columns.len()
    );
    spans(&[(title, styles.title)], Rect { x: area.x + 1, width: area.width - 2, height: 1, ..area }, buffer);
    let inner = Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 };
    let rows = rows(screen);
    let cursor = rows.iter().position(|row| match screen.side {
        Side::Columns => row.column.is_some() && row.column == screen.item(),
        Side::Fields => row.field.is_some() && row.field == screen.item(),
    });
    let page = usize::from(inner.height).saturating_sub(1).max(1);
    let start = cursor.unwrap_or(0) / page * page;
    let width = usize::from(inner.width).saturating_sub(6);
    let [name, sample, field, steps] = [width * 22 / 100, width * 23 / 100, width * 24 / 100, width * 14 / 100];
    let last = width - name - sample - field - steps;
    let heading: Vec<(String, Style)> = [
        ("Column", name + 1),
        ("Value", sample + 1),
        ("", 3),
        ("Field", field + 1),
        ("Steps", steps + 1),
        ("Note", last),
    ]
    .into_iter()
    .map(|(word, width)| (fit(&format!(" {word}"), width, paint), styles.dim))
    .collect();
    spans(&heading, row_at(inner, 0), buffer);
    for (at, row) in rows.iter().enumerate().skip(start).take(page) {
        let (arrow, arrow_style) = match row.line {
            Some(line) if line.term.is_some() => (paint.pick("◆═▶", "#=>"), styles.gutter.matcher),
            Some(line) if line.proposal.is_some() => (paint.pick("┄┄▶", "..>"), styles.gutter.proposal),
            Some(_) => (paint.pick("──▶", "-->"), styles.gutter.line),
            None => ("   ", styles.dim),
        };
        let source = match (row.column, row.line) {
            (Some(column), _) => screen.columns[column].name.clone(),
            (None, Some(line)) => plain(&line.source),
            (None, None) => String::new(),
        };
        let value = row.column.and_then(|column| screen.sample_of(column)).map(quoted).unwrap_or_default();
        let target = row.field.map(|at| screen.object.fields[at].name.clone()).unwrap_or_default();
        let link = row.line.and_then(|line| line.link).and_then(|at| screen.mapping().links.get(at));
        let done: Vec<String> =
            link.map(|link| link.transforms.iter().map(ToString::to_string).collect()).unwrap_or_default();
        let (note, note_style) = note(screen, row, paint);
        let selected = cursor == Some(at);
        let line = vec![
            (if selected { ">" } else { " " }.to_owned(), styles.accent),
            (fit(&source, name, paint), styles.text),
            (" ".into(), styles.text),
            (fit(&value, sample, paint), styles.dim),
            (" ".into(), styles.text),
            (arrow.to_owned(), arrow_style),
            (" ".into(), styles.text),
            (fit(&target, field, paint), styles.text),
            (fit(&done.join(" "), steps, paint), styles.dim),
            (" ".into(), styles.text),
            (fit(&note, last, paint), note_style),
        ];
        let place = row_at(inner, at - start + 1);
        spans(&line, place, buffer);
        if selected {
            buffer.set_style(place, Style::reset().patch(styles.selected));
        }
    }
    let row = u16::try_from(cursor.map_or(0, |cursor| cursor - start + 1)).unwrap_or(0);
    Some((inner.x, inner.y + row))
}

/// Lines in the order of the columns, then what starts at no column, then what is missing.
fn rows(screen: &Drawing) -> Vec<GridRow<'_>> {
    let mut rows = Vec::new();
    for column in screen.left.view(usize::MAX).iter().flatten().copied() {
        let mut lines = screen.lines_at(Side::Columns, column).map(|(_, line)| line).peekable();
        if lines.peek().is_none() {
            rows.push(GridRow { column: Some(column), field: None, line: None });
        }
        rows.extend(lines.map(|line| GridRow { column: Some(column), field: line.field, line: Some(line) }));
    }
    let loose = screen.lines.iter().filter(|line| line.column.is_none());
    rows.extend(loose.map(|line| GridRow { column: None, field: line.field, line: Some(line) }));
    let missing = screen.object.fields.iter().enumerate().filter(|(_, field)| screen.is_missing(field));
    rows.extend(missing.map(|(at, _)| GridRow { column: None, field: Some(at), line: None }));
    rows
}

fn note(screen: &Drawing, row: &GridRow, paint: &Paint) -> (String, Style) {
    let styles = &paint.styles;
    let finding = screen.findings.iter().find(|finding| match &finding.place {
        Place::Link(at) => row.line.is_some_and(|line| line.link == Some(*at)),
        Place::Matcher(at) => row.line.is_some_and(|line| line.term == Some(*at)),
        Place::Field(name) => {
            row.line.is_none() && row.field.is_some_and(|at| screen.object.fields[at].name.eq_ignore_ascii_case(name))
        }
        Place::Mapping => false,
    });
    if let Some(finding) = finding {
        let style = if finding.severity == Severity::Error { styles.error } else { styles.warning };
        let missing = matches!(finding.place, Place::Field(_)) && row.line.is_none();
        return (if missing { "needs a line".into() } else { plain(&finding.message) }, style);
    }
    let proposal = row.line.and_then(|line| line.proposal).and_then(|at| screen.proposals.get(at));
    if let Some(proposal) = proposal {
        return (format!("{} {}", proposal.reason, proposal.score), styles.gutter.proposal);
    }
    let Some(field) = row.field.map(|at| &screen.object.fields[at]) else { return (String::new(), styles.dim) };
    match screen.lookup_of(field) {
        Some(lookup) => (way(lookup, paint), styles.gutter.matcher),
        None => (kind(field, &screen.object, paint), styles.dim),
    }
}
