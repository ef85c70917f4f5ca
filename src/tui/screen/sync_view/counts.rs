//! The counts of a plan or a run, what they cost, and whether they add up.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::Scene;
use super::super::sync::{Stage, Sync};
use super::{action_role, outcome_role};
use crate::engine::{Phase, RunSummary};
use crate::plan::{Action as RowAction, Books, Outcome, Reason};
use crate::store::RunStatus;
use crate::tui::look::Look;
use crate::tui::theme::Role;
use crate::tui::widget::{popup, text};

/// Draws them.
pub(super) fn draw(sync: &Sync, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let number = sync.run.or(sync.progress.run).map(|run| format!(" {run}")).unwrap_or_default();
    let name = scene.work.mapping_id().map(|id| id.to_string()).unwrap_or_default();
    let what = if matches!(sync.stage, Stage::Planning | Stage::Planned) { "Plan" } else { "Run" };
    let inner = popup::pane(buffer, area, &format!("{what}{number} {} {name}", look.glyphs.separator), false, look);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let (words, role) = state_words(sync, scene);
    popup::corner(buffer, area, &words, role, look);
    let live = matches!(sync.stage, Stage::Planning | Stage::Sending);
    let books = match (&sync.summary, live) {
        (Some(summary), false) => summary.books,
        _ => sync.progress.books,
    };
    let mut lines: Vec<Vec<(String, Role)>> = vec![action_line(books)];
    if matches!(sync.stage, Stage::Sending | Stage::Sent) {
        lines.push(outcome_line(books, look));
    } else {
        lines.push(change_line(books));
    }
    lines.push(if live { progress_line(sync) } else { cost_line(sync) });
    lines.push(last_line(sync, books, scene));
    for (y, parts) in (inner.y..inner.bottom()).zip(lines) {
        let parts: Vec<_> = parts.iter().map(|(words, role)| (words.as_str(), look.style(*role))).collect();
        text::pieces(buffer, inner.x, y, inner.width, &parts, look.glyphs);
    }
}

fn state_words(sync: &Sync, scene: &Scene<'_>) -> (String, Role) {
    let glyphs = scene.look.glyphs;
    match (sync.stage, &sync.summary) {
        (Stage::Sending, _) if sync.progress.phase == Phase::Paused => {
            (format!("{} paused", glyphs.waiting), Role::Warning)
        }
        (Stage::Planning | Stage::Sending, _) => {
            (format!("{} {}", scene.spinner(), sync.progress.phase.words()), Role::Update)
        }
        (Stage::Planned, Some(RunSummary { mass_delete: Some(mass), .. })) => {
            (format!("{} takes {} of {} known records", glyphs.warning, mass.rows, mass.of), Role::Bad)
        }
        (Stage::Planned, _) => ("nothing is written yet".to_owned(), Role::Dim),
        (_, Some(summary)) => match summary.status {
            RunStatus::Succeeded => (format!("{} succeeded", glyphs.done), Role::Good),
            RunStatus::Partial => (format!("{} done, some rows need you", glyphs.warning), Role::Warning),
            RunStatus::Failed => (format!("{} failed", glyphs.failed), Role::Bad),
            other => (other.to_string(), Role::Warning),
        },
        _ => (String::new(), Role::Dim),
    }
}

fn count(line: &mut Vec<(String, Role)>, number: u64, word: &str, role: Role) {
    let (number_role, word_role) = if number == 0 { (Role::Dim, Role::Dim) } else { (Role::Strong, role) };
    line.push((format!("{word} "), word_role));
    line.push((text::thousands(number), number_role));
    line.push(("   ".to_owned(), Role::Text));
}

fn action_line(mut books: Books) -> Vec<(String, Role)> {
    let mut line = Vec::new();
    for action in RowAction::ALL {
        let number = *books.actions.of(*action);
        if number > 0 || *action != RowAction::Delete {
            count(&mut line, number, action.as_str(), action_role(*action));
        }
    }
    line
}

fn change_line(books: Books) -> Vec<(String, Role)> {
    let changes = books.changes;
    let words = format!(
        "{} rows read = {} added + {} updated + {} unchanged + {} invalid",
        text::thousands(books.extracted),
        text::thousands(changes.added),
        text::thousands(changes.updated),
        text::thousands(changes.unchanged),
        text::thousands(changes.invalid)
    );
    vec![(words, Role::Text)]
}

fn outcome_line(mut books: Books, look: &Look) -> Vec<(String, Role)> {
    let mut line = vec![(format!("{} ", look.glyphs.arrow), Role::Dim)];
    for outcome in Outcome::ALL {
        let number = *books.outcomes.of(*outcome);
        if number > 0 || matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Failed) {
            count(&mut line, number, outcome.as_str(), outcome_role(*outcome));
        }
    }
    line
}

