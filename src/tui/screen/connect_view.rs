//! How 1 Connect looks: two checklists side by side.

mod checklist;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::connect::{Connect, End, Health};
use crate::tui::theme::Role;
use crate::tui::widget::{popup, text};

pub(super) fn draw(connect: &Connect, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let low = 3.min(area.height);
    let high = Rect { height: area.height - low, ..area };
    let left = Rect { width: area.width / 2, ..high };
    let right = Rect { x: left.right(), width: area.width - left.width, ..high };
    let work = scene.work;
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<_>>();
    let source = Side {
        title: "From Snowflake",
        names: names(work.connections.snowflake.keys().collect()),
        chosen: work.source.as_deref(),
        focused: !connect.on_right && scene.active,
        production: false,
    };
    let destination = Side {
        title: "To Salesforce",
        names: names(work.connections.salesforce.keys().collect()),
        chosen: work.destination.as_deref(),
        focused: connect.on_right && scene.active,
        production: work.is_production(),
    };
    side(buffer, left, &source, &connect.source, scene);
    side(buffer, right, &destination, &connect.destination, scene);
    verdict(connect, buffer, Rect { y: high.bottom(), height: low, ..area }, scene);
}

struct Side<'a> {
    title: &'a str,
    names: Vec<String>,
    chosen: Option<&'a str>,
    focused: bool,
    production: bool,
}

fn side(buffer: &mut Buffer, area: Rect, side: &Side<'_>, end: &End, scene: &Scene<'_>) {
    let look = scene.look;
    let inner = popup::pane(buffer, area, side.title, side.focused, look);
    if side.production {
        popup::corner(buffer, area, "PRODUCTION", Role::Production, look);
    }
    let wide = inner.width.saturating_sub(2);
    let mut y = inner.y;
    let many = side.names.len() > 1;
    for name in side.names.iter().take(usize::from(inner.height / 3).max(1)) {
        let chosen = side.chosen == Some(name);
        let sign = if chosen { look.glyphs.linked } else { look.glyphs.unlinked };
        let role = if chosen { Role::Strong } else { Role::Dim };
        if many {
            buffer.set_string(inner.x + 1, y, sign, look.style(if chosen { Role::Key } else { Role::Dim }));
            buffer.set_stringn(inner.x + 3, y, name, usize::from(wide), look.style(role));
        } else {
            buffer.set_stringn(inner.x + 1, y, name, usize::from(wide), look.style(role));
        }
        y += 1;
    }
    if side.names.is_empty() {
        buffer.set_string(inner.x + 1, y, "no connection in the file", look.style(Role::Warning));
        return;
    }
    y += 1;
    let below = Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
    checklist::draw(buffer, below, &end.lines, scene.spinner(), look);
}

/// What the two lists mean together.
fn verdict(connect: &Connect, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let inner = popup::pane(buffer, area, "", false, look);
    let (sign, role, words) = match (connect.source.health, connect.destination.health) {
        (Health::Good, Health::Good) if scene.work.is_production() => (
            look.glyphs.warning,
            Role::Warning,
            "Both ends answer. This org is PRODUCTION: its name is asked for before the first write.",
        ),
        (Health::Good, Health::Good) => (look.glyphs.done, Role::Good, "Both ends answer."),
        (Health::Checking, _) | (_, Health::Checking) => (scene.spinner(), Role::Update, "Checking both ends"),
        (Health::Bad, _) | (_, Health::Bad) => {
            (look.glyphs.failed, Role::Bad, "Mend what is red, then check again with Enter.")
        }
        _ => (look.glyphs.waiting, Role::Dim, "Not checked yet."),
    };
    if inner.height > 0 {
        buffer.set_string(inner.x + 1, inner.y, sign, look.style(role));
        let wide = usize::from(inner.width.saturating_sub(4));
        buffer.set_string(inner.x + 3, inner.y, text::cut(words, wide, look.glyphs), look.style(Role::Text));
    }
}
