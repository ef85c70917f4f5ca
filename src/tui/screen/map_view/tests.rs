//! The screen as pictures, and what it costs to change one.

use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::super::map::drawing::Act as A;
use super::super::map::drawing::Act::Key as K;
use super::super::map::drawing::fixture::{empty, press, screen, typed};
use super::*;
use crate::tui::encode::encode;
use crate::tui::keys::MapAction as M;
use crate::tui::look::Look;

const SMALL: (u16, u16) = (80, 22);
const LARGE: (u16, u16) = (120, 34);

fn paint(set: LineSet) -> Paint {
    match set {
        LineSet::Unicode => Paint::of(&Look::full()),
        LineSet::Ascii => Paint::of(&Look::plain()),
    }
}

fn buffer(screen: &mut Drawing, (width, height): (u16, u16), set: LineSet) -> Buffer {
    screen.resize(list_rows(height));
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(screen, area, &mut buffer, &paint(set));
    buffer
}

fn picture(mut screen: Drawing, size: (u16, u16), set: LineSet) -> String {
    let buffer = buffer(&mut screen, size, set);
    let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(|y| row(y).trim_end().to_owned() + "\n").collect()
}

fn after(mut screen: Drawing, actions: &[A]) -> Drawing {
    screen.resize(list_rows(SMALL.1));
    press(&mut screen, actions);
    screen
}

const TO_PHONE: [A; 4] = [A::Down; 4];

#[test]
fn half_drawn_at_80_columns() {
    assert_snapshot!(picture(after(screen(), &TO_PHONE), SMALL, LineSet::Unicode));
}

#[test]
fn half_drawn_at_120_columns() {
    assert_snapshot!(picture(after(screen(), &TO_PHONE), LARGE, LineSet::Unicode));
}

#[test]
fn a_lookup_says_how_the_record_is_found() {
    let mut screen = screen();
    let lookup = crate::mapping::Lookup {
        object: "Account".into(),
        field: "External_Id__c".into(),
        missing: crate::mapping::Missing::Reject,
    };
    press(&mut screen, &[A::Key(M::Undo)]);
    let company = screen.columns.iter().position(|column| column.name == "COMPANY").unwrap();
    screen.select(Side::Columns, company);
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "accountid");
    press(&mut screen, &[K(M::Draw)]);
    let link = screen.reference_here().unwrap().0;
    screen.set_lookup(link, Some(lookup));
    screen.checked_at = Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(190)).ok();
    for (size, set) in [(SMALL, LineSet::Ascii), (LARGE, LineSet::Unicode)] {
        let drawn = picture(screen.clone(), size, set);
        assert!(drawn.contains(if size == SMALL { "-> Account b" } else { "→ Account by External_Id__c" }), "{drawn}");
        assert!(drawn.contains("Account by External_Id__c"), "below: {drawn}");
        assert!(drawn.contains("as of 3 h ago"), "{drawn}");
    }
}

#[test]
fn half_drawn_in_ascii() {
    let drawn = picture(after(screen(), &TO_PHONE), SMALL, LineSet::Ascii);
    assert!(drawn.is_ascii());
    assert_snapshot!(drawn);
}

#[test]
fn nothing_drawn_yet() {
    assert_snapshot!(picture(empty(), SMALL, LineSet::Unicode));
}

#[test]
fn a_line_in_hand() {
    let mut screen = after(screen(), &TO_PHONE);
    press(&mut screen, &[A::Down, A::Down, K(M::Draw), A::Down, A::Down, A::Down]);
    assert_snapshot!(picture(screen, SMALL, LineSet::Unicode));
}

#[test]
fn a_line_in_hand_and_typing() {
    let mut screen = after(screen(), &TO_PHONE);
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "ph");
    assert_snapshot!(picture(screen, SMALL, LineSet::Unicode));
}

