//! How 4 Sync looks: the counts above, the rows in the middle, the selected row below or beside.

mod counts;
mod detail;

pub(super) use detail::story;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::sync::{Stage, Sync};
use crate::plan::{Action as RowAction, Outcome};
use crate::store::{ErrorGroup, RowFilter, RunRow};
use crate::tui::look::Look;
use crate::tui::theme::Role;
use crate::tui::widget::list::Position;
use crate::tui::widget::{popup, text};

/// From this width on the selected row stands beside the list.
const WIDE: u16 = 110;

struct Places {
    counts: Rect,
    rows: Rect,
    detail: Rect,
}

fn places(area: Rect) -> Places {
    let counts = Rect { height: 6.min(area.height), ..area };
    let rest = Rect { y: counts.bottom(), height: area.height - counts.height, ..area };
    if area.width >= WIDE {
        let rows = Rect { width: rest.width * 3 / 5, ..rest };
        let detail = Rect { x: rows.right(), width: rest.width - rows.width, ..rest };
        return Places { counts, rows, detail };
    }
    let low = (rest.height * 2 / 5).clamp(4, 9).min(rest.height);
    let rows = Rect { height: rest.height - low, ..rest };
    let detail = Rect { y: rows.bottom(), height: low, ..rest };
    Places { counts, rows, detail }
}

/// Lines of the list.
pub(super) fn list_height(area: Rect, _sync: &Sync) -> usize {
    usize::from(places(area).rows.height.saturating_sub(2))
}

/// Lines of the list of groups.
pub(super) fn groups_height(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(8)) / 2
}

/// Lines of a row: a second one has the message of what went wrong.
pub(super) fn height_of(row: &RunRow) -> usize {
    if row.error.is_some() && row.action != Some(RowAction::Skip) { 2 } else { 1 }
}

pub(super) fn draw(sync: &Sync, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let places = places(area);
    if sync.stage == Stage::Empty {
        return empty(sync, buffer, area, scene);
    }
    counts::draw(sync, buffer, places.counts, scene);
    if let Some((found, position)) = &sync.groups {
        let rest = Rect { y: places.counts.bottom(), height: area.height - places.counts.height, ..area };
        return groups(found, *position, buffer, rest, scene);
    }
    if sync.stage == Stage::Planning {
        let rest = Rect { y: places.counts.bottom(), height: area.height - places.counts.height, ..area };
        let inner = popup::pane(buffer, rest, "Rows", false, scene.look);
        let words = "They are listed here once the plan is made. Nothing is written.";
        buffer.set_stringn(inner.x + 1, inner.y, words, usize::from(inner.width), scene.look.style(Role::Dim));
        return;
    }
    rows(sync, buffer, places.rows, scene);
    detail::draw(sync.selected(), &sync.order(), buffer, places.detail, scene);
}

fn empty(sync: &Sync, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let title = scene.work.mapping_id().map(|id| id.to_string()).unwrap_or_default();
    let inner = popup::pane(buffer, area, &title, scene.active, look);
    let wide = usize::from(inner.width.saturating_sub(6));
    let mut y = inner.y + 1;
    let mut put = |words: &str, role: Role| {
        for line in text::wrap(words, wide) {
            if y < inner.bottom() {
                buffer.set_string(inner.x + 3, y, line, look.style(role));
            }
            y += 1;
        }
    };
    if let Some(error) = &sync.error {
        put(&format!("{} {}", look.glyphs.failed, text::harmless_lines(&error.message, look.glyphs)), Role::Bad);
        if let Some(hint) = &error.hint {
            put(hint, Role::Text);
        }
        put("", Role::Text);
    }
    put(
        "First the plan: gondola reads the rows, finds their records in Salesforce, and lists what would change, field by field.",
        Role::Text,
    );
    put("", Role::Text);
    put("Nothing is written until you have seen it and said so.", Role::Strong);
    if let Some(mapping) = scene.work.drawn() {
        put("", Role::Text);
        let by =
            if mapping.matcher.terms.is_empty() { "no record matcher".to_owned() } else { mapping.matcher.to_string() };
        put(&format!("Rows       {}", mapping.rows.words()), Role::Dim);
        put(&format!("Operation  {}", mapping.operation.words()), Role::Dim);
        put(&format!("Matched by {by}"), Role::Dim);
        put(&format!("Lines      {}", mapping.links.len()), Role::Dim);
    }
}

/// The word for an action, with its colour.
fn action_role(action: RowAction) -> Role {
    match action {
        RowAction::Create => Role::Create,
        RowAction::Update => Role::Update,
        RowAction::Delete => Role::Delete,
        RowAction::Skip => Role::Skip,
        RowAction::Hold => Role::Hold,
        RowAction::Reject => Role::Reject,
    }
}

fn outcome_role(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Created => Role::Create,
        Outcome::Updated => Role::Update,
        Outcome::Deleted => Role::Delete,
        Outcome::Unchanged => Role::Skip,
        Outcome::Failed => Role::Bad,
        Outcome::Unprocessed => Role::Warning,
    }
}

/// A filter in words.
fn filter_words(filter: &RowFilter) -> String {
    match filter {
        RowFilter::All => "all rows".to_owned(),
        RowFilter::Action(action) => format!("only {action}"),
        RowFilter::Outcome(outcome) => format!("only {outcome}"),
        RowFilter::Code(code) => format!("only {code}"),
        RowFilter::Arrived => "only what arrived".to_owned(),
        RowFilter::Writes => "rows to send".to_owned(),
        RowFilter::Open => "only what is open".to_owned(),
    }
}

