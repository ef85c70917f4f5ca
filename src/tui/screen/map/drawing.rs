//! A mapping while it is drawn: two lists and the lines between them, and what the keys do to them.
//!
//! Knows no terminal and no files. A mapping is a value, so undo is a stack of values, and what is
//! saved is compared with what is on the screen.

mod edit;
#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod lines;
mod list;
mod motion;
mod preview;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::mapping::automatch::{self, Proposal};
use crate::mapping::{
    Finding, Lookup, Mapping, Operation, Place, RowSelection, Severity, are_persons, check, is_required,
};
use crate::tui::keys::MapAction;
use crate::types::{Column, Field, ObjectDescribe, Value};

use history::History;
pub use lines::Line;
pub use list::List;
use list::Search;
pub use preview::{After, Preview, plain, quoted};

/// The list that has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The columns.
    Columns,
    /// The fields.
    Fields,
}

impl Side {
    /// The other list.
    pub fn other(self) -> Self {
        match self {
            Self::Columns => Self::Fields,
            Self::Fields => Self::Columns,
        }
    }
}

/// What is done to a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "most names say it")]
pub enum Act {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    /// To the columns, along the line.
    Left,
    /// To the fields, along the line.
    Right,
    /// To the other list, wherever its cursor is.
    OtherSide,
    /// A letter, while [`Drawing::takes_text`].
    Type(char),
    /// Backspace, while [`Drawing::takes_text`].
    Erase,
    /// One of the Map screen's own keys.
    Key(MapAction),
}

/// Which items both lists show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// Everything.
    #[default]
    All,
    /// Only what has no line.
    Unlinked,
    /// Only what has one.
    Linked,
    /// Only what has a finding.
    Findings,
}

impl Show {
    const ORDER: [Self; 4] = [Self::All, Self::Unlinked, Self::Linked, Self::Findings];

    /// In words, for the title; nothing for everything.
    pub fn words(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Unlinked => "without a line",
            Self::Linked => "with a line",
            Self::Findings => "with problems",
        }
    }
}

/// A line in hand: one end is fixed, the other follows the cursor of the other list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// The list of the fixed end.
    pub from: Side,
    /// The item of the fixed end.
    pub item: usize,
    /// Guesses for the other end, the likeliest first.
    pub guesses: Vec<(usize, automatch::Reason)>,
    /// Where the other list's cursor was.
    before: Option<usize>,
}

/// A question that waits for `y` or `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The column that would feed the field.
    pub column: usize,
    /// The field.
    pub field: usize,
    /// What feeds it now.
    pub taken_by: String,
}

/// A mapping while it is drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Name of the query, such as `customers.sql`.
    pub title: String,
    /// The query's columns.
    pub columns: Vec<Column>,
    /// Rows of the last preview; may be empty.
    pub samples: Vec<Vec<Value>>,
    /// The destination's object.
    pub object: ObjectDescribe,
    /// The objects that lookups name, as far as they are known.
    pub parents: Vec<ObjectDescribe>,
    /// When the fields were last known to be true.
    pub checked_at: Option<Timestamp>,
    /// What is wrong with the mapping as it is now.
    pub findings: Vec<Finding>,
    /// All lines as they are now, proposals included.
    pub lines: Vec<Line>,
    /// The list with the focus.
    pub side: Side,
    /// The columns' list.
    pub left: List,
    /// The fields' list.
    pub right: List,
    /// The line in hand.
    pub hand: Option<Hand>,
    /// The question that waits.
    pub question: Option<Question>,
    /// Whether letters narrow the focused list.
    pub filtering: bool,
    /// Proposed lines that wait for a word.
    pub proposals: Vec<Proposal>,
    /// Whether the mapping is shown as a table.
    pub grid: bool,
    /// Whether the lists are ordered so that lines are straight.
    pub aligned: bool,
    /// Which items are shown.
    pub show: Show,
    /// Whether fields that cannot be written are shown.
    pub read_only: bool,
    /// Which sample row is shown.
    pub sample: usize,
    /// What the last action has to say.
    pub notice: Option<String>,
    mapping: History<Mapping>,
    saved: Mapping,
    rows: usize,
    /// The order of both lists before any filter.
    order: (Vec<Option<usize>>, Vec<Option<usize>>),
}

