//! Routes lines between two lists: which cells of the gutter hold which arms of which line.
//!
//! Pure: knows no terminal, no mapping and no colours. A line leaves a row on the left, runs to a
//! vertical lane, follows it, and runs on to a row on the right. The rules:
//!
//! 1. A line whose ends are on one row is straight and needs no lane.
//! 2. Verticals that share a row get different lanes.
//! 3. Where one line ends on the row on which another starts, the starting one turns first (its
//!    lane is further left), or the two would share that row. When such demands form a circle
//!    (two rows swapped), one line goes around through a free row; when there is none, it is not
//!    drawn but *tagged*: the same sign at both its ends.
//! 4. Four arms in one cell are **always** a crossing, never a joint, so a person can follow every
//!    line by going straight on. A fork that would need four arms is tagged instead.
//! 5. Too few lanes, or a gutter under [`NARROWEST`] columns: tags.
//!
//! Which line has the focus changes weights only, never the routes: moving a selection repaints
//! two lines, not the screen.

mod glyph;
mod lanes;
mod trees;

#[cfg(test)]
mod tests;

pub use glyph::{LineSet, glyph};

use lanes::{Course, Plan};

/// The narrowest gutter that draws bent lines; below it every bent line is a tag.
pub const NARROWEST: usize = 8;

/// From this width on, a tag has a dash between itself and the list.
const ROOMY: usize = 14;

/// Columns at each list that no lane takes, when there are no tags.
const BARE_MARGIN: usize = 3;

/// Where one end of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// On this row of the picture.
    Row(usize),
    /// Scrolled away above the first row.
    Above,
    /// Scrolled away below the last row.
    Below,
    /// Not in the list at all (filtered away).
    Hidden,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// A proposal that nobody accepted yet.
    Dotted,
    /// A line.
    Light,
    /// A record matcher.
    Double,
    /// The line that has the focus.
    Heavy,
}

/// One line to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    /// Whose line it is; comes back in [`Arm::net`] and [`Mark`]s.
    pub id: usize,
    /// Its end in the left list.
    pub from: End,
    /// Its end in the right list.
    pub to: End,
    /// How it is drawn.
    pub weight: Weight,
    /// Being drawn by the user right now: others become tags before this one does.
    pub in_hand: bool,
}

/// The direction of an arm, seen from the middle of its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Direction {
    Up,
    Right,
    Down,
    Left,
}

impl Direction {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Up, Self::Right, Self::Down, Self::Left];

    /// The way back.
    pub fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Right => Self::Left,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
        }
    }
}

/// Half a line: from the middle of a cell to one of its sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// How it is drawn.
    pub weight: Weight,
    /// The [`Net::id`] it belongs to; where lines of one fork share a way, the heaviest.
    pub net: usize,
}

/// One cell of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    arms: [Option<Arm>; 4],
}

impl Cell {
    /// The arm in this direction.
    pub fn arm(&self, direction: Direction) -> Option<Arm> {
        self.arms[direction as usize]
    }

    /// Whether nothing passes here.
    pub fn is_empty(&self) -> bool {
        self.arms.iter().all(Option::is_none)
    }

    /// The line that a click on this cell means: the heaviest one in it.
    pub fn net(&self) -> Option<usize> {
        self.arms.iter().flatten().max_by_key(|arm| arm.weight).map(|arm| arm.net)
    }

    fn put(&mut self, direction: Direction, arm: Arm) {
        let slot = &mut self.arms[direction as usize];
        if slot.is_none_or(|there| there.weight < arm.weight) {
            *slot = Some(arm);
        }
    }
}

/// The list at which a label stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Side {
    Left,
    Right,
}

/// What stands in place of a line that could not be drawn whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Drawn nowhere; its other end carries the same sign.
    Tag {
        /// `1`–`9`, then letters.
        sign: char,
        /// The [`Net::id`].
        net: usize,
    },
    /// Its other end is scrolled away or filtered away.
    Stub {
        /// Where that end is; never [`End::Row`].
        other: End,
        /// The [`Net::id`].
        net: usize,
    },
    /// More marks than there is room for.
    Many,
}

impl Mark {
    /// Columns it takes: `(4)`, `▾`, `(+)`.
    pub fn width(&self) -> usize {
        match self {
            Self::Tag { .. } | Self::Many => 3,
            Self::Stub { .. } => 1,
        }
    }

    /// The line it speaks of.
    pub fn net(&self) -> Option<usize> {
        match *self {
            Self::Tag { net, .. } | Self::Stub { net, .. } => Some(net),
            Self::Many => None,
        }
    }
}