fn rows(sync: &Sync, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let pages = &sync.pages;
    let title = filter_words(&pages.filter);
    let inner = popup::pane(buffer, area, &title, scene.active, look);
    if pages.total == 0 {
        let words = if pages.is_loaded { "No row. Rows without a change are counted, not listed." } else { "Reading" };
        buffer.set_stringn(inner.x + 1, inner.y, words, usize::from(inner.width), look.style(Role::Dim));
        return;
    }
    let place = format!("{} of {}", text::thousands(sync.list.at as u64 + 1), text::thousands(pages.total));
    popup::bottom_corner(buffer, area, &place, Role::Dim, look);
    let total = usize::try_from(pages.total).unwrap_or(usize::MAX);
    let keys = (sync.list.top..total)
        .take(usize::from(inner.height))
        .filter_map(|at| pages.get(at))
        .map(|row| text::width(&row.key.to_string()))
        .max()
        .unwrap_or(0)
        .clamp(4, 16);
    let order = sync.order();
    let mut y = inner.y;
    for at in sync.list.top..total {
        if y >= inner.bottom() {
            break;
        }
        match pages.get(at) {
            Some(row) => {
                let high = (height_of(row) as u16).min(inner.bottom() - y);
                one_row(row, &order, buffer, Rect { y, height: high, ..inner }, keys, sync.stage, look);
                if at == sync.list.at {
                    buffer.set_string(inner.x, y, look.glyphs.selected, look.style(Role::Key));
                    // The values keep their own colours.
                    let name = Rect { y, height: 1, width: (keys as u16 + 18).min(inner.width), ..inner };
                    buffer.set_style(name, look.style(if scene.active { Role::Selected } else { Role::SelectedAway }));
                }
                y += high;
            }
            None => {
                buffer.set_string(inner.x + 2, y, look.glyphs.waiting, look.style(Role::Dim));
                y += 1;
            }
        }
    }
}

fn one_row(row: &RunRow, order: &[&str], buffer: &mut Buffer, area: Rect, keys: usize, stage: Stage, look: &Look) {
    let (state, role) = match (row.outcome, row.action) {
        (Some(outcome), _) => (outcome.as_str(), outcome_role(outcome)),
        (None, Some(action)) => (action.as_str(), action_role(action)),
        (None, None) => (row.change.as_str(), Role::Dim),
    };
    let waits = stage == Stage::Sending && row.outcome.is_none() && row.action.is_some_and(RowAction::writes);
    let sign = match (row.outcome, waits) {
        (Some(Outcome::Failed | Outcome::Unprocessed), _) => look.glyphs.failed,
        (Some(_), _) => look.glyphs.done,
        (None, true) => look.glyphs.waiting,
        (None, false) => " ",
    };
    let state = format!("{sign} {state:<12}");
    let key = format!("{}  ", text::fit(&text::harmless(&row.key.to_string(), look.glyphs), keys, look.glyphs));
    let id = row.id.as_ref().map(|id| format!("{id}  ")).unwrap_or_default();
    let what = detail::in_short(row, order, look);
    text::pieces(
        buffer,
        area.x + 2,
        area.y,
        area.width.saturating_sub(2),
        &[
            (&state, look.style(role)),
            (&key, look.style(Role::Text)),
            (&id, look.style(Role::Dim)),
            (&what, look.style(Role::Text)),
        ],
        look.glyphs,
    );
    if area.height > 1
        && let Some(error) = &row.error
    {
        let words = format!("{}: {}", error.code, text::harmless(&error.message, look.glyphs));
        let wide = usize::from(area.width.saturating_sub(6));
        let role = if row.action == Some(RowAction::Hold) { Role::Hold } else { Role::Bad };
        buffer.set_string(area.x + 4, area.y + 1, text::cut(&words, wide, look.glyphs), look.style(role));
    }
}

fn groups(found: &[ErrorGroup], position: Position, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let inner = popup::pane(buffer, area, "Held, rejected and failed rows by reason", scene.active, look);
    let wide = usize::from(inner.width.saturating_sub(4));
    let height = usize::from(inner.height) / 2;
    let mut y = inner.y;
    for at in position.window(found.len(), height) {
        let Some(group) = found.get(at) else { break };
        let word = group.action.map_or("failed", RowAction::as_str);
        let role = group.action.map_or(Role::Bad, action_role);
        let number = format!("{:>7} ", text::thousands(group.rows));
        let fields = if group.fields.is_empty() { String::new() } else { format!(" on {}", group.fields.join(", ")) };
        let head = format!("{}{fields}", group.code);
        text::pieces(
            buffer,
            inner.x + 1,
            y,
            inner.width.saturating_sub(2),
            &[
                (&number, look.style(Role::Strong)),
                (&format!("{word:<9}"), look.style(role)),
                (&head, look.style(Role::Strong)),
            ],
            look.glyphs,
        );
        let message = group.hint.as_ref().unwrap_or(&group.message);
        let message = text::harmless(message, look.glyphs);
        if y + 1 < inner.bottom() {
            let shown = text::cut(&message, wide.saturating_sub(17), look.glyphs);
            buffer.set_string(inner.x + 18, y + 1, shown, look.style(Role::Dim));
        }
        if at == position.at {
            buffer.set_string(inner.x, y, look.glyphs.selected, look.style(Role::Key));
            buffer.set_style(Rect { y, height: 1, ..inner }, look.style(Role::Selected));
        }
        y += 2;
    }
}
