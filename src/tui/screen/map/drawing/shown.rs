//! Which items the two lists show.

use super::{Drawing, Search, Show, Side, list};

impl Drawing {
    /// What a list shows: its order, less what the filters hide.
    pub(super) fn slots(&self, side: Side) -> Vec<Option<usize>> {
        let order = match side {
            Side::Columns => &self.order.0,
            Side::Fields => &self.order.1,
        };
        let filter = &self.list(side).filter;
        let narrowed = self.show != Show::All || !filter.is_empty();
        let search = self.search(side);
        order
            .iter()
            .copied()
            .filter(|slot| match *slot {
                None => self.aligned && !narrowed,
                Some(item) => self.passes(side, item) && self.fits(side, item, search).is_some(),
            })
            .collect()
    }

    /// Letters in order only where the text as a whole is in no name: `mo` means MobilePhone, not
    /// MailingCountry, and `mph` still finds it.
    pub(super) fn search(&self, side: Side) -> Search {
        let items = match side {
            Side::Columns => self.columns.len(),
            Side::Fields => self.object.fields.len(),
        };
        let part = |item| self.passes(side, item) && self.fits(side, item, Search::Part).is_some();
        if (0..items).any(part) { Search::Part } else { Search::Letters }
    }

    /// How well an item fits what is typed.
    pub(super) fn fits(&self, side: Side, item: usize, search: Search) -> Option<u32> {
        let typed = &self.list(side).filter;
        match side {
            Side::Columns => list::score(typed, &[&self.columns[item].name], search),
            Side::Fields => {
                let field = &self.object.fields[item];
                list::score(typed, &[&field.name, &field.label], search)
            }
        }
    }

    /// Whether an item is shown, whatever is typed.
    pub(super) fn passes(&self, side: Side, item: usize) -> bool {
        let linked = self.lines_at(side, item).any(|(_, line)| line.proposal.is_none());
        if side == Side::Fields {
            let field = &self.object.fields[item];
            if self.is_missing(field) {
                return true;
            }
            if !field.is_writable() && !linked && !self.read_only {
                return false;
            }
        }
        // A line in hand may go anywhere, and starts somewhere.
        let open = self.hand.as_ref().is_some_and(|hand| hand.from != side || hand.item == item);
        open || match self.show {
            Show::All => true,
            Show::Unlinked => !linked,
            Show::Linked => linked,
            Show::Findings => self.findings_at(side, item).next().is_some(),
        }
    }

    pub(super) fn cycle_show(&mut self) {
        let at = Show::ORDER.iter().position(|show| *show == self.show).unwrap_or(0);
        self.show = Show::ORDER[(at + 1) % Show::ORDER.len()];
        self.refresh();
    }
}
