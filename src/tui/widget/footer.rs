//! The last line: the next key first, then what else works here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text;
use crate::tui::look::Look;
use crate::tui::theme::Role;

/// A key and a word for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: String,
    /// The word.
    pub word: String,
    /// Whether it is the next step.
    pub next: bool,
}

/// Draws the items that fit, from the left; `last` always, at the right.
pub fn draw(buffer: &mut Buffer, area: Rect, items: &[Item], last: &[Item], look: &Look) {
    let wide = |item: &Item| (text::width(&item.key) + text::width(&item.word)) as u16 + if item.next { 5 } else { 3 };
    let kept: u16 = last.iter().map(wide).sum();
    let mut x = area.x;
    let end = area.right().saturating_sub(kept);
    for item in items {
        if x + wide(item) > end + 1 {
            continue;
        }
        x = one(buffer, x, area.y, item, look);
    }
    let mut x = end.max(x);
    for item in last {
        if x + wide(item) > area.right() + 1 {
            break;
        }
        x = one(buffer, x, area.y, item, look);
    }
}

fn one(buffer: &mut Buffer, x: u16, y: u16, item: &Item, look: &Look) -> u16 {
    let (key, word) = if item.next {
        (format!(" {} ", item.key), (Role::NextKey, Role::NextWord))
    } else {
        (format!(" {}", item.key), (Role::Key, Role::Word))
    };
    buffer.set_string(x, y, &key, look.style(word.0));
    let x = x + text::width(&key) as u16;
    let shown = format!(" {} ", item.word);
    buffer.set_string(x, y, &shown, look.style(word.1));
    x + text::width(&shown) as u16 + u16::from(item.next)
}
