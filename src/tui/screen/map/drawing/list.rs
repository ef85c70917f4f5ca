//! One of the two lists: what it shows in which order, where the cursor is, how it scrolls.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A list of items by number; a gap is an empty row that keeps two lists level.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// What is shown, from first to last.
    slots: Vec<Option<usize>>,
    /// Index into the slots.
    cursor: usize,
    /// The first slot in view.
    top: usize,
    /// What the user typed to narrow it.
    pub filter: String,
}

impl List {
    /// The item under the cursor.
    pub fn item(&self) -> Option<usize> {
        self.slots.get(self.cursor).copied().flatten()
    }

    /// The row in view on which the cursor stands.
    pub fn cursor_row(&self) -> usize {
        self.cursor.saturating_sub(self.top)
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The slots in view.
    pub fn view(&self, rows: usize) -> &[Option<usize>] {
        let start = self.top.min(self.slots.len());
        &self.slots[start..start.saturating_add(rows).min(self.slots.len())]
    }

    /// How many items are above the view and below it.
    pub fn beyond(&self, rows: usize) -> (usize, usize) {
        let count = |slots: &[Option<usize>]| slots.iter().flatten().count();
        let start = self.top.min(self.slots.len());
        let end = start.saturating_add(rows).min(self.slots.len());
        (count(&self.slots[..start]), count(&self.slots[end..]))
    }

    /// The slot of an item.
    pub fn position(&self, item: usize) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == Some(item))
    }

    /// The first slot in view.
    pub fn top(&self) -> usize {
        self.top
    }

    /// Shows other slots, with the cursor on the same item if it is still there.
    pub fn show(&mut self, slots: Vec<Option<usize>>, rows: usize) {
        let item = self.item();
        let row = self.cursor_row();
        self.slots = slots;
        match item.and_then(|item| self.position(item)) {
            Some(slot) => {
                if slot != self.cursor {
                    self.top = slot.saturating_sub(row);
                }
                self.cursor = slot;
            }
            None => self.cursor = self.cursor.min(self.slots.len().saturating_sub(1)),
        }
        self.settle(1);
        self.reveal(rows);
    }

    /// Moves by so many items, stopping at the ends.
    pub fn step(&mut self, by: isize, rows: usize) {
        let direction = by.signum();
        for _ in 0..by.unsigned_abs() {
            let mut next = self.cursor;
            let found = loop {
                match next.checked_add_signed(direction) {
                    Some(slot) if slot < self.slots.len() => next = slot,
                    _ => break false,
                }
                if self.slots[next].is_some() {
                    break true;
                }
            };
            if !found {
                break;
            }
            self.cursor = next;
        }
        self.reveal(rows);
    }

    /// Puts the cursor on an item, if it is shown.
    pub fn go_to(&mut self, item: usize, rows: usize) -> bool {
        let Some(slot) = self.position(item) else { return false };
        self.cursor = slot;
        self.reveal(rows);
        true
    }

    /// Puts an item on this row of the view, as far as the start of the list allows.
    pub fn place(&mut self, item: usize, row: usize) {
        if let Some(slot) = self.position(item) {
            self.cursor = slot;
            self.top = slot.saturating_sub(row);
        }
    }

    /// Scrolls so that this slot is the first in view. The cursor stays where it is, even out of
    /// view: only the list without the focus is scrolled so.
    pub fn scroll_to(&mut self, top: usize) {
        self.top = top.min(self.slots.len().saturating_sub(1));
    }

    /// From a gap to the nearest item, first in this direction.
    fn settle(&mut self, direction: isize) {
        if self.item().is_some() {
            return;
        }
        let items = || (0..self.slots.len()).filter(|slot| self.slots[*slot].is_some());
        let after = items().find(|slot| *slot >= self.cursor);
        let before = items().rfind(|slot| *slot < self.cursor);
        let found = if direction > 0 { after.or(before) } else { before.or(after) };
        self.cursor = found.unwrap_or(0);
    }

    /// Scrolls by half a page when the cursor leaves the view: fewer bytes over a slow line than a
    /// repaint for every row.
    fn reveal(&mut self, rows: usize) {
        let rows = rows.max(1);
        let last = self.slots.len().saturating_sub(rows);
        if self.cursor < self.top {
            self.top = self.cursor.saturating_sub(rows / 2);
        } else if self.cursor >= self.top + rows {
            self.top = (self.cursor + 1).saturating_sub(rows - rows / 2);
            self.top = self.top.min(last.max((self.cursor + 1).saturating_sub(rows)));
        }
    }
}

/// How typed text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// As it is, anywhere in a name.
    Part,
    /// Its letters in this order, with others between them.
    Letters,
}

/// How well any of these texts fits what was typed; `None` when none does, everything fits "".
pub fn score(typed: &str, texts: &[&str], search: Search) -> Option<u32> {
    if typed.trim().is_empty() {
        return Some(0);
    }
    let kind = match search {
        Search::Part => AtomKind::Substring,
        Search::Letters => AtomKind::Fuzzy,
    };
    let pattern = Pattern::new(typed.trim(), CaseMatching::Ignore, Normalization::Smart, kind);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    texts.iter().filter_map(|text| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher)).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(count: usize) -> List {
        let mut list = List::default();
        list.show((0..count).map(Some).collect(), 10);
        list
    }

    #[test]
    fn scrolls_half_a_page_at_the_edge() {
        let mut list = list(40);
        list.step(10, 10);
        assert_eq!((list.item(), list.top()), (Some(10), 6));
        list.step(-5, 10);
        assert_eq!((list.item(), list.top()), (Some(5), 0));
        list.step(100, 10);
        assert_eq!((list.item(), list.top()), (Some(39), 30));
    }

    #[test]
    fn gaps_are_stepped_over() {
        let mut list = List::default();
        list.show(vec![Some(1), None, None, Some(2)], 10);
        list.step(1, 10);
        assert_eq!(list.item(), Some(2));
        list.step(1, 10);
        assert_eq!(list.item(), Some(2));
    }

    #[test]
    fn typing_finds_by_letters_in_order() {
        assert!(score("mob", &["MobilePhone"], Search::Part).is_some());
        assert!(score("mph", &["MobilePhone"], Search::Part).is_none());
        assert!(score("mph", &["MobilePhone"], Search::Letters).is_some());
        assert!(score("", &["anything"], Search::Part).is_some());
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_in_view(
            slots in prop::collection::vec(prop::option::weighted(0.8, 0_usize..50), 0..40),
            steps in prop::collection::vec(-12_isize..12, 0..20),
            rows in 1_usize..15,
        ) {
            let mut list = List::default();
            let any = slots.iter().any(Option::is_some);
            list.show(slots, rows);
            for by in steps {
                list.step(by, rows);
                prop_assert!(list.cursor_row() < rows);
                prop_assert_eq!(list.item().is_some(), any);
            }
        }
    }
}