impl Drawing {
    /// Over a mapping as it is saved. `samples` are rows of the last preview.
    pub fn new(
        title: impl Into<String>,
        columns: Vec<Column>,
        samples: Vec<Vec<Value>>,
        object: ObjectDescribe,
        mapping: Mapping,
    ) -> Self {
        let order = ((0..columns.len()).map(Some).collect(), (0..object.fields.len()).map(Some).collect());
        let mut screen = Self {
            title: title.into(),
            columns,
            samples,
            object,
            parents: Vec::new(),
            checked_at: None,
            findings: Vec::new(),
            lines: Vec::new(),
            side: Side::Columns,
            left: List::default(),
            right: List::default(),
            hand: None,
            question: None,
            filtering: false,
            proposals: Vec::new(),
            grid: false,
            aligned: false,
            show: Show::All,
            read_only: false,
            sample: 0,
            notice: None,
            saved: mapping.clone(),
            mapping: History::new(mapping),
            rows: 17,
            order,
        };
        screen.refresh();
        screen
    }

    /// The mapping as it is on the screen.
    pub fn mapping(&self) -> &Mapping {
        self.mapping.now()
    }

    /// Whether the screen holds changes that are not saved.
    pub fn is_changed(&self) -> bool {
        *self.mapping.now() != self.saved
    }

    /// The file has been written with this mapping.
    pub fn saved(&mut self, mapping: Mapping) {
        self.saved = mapping;
    }

    /// How many rows of the lists are in view, so that the cursor stays among them.
    pub fn resize(&mut self, rows: usize) {
        self.rows = rows.max(1);
        self.left.step(0, self.rows);
        self.right.step(0, self.rows);
    }

    /// How many rows of the lists are in view.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether letters are text now (narrowing a list) and not keys.
    pub fn takes_text(&self) -> bool {
        self.question.is_none() && (self.hand.is_some() || self.filtering)
    }

    /// The list on this side.
    pub fn list(&self, side: Side) -> &List {
        match side {
            Side::Columns => &self.left,
            Side::Fields => &self.right,
        }
    }

    fn list_mut(&mut self, side: Side) -> &mut List {
        match side {
            Side::Columns => &mut self.left,
            Side::Fields => &mut self.right,
        }
    }

    /// The list whose cursor moves: the focused one, or the other end of a line in hand.
    pub fn moving_side(&self) -> Side {
        self.hand.as_ref().map_or(self.side, |hand| hand.from.other())
    }

    /// The item under the focused list's cursor.
    pub fn item(&self) -> Option<usize> {
        self.list(self.side).item()
    }

