//! What an operator relies on while editing.

use proptest::prelude::*;

use super::fixture::{empty, press, screen, typed};
use super::*;
use crate::mapping::{MatchMode, Source};
use MapAction as A;

fn names(screen: &MapScreen) -> Vec<(String, String)> {
    screen.mapping().links.iter().map(|link| (link.source.to_string(), link.field.clone())).collect()
}

fn to_column(screen: &mut MapScreen, name: &str) {
    screen.side = Side::Columns;
    let at = screen.columns.iter().position(|column| column.name == name).unwrap();
    assert!(screen.left.go_to(at, screen.rows));
}

fn to_field(screen: &mut MapScreen, name: &str) {
    screen.side = Side::Fields;
    let at = screen.object.fields.iter().position(|field| field.name == name).unwrap();
    assert!(screen.right.go_to(at, screen.rows));
}

fn field_here(screen: &MapScreen) -> &str {
    &screen.object.fields[screen.right.item().unwrap()].name
}

#[test]
fn a_line_goes_to_the_best_guess_and_drops_there() {
    let mut screen = empty();
    to_column(&mut screen, "FIRST_NAME");
    press(&mut screen, &[A::Pick]);
    assert_eq!(field_here(&screen), "FirstName");
    assert!(screen.takes_text());
    press(&mut screen, &[A::Pick]);
    assert_eq!(names(&screen), [("FIRST_NAME".into(), "FirstName".into())]);
    assert!(screen.hand.is_none() && screen.right.filter.is_empty());
}

#[test]
fn typing_narrows_and_the_line_follows() {
    let mut screen = empty();
    to_column(&mut screen, "PHONE");
    press(&mut screen, &[A::Pick]);
    typed(&mut screen, "mob");
    assert_eq!(field_here(&screen), "MobilePhone");
    let shown: Vec<_> =
        screen.right.view(99).iter().flatten().map(|at| screen.object.fields[*at].name.as_str()).collect();
    assert!(!shown.contains(&"HomePhone"), "{shown:?}");
    press(&mut screen, &[A::Pick]);
    assert_eq!(names(&screen), [("PHONE".into(), "MobilePhone".into())]);
}

#[test]
fn putting_down_changes_nothing() {
    let mut screen = screen();
    let before = screen.mapping().clone();
    to_field(&mut screen, "Phone");
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[A::Pick, A::Down, A::Down]);
    typed(&mut screen, "des");
    press(&mut screen, &[A::Back]);
    assert_eq!(screen.mapping(), &before);
    assert_eq!(field_here(&screen), "Phone", "the other list is where it was");
    assert!(!screen.is_changed());
}

#[test]
fn a_taken_field_asks_first_and_keeps_its_transforms() {
    let mut screen = screen();
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[A::Pick]);
    typed(&mut screen, "phone");
    to_field(&mut screen, "Phone");
    screen.side = Side::Columns;
    press(&mut screen, &[A::Pick]);
    assert_eq!(screen.question.as_ref().unwrap().taken_by, "PHONE");
    press(&mut screen, &[A::Down, A::Cut, A::No]);
    assert!(screen.question.is_none() && screen.hand.is_some(), "no puts nothing down");
    press(&mut screen, &[A::Pick, A::Yes]);
    let link = screen.mapping().link_to("Phone").unwrap();
    assert_eq!(link.source, Source::Column("COMPANY".into()));
    assert_eq!(link.transforms.len(), 1);
    press(&mut screen, &[A::Undo]);
    assert_eq!(screen.mapping(), &super::fixture::mapping());
}

#[test]
fn a_field_can_ask_what_feeds_it() {
    let mut screen = empty();
    to_field(&mut screen, "LastName");
    press(&mut screen, &[A::Pick]);
    assert_eq!(screen.columns[screen.left.item().unwrap()].name, "LAST_NAME");
    press(&mut screen, &[A::Pick]);
    assert_eq!(names(&screen), [("LAST_NAME".into(), "LastName".into())]);
    assert_eq!(screen.side, Side::Fields);
}

#[test]
fn cutting_takes_the_matcher_with_the_line() {
    let mut screen = screen();
    to_field(&mut screen, "Email");
    press(&mut screen, &[A::Cut]);
    assert!(screen.mapping().link_to("Email").is_none());
    assert!(screen.mapping().matcher.terms.is_empty());
    press(&mut screen, &[A::Undo]);
    assert_eq!(screen.mapping(), &super::fixture::mapping());
    press(&mut screen, &[A::Redo]);
    assert!(screen.mapping().matcher.terms.is_empty());
}

#[test]
fn one_column_to_two_fields_is_cut_at_the_field() {
    let mut screen = screen();
    to_column(&mut screen, "PHONE");
    press(&mut screen, &[A::Pick]);
    typed(&mut screen, "mob");
    press(&mut screen, &[A::Pick, A::Cut]);
    assert_eq!(screen.mapping().links.len(), 9, "which of the two?");
    assert!(screen.notice.as_ref().unwrap().contains("2 lines here"));
    to_field(&mut screen, "Phone");
    press(&mut screen, &[A::Cut]);
    assert!(screen.mapping().link_to("Phone").is_none() && screen.mapping().link_to("MobilePhone").is_some());
}

