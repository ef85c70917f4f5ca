//! The two lines below the lists: real values along the line here, and what to know or answer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::super::map::drawing::{After, Drawing, Line, Preview, Side, plain, quoted};
use super::lists::kind;
use super::{Paint, row_at, spans};
use crate::mapping::{Place, Severity, is_record_type};

type Spans = Vec<(String, Style)>;

pub(super) fn draw(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) {
    spans(&values(screen, usize::from(area.width), paint), row_at(area, 0), buffer);
    if area.height > 1 {
        spans(&message(screen, paint), row_at(area, 1), buffer);
    }
}

/// The item under the cursor, with real values before and after.
fn values(screen: &Drawing, width: usize, paint: &Paint) -> Spans {
    let styles = &paint.styles;
    let (side, item) = match &screen.hand {
        Some(hand) => (hand.from, Some(hand.item)),
        None => (screen.side, screen.item()),
    };
    let Some(item) = item else { return vec![(" Nothing here.".into(), styles.dim)] };
    let line = screen.lines_at(side, item).map(|(_, line)| line).find(|line| line.link.is_some());
    if let (Some(line), None) = (line, &screen.hand) {
        return along(screen, line, width, paint);
    }
    match side {
        Side::Columns => {
            let column = &screen.columns[item];
            let mut spans =
                vec![(format!(" {}", column.name), styles.accent), (format!(" {}  ", column.kind), styles.dim)];
            let samples = screen.sample_rows().filter_map(|row| row.get(item)).take(3).map(quoted);
            spans.push((samples.collect::<Vec<_>>().join(", "), styles.text));
            spans
        }
        Side::Fields => {
            let field = &screen.object.fields[item];
            let mut spans = vec![
                (format!(" {}", field.name), styles.accent),
                (format!(" {}  ", kind(field, &screen.object, paint)), styles.dim),
                (format!("\"{}\"", plain(&field.label)), styles.text),
            ];
            if !field.picklist.is_empty() {
                let values: Vec<&str> = field.picklist.iter().map(|value| value.value.as_str()).collect();
                spans.push((format!("  {}", plain(&values.join(", "))), styles.text));
            }
            if is_record_type(field) {
                let names = screen.object.record_types.iter().filter(|one| !one.master);
                let names: Vec<&str> = names.map(|one| one.developer_name.as_str()).collect();
                spans.push((format!("  {}", plain(&names.join(", "))), styles.text));
            }
            spans
        }
    }
}

/// `PHONE "+1 415" → digits → Phone "+1415"`, for each sample row that fits.
fn along(screen: &Drawing, line: &Line, width: usize, paint: &Paint) -> Spans {
    let styles = &paint.styles;
    let arrow = paint.pick(" → ", " -> ");
    let field = line.field.map_or("?", |at| screen.object.fields[at].name.as_str());
    let link = line.link.and_then(|at| screen.mapping().links.get(at));
    let steps: Vec<String> =
        link.map(|link| link.transforms.iter().map(ToString::to_string).collect()).unwrap_or_default();
    let mut spans = vec![(format!(" {}", plain(&line.source)), styles.accent), (arrow.to_owned(), styles.dim)];
    if !steps.is_empty() {
        spans.push((steps.join(arrow), styles.text));
        spans.push((arrow.to_owned(), styles.dim));
    }
    if let Some(lookup) = link.and_then(|link| link.lookup.as_ref()) {
        spans.push((format!("{} by {}", lookup.object, lookup.field), styles.gutter.matcher));
        spans.push((arrow.to_owned(), styles.dim));
    }
    spans.push((field.to_owned(), styles.accent));
    let wide = |spans: &Spans| spans.iter().map(|(text, _)| text.width()).sum::<usize>();
    let mut used = wide(&spans);
    for (at, preview) in screen.preview(line).into_iter().take(3).enumerate() {
        let more = along_one(preview, arrow, paint);
        used += wide(&more);
        // The first is shown as far as it goes; half a second one would only confuse.
        if at > 0 && used > width {
            break;
        }
        spans.extend(more);
    }
    spans
}

fn along_one(preview: Preview, arrow: &str, paint: &Paint) -> Spans {
    let styles = &paint.styles;
    let before = (format!("   {}", shortly(&preview.before)), styles.text);
    let (text, style) = match preview.after {
        After::Sent(after) | After::Parent(after) if after == preview.before => return vec![before],
        After::Sent(after) | After::Parent(after) => (shortly(&after), styles.good),
        After::Kept => ("keeps its value".into(), styles.dim),
        After::Cleared => ("is emptied".into(), styles.warning),
        After::Rejected(why) => (format!("rejected: {}", plain(&why)), styles.error),
    };
    vec![before, (arrow.to_owned(), styles.dim), (text, style)]
}

/// A long value's beginning; the whole of it is in the query's results.
fn shortly(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= 32 { text } else { text.chars().take(30).chain("…\"".chars()).collect() }
}

/// What waits for an answer, or else the worst that is wrong here, or else what the last key did.
fn message(screen: &Drawing, paint: &Paint) -> Spans {
    let styles = &paint.styles;
    if let Some(question) = &screen.question {
        let field = &screen.object.fields[question.field].name;
        return vec![
            (
                format!(
                    " {field} has {}. Replace it with {}? ",
                    question.taken_by, screen.columns[question.column].name
                ),
                styles.warning,
            ),
            ("y".into(), styles.accent),
            ("/".into(), styles.dim),
            ("n".into(), styles.accent),
        ];
    }
    if let Some(notice) = &screen.notice {
        return vec![(format!(" {notice}"), styles.text)];
    }
    if let Some(hand) = &screen.hand {
        let there = screen.list(hand.from.other()).item();
        let guess = hand.guesses.iter().find(|(item, _)| Some(*item) == there);
        let mut spans = vec![(
            match guess {
                Some((_, reason)) => format!(" Guess: {reason}. "),
                None => " ".into(),
            },
            styles.gutter.proposal,
        )];
        for (key, words) in [("type", "to search"), ("Tab", "next guess"), ("Space", "drop"), ("Esc", "put down")] {
            spans.push((key.into(), styles.accent));
            spans.push((format!(" {words}  "), styles.dim));
        }
        return spans;
    }
    if let Some(proposal) = screen.proposal().and_then(|at| screen.proposals.get(at)) {
        return vec![
            (
                format!(
                    " {} {} {}: {} ({}). ",
                    proposal.column,
                    paint.pick("→", "->"),
                    proposal.field,
                    proposal.reason,
                    proposal.score
                ),
                styles.gutter.proposal,
            ),
            ("y".into(), styles.accent),
            (" draw  ".into(), styles.dim),
            ("n".into(), styles.accent),
            (" not this  ".into(), styles.dim),
            ("A".into(), styles.accent),
            (" draw all".into(), styles.dim),
        ];
    }
    let here = screen.item().and_then(|item| screen.findings_at(screen.side, item).max_by_key(|found| found.severity));
    let whole = || screen.findings.iter().find(|finding| finding.place == Place::Mapping);
    match here.or_else(whole) {
        Some(finding) => {
            let (sign, style) = match finding.severity {
                Severity::Error => ("x", styles.error),
                Severity::Warning => ("!", styles.warning),
            };
            let mut spans = vec![(format!(" {sign} {}", finding.message), style)];
            if let Some(hint) = &finding.hint {
                spans.push((format!(" {hint}"), styles.text));
            }
            spans
        }
        None => Vec::new(),
    }
}
