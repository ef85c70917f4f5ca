//! How Home looks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::home::{Home, Row};
use crate::config::ConfigError;
use crate::engine::{EngineError, Progress};
use crate::store::{RunRecord, RunStatus};
use crate::tui::look::Look;
use crate::tui::theme::Role;
use crate::tui::widget::{popup, text};

/// Rows that the list shows.
pub(super) fn list_height(area: Rect, problems: usize) -> usize {
    usize::from(area.height.saturating_sub(3 + problems_height(problems)))
}

fn problems_height(problems: usize) -> u16 {
    if problems == 0 { 0 } else { (problems as u16).min(3) * 2 + 2 }
}

pub(super) fn draw(home: &Home, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let low = problems_height(home.problems.len()).min(area.height / 2);
    let main = Rect { height: area.height - low, ..area };
    if !home.is_loaded {
        let inner = popup::pane(buffer, main, "Models", true, look);
        buffer.set_string(inner.x + 1, inner.y, "Reading the files", look.style(Role::Dim));
    } else if let Some(error) = &home.trouble {
        unreadable(error, buffer, main, look);
    } else if home.rows.is_empty() {
        welcome(buffer, main, scene);
    } else {
        models(home, buffer, main, scene);
    }
    if low > 0 {
        problems(&home.problems, buffer, Rect { y: main.bottom(), height: low, ..area }, look);
    }
}

fn unreadable(error: &EngineError, buffer: &mut Buffer, area: Rect, look: &Look) {
    let inner = popup::pane(buffer, area, "This must be mended first", true, look);
    let wide = usize::from(inner.width.saturating_sub(6));
    let lines = text::wrap(&text::harmless_lines(&error.message, look.glyphs), wide);
    let hint = error.hint.as_deref().map(|hint| text::wrap(hint, wide)).unwrap_or_default();
    let lines = lines.iter().map(|line| (line, Role::Bad)).chain(hint.iter().map(|line| (line, Role::Text)));
    for (y, (line, role)) in (inner.y + 1..inner.bottom()).zip(lines) {
        buffer.set_string(inner.x + 3, y, line, look.style(role));
    }
}

const STEPS: [(&str, &str); 4] = [
    ("1 Connect", "see that both ends answer"),
    ("2 Query", "write a SELECT and look at its rows"),
    ("3 Map", "draw lines from its columns to Salesforce fields"),
    ("4 Sync", "read what would change, then send it"),
];

/// What a newcomer sees: what this is, the four steps, one key.
fn welcome(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (look, work) = (scene.look, scene.work);
    let inner = popup::pane(buffer, area, "gondola", true, look);
    let wide = 66.min(inner.width);
    let x = inner.x + (inner.width - wide) / 2;
    let mut y = inner.y + inner.height.saturating_sub(16) / 2 + 1;
    let mut line = |buffer: &mut Buffer, parts: &[(&str, Role)]| {
        if y < inner.bottom() {
            let parts: Vec<_> = parts.iter().map(|(words, role)| (*words, look.style(*role))).collect();
            text::pieces(buffer, x, y, wide, &parts, look.glyphs);
        }
        y += 1;
    };
    line(buffer, &[("Lifts rows from Snowflake to Salesforce,", Role::Strong)]);
    line(buffer, &[("and shows you every one of them on the way.", Role::Strong)]);
    line(buffer, &[]);
    for (name, what) in STEPS {
        line(buffer, &[(&format!("  {name:<12}"), Role::Key), (what, Role::Text)]);
    }
    line(buffer, &[]);
    if work.connections_are_missing() {
        let path = work.connections_path.as_str();
        let missing = match (work.connections.snowflake.is_empty(), work.connections.salesforce.is_empty()) {
            (true, true) => "There is no connection yet. Write one for each end into",
            (true, false) => "There is no Snowflake connection yet. Write one into",
            _ => "There is no Salesforce connection yet. Write one into",
        };
        line(buffer, &[(missing, Role::Warning)]);
        line(buffer, &[("  ", Role::Text), (path, Role::Text)]);
        line(buffer, &[]);
        line(buffer, &[("Or leave with q and try it on invented data: ", Role::Text), ("gondola demo", Role::Key)]);
        return;
    }
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let from = names(work.connections.snowflake.keys().collect());
    let to = names(work.connections.salesforce.keys().collect());
    line(buffer, &[("  Snowflake   ", Role::Dim), (&from, Role::Text)]);
    line(buffer, &[("  Salesforce  ", Role::Dim), (&to, Role::Text)]);
    if work.demo {
        line(buffer, &[("  Both run on this machine, on invented data.", Role::Dim)]);
    }
    line(buffer, &[]);
    line(buffer, &[("Press ", Role::Text), (" Enter ", Role::NextKey), (" to connect and start.", Role::Text)]);
}

