//! Which lines share their way: one column to several fields, or several columns to one field.

use super::{End, Net};

/// Lines that leave one row, or that enter one row. A single line is the smallest tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    /// Indices into the nets.
    pub(super) nets: Vec<usize>,
    /// Rows on the left, sorted, each once.
    pub(super) sources: Vec<usize>,
    /// Rows on the right, sorted, each once.
    pub(super) targets: Vec<usize>,
}

impl Tree {
    fn of(members: &[(usize, usize, usize)]) -> Self {
        let sorted = |rows: Vec<usize>| {
            let mut rows = rows;
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        Self {
            nets: members.iter().map(|m| m.0).collect(),
            sources: sorted(members.iter().map(|m| m.1).collect()),
            targets: sorted(members.iter().map(|m| m.2).collect()),
        }
    }

    /// Whether it is one straight line.
    pub(super) fn is_straight(&self) -> bool {
        self.sources.len() == 1 && self.sources == self.targets
    }

    /// Whether it is one bent line, which may be led around.
    pub(super) fn is_simple(&self) -> bool {
        self.sources.len() == 1 && self.targets.len() == 1 && !self.is_straight()
    }

    /// The first row of its vertical.
    pub(super) fn low(&self) -> usize {
        self.sources[0].min(self.targets[0])
    }

    /// The last row of its vertical.
    pub(super) fn high(&self) -> usize {
        self.sources[self.sources.len() - 1].max(self.targets[self.targets.len() - 1])
    }

    /// Whether its vertical would have a left and a right arm on this row while passing through:
    /// a joint that looks like a crossing.
    fn has_cross(&self, row: usize) -> bool {
        self.low() < row && row < self.high() && self.sources.contains(&row) && self.targets.contains(&row)
    }
}

/// Groups the lines whose ends are both in view and that `tagged` does not name, and tags those
/// that cannot join: a second way into a field whose tree forks already, a joint with four arms.
pub(super) fn grow(nets: &[Net], tagged: &mut [bool]) -> Vec<Tree> {
    loop {
        let mut ends: Vec<(usize, usize, usize)> = nets
            .iter()
            .enumerate()
            .filter(|(at, _)| !tagged[*at])
            .filter_map(|(at, net)| match (net.from, net.to) {
                (End::Row(from), End::Row(to)) => Some((at, from, to)),
                _ => None,
            })
            .collect();
        ends.sort_by_key(|&(at, from, to)| (from, to, at));
        if let Some(at) = misfit(nets, &ends) {
            tagged[at] = true;
            continue;
        }
        let mut trees: Vec<Tree> = Vec::new();
        let mut used = vec![false; ends.len()];
        for at in 0..ends.len() {
            if used[at] {
                continue;
            }
            let (_, from, to) = ends[at];
            let forks = ends.iter().any(|&(_, f, t)| f == from && t != to);
            let members: Vec<_> = (0..ends.len())
                .filter(|&other| if forks { ends[other].1 == from } else { ends[other].2 == to })
                .inspect(|&other| used[other] = true)
                .map(|other| ends[other])
                .collect();
            trees.push(Tree::of(&members));
        }
        let cross = trees.iter().find_map(|tree| {
            let row = *tree.sources.iter().find(|&&row| tree.has_cross(row))?;
            ends.iter().find(|&&(at, from, to)| from == row && to == row && tree.nets.contains(&at)).map(|end| end.0)
        });
        match cross {
            Some(at) => tagged[at] = true,
            None => return trees,
        }
    }
}

/// A line that is in the way: it shares its field with another line while one of the two is part
/// of a fork. The forking one gives way, unless it is in hand.
fn misfit(nets: &[Net], ends: &[(usize, usize, usize)]) -> Option<usize> {
    let forks = |from: usize, to: usize| ends.iter().any(|&(_, f, t)| f == from && t != to);
    ends.iter().find_map(|&(at, from, to)| {
        let mut others = ends.iter().filter(|&&(_, f, t)| t == to && f != from).peekable();
        if !forks(from, to) || others.peek().is_none() {
            None
        } else if nets[at].in_hand {
            others.find(|other| !nets[other.0].in_hand).map(|other| other.0).or(Some(at))
        } else {
            Some(at)
        }
    })
}