    /// The lines at this end.
    pub fn lines_at(&self, side: Side, item: usize) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().filter(move |(_, line)| match side {
            Side::Columns => line.column == Some(item),
            Side::Fields => line.field == Some(item),
        })
    }

    /// Indices of the lines at the cursor; none while a line is in hand.
    pub fn focused(&self) -> Vec<usize> {
        match (&self.hand, self.item()) {
            (None, Some(item)) => self.lines_at(self.side, item).map(|(at, _)| at).collect(),
            _ => Vec::new(),
        }
    }

    /// The findings that belong to this end.
    pub fn findings_at(&self, side: Side, item: usize) -> impl Iterator<Item = &Finding> {
        let lines: Vec<&Line> = self.lines_at(side, item).map(|(_, line)| line).collect();
        self.findings.iter().filter(move |finding| match &finding.place {
            Place::Mapping => false,
            Place::Link(at) => lines.iter().any(|line| line.link == Some(*at)),
            Place::Matcher(at) => lines.iter().any(|line| line.term == Some(*at)),
            Place::Field(name) => side == Side::Fields && self.object.fields[item].name.eq_ignore_ascii_case(name),
        })
    }

    /// How many errors and warnings there are.
    pub fn problems(&self) -> (usize, usize) {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        (errors, self.findings.len() - errors)
    }

    /// Whether a create would fail for want of this field.
    pub fn is_missing(&self, field: &Field) -> bool {
        let creates = matches!(self.mapping().operation, Operation::Create | Operation::Upsert);
        let is_set = |name: &str| self.mapping().link_to(name).is_some();
        creates && !is_set(&field.name) && is_required(field, are_persons(&self.object, is_set))
    }

    /// How the record is found that this reference points to.
    pub fn lookup_of(&self, field: &Field) -> Option<&Lookup> {
        self.mapping().link_to(&field.name)?.lookup.as_ref()
    }

    /// How many fields have a line, and how many columns.
    pub fn drawn(&self) -> (usize, usize) {
        let real = || self.lines.iter().filter(|line| line.proposal.is_none());
        let fields: BTreeSet<_> = real().filter_map(|line| line.field).collect();
        let columns: BTreeSet<_> = real().filter_map(|line| line.column).collect();
        (fields.len(), columns.len())
    }

    /// Does what is asked. Saving is the one thing that a drawing cannot do itself: it is for the
    /// caller, who has the files.
    pub fn act(&mut self, act: Act) {
        if !matches!(act, Act::Type(_) | Act::Erase) {
            self.notice = None;
        }
        if self.question.is_some() {
            self.answer(act);
            return;
        }
        let page = self.rows.saturating_sub(1).max(1) as isize;
        let everything = (self.left.len() + self.right.len()) as isize;
        match act {
            Act::Up => self.step(-1),
            Act::Down => self.step(1),
            Act::PageUp => self.step(-page),
            Act::PageDown => self.step(page),
            Act::First => self.step(-everything),
            Act::Last => self.step(everything),
            Act::Left => self.follow(Side::Columns),
            Act::Right => self.follow(Side::Fields),
            Act::OtherSide if self.hand.is_none() => self.change_side(self.side.other()),
            Act::OtherSide => {}
            Act::Type(letter) => self.type_text(|text| text.push(letter)),
            Act::Erase => self.type_text(|text| {
                text.pop();
            }),
            Act::Key(action) => self.key(action),
        }
    }

    fn key(&mut self, action: MapAction) {
        match action {
            MapAction::Draw if self.hand.is_some() => self.drop_line(),
            MapAction::Draw if self.filtering => self.filtering = false,
            MapAction::Draw => self.pick_up(),
            MapAction::Back => self.back(),
            MapAction::NextGuess => self.next_guess(),
            MapAction::Accept => self.accept(),
            MapAction::Decline => self.decline(),
            MapAction::Cut => self.cut(),
            MapAction::Undo => self.undo(),
            MapAction::Redo => self.redo(),
            MapAction::Matcher => self.toggle_matcher(),
            MapAction::MatchMode => self.toggle_match_mode(),
            MapAction::Filter => self.filtering = self.hand.is_none(),
            MapAction::Show => self.cycle_show(),
            MapAction::Level => self.level(),
            MapAction::Align => self.align(),
            MapAction::Automatch => self.automatch(),
            MapAction::AcceptAll => self.accept_all(),
            MapAction::Operation => self.cycle_operation(),
            MapAction::Rows => self.cycle_rows(),
            // These need more than the drawing has.
            MapAction::Save | MapAction::Object | MapAction::Lookup | MapAction::Refresh => {}
            MapAction::Grid => self.grid = !self.grid && self.hand.is_none(),
            MapAction::ReadOnly => {
                self.read_only = !self.read_only;
                self.refresh();
            }
            MapAction::NextProblem => self.next_problem(),
            MapAction::NextSample => self.sample = (self.sample + 1) % self.samples.len().max(1),
        }
    }

    /// Whether [`MapAction::Back`] has anything to close.
    pub fn has_something_open(&self) -> bool {
        self.question.is_some()
            || self.hand.is_some()
            || self.filtering
            || !self.list(self.side).filter.is_empty()
            || !self.proposals.is_empty()
            || self.grid
            || self.show != Show::All
    }

    /// Other columns and other rows, because the query was changed or run again.
    pub fn set_source(&mut self, columns: Vec<Column>, samples: Vec<Vec<Value>>) {
        self.put_down();
        self.question = None;
        self.proposals.clear();
        if columns != self.columns {
            self.columns = columns;
            self.aligned = false;
            self.order = self.own_order();
        }
        self.samples = samples;
        self.sample = 0;
        self.refresh();
    }

    /// The object as it is now, and the objects that lookups name; those that are known stay.
    pub fn set_object(&mut self, object: ObjectDescribe, parents: &[ObjectDescribe], checked_at: Timestamp) {
        self.checked_at = Some(checked_at);
        if object != self.object {
            self.put_down();
            self.question = None;
            self.proposals.clear();
            self.object = object;
            self.aligned = false;
            self.order = self.own_order();
        }
        self.parents.retain(|known| parents.iter().all(|parent| parent.name != known.name));
        self.parents.extend_from_slice(parents);
        self.refresh();
    }

    /// The reference at the cursor that a line leads to: the link's number, and the field.
    pub fn reference_here(&self) -> Option<(usize, &Field)> {
        let lines = self.focused();
        lines.iter().find_map(|at| {
            let line = &self.lines[*at];
            let field = &self.object.fields[line.field?];
            (!field.reference_to.is_empty()).then_some((line.link?, field))
        })
    }

    /// Gives a link a lookup, or takes it away.
    pub fn set_lookup(&mut self, link: usize, lookup: Option<Lookup>) {
        self.edit(|mapping| {
            if let Some(link) = mapping.links.get_mut(link) {
                link.lookup = lookup;
            }
        });
        let Some(link) = self.mapping().links.get(link) else { return };
        self.notice = Some(match &link.lookup {
            Some(lookup) => format!("{} is the {} with this {}.", link.field, lookup.object, lookup.field),
            None => format!("{} takes record ids.", link.field),
        });
    }

    /// Brings everything that follows from the mapping up to date: findings, lines, lists.
    fn refresh(&mut self) {
        let mapping = self.mapping.now();
        self.findings = check(mapping, &self.columns, &self.object, &self.parents);
        let used: BTreeSet<&str> = mapping.links.iter().filter_map(|link| link.column()).collect();
        self.proposals.retain(|found| !used.contains(found.column.as_str()) && mapping.link_to(&found.field).is_none());
        self.lines = lines::lines(mapping, &self.columns, &self.object, &self.proposals, &self.findings);
        let columns = self.slots(Side::Columns);
        let fields = self.slots(Side::Fields);
        let rows = self.rows;
        self.left.show(columns, rows);
        self.right.show(fields, rows);
        self.keep_level();
    }

    fn cycle_operation(&mut self) {
        self.edit(|mapping| {
            let at = Operation::ALL.iter().position(|operation| *operation == mapping.operation).unwrap_or(0);
            mapping.operation = Operation::ALL[(at + 1) % Operation::ALL.len()];
        });
        self.notice = Some(format!("Operation: {}.", self.mapping().operation.words()));
    }

    fn cycle_rows(&mut self) {
        self.edit(|mapping| {
            let at = RowSelection::ALL.iter().position(|rows| *rows == mapping.rows).unwrap_or(0);
            mapping.rows = RowSelection::ALL[(at + 1) % RowSelection::ALL.len()];
        });
        self.notice = Some(format!("Rows: {}.", self.mapping().rows.words()));
    }
}