fn progress_line(sync: &Sync) -> Vec<(String, Role)> {
    let progress = &sync.progress;
    let done = match progress.total {
        Some(total) => format!("{} of {}", text::thousands(progress.done), text::thousands(total)),
        None => text::thousands(progress.done),
    };
    let unit = if progress.phase == Phase::Preparing { String::new() } else { format!("{done} rows   ") };
    let mut pace = String::new();
    if let Some(rate) = progress.rate {
        let _ = write!(pace, "   {} rows/s", text::thousands(rate.round() as u64));
        if let Some(seconds) = progress.seconds_left() {
            let _ = if seconds < 90.0 {
                write!(pace, ", {seconds:.0} s left")
            } else {
                write!(pace, ", {:.0} min left", (seconds / 60.0).ceil())
            };
        }
    }
    let budget = progress.usage.map_or(String::new(), |usage| {
        format!(", {} left today", text::thousands(usage.max.saturating_sub(usage.used)))
    });
    let calls = text::count(progress.api_calls, "API call", "API calls");
    vec![(format!("{unit}{calls}{budget}   {:.0} s{pace}", progress.seconds), Role::Text)]
}

fn cost_line(sync: &Sync) -> Vec<(String, Role)> {
    let Some(summary) = &sync.summary else { return Vec::new() };
    if sync.stage == Stage::Sent {
        let words = format!(
            "{} in {:.1} s, planning included",
            text::count(summary.api_calls, "API call", "API calls"),
            summary.seconds
        );
        return vec![(words, Role::Text)];
    }
    let Some(forecast) = summary.forecast.filter(|_| summary.books.actions.writes() > 0) else { return Vec::new() };
    let minutes = if forecast.seconds < 60.0 {
        format!("about {:.0} s", forecast.seconds.max(1.0).ceil())
    } else {
        format!("about {:.0} min", (forecast.seconds / 60.0).ceil())
    };
    let calls = text::count(forecast.calls, "API call", "API calls");
    let mut parts = vec![("sending: ".to_owned(), Role::Dim), (calls, Role::Text)];
    if let (Some(max), Some(left)) = (forecast.calls_max, forecast.calls_left)
        && max > 0
    {
        let share = forecast.calls as f64 * 100.0 / max as f64;
        let share = if share > 0.0 && share < 0.1 { "under 0.1".to_owned() } else { format!("{share:.1}") };
        let role = if forecast.calls > left { Role::Bad } else { Role::Text };
        parts.push((format!(", {share} % of {} a day", text::thousands(max)), Role::Text));
        parts.push((format!(", {} left", text::thousands(left)), role));
    }
    parts.push((format!("; {minutes}"), Role::Text));
    if forecast.reason != Reason::Quickest {
        parts.push((format!(", by {} ({})", forecast.api, forecast.reason), Role::Dim));
    }
    parts
}

fn last_line(sync: &Sync, books: Books, scene: &Scene<'_>) -> Vec<(String, Role)> {
    let look = scene.look;
    if let Some(error) = &sync.error {
        return vec![(format!("{} {}", look.glyphs.failed, text::harmless(&error.message, look.glyphs)), Role::Bad)];
    }
    if let Some(message) = sync.summary.as_ref().and_then(|summary| summary.message.as_ref())
        && sync.stage == Stage::Sent
    {
        return vec![(text::harmless(message, look.glyphs), Role::Warning)];
    }
    if sync.stage == Stage::Sending {
        return vec![(going_words(sync, scene), Role::Dim)];
    }
    match (sync.stage, books.actions.writes()) {
        (Stage::Planned, 0) if books.actions.hold + books.actions.reject == 0 => {
            vec![(
                format!("{} Salesforce already has everything; there is nothing to do", look.glyphs.done),
                Role::Good,
            )]
        }
        (Stage::Planned, _) if books.actions.hold + books.actions.reject > 0 => vec![(
            format!("{} what is held or rejected is not sent: e lists the reasons", look.glyphs.warning),
            Role::Warning,
        )],
        (Stage::Sent, _) => match books.balance(true) {
            Ok(()) => vec![
                (format!("{} the books balance: ", look.glyphs.done), Role::Good),
                (balance_words(books), Role::Dim),
            ],
            Err(why) => vec![(format!("{} the books do not balance: {why}", look.glyphs.failed), Role::Bad)],
        },
        _ => Vec::new(),
    }
}

/// What a person may want to know of a run that goes on without them.
fn going_words(sync: &Sync, scene: &Scene<'_>) -> String {
    match (sync.progress.phase, sync.run) {
        (Phase::Paused, _) => "nothing is sent until you press r; the pause stays when you leave".to_owned(),
        (Phase::Pausing, _) => "what was sent ends first; a job at Salesforce cannot be paused".to_owned(),
        (_, Some(run)) if !scene.work.demo => {
            format!("it goes on when you leave or the line drops: gondola attach {run}")
        }
        _ => "it goes on when you leave or the line drops; come back and it is shown here".to_owned(),
    }
}

fn balance_words(books: Books) -> String {
    let changes = books.changes;
    format!(
        "{} read = {} + {} + {} + {}, {} selected = {} actions",
        books.extracted,
        changes.added,
        changes.updated,
        changes.unchanged,
        changes.invalid,
        books.selected,
        books.actions.total()
    )
}