fn models(home: &Home, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let inner = popup::pane(buffer, area, "Models and their mappings", scene.active, look);
    let columns = Columns::of(&home.rows, inner.width);
    let head = columns.line(look, ["MODEL", "MAPPING", "ONTO", "LAST RUN"]);
    buffer.set_string(inner.x + 2, inner.y, head, look.style(Role::Dim));
    let height = usize::from(inner.height.saturating_sub(1));
    for (y, at) in (inner.y + 1..inner.bottom()).zip(home.list.window(home.rows.len(), height)) {
        let Some(row) = home.rows.get(at) else { break };
        let (result, role) = match (&row.mapping, &row.last) {
            (_, Some(run)) => last_run(run, row.live.as_ref(), look),
            (Some(named), None) if named.mapping.links.is_empty() => ("no line drawn yet".to_owned(), Role::Dim),
            (Some(_), None) => ("never run".to_owned(), Role::Dim),
            (None, _) => ("not mapped yet".to_owned(), Role::Dim),
        };
        let name = if row.first { row.model.name.as_str() } else { "" };
        let (mapping, onto) = row.mapping.as_ref().map_or((String::new(), String::new()), |named| {
            let matcher = named.mapping.matcher.to_string();
            let by = if matcher.is_empty() { String::new() } else { format!(" by {matcher}") };
            (named.slug.clone(), format!("{}{by}", named.mapping.object))
        });
        let words = columns.line(look, [name, &mapping, &onto, ""]);
        let selected = at == home.list.at;
        buffer.set_string(inner.x + 2, y, &words, look.style(Role::Text));
        let x = inner.x + 2 + columns.before_last();
        let left = usize::from(inner.right().saturating_sub(x));
        buffer.set_string(x, y, text::cut(&result, left, look.glyphs), look.style(role));
        if selected {
            buffer.set_string(inner.x, y, look.glyphs.selected, look.style(Role::Key));
            // The result keeps its own colour.
            let names = Rect { x: inner.x, y, width: columns.before_last().min(inner.width), height: 1 };
            buffer.set_style(names, look.style(if scene.active { Role::Selected } else { Role::SelectedAway }));
        }
    }
}

/// Widths of the first three columns.
struct Columns([usize; 3]);

impl Columns {
    fn of(rows: &[Row], width: u16) -> Self {
        let longest = |words: &dyn Fn(&Row) -> usize| rows.iter().map(words).max().unwrap_or(0);
        let third = usize::from(width) / 4;
        Self([
            longest(&|row| text::width(&row.model.name)).clamp(8, third),
            longest(&|row| row.mapping.as_ref().map_or(0, |named| text::width(&named.slug))).clamp(8, third),
            longest(&|row| {
                row.mapping.as_ref().map_or(0, |named| {
                    text::width(&named.mapping.object) + 4 + text::width(&named.mapping.matcher.to_string())
                })
            })
            .clamp(8, third),
        ])
    }

    fn before_last(&self) -> u16 {
        (self.0.iter().sum::<usize>() + 6) as u16
    }

    fn line(&self, look: &Look, words: [&str; 4]) -> String {
        let [a, b, c] = self.0;
        let fit = |at: usize, wide| text::fit(&text::harmless(words[at], look.glyphs), wide, look.glyphs);
        format!("{}  {}  {}  {}", fit(0, a), fit(1, b), fit(2, c), words[3])
    }
}

/// A run in a few words.
fn last_run(run: &RunRecord, live: Option<&Progress>, look: &Look) -> (String, Role) {
    let outcomes = run.books.outcomes;
    let actions = run.books.actions;
    let when = run.finished_at.as_ref().unwrap_or(&run.started_at);
    let when = when.get(..16).unwrap_or(when).replace('T', " ");
    let mut parts = Vec::new();
    for (count, word) in [
        (outcomes.created, "created"),
        (outcomes.updated, "updated"),
        (outcomes.deleted, "deleted"),
        (outcomes.failed, "failed"),
        (outcomes.unprocessed, "unprocessed"),
        (actions.hold, "held"),
        (actions.reject, "rejected"),
    ] {
        if count > 0 {
            parts.push(format!("{} {word}", text::thousands(count)));
        }
    }
    let words = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    let (sign, role) = match run.status {
        RunStatus::Succeeded => (look.glyphs.done, Role::Good),
        RunStatus::Partial => (look.glyphs.warning, Role::Warning),
        RunStatus::Failed => (look.glyphs.failed, Role::Bad),
        RunStatus::Stopped => (look.glyphs.warning, Role::Warning),
        RunStatus::Planned => return (format!("planned {when}"), Role::Text),
        RunStatus::Planning | RunStatus::Running => return (going(run, live, &when), Role::Update),
    };
    (format!("{sign} {words}  {when}"), role)
}

/// A run that goes on, in a few words.
fn going(run: &RunRecord, live: Option<&Progress>, when: &str) -> String {
    match live.filter(|_| run.status == RunStatus::Running) {
        Some(Progress { phase, done, total: Some(total), .. }) => {
            let word = if phase.is_pause() { "paused" } else { "running" };
            format!("{word}: {} of {}", text::thousands(*done), text::thousands(*total))
        }
        _ => format!("{} since {when}", run.status),
    }
}

fn problems(problems: &[ConfigError], buffer: &mut Buffer, area: Rect, look: &Look) {
    let inner = popup::pane(buffer, area, "Files that cannot be used", false, look);
    let wide = usize::from(inner.width.saturating_sub(2));
    let mut y = inner.y;
    for problem in problems {
        if y + 1 >= inner.bottom() {
            break;
        }
        let place = problem.place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        let path = format!("{}{place}", problem.path.display());
        let what = match &problem.hint {
            Some(hint) => format!("  {}. {hint}", problem.message),
            None => format!("  {}", problem.message),
        };
        buffer.set_string(inner.x + 1, y, text::cut(&path, wide, look.glyphs), look.style(Role::Bad));
        let what = text::harmless(&what, look.glyphs);
        buffer.set_string(inner.x + 1, y + 1, text::cut(&what, wide, look.glyphs), look.style(Role::Text));
        y += 2;
    }
    if problems.len() > 3 {
        popup::bottom_corner(buffer, area, &format!("{} in all", problems.len()), Role::Dim, look);
    }
}