#[test]
fn matchers_are_marked_and_combined() {
    let mut screen = screen();
    to_field(&mut screen, "Phone");
    press(&mut screen, &[A::Matcher]);
    assert_eq!(screen.mapping().matcher.to_string(), "Email and Phone");
    press(&mut screen, &[A::MatchMode]);
    assert_eq!(screen.mapping().matcher.mode, MatchMode::Any);
    press(&mut screen, &[A::Matcher]);
    assert_eq!(screen.mapping().matcher.to_string(), "Email");
}

#[test]
fn proposals_are_only_proposals() {
    let mut screen = empty();
    press(&mut screen, &[A::Automatch]);
    assert!(screen.proposals.len() >= 8, "{:?}", screen.proposals);
    assert!(screen.mapping().links.is_empty() && !screen.is_changed());
    let count = screen.proposals.len();
    press(&mut screen, &[A::Yes, A::No]);
    assert_eq!((screen.mapping().links.len(), screen.proposals.len()), (1, count - 2));
    press(&mut screen, &[A::AcceptAll]);
    assert_eq!((screen.mapping().links.len(), screen.proposals.len()), (count - 1, 0));
    press(&mut screen, &[A::Undo, A::Undo]);
    assert!(screen.mapping().links.is_empty());
}

#[test]
fn a_required_field_is_shown_until_it_has_a_line() {
    let mut screen = empty();
    press(&mut screen, &[A::Show, A::Show]);
    assert_eq!(screen.show, Show::Linked);
    assert_eq!(field_here(&screen), "LastName");
    press(&mut screen, &[A::NextProblem]);
    assert_eq!((screen.side, field_here(&screen)), (Side::Fields, "LastName"));
    press(&mut screen, &[A::Pick, A::Pick]);
    assert!(!screen.is_missing(&screen.object.fields[3]));
}

#[test]
fn read_only_fields_are_hidden_until_asked_for() {
    let mut screen = screen();
    let shown = |screen: &MapScreen| screen.right.len();
    let before = shown(&screen);
    press(&mut screen, &[A::ReadOnly]);
    assert_eq!(shown(&screen), before + 3);
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[A::Pick]);
    to_field(&mut screen, "Name");
    press(&mut screen, &[A::Pick]);
    assert!(screen.notice.as_ref().unwrap().contains("read-only"));
}

#[test]
fn aligned_lines_are_straight() {
    let mut screen = screen();
    press(&mut screen, &[A::Align]);
    for line in &screen.lines {
        assert_eq!(screen.left.position(line.column.unwrap()), screen.right.position(line.field.unwrap()));
    }
    press(&mut screen, &[A::Last]);
    assert_eq!(screen.left.top(), screen.right.top(), "they scroll as one");
}

#[test]
fn level_makes_the_line_straight() {
    let mut screen = screen();
    screen.resize(6);
    to_column(&mut screen, "TITLE");
    press(&mut screen, &[A::Level]);
    let title = screen.lines_at(Side::Columns, screen.left.item().unwrap()).next().unwrap().1.clone();
    let row = |list: &List, item: Option<usize>| list.position(item.unwrap()).unwrap() - list.top();
    assert_eq!(row(&screen.left, title.column), row(&screen.right, title.field));
}

#[test]
fn saving_hands_over_the_mapping_once() {
    let mut screen = screen();
    assert_eq!(screen.act(A::Save), []);
    press(&mut screen, &[A::Operation, A::Rows]);
    let effects = screen.act(A::Save);
    let [MapEffect::Save(mapping)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((mapping.operation, mapping.rows), (Operation::Create, RowSelection::Added));
    screen.saved(mapping.clone());
    assert!(!screen.is_changed());
}

fn action() -> impl Strategy<Value = MapAction> {
    prop::sample::select(vec![
        A::Up,
        A::Down,
        A::PageDown,
        A::Left,
        A::Right,
        A::OtherSide,
        A::Pick,
        A::Pick,
        A::Back,
        A::Yes,
        A::No,
        A::Cut,
        A::Matcher,
        A::MatchMode,
        A::Filter,
        A::Show,
        A::Level,
        A::Align,
        A::Automatch,
        A::AcceptAll,
        A::Operation,
        A::Rows,
        A::Grid,
        A::ReadOnly,
        A::NextProblem,
        A::NextSample,
        A::Type('p'),
        A::Type('m'),
        A::Erase,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_pressed_can_be_undone(actions in prop::collection::vec(action(), 0..60), rows in 1_usize..20) {
        let mut screen = screen();
        screen.resize(rows);
        for action in actions {
            screen.act(action);
        }
        let end = screen.mapping().clone();
        press(&mut screen, &[A::Back, A::Back]);
        for _ in 0..80 {
            screen.act(A::Undo);
        }
        prop_assert_eq!(screen.mapping(), &super::fixture::mapping());
        for _ in 0..80 {
            screen.act(A::Redo);
        }
        prop_assert_eq!(screen.mapping(), &end);
    }
}
