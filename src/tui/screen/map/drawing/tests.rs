//! What an operator relies on while editing.

use proptest::prelude::*;

use super::fixture::{empty, press, screen, typed};
use super::*;
use crate::mapping::{MatchMode, Source};
use Act as A;
use Act::Key as K;
use MapAction as M;

fn names(screen: &Drawing) -> Vec<(String, String)> {
    screen.mapping().links.iter().map(|link| (link.source.to_string(), link.field.clone())).collect()
}

fn to_column(screen: &mut Drawing, name: &str) {
    screen.side = Side::Columns;
    let at = screen.columns.iter().position(|column| column.name == name).unwrap();
    assert!(screen.left.go_to(at, screen.rows));
}

fn to_field(screen: &mut Drawing, name: &str) {
    screen.side = Side::Fields;
    let at = screen.object.fields.iter().position(|field| field.name == name).unwrap();
    assert!(screen.right.go_to(at, screen.rows));
}

fn field_here(screen: &Drawing) -> &str {
    &screen.object.fields[screen.right.item().unwrap()].name
}

#[test]
fn a_line_goes_to_the_best_guess_and_drops_there() {
    let mut screen = empty();
    to_column(&mut screen, "FIRST_NAME");
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(field_here(&screen), "FirstName");
    assert!(screen.takes_text());
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(names(&screen), [("FIRST_NAME".into(), "FirstName".into())]);
    assert!(screen.hand.is_none() && screen.right.filter.is_empty());
}

#[test]
fn typing_narrows_and_the_line_follows() {
    let mut screen = empty();
    to_column(&mut screen, "PHONE");
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "mob");
    assert_eq!(field_here(&screen), "MobilePhone");
    let shown: Vec<_> =
        screen.right.view(99).iter().flatten().map(|at| screen.object.fields[*at].name.as_str()).collect();
    assert!(!shown.contains(&"HomePhone"), "{shown:?}");
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(names(&screen), [("PHONE".into(), "MobilePhone".into())]);
}

#[test]
fn putting_down_changes_nothing() {
    let mut screen = screen();
    let before = screen.mapping().clone();
    to_field(&mut screen, "Phone");
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[K(M::Draw), A::Down, A::Down]);
    typed(&mut screen, "des");
    press(&mut screen, &[K(M::Back)]);
    assert_eq!(screen.mapping(), &before);
    assert_eq!(field_here(&screen), "Phone", "the other list is where it was");
    assert!(!screen.is_changed());
}

#[test]
fn a_taken_field_asks_first_and_keeps_its_transforms() {
    let mut screen = screen();
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "phone");
    to_field(&mut screen, "Phone");
    screen.side = Side::Columns;
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(screen.question.as_ref().unwrap().taken_by, "PHONE");
    press(&mut screen, &[A::Down, K(M::Cut), K(M::Decline)]);
    assert!(screen.question.is_none() && screen.hand.is_some(), "no puts nothing down");
    press(&mut screen, &[K(M::Draw), K(M::Accept)]);
    let link = screen.mapping().link_to("Phone").unwrap();
    assert_eq!(link.source, Source::Column("COMPANY".into()));
    assert_eq!(link.transforms.len(), 1);
    press(&mut screen, &[K(M::Undo)]);
    assert_eq!(screen.mapping(), &super::fixture::mapping());
}

#[test]
fn a_field_can_ask_what_feeds_it() {
    let mut screen = empty();
    to_field(&mut screen, "LastName");
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(screen.columns[screen.left.item().unwrap()].name, "LAST_NAME");
    press(&mut screen, &[K(M::Draw)]);
    assert_eq!(names(&screen), [("LAST_NAME".into(), "LastName".into())]);
    assert_eq!(screen.side, Side::Fields);
}

#[test]
fn cutting_takes_the_matcher_with_the_line() {
    let mut screen = screen();
    to_field(&mut screen, "Email");
    press(&mut screen, &[K(M::Cut)]);
    assert!(screen.mapping().link_to("Email").is_none());
    assert!(screen.mapping().matcher.terms.is_empty());
    press(&mut screen, &[K(M::Undo)]);
    assert_eq!(screen.mapping(), &super::fixture::mapping());
    press(&mut screen, &[K(M::Redo)]);
    assert!(screen.mapping().matcher.terms.is_empty());
}

#[test]
fn one_column_to_two_fields_is_cut_at_the_field() {
    let mut screen = screen();
    to_column(&mut screen, "PHONE");
    press(&mut screen, &[K(M::Draw)]);
    typed(&mut screen, "mob");
    press(&mut screen, &[K(M::Draw), K(M::Cut)]);
    assert_eq!(screen.mapping().links.len(), 9, "which of the two?");
    assert!(screen.notice.as_ref().unwrap().contains("2 lines here"));
    to_field(&mut screen, "Phone");
    press(&mut screen, &[K(M::Cut)]);
    assert!(screen.mapping().link_to("Phone").is_none() && screen.mapping().link_to("MobilePhone").is_some());
}

