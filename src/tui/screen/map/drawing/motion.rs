//! Moving about: the cursors, along lines, level and aligned, and what typing does to a list.

use std::collections::BTreeSet;

use super::{Drawing, Line, Show, Side};
use crate::mapping::Place;

impl Drawing {
    pub(super) fn own_order(&self) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
        ((0..self.columns.len()).map(Some).collect(), (0..self.object.fields.len()).map(Some).collect())
    }

    pub(super) fn step(&mut self, by: isize) {
        let side = self.moving_side();
        let rows = self.rows;
        self.list_mut(side).step(by, rows);
        self.keep_level();
    }

    /// In aligned order both lists scroll as one.
    pub(super) fn keep_level(&mut self) {
        if self.aligned {
            let side = self.moving_side();
            let top = self.list(side).top();
            self.list_mut(side.other()).scroll_to(top);
        }
    }

    /// To the other list, onto the end of the line if there is one.
    pub(super) fn follow(&mut self, side: Side) {
        if self.hand.is_some() || self.side == side {
            return;
        }
        let partner = self.partner();
        self.change_side(side);
        if let Some(item) = partner {
            let rows = self.rows;
            self.list_mut(side).go_to(item, rows);
            self.keep_level();
        }
    }

    /// The item at the other end of the first line here; a proposal only if there is nothing else.
    pub(super) fn partner(&self) -> Option<usize> {
        let mut here: Vec<&Line> = self.lines_at(self.side, self.item()?).map(|(_, line)| line).collect();
        here.sort_by_key(|line| line.proposal.is_some());
        here.iter().find_map(|line| match self.side {
            Side::Columns => line.field,
            Side::Fields => line.column,
        })
    }

    /// Puts the focus and the cursor on an item.
    pub fn select(&mut self, side: Side, item: usize) {
        self.notice = None;
        self.side = side;
        let rows = self.rows;
        self.list_mut(side).go_to(item, rows);
        self.keep_level();
    }

    /// The line in hand goes to this item of the other list.
    pub fn aim(&mut self, item: usize) {
        let (side, rows) = (self.moving_side(), self.rows);
        self.list_mut(side).go_to(item, rows);
        self.keep_level();
    }

    pub(super) fn change_side(&mut self, side: Side) {
        self.filtering = false;
        self.side = side;
        let rows = self.rows;
        self.list_mut(side).step(0, rows);
        self.keep_level();
    }

    pub(super) fn back(&mut self) {
        if self.hand.is_some() {
            self.put_down();
        } else if self.filtering || !self.list(self.side).filter.is_empty() {
            self.filtering = false;
            let side = self.side;
            self.list_mut(side).filter.clear();
            self.refresh();
        } else if !self.proposals.is_empty() {
            self.proposals.clear();
            self.notice = Some("Proposals put away; nothing was changed.".into());
            self.refresh();
        } else if self.grid {
            self.grid = false;
        } else if self.show != Show::All {
            self.show = Show::All;
            self.refresh();
        }
    }

    pub(super) fn type_text(&mut self, change: impl FnOnce(&mut String)) {
        if !self.takes_text() {
            return;
        }
        let side = self.moving_side();
        change(&mut self.list_mut(side).filter);
        self.refresh();
        // The best fit, not the first one, has the cursor.
        if !self.list(side).filter.is_empty() {
            let search = self.search(side);
            let best = self.list(side).view(usize::MAX).iter().flatten().copied();
            let best = best.max_by_key(|item| (self.fits(side, *item, search), std::cmp::Reverse(*item)));
            if let Some(item) = best {
                let rows = self.rows;
                self.list_mut(side).go_to(item, rows);
            }
        }
        self.keep_level();
    }

    /// Scrolls both lists so that the line here is straight.
    pub(super) fn level(&mut self) {
        let (Some(item), Some(partner)) = (self.item(), self.partner()) else {
            self.notice = Some("No line here to bring level.".into());
            return;
        };
        let side = self.side;
        let (Some(here), Some(there)) = (self.list(side).position(item), self.list(side.other()).position(partner))
        else {
            self.notice = Some("The other end is filtered away.".into());
            return;
        };
        let row = self.list(side).cursor_row().min(here).min(there);
        self.list_mut(side).place(item, row);
        self.list_mut(side.other()).place(partner, row);
    }

    /// Orders both lists so that every line is straight, or back.
    pub(super) fn align(&mut self) {
        self.aligned = !self.aligned;
        self.order = if self.aligned { self.straight_order() } else { self.own_order() };
        self.notice = Some(
            if self.aligned { "Aligned: each field stands beside its column." } else { "In their own order." }.into(),
        );
        self.refresh();
    }

    /// Linked columns first, each beside its field; a second field of a column stands beside a gap.
    pub(super) fn straight_order(&self) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        let mut placed: (BTreeSet<usize>, BTreeSet<usize>) = Default::default();
        for column in 0..self.columns.len() {
            let ends: Vec<usize> = self
                .lines_at(Side::Columns, column)
                .filter(|(_, line)| line.proposal.is_none())
                .filter_map(|(_, line)| line.field)
                .collect();
            for field in ends {
                let (new_column, new_field) = (placed.0.insert(column), placed.1.insert(field));
                if new_column || new_field {
                    columns.push(new_column.then_some(column));
                    fields.push(new_field.then_some(field));
                }
            }
        }
        columns.extend((0..self.columns.len()).filter(|column| !placed.0.contains(column)).map(Some));
        fields.extend((0..self.object.fields.len()).filter(|field| !placed.1.contains(field)).map(Some));
        (columns, fields)
    }

    /// The next place with a finding, fields first.
    pub(super) fn next_problem(&mut self) {
        let fields: Vec<usize> = (0..self.object.fields.len())
            .filter(|&field| self.findings_at(Side::Fields, field).next().is_some())
            .collect();
        let here = if self.side == Side::Fields { self.item() } else { None };
        let next = fields.iter().find(|field| here.is_some_and(|here| **field > here)).or(fields.first()).copied();
        let Some(field) = next else {
            let whole = self.findings.iter().find(|finding| finding.place == Place::Mapping);
            self.notice = Some(whole.map_or_else(|| "Nothing is wrong.".into(), ToString::to_string));
            return;
        };
        self.change_side(Side::Fields);
        let rows = self.rows;
        if !self.right.go_to(field, rows) {
            self.right.filter.clear();
            self.show = Show::All;
            self.refresh();
            self.right.go_to(field, rows);
        }
        self.keep_level();
    }
}
