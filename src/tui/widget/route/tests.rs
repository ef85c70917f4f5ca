//! The picture is read back as a person would read it: from the characters, not from the plan.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn net(id: usize, from: usize, to: usize) -> Net {
    Net { id, from: End::Row(from), to: End::Row(to), weight: Weight::Light, in_hand: false }
}

fn nets(pairs: &[(usize, usize)]) -> Vec<Net> {
    pairs.iter().enumerate().map(|(id, &(from, to))| net(id, from, to)).collect()
}

fn picture(routed: &Routed) -> Vec<Vec<char>> {
    (0..routed.height())
        .map(|row| (0..routed.width()).map(|column| glyph(&routed.cell(row, column), LineSet::Unicode)).collect())
        .collect()
}

fn text(routed: &Routed) -> String {
    picture(routed).into_iter().map(|row| row.into_iter().collect::<String>() + "\n").collect()
}

/// Up, right, down, left.
fn arms(glyph: char) -> [bool; 4] {
    let bits = match glyph {
        '─' | '━' | '═' | '┄' => "0101",
        '│' | '┃' | '║' | '┆' => "1010",
        '╭' | '┏' | '╔' => "0110",
        '╮' | '┓' | '╗' => "0011",
        '╰' | '┗' | '╚' => "1100",
        '╯' | '┛' | '╝' => "1001",
        '├' | '┣' => "1110",
        '┤' | '┫' => "1011",
        '┬' | '┳' => "0111",
        '┴' | '┻' => "1101",
        '┼' | '╋' | '┿' | '╂' => "1111",
        ' ' => "0000",
        other => panic!("unexpected {other:?}"),
    };
    let bits: Vec<bool> = bits.chars().map(|bit| bit == '1').collect();
    [bits[0], bits[1], bits[2], bits[3]]
}

/// Follows the line that starts on `row` at the left edge, straight on at every crossing, and
/// returns the rows on which it leaves at the right edge.
fn trace(picture: &[Vec<char>], row: usize) -> BTreeSet<usize> {
    let (height, width) = (picture.len(), picture[0].len());
    let mut reached = BTreeSet::new();
    let mut seen = BTreeSet::new();
    // A place and the direction of travel into it.
    let mut walk = vec![(row, 0_usize, Direction::Right)];
    while let Some((row, column, heading)) = walk.pop() {
        if !seen.insert((row, column, heading as usize)) {
            continue;
        }
        let here = arms(picture[row][column]);
        assert!(here[heading.opposite() as usize], "the line breaks at {row},{column}:\n{picture:?}");
        let straight_on = here == [true; 4];
        for direction in Direction::ALL {
            let leads = here[direction as usize] && direction != heading.opposite();
            if !leads || (straight_on && direction != heading) {
                continue;
            }
            match direction {
                Direction::Up => walk.push((row.checked_sub(1).expect("leaves at the top"), column, direction)),
                Direction::Down => {
                    assert!(row + 1 < height, "leaves at the bottom");
                    walk.push((row + 1, column, direction));
                }
                Direction::Right if column + 1 == width => drop(reached.insert(row)),
                Direction::Right => walk.push((row, column + 1, direction)),
                Direction::Left if column > 0 => walk.push((row, column - 1, direction)),
                Direction::Left => {}
            }
        }
    }
    reached
}

/// Every drawn line arrives exactly where it should, and no arm hangs in the air.
fn check(routed: &Routed, nets: &[Net]) {
    let picture = picture(routed);
    let mut wanted: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for net in nets.iter().filter(|net| routed.drawn.contains(&net.id)) {
        let (End::Row(from), End::Row(to)) = (net.from, net.to) else { panic!("drawn without ends") };
        wanted.entry(from).or_default().insert(to);
    }
    for (from, targets) in wanted {
        assert_eq!(trace(&picture, from), targets, "from row {from}:\n{}", text(routed));
    }
    for row in 0..routed.height() {
        for column in 0..routed.width() {
            let here = arms(picture[row][column]);
            if row + 1 < routed.height() {
                assert_eq!(here[2], arms(picture[row + 1][column])[0], "at {row},{column}:\n{}", text(routed));
            }
            if column + 1 < routed.width() && routed.labels.is_empty() {
                assert_eq!(here[1], arms(picture[row][column + 1])[3], "at {row},{column}:\n{}", text(routed));
            }
        }
    }
    let both_ends = nets.iter().filter(|net| matches!((net.from, net.to), (End::Row(_), End::Row(_)))).count();
    assert_eq!(routed.drawn.len() + routed.tagged.len(), both_ends);
}