#[test]
fn matchers_are_marked_and_combined() {
    let mut screen = screen();
    to_field(&mut screen, "Phone");
    press(&mut screen, &[K(M::Matcher)]);
    assert_eq!(screen.mapping().matcher.to_string(), "Email and Phone");
    press(&mut screen, &[K(M::MatchMode)]);
    assert_eq!(screen.mapping().matcher.mode, MatchMode::Any);
    press(&mut screen, &[K(M::Matcher)]);
    assert_eq!(screen.mapping().matcher.to_string(), "Email");
}

#[test]
fn proposals_are_only_proposals() {
    let mut screen = empty();
    press(&mut screen, &[K(M::Automatch)]);
    assert!(screen.proposals.len() >= 8, "{:?}", screen.proposals);
    assert!(screen.mapping().links.is_empty() && !screen.is_changed());
    let count = screen.proposals.len();
    press(&mut screen, &[K(M::Accept), K(M::Decline)]);
    assert_eq!((screen.mapping().links.len(), screen.proposals.len()), (1, count - 2));
    press(&mut screen, &[K(M::AcceptAll)]);
    assert_eq!((screen.mapping().links.len(), screen.proposals.len()), (count - 1, 0));
    press(&mut screen, &[K(M::Undo), K(M::Undo)]);
    assert!(screen.mapping().links.is_empty());
}

#[test]
fn a_required_field_is_shown_until_it_has_a_line() {
    let mut screen = empty();
    press(&mut screen, &[K(M::Show), K(M::Show)]);
    assert_eq!(screen.show, Show::Linked);
    assert_eq!(field_here(&screen), "LastName");
    press(&mut screen, &[K(M::NextProblem)]);
    assert_eq!((screen.side, field_here(&screen)), (Side::Fields, "LastName"));
    press(&mut screen, &[K(M::Draw), K(M::Draw)]);
    assert!(!screen.is_missing(&screen.object.fields[3]));
}

#[test]
fn read_only_fields_are_hidden_until_asked_for() {
    let mut screen = screen();
    let shown = |screen: &Drawing| screen.right.len();
    let before = shown(&screen);
    press(&mut screen, &[K(M::ReadOnly)]);
    assert_eq!(shown(&screen), before + 3);
    to_column(&mut screen, "COMPANY");
    press(&mut screen, &[K(M::Draw)]);
    to_field(&mut screen, "Name");
    press(&mut screen, &[K(M::Draw)]);
    assert!(screen.notice.as_ref().unwrap().contains("read-only"));
}

#[test]
fn aligned_lines_are_straight() {
    let mut screen = screen();
    press(&mut screen, &[K(M::Align)]);
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
    press(&mut screen, &[K(M::Level)]);
    let title = screen.lines_at(Side::Columns, screen.left.item().unwrap()).next().unwrap().1.clone();
    let row = |list: &List, item: Option<usize>| list.position(item.unwrap()).unwrap() - list.top();
    assert_eq!(row(&screen.left, title.column), row(&screen.right, title.field));
}

#[test]
fn what_is_saved_is_no_change() {
    let mut screen = screen();
    press(&mut screen, &[K(M::Operation), K(M::Rows)]);
    assert_eq!((screen.mapping().operation, screen.mapping().rows), (Operation::Create, RowSelection::Added));
    assert!(screen.is_changed());
    screen.saved(screen.mapping().clone());
    assert!(!screen.is_changed());
    press(&mut screen, &[K(M::Undo)]);
    assert!(screen.is_changed(), "an undone step differs from the file again");
}

#[test]
fn a_query_that_lost_a_column_says_so() {
    let mut screen = screen();
    press(&mut screen, &[K(M::Draw)]);
    let columns = screen.columns.iter().filter(|column| column.name != "PHONE").cloned().collect();
    screen.set_source(columns, Vec::new());
    assert!(screen.hand.is_none());
    assert!(screen.findings.iter().any(|finding| finding.message.contains("no column `PHONE`")));
}

fn action() -> impl Strategy<Value = Act> {
    prop::sample::select(vec![
        A::Up,
        A::Down,
        A::PageDown,
        A::Left,
        A::Right,
        A::OtherSide,
        K(M::Draw),
        K(M::Draw),
        K(M::Back),
        K(M::Accept),
        K(M::Decline),
        K(M::Cut),
        K(M::Matcher),
        K(M::MatchMode),
        K(M::Filter),
        K(M::Show),
        K(M::Level),
        K(M::Align),
        K(M::Automatch),
        K(M::AcceptAll),
        K(M::Operation),
        K(M::Rows),
        K(M::Grid),
        K(M::ReadOnly),
        K(M::NextProblem),
        K(M::NextSample),
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
        press(&mut screen, &[K(M::Back), K(M::Back)]);
        for _ in 0..80 {
            screen.act(K(M::Undo));
        }
        prop_assert_eq!(screen.mapping(), &super::fixture::mapping());
        for _ in 0..80 {
            screen.act(K(M::Redo));
        }
        prop_assert_eq!(screen.mapping(), &end);
    }
}
