//! How things are printed: tables, JSON lines, errors with their next step.

use std::io::{IsTerminal, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use crate::destination::DestinationError;
use crate::engine::{EngineError, ErrorClass, RunSummary};
use crate::mapping::OnRemoved;
use crate::plan::FieldChange;
use crate::store::RunRow;

/// Prints an error and its next step on stderr.
pub(super) fn error(error: &EngineError) {
    if error.class == ErrorClass::Stopped {
        note!("stopped");
        return;
    }
    note!("error: {}", error.message);
    if let Some(hint) = &error.hint {
        note!("  {hint}");
    }
}

/// Prints one line of data. A reader that went away (`| head`) is not an error worth a message.
pub(super) fn line(text: &str) -> Result<(), EngineError> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Err(EngineError { class: ErrorClass::Stopped, ..EngineError::failed("nobody reads on") })
        }
        Err(error) => Err(EngineError::failed(format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Prints an error in the form of DESIGN §7 on stdout as well, for whoever reads JSON lines.
pub(super) fn json_error(error: &EngineError) -> Result<(), EngineError> {
    line(&error_event(error).to_string())
}

/// The same for one of several mappings.
pub(super) fn json_error_of(mapping: &str, error: &EngineError) -> Result<(), EngineError> {
    let mut body = error_event(error);
    body["mapping"] = mapping.into();
    line(&body.to_string())
}

fn error_event(error: &EngineError) -> serde_json::Value {
    json!({"event": "error", "error": {
        "code": error.code, "message": error.message, "fields": [], "hint": error.hint,
        "position": error.position.map(|(line, column)| json!({"line": line, "column": column})),
    }})
}

/// A table without frames; rows are added by the caller.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table
}

/// Prints a table, without spaces at line ends.
pub(super) fn print_table(table: &Table) -> Result<(), EngineError> {
    table.lines().try_for_each(|text| line(text.strip_prefix(' ').unwrap_or(&text).trim_end()))
}

/// Text from outside with its control characters made visible: it must not steer the terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect()
}

/// Refuses when stdout is not a terminal.
pub(super) fn need_terminal(hint: &str) -> Result<(), EngineError> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(EngineError::configuration("the full-screen program needs a terminal, and this is not one").with_hint(hint))
}

/// The error of a row, in the form of DESIGN §7.
fn row_error(error: &DestinationError) -> serde_json::Value {
    json!({"code": error.code, "message": error.message, "fields": error.fields, "hint": error.hint})
}

/// The `row` event of DESIGN §7; a plan's has no outcome.
pub(super) fn row_json(row: &RunRow, with_outcome: bool) -> serde_json::Value {
    let mut event = json!({
        "event": "row",
        "key": row.key.to_json(),
        "change": row.change,
        "action": row.action,
    });
    if with_outcome {
        event["outcome"] = json!(row.outcome);
    }
    event["id"] = json!(row.id);
    event["fields"] = json!(row.fields);
    if !row.candidates.is_empty() {
        event["candidates"] = json!(row.candidates);
    }
    if let Some(planned) = &row.planned {
        event["planned"] = json!(planned);
    }
    event["error"] = row.error.as_ref().map_or(serde_json::Value::Null, row_error);
    event
}

/// One row for people: what happens to it, and under it old → new or the reason.
pub(super) fn row_text(row: &RunRow) -> String {
    let word = row.outcome.map(|outcome| outcome.to_string()).or(row.action.map(|action| action.to_string()));
    let id = row.id.as_deref().unwrap_or("-");
    let mut text = format!("{:<11} {:<12} {id}", word.unwrap_or_default(), shown(&row.key.to_string()));
    if let Some(planned) = &row.planned {
        text += &format!("\n    planned: {} {}", planned.action, planned.id.as_deref().unwrap_or("-"));
        text.extend(planned.fields.iter().map(|change| format!("\n      {}", change_text(change))));
        text += "\n    now:";
    }
    text.extend(row.fields.iter().map(|change| format!("\n    {}", change_text(change))));
    if let Some(error) = &row.error {
        text += &format!("\n    {}", shown(&error.to_string()));
        if let Some(hint) = &error.hint {
            text += &format!("\n    {hint}");
        }
    }
    text
}

