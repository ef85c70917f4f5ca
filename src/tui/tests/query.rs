//! 2 Query.

use insta::assert_snapshot;

use super::fixture::{newcomer, preview, preview_ticket, save_ticket, with_rows};
use crate::engine::EngineError;
use crate::tui::effect::Effect;
use crate::tui::msg::{Answer, Input, Msg};

#[test]
fn a_query_before_it_is_run() {
    assert_snapshot!(newcomer(80, 24).keys("2").screen());
}

#[test]
fn rows_with_their_types() {
    assert_snapshot!(with_rows(80, 24).styled());
}

#[test]
fn rows_on_a_wide_terminal() {
    assert_snapshot!(with_rows(120, 36).screen());
}

#[test]
fn nothing_is_run_by_opening_or_pasting() {
    let mut program = newcomer(80, 24);
    program.keys("2").effects();
    program.send(Msg::Input(Input::Paste("SELECT 1;\r\nSELECT 2".into())));
    assert_eq!(program.effects(), []);
    assert!(program.screen().contains("SELECT 2"));
}

#[test]
fn an_error_is_marked_in_the_text() {
    let mut program = newcomer(80, 24);
    program.keys("2 Ctrl-R");
    let mut error = EngineError::configuration("000904: SQL compilation error:\ninvalid identifier 'CUSTOMER_TYPE'")
        .with_hint("Compare the name with the table's columns.");
    error.position = Some((2, 7));
    program.answer(preview_ticket, Answer::Preview(Err(error)));
    assert_snapshot!(program.styled());
    // An edit makes the mark wrong, so it goes.
    let with_mark = program.screen();
    program.type_text("x");
    assert!(with_mark.contains("line 2, column 7") && !program.screen().contains("line 2, column 7"));
}

#[test]
fn ctrl_c_stops_the_query_on_the_server() {
    let mut program = newcomer(80, 24);
    program.keys("2 Ctrl-R");
    let ticket = program.effects().iter().find_map(preview_ticket).unwrap();
    assert!(program.screen().contains("running; Ctrl-C stops it on the server"));
    program.keys("Ctrl-C");
    assert_eq!(program.effects(), [Effect::Cancel(ticket)]);
    program.answer_to(ticket, Answer::Preview(Err(EngineError::stopped())));
    assert!(program.screen().contains("Stopped"));
}

#[test]
fn a_slow_first_answer_does_not_overwrite_the_second() {
    let mut program = newcomer(80, 24);
    program.keys("2 Ctrl-R");
    let first = program.effects().iter().find_map(preview_ticket).unwrap();
    program.keys("Ctrl-R");
    program.answer_to(first, Answer::Preview(Ok(preview("SELECT 'old'"))));
    assert!(!program.screen().contains("O'Brien"));
}

#[test]
fn going_on_to_the_map_names_and_saves_the_model() {
    let mut program = with_rows(80, 24);
    program.effects();
    program.keys("3");
    assert_snapshot!(program.screen());
    program.keys("Enter");
    let saved = program.peek().iter().find_map(|effect| match effect {
        Effect::SaveModel(_, model) => Some((model.slug.clone(), model.key.clone(), model.connection.clone())),
        _ => None,
    });
    assert_eq!(saved, Some(("customers".into(), vec!["CUSTOMER_ID".into()], "demo".into())));
    program.answer(save_ticket, Answer::Saved(Ok(())));
    assert!(program.screen().contains("▌3 Map"));
}

#[test]
fn the_key_is_chosen_on_the_columns() {
    let mut program = with_rows(80, 24);
    program.keys("k");
    assert!(program.screen().contains("no key yet"));
    program.keys("3");
    assert!(program.screen().contains("Choose the key first"));
    program.keys("Right Right Right k");
    assert!(program.screen().contains("key EMAIL"));
}

#[test]
fn a_whole_cell_says_what_cannot_be_seen() {
    let mut program = with_rows(80, 24);
    program.keys("Right Right j Enter");
    let screen = program.screen();
    assert!(screen.contains("7 characters, 2 blanks at its end"), "{screen}");
    program.keys("Esc");
    assert!(!program.screen().contains("blanks at its end"));
}

#[test]
fn y_sends_the_cell_to_the_clipboard() {
    let mut program = with_rows(80, 24);
    program.effects();
    program.keys("Right y");
    assert_eq!(program.effects(), [Effect::Copy("Dana".into())]);
}

#[test]
fn a_draft_is_there_again_after_looking_at_another_model() {
    let mut program = newcomer(80, 24);
    program.keys("2").type_text(" -- mine");
    program.keys("Esc 0");
    program.answer(super::fixture::load_ticket, Answer::Loaded(Ok(super::fixture::two_models())));
    program.keys("e");
    assert!(program.screen().contains("customers.sql") && !program.screen().contains("-- mine"));
    program.keys("Esc 0");
    program.answer(super::fixture::load_ticket, Answer::Loaded(Ok(super::fixture::two_models())));
    program.keys("n 2");
    assert!(program.screen().contains("-- mine"));
    program.keys("Esc q");
    assert!(program.screen().contains("not saved"));
}