#[test]
fn a_taken_field_asks() {
    let mut screen = after(screen(), &TO_PHONE);
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "title");
    press(&mut screen, &[K(M::Draw)]);
    assert_snapshot!(picture(screen, SMALL, LineSet::Unicode));
}

#[test]
fn proposals_are_dotted_and_scored() {
    assert_snapshot!(picture(after(empty(), &[K(M::Automatch), K(M::Accept)]), LARGE, LineSet::Unicode));
}

#[test]
fn in_aligned_order() {
    assert_snapshot!(picture(after(screen(), &[K(M::Align)]), SMALL, LineSet::Unicode));
}

#[test]
fn as_a_grid() {
    assert_snapshot!(picture(after(screen(), &[A::Down, A::Down, K(M::Cut), K(M::Grid)]), SMALL, LineSet::Unicode));
}

#[test]
fn problems_are_marked_where_they_are() {
    let mut broken = super::super::map::drawing::fixture::mapping();
    broken.links.push(crate::mapping::Link::new("BIRTHDATE", "Email"));
    broken.links.push(crate::mapping::Link::new("BIRTHDATE", "Lifetime_Value__c"));
    broken.links.retain(|link| link.field != "LastName");
    let screen = screen();
    let screen = Drawing::new("customers.sql", screen.columns, screen.samples, screen.object, broken);
    assert_snapshot!(picture(after(screen, &[K(M::NextProblem), K(M::NextProblem)]), SMALL, LineSet::Unicode));
}

#[test]
fn a_required_field_out_of_view_is_still_named() {
    let mut screen = after(empty(), &[A::OtherSide, A::Last]);
    screen.resize(5);
    let drawn = picture(screen, (80, 10), LineSet::Unicode);
    assert!(drawn.contains("LastName* needs a line"), "{drawn}");
}

#[test]
fn too_small_for_lines_draws_nothing_and_does_not_panic() {
    for size in [(0, 0), (3, 3), (39, 20), (80, 5), (41, 7), (60, 16)] {
        picture(after(screen(), &[K(M::Automatch)]), size, LineSet::Unicode);
        picture(after(screen(), &[K(M::Grid)]), size, LineSet::Unicode);
    }
}

#[test]
fn the_line_of_the_cursor_is_heavy_and_its_ends_are_marked() {
    let mut screen = after(screen(), &TO_PHONE);
    let buffer = buffer(&mut screen, SMALL, LineSet::Unicode);
    let heavy: Vec<_> = buffer.content().iter().filter(|cell| "━┃┏┓┗┛┿╂╋".contains(cell.symbol())).collect();
    assert!(heavy.len() > 15);
    assert!(heavy.iter().all(|cell| cell.fg == Color::Cyan));
}

/// Bytes of the first paint, and of each move of the selection down the columns.
fn cost(size: (u16, u16)) -> (usize, Vec<usize>) {
    let mut screen = screen();
    let mut before = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    let mut costs = Vec::new();
    for _ in 0..screen.columns.len() {
        let now = buffer(&mut screen, size, LineSet::Unicode);
        let mut bytes = Vec::new();
        encode(before.diff(&now).into_iter(), size.0, &mut bytes);
        costs.push(bytes.len());
        before = now;
        press(&mut screen, &[A::Down]);
    }
    (costs[0], costs.split_off(1))
}

#[test]
fn moving_the_selection_costs_few_bytes() {
    // Two lines are repainted, the old one and the new one; how long they are decides, so the
    // budget is held on the whole, and the longest may be half above it.
    for size in [SMALL, LARGE] {
        let (first, steps) = cost(size);
        println!("{size:?}: first paint {first}, then {steps:?}");
        assert!(first <= 12_000, "{first}");
        let mean = steps.iter().sum::<usize>() / steps.len();
        assert!(mean <= 400, "{mean} of {steps:?}");
        assert!(steps.iter().all(|step| *step <= 600), "{steps:?}");
    }
}
