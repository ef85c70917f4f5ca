//! Finds a lane for every vertical: channel routing by left edge, with the order that keeps lines
//! apart and the one that crosses least.

use super::Net;
use super::trees::{Tree, grow};

/// How one line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Along its row.
    Straight,
    /// Over this lane.
    Bent(usize),
    /// Over one lane to a free row, and over a second lane to its end.
    Around {
        /// The lane on the left.
        first: usize,
        /// The free row.
        row: usize,
        /// The lane on the right.
        second: usize,
    },
}

/// Where every line runs.
#[derive(Debug)]
pub(super) struct Plan {
    /// As many as there are nets; `None` for what is not drawn whole.
    pub(super) courses: Vec<Option<Course>>,
    /// How many lanes are in use.
    pub(super) lanes: usize,
    /// How many lines with both ends in view have no course.
    pub(super) tags: usize,
}

/// A piece of a line that needs a lane.
#[derive(Debug)]
struct Vertical {
    tree: usize,
    low: usize,
    high: usize,
    /// Rows on which a horizontal comes in from the left.
    lefts: Vec<usize>,
    /// Rows on which a horizontal goes out to the right.
    rights: Vec<usize>,
}

impl Vertical {
    fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    fn spans(&self, row: usize) -> bool {
        (self.low..=self.high).contains(&row)
    }

    /// How many crossings there are when this one is left of the other.
    fn crossings_left_of(&self, other: &Self) -> i32 {
        let count = |rows: &[usize], through: &Self| rows.iter().filter(|row| through.spans(**row)).count() as i32;
        count(&other.lefts, self) + count(&self.rights, other)
    }
}

/// The verticals of all trees and which of them must be left of which.
struct Channel {
    verticals: Vec<Vertical>,
    /// By tree: its verticals, first and last (the same unless it is led around).
    ends: Vec<Option<(usize, usize)>>,
    /// Must be left of these.
    before: Vec<Vec<usize>>,
}

impl Channel {
    /// `around[tree]` is the free row over which a tree is led.
    fn new(trees: &[Tree], around: &[Option<usize>], height: usize) -> Self {
        let mut verticals = Vec::new();
        let mut ends = Vec::with_capacity(trees.len());
        for (at, (tree, by)) in trees.iter().zip(around).enumerate() {
            if tree.is_straight() {
                ends.push(None);
                continue;
            }
            let first = verticals.len();
            if let Some(row) = *by {
                let (from, to) = (tree.sources[0], tree.targets[0]);
                let piece = |end: usize, lefts, rights| Vertical {
                    tree: at,
                    low: end.min(row),
                    high: end.max(row),
                    lefts,
                    rights,
                };
                verticals.push(piece(from, vec![from], vec![row]));
                verticals.push(piece(to, vec![row], vec![to]));
                ends.push(Some((first, first + 1)));
            } else {
                verticals.push(Vertical {
                    tree: at,
                    low: tree.low(),
                    high: tree.high(),
                    lefts: tree.sources.clone(),
                    rights: tree.targets.clone(),
                });
                ends.push(Some((first, first)));
            }
        }
        // On each row, from left to right: what starts there, what passes around, what ends there.
        let mut starts = vec![None; height];
        let mut passes = vec![None; height];
        let mut stops = vec![None; height];
        for ((tree, end), by) in trees.iter().zip(&ends).zip(around) {
            let Some((first, last)) = *end else { continue };
            tree.sources.iter().for_each(|row| starts[*row] = Some(first));
            tree.targets.iter().for_each(|row| stops[*row] = Some(last));
            if let Some(row) = *by {
                passes[row] = Some((first, last));
            }
        }
        let mut before = vec![Vec::new(); verticals.len()];
        for row in 0..height {
            let mut chain: Vec<usize> = Vec::with_capacity(4);
            chain.extend(starts[row]);
            chain.extend(passes[row].into_iter().flat_map(|(first, last)| [first, last]));
            chain.extend(stops[row]);
            for pair in chain.windows(2) {
                if pair[0] != pair[1] && !before[pair[0]].contains(&pair[1]) {
                    before[pair[0]].push(pair[1]);
                }
            }
        }
        Self { verticals, ends, before }
    }