/// Repeatable random numbers (SplitMix64), so that measured shares stay the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick(&mut self, from: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..from).collect();
        (0..count).map(|_| all.swap_remove(self.roll(all.len()))).collect()
    }
}

/// Draws 120 random one-to-one screens, checks each, and returns the share of lines drawn as lines
/// and of screens without a tag, in per cent.
fn measure(height: usize, width: usize, links: usize) -> (f64, f64) {
    let mut dice = Dice((height * 1000 + width * 100 + links) as u64);
    let (mut drawn, mut clean) = (0, 0);
    let screens = 120;
    for _ in 0..screens {
        let pairs: Vec<_> = dice.pick(height, links).into_iter().zip(dice.pick(height, links)).collect();
        let nets = nets(&pairs);
        let routed = route(&nets, height, width);
        check(&routed, &nets);
        drawn += routed.drawn.len();
        clean += usize::from(routed.tagged.is_empty());
    }
    (100.0 * drawn as f64 / (screens * links) as f64, 100.0 * f64::from(clean as u32) / f64::from(screens as u32))
}

#[test]
fn nearly_all_lines_are_drawn_as_lines() {
    for (height, width, links) in
        [(18, 16, 6), (18, 16, 10), (18, 16, 14), (18, 20, 10), (18, 20, 14), (18, 20, 18), (40, 30, 20), (40, 30, 30)]
    {
        let (drawn, clean) = measure(height, width, links);
        println!("{height} rows × {width}: {links} links, {drawn:.1} % drawn, {clean:.0} % of screens without a tag");
        if links <= 10 {
            assert!(drawn >= 95.0, "{drawn}");
        }
    }
}

#[test]
fn a_line_on_one_row_is_straight() {
    assert_eq!(text(&route(&nets(&[(1, 1)]), 2, 8)), "        \n────────\n");
}

#[test]
fn crossings_are_crosses() {
    insta_like(
        &route(&nets(&[(0, 2), (1, 1)]), 3, 13),
        "\
──────╮......
──────┼──────
......╰──────
",
    );
}

#[test]
fn lines_that_shift_together_nest_without_crossing() {
    let routed = route(&nets(&[(0, 2), (1, 3), (2, 4)]), 5, 20);
    assert!(!text(&routed).contains('┼'), "{}", text(&routed));
}

#[test]
fn swapped_rows_go_around_a_free_row() {
    let routed = route(&nets(&[(0, 1), (1, 0)]), 3, 20);
    check(&routed, &nets(&[(0, 1), (1, 0)]));
    assert!(routed.tagged.is_empty(), "{}", text(&routed));
}

#[test]
fn swapped_rows_without_a_free_row_are_tagged_at_both_ends() {
    let routed = route(&nets(&[(0, 1), (1, 0)]), 2, 20);
    assert_eq!(routed.drawn.len(), 1);
    assert_eq!(routed.tagged.len(), 1);
    let signs: Vec<_> = routed.labels.iter().flat_map(|label| &label.marks).collect();
    assert_eq!(signs.len(), 2);
    assert_eq!(signs[0], signs[1]);
}

#[test]
fn a_fork_has_joints_and_no_cross() {
    let routed = route(&nets(&[(1, 0), (1, 3), (1, 5)]), 6, 16);
    check(&routed, &nets(&[(1, 0), (1, 3), (1, 5)]));
    assert!(text(&routed).contains('┤') && text(&routed).contains('├'), "{}", text(&routed));
    let routed = route(&nets(&[(1, 0), (1, 1), (1, 2)]), 6, 16);
    assert_eq!(routed.tagged, [1], "the joint would look like a crossing");
}

#[test]
fn two_columns_of_one_field_join() {
    let routed = route(&nets(&[(0, 2), (4, 2)]), 6, 16);
    check(&routed, &nets(&[(0, 2), (4, 2)]));
    assert_eq!(routed.drawn.len(), 2);
}

#[test]
fn the_focused_line_is_heavy_all_the_way_and_on_top() {
    let mut all = nets(&[(0, 2), (1, 1), (2, 0)]);
    let before = route(&all, 3, 18);
    all[1].weight = Weight::Heavy;
    let routed = route(&all, 3, 18);
    let row: String = text(&routed).lines().nth(1).unwrap().to_owned();
    assert!(row.chars().all(|glyph| "━┿╋".contains(glyph)), "{row}");
    let shape = |routed: &Routed| picture(routed).into_iter().flatten().map(arms).collect::<Vec<_>>();
    assert_eq!(shape(&before), shape(&routed), "focus moves nothing");
}