/// The marks at one end of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The row.
    pub row: usize,
    /// The list it belongs to.
    pub side: Side,
    /// The first column of the marks.
    pub column: usize,
    /// The marks, from left to right.
    pub marks: Vec<Mark>,
    /// Free columns beyond the marks (to their right for [`Side::Left`], to their left for
    /// [`Side::Right`]), for the name of the other end.
    pub room: usize,
}

/// The picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    width: usize,
    height: usize,
    cells: Vec<Cell>,
    /// What could not be drawn as a whole line, by row.
    pub labels: Vec<Label>,
    /// [`Net::id`]s of the lines drawn whole.
    pub drawn: Vec<usize>,
    /// [`Net::id`]s of the lines that became tags, though both ends are in view.
    pub tagged: Vec<usize>,
}

impl Routed {
    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// What is at this place; empty outside the picture.
    pub fn cell(&self, row: usize, column: usize) -> Cell {
        if row < self.height && column < self.width { self.cells[row * self.width + column] } else { Cell::default() }
    }

    /// The line at this place, for a click: a mark first, then what passes.
    pub fn net_at(&self, row: usize, column: usize) -> Option<usize> {
        for label in self.labels.iter().filter(|label| label.row == row) {
            let mut at = label.column;
            for mark in &label.marks {
                if (at..at + mark.width()).contains(&column) {
                    return mark.net();
                }
                at += mark.width();
            }
        }
        self.cell(row, column).net()
    }

    fn put(&mut self, row: usize, column: usize, direction: Direction, arm: Arm) {
        if row < self.height && column < self.width {
            self.cells[row * self.width + column].put(direction, arm);
        }
    }

    /// A horizontal from column to column; `None` is the edge of the picture.
    fn across(&mut self, row: usize, from: Option<usize>, to: Option<usize>, arm: Arm) {
        let (start, end) = (from.unwrap_or(0), to.unwrap_or(self.width.saturating_sub(1)));
        for column in start..=end {
            if column > start || from.is_none() {
                self.put(row, column, Direction::Left, arm);
            }
            if column < end || to.is_none() {
                self.put(row, column, Direction::Right, arm);
            }
        }
    }

    fn down(&mut self, column: usize, one: usize, other: usize, arm: Arm) {
        let (low, high) = (one.min(other), one.max(other));
        for row in low..high {
            self.put(row, column, Direction::Down, arm);
            self.put(row + 1, column, Direction::Up, arm);
        }
    }
}

/// Draws these lines into a picture of `height` rows and `width` columns.
///
/// A line with both ends out of view leaves nothing. The same lines give the same picture.
pub fn route(nets: &[Net], height: usize, width: usize) -> Routed {
    let mut routed = Routed {
        width,
        height,
        cells: vec![Cell::default(); height * width],
        labels: Vec::new(),
        drawn: Vec::new(),
        tagged: Vec::new(),
    };
    let nets: Vec<Net> =
        nets.iter().map(|net| Net { from: clamp(net.from, height), to: clamp(net.to, height), ..*net }).collect();
    let (plan, margin) = fit(&nets, height, width);
    let columns = spread(plan.lanes, width.saturating_sub(2 * margin), margin);
    for (net, course) in nets.iter().zip(&plan.courses) {
        let (End::Row(from), End::Row(to), Some(course)) = (net.from, net.to, course) else { continue };
        let arm = Arm { weight: net.weight, net: net.id };
        match *course {
            Course::Straight => routed.across(from, None, None, arm),
            Course::Bent(lane) => {
                let column = columns[lane];
                routed.across(from, None, Some(column), arm);
                routed.down(column, from, to, arm);
                routed.across(to, Some(column), None, arm);
            }
            Course::Around { first, row, second } => {
                let (one, two) = (columns[first], columns[second]);
                routed.across(from, None, Some(one), arm);
                routed.down(one, from, row, arm);
                routed.across(row, Some(one), Some(two), arm);
                routed.down(two, row, to, arm);
                routed.across(to, Some(two), None, arm);
            }
        }
        routed.drawn.push(net.id);
    }
    label(&mut routed, &nets, &plan.courses, margin);
    routed
}

/// A plan, and the columns at each list that no lane takes: room for a stub or for a tag with its
/// dash, as far as there are any; less if more lines become lines by that.
fn fit(nets: &[Net], height: usize, width: usize) -> (Plan, usize) {
    if width < NARROWEST {
        return (lanes::plan(nets, height, 0), 0);
    }
    // A stub and its dash take two columns, and one stays free beside them.
    let plan = lanes::plan(nets, height, width - 2 * BARE_MARGIN);
    if plan.tags == 0 {
        return (plan, BARE_MARGIN);
    }
    let widest = if width >= ROOMY { 4 } else { 3 };
    let mut best = (lanes::plan(nets, height, width - 2 * widest), widest);
    for margin in (3..widest).rev() {
        let plan = lanes::plan(nets, height, width - 2 * margin);
        if plan.tags < best.0.tags {
            best = (plan, margin);
        }
    }
    best
}

