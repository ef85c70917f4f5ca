//! From the arms of a cell to one character.

use super::{Cell, Direction, Weight};

/// The characters that lines are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSet {
    /// Box drawing, with round corners for light lines.
    Unicode,
    /// `- | . ' +`, for terminals without UTF-8. Weight shows by style, not by character, except
    /// that matchers are `=`.
    Ascii,
}

/// The character of a cell; a space where nothing passes.
pub fn glyph(cell: &Cell, set: LineSet) -> char {
    match set {
        LineSet::Unicode => unicode(cell),
        LineSet::Ascii => ascii(cell),
    }
}

/// Weights of the arms as digits: 0 none, 1 light, 2 heavy, 3 double; dotted counts as light.
fn digits(cell: &Cell) -> [u8; 4] {
    Direction::ALL.map(|direction| match cell.arm(direction).map(|arm| arm.weight) {
        None => 0,
        Some(Weight::Dotted | Weight::Light) => 1,
        Some(Weight::Heavy) => 2,
        Some(Weight::Double) => 3,
    })
}

fn is_dotted(cell: &Cell) -> bool {
    let mut arms = Direction::ALL.iter().filter_map(|direction| cell.arm(*direction)).peekable();
    arms.peek().is_some() && arms.all(|arm| arm.weight == Weight::Dotted)
}

fn unicode(cell: &Cell) -> char {
    let arms = digits(cell);
    if is_dotted(cell) {
        match arms {
            [0, _, 0, _] => return '┄',
            [_, 0, _, 0] => return '┆',
            _ => {}
        }
    }
    if arms.contains(&3) && !arms.contains(&2) {
        // Unicode joins double with light only whole: both horizontal arms or both vertical ones.
        let across = arms[1].max(arms[3]) == 3;
        let along = arms[0].max(arms[2]) == 3;
        return double(arms.map(|arm| arm > 0), across, along);
    }
    light_and_heavy(arms.map(|arm| if arm == 3 { 1 } else { arm }))
}

/// Arms as up, right, down, left.
fn double(arms: [bool; 4], across: bool, along: bool) -> char {
    let row = match arms {
        [false, _, false, _] => ['═', '═', '═'],
        [_, false, _, false] => ['║', '║', '║'],
        [false, true, true, false] => ['╔', '╒', '╓'],
        [false, false, true, true] => ['╗', '╕', '╖'],
        [true, true, false, false] => ['╚', '╘', '╙'],
        [true, false, false, true] => ['╝', '╛', '╜'],
        [true, true, true, false] => ['╠', '╞', '╟'],
        [true, false, true, true] => ['╣', '╡', '╢'],
        [false, true, true, true] => ['╦', '╤', '╥'],
        [true, true, false, true] => ['╩', '╧', '╨'],
        [true, true, true, true] => ['╬', '╪', '╫'],
    };
    match (across, along) {
        (true, true) => row[0],
        (true, false) => row[1],
        (false, _) => row[2],
    }
}

/// Arms as up, right, down, left; 0 none, 1 light, 2 heavy.
fn light_and_heavy(arms: [u8; 4]) -> char {
    match arms {
        [0, 0, 0, 0] => ' ',
        [0, 1, 0, 0 | 1] | [0, 0, 0, 1] => '─',
        [0, 2, 0, 0 | 2] | [0, 0, 0, 2] => '━',
        [0, 2, 0, _] => '╼',
        [0, _, 0, 2] => '╾',
        [1, 0, 0 | 1, 0] | [0, 0, 1, 0] => '│',
        [2, 0, 0 | 2, 0] | [0, 0, 2, 0] => '┃',
        [1, 0, _, 0] => '╽',
        [_, 0, 1, 0] => '╿',
        [0, 1, 1, 0] => '╭',
        [0, 2, 1, 0] => '┍',
        [0, 1, _, 0] => '┎',
        [0, _, _, 0] => '┏',
        [0, 0, 1, 1] => '╮',
        [0, 0, 1, _] => '┑',
        [0, 0, _, 1] => '┒',
        [0, 0, _, _] => '┓',
        [1, 1, 0, 0] => '╰',
        [1, _, 0, 0] => '┕',
        [_, 1, 0, 0] => '┖',
        [_, _, 0, 0] => '┗',
        [1, 0, 0, 1] => '╯',
        [1, 0, 0, _] => '┙',
        [_, 0, 0, 1] => '┚',
        [_, 0, 0, _] => '┛',
        [up, right, down, 0] => match (up, right, down) {
            (1, 1, 1) => '├',
            (1, _, 1) => '┝',
            (_, 1, 1) => '┞',
            (1, 1, _) => '┟',
            (_, 1, _) => '┠',
            (_, _, 1) => '┡',
            (1, _, _) => '┢',
            _ => '┣',
        },
        [up, 0, down, left] => match (up, down, left) {
            (1, 1, 1) => '┤',
            (1, 1, _) => '┥',
            (_, 1, 1) => '┦',
            (1, _, 1) => '┧',
            (_, _, 1) => '┨',
            (_, 1, _) => '┩',
            (1, _, _) => '┪',
            _ => '┫',
        },
        [0, right, down, left] => match (right, down, left) {
            (1, 1, 1) => '┬',
            (1, 1, _) => '┭',
            (_, 1, 1) => '┮',
            (_, 1, _) => '┯',
            (1, _, 1) => '┰',
            (1, _, _) => '┱',
            (_, _, 1) => '┲',
            _ => '┳',
        },
        [up, right, 0, left] => match (up, right, left) {
            (1, 1, 1) => '┴',
            (1, 1, _) => '┵',
            (1, _, 1) => '┶',
            (1, _, _) => '┷',
            (_, 1, 1) => '┸',
            (_, 1, _) => '┹',
            (_, _, 1) => '┺',
            _ => '┻',
        },
        [up, right, down, left] => match (up.min(down), right.min(left)) {
            (1, 1) => '┼',
            (1, _) => '┿',
            (_, 1) => '╂',
            _ => '╋',
        },
    }
}

fn ascii(cell: &Cell) -> char {
    let arms = digits(cell);
    let dotted = is_dotted(cell);
    match arms.map(|arm| arm > 0) {
        [false, false, false, false] => ' ',
        [false, _, false, _] if dotted => '.',
        [false, _, false, _] if arms[1].max(arms[3]) == 3 => '=',
        [false, _, false, _] => '-',
        [_, false, _, false] if dotted => ':',
        [_, false, _, false] => '|',
        [false, true, true, false] | [false, false, true, true] => '.',
        [true, true, false, false] | [true, false, false, true] => '\'',
        _ => '+',
    }
}
