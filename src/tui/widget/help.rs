//! The `?` page: every key that works here, in the table's words; why, where one does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{popup, text};
use crate::tui::keys::{Action, Scope, bindings, resolve};
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// A line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A scope's name.
    Heading(&'static str),
    /// Keys, what they do, and why not now.
    Entry {
        /// The keys.
        keys: String,
        /// What they do.
        help: &'static str,
        /// What they do.
        action: Action,
        /// Why they do not now.
        disabled: Option<String>,
    },
}

/// The page for a chain of scopes: nearest first, each action once, only keys that really do it.
pub fn lines(scopes: &[Scope], disabled: impl Fn(Action) -> Option<String>) -> Vec<Line> {
    let mut page = Vec::new();
    let mut told: Vec<Action> = Vec::new();
    let mut headings: Vec<&'static str> = Vec::new();
    for scope in scopes {
        let mut entries = Vec::new();
        for line in bindings().filter(|line| line.scope == *scope) {
            let works = |name: &&&str| name.parse().is_ok_and(|key| resolve(scopes, key, false) == Some(line.action));
            let keys: Vec<&str> = line.keys.iter().filter(works).copied().collect();
            if keys.is_empty() || told.contains(&line.action) {
                continue;
            }
            told.push(line.action);
            entries.push(Line::Entry {
                keys: keys.join("  "),
                help: line.help,
                action: line.action,
                disabled: disabled(line.action),
            });
        }
        if entries.is_empty() {
            continue;
        }
        if !headings.contains(&scope.title()) {
            headings.push(scope.title());
            page.push(Line::Heading(scope.title()));
        }
        page.extend(entries);
    }
    page
}

/// Draws the page from line `top` on.
pub fn draw(buffer: &mut Buffer, area: Rect, page: &[Line], top: usize, look: &Look) {
    let inner = popup::window(buffer, area, 76, page.len() as u16 + 2, "Keys", look);
    let keys_wide = page
        .iter()
        .map(|line| if let Line::Entry { keys, .. } = line { text::width(keys) } else { 0 })
        .max()
        .unwrap_or(0)
        .min(18);
    let top = top.min(last_top(page.len(), inner.height));
    for (y, line) in (inner.y..inner.bottom()).zip(page.iter().skip(top)) {
        match line {
            Line::Heading(title) => {
                buffer.set_string(inner.x, y, title, look.style(Role::Header));
            }
            Line::Entry { keys, help, disabled, .. } => {
                let (key_role, word_role) =
                    if disabled.is_some() { (Role::Dim, Role::Dim) } else { (Role::Key, Role::Text) };
                let keys = text::fit(keys, keys_wide, look.glyphs);
                let words = match disabled {
                    Some(why) => why.clone(),
                    None => (*help).to_owned(),
                };
                let left = inner.width.saturating_sub(2);
                text::pieces(
                    buffer,
                    inner.x + 2,
                    y,
                    left,
                    &[(&keys, look.style(key_role)), ("  ", look.style(Role::Text)), (&words, look.style(word_role))],
                    look.glyphs,
                );
            }
        }
    }
    if page.len() > usize::from(inner.height) {
        let shown = (top + usize::from(inner.height)).min(page.len());
        let frame = Rect { x: inner.x - 2, y: inner.y - 1, width: inner.width + 4, height: inner.height + 2 };
        popup::bottom_corner(buffer, frame, &format!("{shown} of {}", page.len()), Role::Dim, look);
    }
}

/// The largest useful `top`.
pub fn last_top(length: usize, height: u16) -> usize {
    length.saturating_sub(usize::from(height))
}
