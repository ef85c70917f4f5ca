//! A checklist in the room that there is: what is red is always whole; what is well gives way first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::{CheckLine, CheckState};
use crate::tui::look::Look;
use crate::tui::theme::Role;
use crate::tui::widget::text;

/// Cells that names may take before their details.
const NAMES: (usize, usize) = (8, 20);

/// The line that names the org and the user; it is never folded away.
const WHO_WE_ARE: &str = "login";

/// How much is left out, from nothing to as much as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// Everything is said.
    Loose,
    /// What is well takes one row.
    Short,
    /// Lines that are well stand together in one row.
    Folded,
    /// And warnings take one row.
    Tight,
}

/// One row on the screen.
struct Row {
    state: Option<CheckState>,
    /// Where it begins, how it looks, what it says.
    parts: Vec<(usize, Role, String)>,
}

/// Draws the lines into `area`, as loosely as they fit.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, lines: &[CheckLine], spinner: &str, look: &Look) {
    let height = usize::from(area.height);
    let mut rows = Vec::new();
    for tightness in [Tightness::Loose, Tightness::Short, Tightness::Folded, Tightness::Tight] {
        rows = Checklist { wide: usize::from(area.width).saturating_sub(5), tightness, look }.rows(lines);
        if rows.len() <= height {
            break;
        }
    }
    for (row, y) in rows.iter().take(height).zip(area.y..) {
        let sign = row.state.map(|state| match state {
            CheckState::Running => (spinner, Role::Update),
            CheckState::Ok => (look.glyphs.done, Role::Good),
            CheckState::Warning => (look.glyphs.warning, Role::Warning),
            CheckState::Failed => (look.glyphs.failed, Role::Bad),
        });
        if let Some((sign, role)) = sign {
            buffer.set_string(area.x + 1, y, sign, look.style(role));
        }
        for (indent, role, words) in &row.parts {
            buffer.set_string(area.x + 3 + *indent as u16, y, words, look.style(*role));
        }
    }
}

struct Checklist<'a> {
    /// Cells right of the signs.
    wide: usize,
    tightness: Tightness,
    look: &'a Look,
}

impl Checklist<'_> {
    fn rows(&self, lines: &[CheckLine]) -> Vec<Row> {
        let beside = lines.iter().filter(|line| !line.detail.is_empty() && !stands_alone(line));
        let names = beside
            .map(|line| text::width(&line.name))
            .max()
            .unwrap_or(0)
            .clamp(NAMES.0, NAMES.1.min(self.wide / 2).max(NAMES.0));
        let mut rows = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let folded = lines[at..].iter().take_while(|line| is_plain(line)).count();
            if self.tightness >= Tightness::Folded && folded > 1 {
                let all: Vec<&str> = lines[at..at + folded].iter().map(|line| line.name.as_str()).collect();
                rows.push(self.row(CheckState::Ok, vec![(0, Role::Dim, all.join(", "))]));
                at += folded;
            } else {
                self.line(&lines[at], names, &mut rows);
                at += 1;
            }
        }
        rows
    }

    fn line(&self, line: &CheckLine, names: usize, rows: &mut Vec<Row>) {
        let detail = text::harmless(&line.detail, self.look.glyphs);
        let name = (0, Role::Text, line.name.clone());
        let wrapped = |role: Role, words: &str| {
            let parts = text::wrap(words, self.wide).into_iter().filter(|part| !part.is_empty());
            parts.map(|part| Row { state: None, parts: vec![(0, role, part)] }).collect::<Vec<Row>>()
        };
        if stands_alone(line) && !(self.tightness == Tightness::Tight && line.state == CheckState::Warning) {
            // What is wrong and what to do get lines of their own.
            let role = if line.state == CheckState::Failed { Role::Bad } else { Role::Warning };
            rows.push(self.row(line.state, vec![name]));
            rows.extend(wrapped(role, &detail));
            let spoken = line.state == CheckState::Failed || self.tightness == Tightness::Loose;
            rows.extend(line.hint.iter().filter(|_| spoken).flat_map(|hint| wrapped(Role::Text, hint)));
            return;
        }
        let indent = text::width(&line.name).max(names) + 1;
        let role = if line.state == CheckState::Warning { Role::Warning } else { Role::Dim };
        // Where the rest is folded, there is room to say who we are.
        let one_row = match self.tightness {
            Tightness::Loose => false,
            Tightness::Folded => line.name != WHO_WE_ARE,
            Tightness::Short | Tightness::Tight => true,
        };
        if one_row || indent + text::width(&detail) <= self.wide {
            rows.push(self.row(line.state, vec![name, (indent, role, detail)]));
        } else {
            // What does not fit beside its name stands under it.
            rows.push(self.row(line.state, vec![name]));
            rows.extend(wrapped(role, &detail));
        }
    }

    /// A row whose last part is cut to what fits.
    fn row(&self, state: CheckState, mut parts: Vec<(usize, Role, String)>) -> Row {
        for (indent, _, words) in &mut parts {
            *words = text::cut(words, self.wide.saturating_sub(*indent), self.look.glyphs);
        }
        Row { state: Some(state), parts }
    }
}

/// Whether a line has something to say that its name must not share a row with.
fn stands_alone(line: &CheckLine) -> bool {
    line.state == CheckState::Failed || line.hint.is_some()
}

/// Whether a line can stand with others like it.
fn is_plain(line: &CheckLine) -> bool {
    line.state == CheckState::Ok && !stands_alone(line) && line.name != WHO_WE_ARE
}