#[test]
fn matchers_are_double() {
    let mut all = nets(&[(0, 0), (1, 2)]);
    all[0].weight = Weight::Double;
    all[1].weight = Weight::Double;
    let drawn = text(&route(&all, 3, 10));
    assert!(drawn.starts_with("══════════\n"), "{drawn}");
    assert!(drawn.contains('╗') && drawn.contains('╚'), "{drawn}");
}

#[test]
fn ascii_has_a_character_for_every_cell() {
    let all = nets(&[(0, 2), (1, 1), (2, 0), (3, 5), (3, 4)]);
    let routed = route(&all, 6, 20);
    for row in 0..6 {
        for column in 0..20 {
            let cell = routed.cell(row, column);
            let drawn = glyph(&cell, LineSet::Ascii);
            assert!(drawn.is_ascii());
            assert_eq!(drawn == ' ', cell.is_empty());
        }
    }
}

#[test]
fn an_end_out_of_view_leaves_a_stub_with_room_for_its_name() {
    let lines = [
        Net { id: 7, from: End::Row(0), to: End::Below, weight: Weight::Light, in_hand: false },
        Net { id: 8, from: End::Above, to: End::Row(2), weight: Weight::Light, in_hand: false },
        Net { id: 9, from: End::Above, to: End::Below, weight: Weight::Light, in_hand: false },
    ];
    let routed = route(&lines, 3, 20);
    assert_eq!(routed.labels.len(), 2);
    assert_eq!(routed.labels[0].marks, [Mark::Stub { other: End::Below, net: 7 }]);
    assert!(routed.labels[0].room >= 10);
    assert_eq!(routed.net_at(0, 1), Some(7));
    assert_eq!(routed.net_at(2, 18), Some(8));
    assert!(routed.drawn.is_empty() && routed.tagged.is_empty());
}

#[test]
fn a_line_in_hand_is_drawn_at_the_cost_of_others() {
    let mut all = nets(&[(0, 1), (1, 0), (1, 1)]);
    all[2].in_hand = true;
    let routed = route(&all, 2, 20);
    assert!(routed.drawn.contains(&2), "{}", text(&routed));
}

#[test]
fn a_narrow_gutter_has_tags_only() {
    let routed = route(&nets(&[(0, 1), (2, 2)]), 3, 7);
    assert_eq!((routed.drawn.as_slice(), routed.tagged.as_slice()), ([1].as_slice(), [0].as_slice()));
}

#[track_caller]
fn insta_like(routed: &Routed, expected: &str) {
    assert_eq!(text(routed).replace(' ', "."), expected);
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        8 => (0_usize..50).prop_map(End::Row),
        1 => Just(End::Above),
        1 => Just(End::Below),
        1 => Just(End::Hidden),
        1 => any::<usize>().prop_map(End::Row),
    ]
}

fn weight() -> impl Strategy<Value = Weight> {
    prop::sample::select(vec![Weight::Dotted, Weight::Light, Weight::Double, Weight::Heavy])
}

fn size() -> impl Strategy<Value = (usize, usize)> {
    prop::sample::select(vec![(18, 16), (18, 20), (40, 30), (5, 9)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn fan_out_arrives_exactly(
        (height, width) in size(),
        targets in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..16),
    ) {
        let mut taken = BTreeSet::new();
        let pairs: Vec<_> = targets.iter().map(|(from, to)| (from.index(height), to.index(height)))
            .filter(|(_, to)| taken.insert(*to)).collect();
        let nets = nets(&pairs);
        check(&route(&nets, height, width), &nets);
    }

    #[test]
    fn anything_to_anything_arrives_or_is_tagged(
        (height, width) in size(),
        pairs in prop::collection::vec((0_usize..40, 0_usize..40), 0..14),
    ) {
        let pairs: Vec<_> = pairs.into_iter().map(|(from, to)| (from % height, to % height)).collect();
        let nets = nets(&pairs);
        check(&route(&nets, height, width), &nets);
    }

    #[test]
    fn never_panics(
        height in 0_usize..24,
        width in 0_usize..40,
        lines in prop::collection::vec((end(), end(), weight(), any::<bool>()), 0..20),
    ) {
        let nets: Vec<_> = lines.into_iter().enumerate()
            .map(|(id, (from, to, weight, in_hand))| Net { id, from, to, weight, in_hand }).collect();
        let routed = route(&nets, height, width);
        for row in 0..height {
            for column in 0..width {
                glyph(&routed.cell(row, column), LineSet::Unicode);
                glyph(&routed.cell(row, column), LineSet::Ascii);
                routed.net_at(row, column);
            }
        }
        for label in &routed.labels {
            let taken: usize = label.marks.iter().map(Mark::width).sum();
            prop_assert!(label.column + taken <= width && label.row < height);
        }
    }
}
