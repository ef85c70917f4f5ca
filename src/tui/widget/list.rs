//! Moving in a list of any length of which only a window is seen.

use crate::tui::keys::Action;

/// Where we are in a list: the selected row and the first one that is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The selected row.
    pub at: usize,
    /// The first row on the screen.
    pub top: usize,
}

impl Position {
    /// Moves as the action says, in a list of `length` rows of which `height` are seen. False when
    /// the action is none of a list's.
    pub fn act(&mut self, action: Action, length: usize, height: usize) -> bool {
        let last = length.saturating_sub(1);
        let page = height.max(2) - 1;
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at.saturating_add(1),
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at.saturating_add(page),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        }
        .min(last);
        self.keep_in_view(length, height);
        true
    }

    /// Scrolls so that the selected row is seen: by half a page, because that sends far fewer bytes
    /// than a step a key.
    pub fn keep_in_view(&mut self, length: usize, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(length.saturating_sub(1));
        if self.at < self.top {
            self.top = if self.top - self.at == 1 { (self.at + 1).saturating_sub(height.div_ceil(2)) } else { self.at };
        } else if self.at >= self.top + height {
            let step = self.at + 1 - self.top - height;
            self.top = if step == 1 { self.at + 1 - height.div_ceil(2) } else { self.at + 1 - height };
        }
        self.top = self.top.min(length.saturating_sub(height)).min(self.at);
    }

    /// The rows that are seen.
    pub fn window(&self, length: usize, height: usize) -> std::ops::Range<usize> {
        self.top.min(length)..(self.top + height).min(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_selected_row_is_always_seen(
            length in 0usize..60,
            height in 1usize..12,
            moves in proptest::collection::vec(0usize..6, 0..80),
        ) {
            let actions =
                [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::First, Action::Last];
            let mut list = Position::default();
            for step in moves {
                list.act(actions[step], length, height);
                prop_assert!(length == 0 || list.window(length, height).contains(&list.at), "{list:?}");
                prop_assert!(list.top == 0 || list.top + height <= length, "no empty rows below: {list:?}");
            }
        }
    }
}