fn change_text(change: &FieldChange) -> String {
    let wire = |wire: &serde_json::Value| match wire {
        serde_json::Value::Null => "(empty)".to_owned(),
        serde_json::Value::String(text) => shown(text),
        other => other.to_string(),
    };
    let mut text = format!("{}: {} -> {}", change.field, wire(&change.old), wire(&change.new));
    if let Some(source) = &change.source {
        text += &format!(" (from `{}`)", shown(source));
    }
    text
}

/// What a person must know before so many records are taken away.
pub(super) fn mass_delete_text(summary: &RunSummary) -> Option<String> {
    let mass = summary.mass_delete?;
    let what = match summary.definition.on_removed {
        OnRemoved::Clear => "CLEARS",
        OnRemoved::Delete | OnRemoved::Ignore => "DELETES",
    };
    Some(format!(
        "this plan {what} {} of the {} records that {} knows: the query no longer returns their rows",
        mass.rows, mass.of, summary.mapping
    ))
}

/// A run in a few lines for people: the books as they balance, and what it cost.
pub(super) fn summary_text(summary: &RunSummary) -> String {
    let books = &summary.books;
    let (changes, actions, outcomes) = (&books.changes, &books.actions, &books.outcomes);
    let mut text = format!(
        "run {} of {}: {}\n  extracted {} = added {} + updated {} + unchanged {} + invalid {}   (removed {})",
        summary.run,
        summary.mapping,
        summary.status,
        books.extracted,
        changes.added,
        changes.updated,
        changes.unchanged,
        changes.invalid,
        changes.removed,
    );
    text += &format!(
        "\n  create {}  update {}  delete {}  skip {}  hold {}  reject {}",
        actions.create, actions.update, actions.delete, actions.skip, actions.hold, actions.reject
    );
    if summary.finished_at.is_some() {
        text += &format!(
            "\n  created {}  updated {}  deleted {}  unchanged {}  failed {}  unprocessed {}",
            outcomes.created,
            outcomes.updated,
            outcomes.deleted,
            outcomes.unchanged,
            outcomes.failed,
            outcomes.unprocessed
        );
    } else if let Some(forecast) = &summary.forecast {
        text += &format!(
            "\n  applying it: {} {} by {} ({}), about {:.0} s",
            forecast.calls,
            if forecast.calls == 1 { "call" } else { "calls" },
            forecast.api,
            forecast.reason,
            forecast.seconds.ceil()
        );
        if let (Some(left), Some(max)) = (forecast.calls_left, forecast.calls_max) {
            text += &format!("; {left} of {max} calls are left today");
            if let Some(floor) = forecast.calls_floor {
                text += &format!(", the last {floor} stay with others");
            }
        }
    }
    if summary.finished_at.is_none()
        && let Some(mass) = mass_delete_text(summary)
    {
        text += &format!("\n  ATTENTION: {mass}");
    }
    text += &format!("\n  {} API calls, {:.1} s", summary.api_calls, summary.seconds);
    if let Some(message) = &summary.message {
        text += &format!("\n  {}", shown(message));
    }
    text
}

/// The line of an SQL text that an error points at, with a mark under the place.
pub(super) fn sql_excerpt(sql: &str, (row, column): (usize, usize)) -> Option<String> {
    let text = sql.lines().nth(row.checked_sub(1)?)?;
    let number = row.to_string();
    let before: String =
        text.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    Some(format!("  {number} | {text}\n  {:width$} | {before}^", "", width = number.len()))
}

/// An error of a query, with its place shown under the text on stderr.
pub(super) fn with_excerpt(sql: &str, error: EngineError) -> EngineError {
    let Some(excerpt) = error.position.and_then(|position| sql_excerpt(sql, position)) else { return error };
    EngineError { message: format!("{}\n{excerpt}", error.message), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_stands_under_the_text() {
        let excerpt = sql_excerpt("SELECT *\nFORM t", (2, 1)).unwrap();
        assert_eq!(excerpt, "  2 | FORM t\n    | ^");
        assert_eq!(sql_excerpt("SELECT 1", (7, 1)), None);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a·[31mb·");
    }
}
