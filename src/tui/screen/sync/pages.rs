//! The rows around what is seen; the rest stays in the store.

use crate::store::{RowFilter, RunRow};
use crate::tui::msg::RowPage;

/// A window on the rows of a run.
#[derive(Debug, Default)]
pub(in crate::tui::screen) struct Pages {
    /// Which rows are meant.
    pub filter: RowFilter,
    /// How many they are.
    pub total: u64,
    /// Whether the first answer has come.
    pub is_loaded: bool,
    offset: usize,
    rows: Vec<RunRow>,
}

impl Pages {
    /// Other rows are meant from now on.
    pub fn show(&mut self, filter: RowFilter) {
        *self = Self { filter, ..Self::default() };
    }

    /// Takes what was read.
    pub fn take(&mut self, page: RowPage) {
        if page.filter == self.filter {
            self.total = page.total;
            self.offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
            self.rows = page.rows;
            self.is_loaded = true;
        }
    }

    /// A row, when it is here.
    pub fn get(&self, at: usize) -> Option<&RunRow> {
        self.rows.get(at.checked_sub(self.offset)?)
    }

    /// Whether the rows that are seen from `top` on are here.
    pub fn has(&self, top: usize, height: usize) -> bool {
        let end = (top + height).min(usize::try_from(self.total).unwrap_or(usize::MAX));
        self.is_loaded && top >= self.offset && end <= self.offset + self.rows.len()
    }

    /// What to read for a window from `top` on: a page more on both sides.
    pub fn around(&self, top: usize, height: usize) -> (RowFilter, u64, usize) {
        let page = height.max(20);
        (self.filter.clone(), top.saturating_sub(page) as u64, height + 2 * page)
    }
}
