//! Drawing, cutting, matching: everything that changes the mapping.

use super::{Act, Drawing, Hand, Question, Side};
use crate::mapping::automatch;
use crate::mapping::{Link, Mapping, MatchMode, MatchTerm, Source, is_record_type};
use crate::tui::keys::MapAction;

impl Drawing {
    /// Changes the mapping as one step that can be undone.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Mapping)) -> bool {
        let mut next = self.mapping.now().clone();
        change(&mut next);
        let changed = self.mapping.set(next);
        self.refresh();
        changed
    }

    pub(super) fn undo(&mut self) {
        let done = self.mapping.undo();
        self.notice = Some(if done { "Undone. U does it again." } else { "Nothing to undo." }.into());
        self.refresh();
    }

    pub(super) fn redo(&mut self) {
        let done = self.mapping.redo();
        self.notice = Some(if done { "Done again." } else { "Nothing to do again." }.into());
        self.refresh();
    }

    /// Fixes one end at the cursor; the other end goes to the likeliest item of the other list.
    pub(super) fn pick_up(&mut self) {
        let Some(item) = self.item() else {
            self.notice = Some("Nothing here to draw from.".into());
            return;
        };
        let from = self.side;
        let guesses = self.guesses(from, item);
        let to = from.other();
        let before = self.list(to).item();
        self.grid = false;
        self.filtering = false;
        self.list_mut(to).filter.clear();
        self.hand = Some(Hand { from, item, guesses, before });
        self.refresh();
        // What is linked already is where a person looks first; then the guesses.
        let linked = self.lines_at(from, item).find_map(|(_, line)| match from {
            Side::Columns => line.field,
            Side::Fields => line.column,
        });
        let guess = self.hand.as_ref().and_then(|hand| hand.guesses.first().map(|guess| guess.0));
        let rows = self.rows;
        if let Some(there) = linked.or(guess) {
            self.list_mut(to).go_to(there, rows);
        } else {
            self.list_mut(to).step(0, rows);
        }
        self.keep_level();
    }

    /// Likely other ends, those that are still free first.
    fn guesses(&self, from: Side, item: usize) -> Vec<(usize, automatch::Reason)> {
        let ranked = match from {
            Side::Columns => automatch::rank_fields(&self.columns[item], &self.object),
            Side::Fields => automatch::rank_columns(&self.object.fields[item], &self.columns),
        };
        let to = from.other();
        let mut found: Vec<(usize, automatch::Reason)> = ranked
            .into_iter()
            .filter_map(|guess| {
                let at = match from {
                    Side::Columns => self.object.fields.iter().position(|field| field.name == guess.field),
                    Side::Fields => self.columns.iter().position(|column| column.name == guess.column),
                };
                at.map(|at| (at, guess.reason))
            })
            .collect();
        found.sort_by_key(|(at, _)| self.lines_at(to, *at).any(|(_, line)| line.proposal.is_none()));
        found
    }

    /// The next guess after the one under the cursor.
    pub(super) fn next_guess(&mut self) {
        let Some(hand) = &self.hand else { return };
        let to = hand.from.other();
        let here = self.list(to).item();
        let at = hand.guesses.iter().position(|(item, _)| Some(*item) == here).map_or(0, |at| at + 1);
        let Some((item, _)) = hand.guesses.get(at % hand.guesses.len().max(1)).copied() else {
            self.notice = Some("No other guess. Type to search.".into());
            return;
        };
        let rows = self.rows;
        self.list_mut(to).filter.clear();
        self.refresh();
        self.list_mut(to).go_to(item, rows);
        self.keep_level();
    }

    pub(super) fn put_down(&mut self) {
        let Some(hand) = self.hand.take() else { return };
        let to = hand.from.other();
        self.list_mut(to).filter.clear();
        self.refresh();
        if let Some(item) = hand.before {
            let rows = self.rows;
            self.list_mut(to).go_to(item, rows);
        }
        self.keep_level();
    }

    /// Draws the line in hand to the cursor, or asks when the field is taken.
    pub(super) fn drop_line(&mut self) {
        let Some(hand) = &self.hand else { return };
        let Some(there) = self.list(hand.from.other()).item() else {
            self.notice = Some("Nothing fits what you typed. Backspace widens the search.".into());
            return;
        };
        let (column, field) = match hand.from {
            Side::Columns => (hand.item, there),
            Side::Fields => (there, hand.item),
        };
        let name = &self.object.fields[field].name;
        if !self.object.fields[field].is_writable() {
            self.notice = Some(format!("{name} cannot be written: it is read-only for this user."));
            return;
        }
        let taken = self.mapping().link_to(name).map(|link| link.source.clone());
        match taken {
            Some(Source::Column(other)) if other == self.columns[column].name => self.finish(field),
            Some(other) => self.question = Some(Question { column, field, taken_by: other.to_string() }),
            None => {
                let (column, name) = (self.columns[column].name.clone(), name.clone());
                self.edit(|mapping| mapping.links.push(Link::new(column, name)));
                self.finish(field);
            }
        }
    }

    /// The hand is empty again; the cursor stays where the line started, the other list where it
    /// ended.
    fn finish(&mut self, field: usize) {
        let Some(hand) = self.hand.take() else { return };
        let to = hand.from.other();
        self.list_mut(to).filter.clear();
        self.refresh();
        let rows = self.rows;
        if to == Side::Fields {
            self.right.go_to(field, rows);
        }
        self.keep_level();
        let line = self.lines_at(Side::Fields, field).find(|(_, line)| line.link.is_some());
        let source = line.map_or_else(String::new, |(_, line)| line.source.clone());
        let field = &self.object.fields[field];
        // A column seldom holds Salesforce's own ids.
        let more = if !field.reference_to.is_empty() && !is_record_type(field) && self.lookup_of(field).is_none() {
            " It takes record ids; L finds the record by another of its fields."
        } else {
            ""
        };
        self.notice = Some(format!("{source} → {}.{more}", field.name));
    }

    /// While a question waits, only its answer counts.
    pub(super) fn answer(&mut self, act: Act) {
        let yes = matches!(act, Act::Key(MapAction::Accept) | Act::Type('y' | 'Y'));
        let no = matches!(act, Act::Key(MapAction::Decline | MapAction::Back) | Act::Type('n' | 'N'));
        if !yes && !no {
            return;
        }
        let Some(question) = self.question.take() else { return };
        if yes {
            let column = self.columns[question.column].name.clone();
            let name = self.object.fields[question.field].name.clone();
            // Transforms and policies stay: they are about what the field needs.
            self.edit(|mapping| {
                let link = mapping.links.iter_mut().find(|link| link.field.eq_ignore_ascii_case(&name));
                if let Some(link) = link {
                    link.source = Source::Column(column);
                }
            });
            self.finish(question.field);
        }
    }

    /// Cuts the line at the cursor, with its record matcher.
    pub(super) fn cut(&mut self) {
        if self.hand.is_some() {
            self.put_down();
            return;
        }
        let Some((link, term, words)) = self.only_line("cut") else { return };
        self.edit(|mapping| {
            if let Some(at) = link {
                mapping.links.remove(at);
            }
            if let Some(at) = term {
                mapping.matcher.terms.remove(at);
            }
        });
        self.notice = Some(format!("Cut {words}. u brings it back."));
    }

    /// The one drawn line at the cursor: its link, its term, its words.
    fn only_line(&mut self, verb: &str) -> Option<(Option<usize>, Option<usize>, String)> {
        let item = self.item()?;
        let mut here: Vec<_> = self
            .lines_at(self.side, item)
            .filter(|(_, line)| line.proposal.is_none())
            .map(|(_, line)| (line.link, line.term, line.source.clone(), line.field))
            .collect();
        // A template is one link, from however many columns.
        here.dedup_by_key(|line| (line.0, line.1));
        match here.as_slice() {
            [] => {
                self.notice = Some(format!("No line here to {verb}."));
                None
            }
            [(link, term, source, field)] => {
                let field = field.map_or("?", |field| self.object.fields[field].name.as_str());
                Some((*link, *term, format!("{source} → {field}")))
            }
            several => {
                let place = match self.side {
                    Side::Columns => "Choose one at its field: Right, then this key.",
                    Side::Fields => "Choose one at its column: Left, then this key.",
                };
                self.notice = Some(format!("{} lines here. {place}", several.len()));
                None
            }
        }
    }

    /// Marks the line at the cursor as record matcher, or takes the mark away.
    pub(super) fn toggle_matcher(&mut self) {
        if self.hand.is_some() {
            return;
        }
        let Some((link, term, words)) = self.only_line("match records by") else { return };
        if let Some(at) = term {
            self.edit(|mapping| drop(mapping.matcher.terms.remove(at)));
            self.notice = Some(format!("{words} no longer finds records."));
            return;
        }
        let Some(link) = link.and_then(|at| self.mapping().links.get(at)) else { return };
        let Some(column) = link.column().map(str::to_owned) else {
            self.notice = Some("Only a column can find records.".into());
            return;
        };
        let field = link.field.clone();
        if self.object.field(&field).is_some_and(|field| !field.filterable) {
            self.notice = Some(format!("Salesforce cannot search by {field}."));
            return;
        }
        self.edit(|mapping| mapping.matcher.terms.push(MatchTerm { column, field }));
        self.notice = Some(format!("Records are found by {}.", self.mapping().matcher));
    }

    pub(super) fn toggle_match_mode(&mut self) {
        if self.mapping().matcher.terms.len() < 2 {
            self.notice = Some("All or any matters from the second record matcher on. m makes one.".into());
            return;
        }
        self.edit(|mapping| {
            mapping.matcher.mode = match mapping.matcher.mode {
                MatchMode::All => MatchMode::Any,
                MatchMode::Any => MatchMode::All,
            };
        });
        self.notice = Some(format!("Records are found by {}.", self.mapping().matcher));
    }

    /// Proposes lines; nothing is drawn before a person says so.
    pub(super) fn automatch(&mut self) {
        if self.hand.is_some() {
            return;
        }
        self.proposals = automatch::propose(&self.columns, &self.object, self.mapping());
        self.refresh();
        if self.proposals.is_empty() {
            self.notice = Some("Nothing more to propose.".into());
        }
        self.go_to_proposal();
    }

    /// The proposal at the cursor.
    pub fn proposal(&self) -> Option<usize> {
        self.lines_at(self.side, self.item()?).find_map(|(_, line)| line.proposal)
    }

    /// The cursor goes to the next proposal when there is none under it.
    fn go_to_proposal(&mut self) {
        if self.proposals.is_empty() || self.proposal().is_some() {
            return;
        }
        let here = if self.side == Side::Columns { self.left.item() } else { None };
        let ends: Vec<(usize, Option<usize>)> = self
            .lines
            .iter()
            .filter(|line| line.proposal.is_some())
            .filter_map(|line| line.column.map(|column| (column, line.field)))
            .collect();
        let next = ends.iter().find(|(column, _)| here.is_none_or(|here| *column >= here)).or(ends.first()).copied();
        if let Some((column, field)) = next {
            let rows = self.rows;
            self.side = Side::Columns;
            self.left.go_to(column, rows);
            if let Some(field) = field {
                self.right.go_to(field, rows);
            }
            self.keep_level();
        }
    }

    pub(super) fn accept(&mut self) {
        let Some(proposal) = self.proposal().and_then(|at| self.proposals.get(at)).cloned() else {
            return self.go_to_proposal();
        };
        self.edit(|mapping| mapping.links.push(Link::new(proposal.column, proposal.field)));
        self.go_to_proposal();
    }

    pub(super) fn decline(&mut self) {
        let Some(at) = self.proposal() else { return self.go_to_proposal() };
        self.proposals.remove(at);
        self.refresh();
        self.go_to_proposal();
    }

    /// Draws every proposal, as one step.
    pub(super) fn accept_all(&mut self) {
        let all = std::mem::take(&mut self.proposals);
        if all.is_empty() {
            self.notice = Some("No proposals. a makes some.".into());
            return;
        }
        let count = all.len();
        self.edit(|mapping| mapping.links.extend(all.into_iter().map(|found| Link::new(found.column, found.field))));
        let lines = if count == 1 { "line" } else { "lines" };
        self.notice = Some(format!("{count} {lines} drawn. u takes them back."));
    }
}