/// An end beyond the last row is below it.
fn clamp(end: End, height: usize) -> End {
    match end {
        End::Row(row) if row >= height => End::Below,
        other => other,
    }
}

/// The columns of `lanes` lanes among `room` columns that start at `start`: up to three apart,
/// the whole bundle in the middle.
fn spread(lanes: usize, room: usize, start: usize) -> Vec<usize> {
    let step = if lanes > 1 { ((room - 1) / (lanes - 1)).clamp(1, 3) } else { 1 };
    let span = (lanes.max(1) - 1) * step + 1;
    let first = start + room.saturating_sub(span) / 2;
    (0..lanes).map(|lane| first + lane * step).collect()
}

/// Puts tags and stubs at the ends of what is not drawn whole.
fn label(routed: &mut Routed, nets: &[Net], courses: &[Option<Course>], margin: usize) {
    let mut marks: Vec<(usize, Side, Mark, Weight)> = Vec::new();
    let mut signs = ('1'..='9').chain('a'..='z').chain('A'..='Z');
    let mut hidden: Vec<&Net> =
        nets.iter().zip(courses).filter(|(_, course)| course.is_none()).map(|(net, _)| net).collect();
    hidden.sort_by_key(|net| (net.from, net.to));
    for net in hidden {
        match (net.from, net.to) {
            (End::Row(from), End::Row(to)) => {
                let mark = Mark::Tag { sign: signs.next().unwrap_or('+'), net: net.id };
                marks.push((from, Side::Left, mark, net.weight));
                marks.push((to, Side::Right, mark, net.weight));
                routed.tagged.push(net.id);
            }
            (End::Row(row), other) => {
                marks.push((row, Side::Left, Mark::Stub { other, net: net.id }, net.weight));
            }
            (other, End::Row(row)) => {
                marks.push((row, Side::Right, Mark::Stub { other, net: net.id }, net.weight));
            }
            _ => {}
        }
    }
    marks.sort_by_key(|(row, side, ..)| (*row, *side));
    let width = routed.width;
    for group in marks.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (row, side, _, weight) = group[0];
        let mut here: Vec<Mark> = group.iter().map(|(_, _, mark, _)| *mark).collect();
        // Without lanes there is no line that a wide mark could cover.
        let most = if margin == 0 { width / 2 } else { margin.min(3) };
        if here.iter().map(Mark::width).sum::<usize>() > most && here.len() > 1 {
            if most >= Mark::Many.width() {
                here = vec![Mark::Many];
            } else {
                here.truncate(most);
            }
        }
        let taken: usize = here.iter().map(Mark::width).sum();
        // Both lists need their place, in however narrow a gutter.
        if here.is_empty() || taken > width / 2 {
            continue;
        }
        let dash = taken < margin || (margin == 0 && taken < width / 2);
        let (column, edge) = match side {
            Side::Left => (usize::from(dash), 0),
            Side::Right => (width - taken - usize::from(dash), width - 1),
        };
        if dash {
            let net = here.iter().find_map(Mark::net).unwrap_or_default();
            for direction in [Direction::Left, Direction::Right] {
                routed.put(row, edge, direction, Arm { weight, net });
            }
        }
        routed.labels.push(Label { row, side, column, marks: here, room: 0 });
    }
    for at in 0..routed.labels.len() {
        routed.labels[at].room = room(routed, at);
    }
}

/// Free columns beyond a label, with one kept empty before the next thing.
fn room(routed: &Routed, at: usize) -> usize {
    let label = &routed.labels[at];
    let taken: usize = label.marks.iter().map(Mark::width).sum();
    let facing = routed.labels.iter().find(|other| other.row == label.row && other.side != label.side);
    let free = |column: &usize| routed.cell(label.row, *column).is_empty();
    match label.side {
        Side::Left => {
            let start = label.column + taken;
            let end = facing.map_or(routed.width, |other| usize::midpoint(start, other.column));
            (start..end).take_while(free).count().saturating_sub(1)
        }
        Side::Right => {
            let start = facing.map_or(0, |other| {
                let end = other.column + other.marks.iter().map(Mark::width).sum::<usize>();
                usize::midpoint(end, label.column)
            });
            (start..label.column).rev().take_while(free).count().saturating_sub(1)
        }
    }
}