    /// The verticals that are part of a circle of demands.
    fn circle(&self) -> Vec<usize> {
        let mut left: Vec<bool> = vec![true; self.verticals.len()];
        loop {
            let mut wanted = vec![false; left.len()];
            for (at, after) in self.before.iter().enumerate().filter(|(at, _)| left[*at]) {
                debug_assert!(!after.contains(&at));
                after.iter().for_each(|next| wanted[*next] = true);
            }
            let out: Vec<usize> = (0..left.len())
                .filter(|&at| left[at] && (!wanted[at] || self.before[at].iter().all(|&next| !left[next])))
                .collect();
            if out.is_empty() {
                return (0..left.len()).filter(|&at| left[at]).collect();
            }
            out.into_iter().for_each(|at| left[at] = false);
        }
    }

    /// Lanes by vertical, counted from the left, and how many there are: a line stays on the side
    /// of its neighbours on which it crosses fewer of them. Needs that there is no circle.
    fn place_gently(&self) -> (Vec<usize>, usize) {
        let count = self.verticals.len();
        let mut demands = vec![0_usize; count];
        self.before.iter().flatten().for_each(|at| demands[*at] += 1);
        let mut lanes: Vec<Option<usize>> = vec![None; count];
        let mut used = 0;
        for _ in 0..count {
            let free = |at: &usize| lanes[*at].is_none() && demands[*at] == 0;
            let Some(next) = (0..count).filter(free).min_by_key(|&at| {
                let here = &self.verticals[at];
                let gain: i32 = (0..count)
                    .filter(|&other| other != at && lanes[other].is_none() && here.overlaps(&self.verticals[other]))
                    .map(|other| {
                        let there = &self.verticals[other];
                        here.crossings_left_of(there) - there.crossings_left_of(here)
                    })
                    .sum();
                (gain, here.high - here.low, here.low)
            }) else {
                break;
            };
            let here = &self.verticals[next];
            let mut lane = 0;
            for (other, there) in self.verticals.iter().enumerate().take(count) {
                let Some(taken) = lanes[other] else { continue };
                let must = self.before[other].contains(&next);
                let better = here.overlaps(there) && there.crossings_left_of(here) < here.crossings_left_of(there);
                if must || better {
                    lane = lane.max(taken + 1);
                }
            }
            while (0..count).any(|other| lanes[other] == Some(lane) && here.overlaps(&self.verticals[other])) {
                lane += 1;
            }
            lanes[next] = Some(lane);
            used = used.max(lane + 1);
            self.before[next].iter().for_each(|after| demands[*after] -= 1);
        }
        (lanes.into_iter().map(Option::unwrap_or_default).collect(), used)
    }

    /// The same with as few lanes as may be: lane by lane, those first on which most others wait.
    fn place_tightly(&self) -> (Vec<usize>, usize) {
        let count = self.verticals.len();
        let mut waiting = vec![0_usize; count];
        // The longest chain of demands behind each; `count` rounds settle it, there is no circle.
        for _ in 0..count {
            for at in 0..count {
                waiting[at] = self.before[at].iter().map(|next| waiting[*next] + 1).max().unwrap_or(0);
            }
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&at| {
            let here = &self.verticals[at];
            (std::cmp::Reverse(waiting[at]), std::cmp::Reverse(here.high - here.low), here.low)
        });
        let mut lanes: Vec<Option<usize>> = vec![None; count];
        let mut used = 0;
        while lanes.iter().any(Option::is_none) {
            let before = lanes.clone();
            for &at in order.iter().filter(|&&at| before[at].is_none()) {
                let here = &self.verticals[at];
                let waits = (0..count).any(|other| before[other].is_none() && self.before[other].contains(&at));
                let taken = (0..count).any(|other| lanes[other] == Some(used) && here.overlaps(&self.verticals[other]));
                if !waits && !taken {
                    lanes[at] = Some(used);
                }
            }
            used += 1;
        }
        (lanes.into_iter().map(Option::unwrap_or_default).collect(), used)
    }
}

/// Finds a course for as many lines as `room` lanes allow.
pub(super) fn plan(nets: &[Net], height: usize, room: usize) -> Plan {
    let mut tagged = vec![false; nets.len()];
    // By net: the free row that it is led over.
    let mut detours: Vec<Option<usize>> = vec![None; nets.len()];
    loop {
        let trees = grow(nets, &mut tagged);
        let around: Vec<Option<usize>> =
            trees.iter().map(|tree| if tree.is_simple() { detours[tree.nets[0]] } else { None }).collect();
        let channel = Channel::new(&trees, &around, height);
        let in_hand = |tree: usize| trees[tree].nets.iter().any(|net| nets[*net].in_hand);
        let circle = channel.circle();
        if !circle.is_empty() {
            if let Some((tree, row)) = detour(&trees, &around, &channel, &circle, height) {
                trees[tree].nets.iter().for_each(|net| detours[*net] = Some(row));
            } else {
                let long = circle.iter().map(|&at| channel.verticals[at].tree).max_by_key(|&tree| {
                    (!in_hand(tree), trees[tree].nets.len() == 1, trees[tree].high() - trees[tree].low(), tree)
                });
                let Some(tree) = long else { continue };
                trees[tree].nets.iter().for_each(|net| tagged[*net] = true);
            }
            continue;
        }
        let (mut lanes, mut used) = channel.place_gently();
        if used > room {
            (lanes, used) = channel.place_tightly();
        }
        if used > room {
            // Without any lane everything goes; otherwise the longest of what did not fit, or of
            // all when that is the one in hand.
            let length = |at: &usize| (channel.verticals[*at].high - channel.verticals[*at].low, *at);
            let other = |at: &usize| !in_hand(channel.verticals[*at].tree);
            let outside = (0..lanes.len()).filter(|&at| lanes[at] >= room).filter(other).max_by_key(length);
            let last = outside
                .or_else(|| (0..lanes.len()).filter(other).max_by_key(length))
                .or_else(|| (0..lanes.len()).max_by_key(length));
            let Some(tree) = last.map(|at| channel.verticals[at].tree) else { continue };
            trees[tree].nets.iter().for_each(|net| tagged[*net] = true);
            continue;
        }
        let mut courses = vec![None; nets.len()];
        for ((tree, end), by) in trees.iter().zip(&channel.ends).zip(&around) {
            let course = match (*end, *by) {
                (None, _) => Course::Straight,
                (Some((first, last)), Some(row)) => Course::Around { first: lanes[first], row, second: lanes[last] },
                (Some((first, _)), None) => Course::Bent(lanes[first]),
            };
            tree.nets.iter().for_each(|net| courses[*net] = Some(course));
        }
        return Plan { courses, lanes: used, tags: tagged.iter().filter(|tagged| **tagged).count() };
    }
}

/// The line of a circle that is best led around, and over which row: the one that leaves the
/// smallest circle, then the shortest way, then a row on which nothing else happens.
fn detour(
    trees: &[Tree],
    around: &[Option<usize>],
    channel: &Channel,
    circle: &[usize],
    height: usize,
) -> Option<(usize, usize)> {
    let mut candidates: Vec<usize> = circle.iter().map(|&at| channel.verticals[at].tree).collect();
    candidates.sort_unstable();
    candidates.dedup();
    candidates.retain(|&tree| trees[tree].is_simple() && around[tree].is_none());
    let mut busy = vec![0_usize; height];
    for (tree, by) in trees.iter().zip(around) {
        let weight = if tree.is_straight() { height + 1 } else { 1 };
        tree.sources.iter().chain(&tree.targets).for_each(|row| busy[*row] += weight);
        by.iter().for_each(|row| busy[*row] += height + 1);
    }
    let mut best: Option<(usize, usize, usize, usize)> = None;
    for tree in candidates {
        let (from, to) = (trees[tree].sources[0], trees[tree].targets[0]);
        for row in (0..height).filter(|&row| row != from && row != to && busy[row] <= height) {
            let length = from.abs_diff(row) + row.abs_diff(to) + 3 * busy[row];
            let mut trial = around.to_vec();
            trial[tree] = Some(row);
            let left = Channel::new(trees, &trial, height).circle().len();
            let found = (left, length, tree, row);
            if left < circle.len() && best.is_none_or(|best| found < best) {
                best = Some(found);
            }
        }
    }
    best.map(|(_, _, tree, row)| (tree, row))
}
