//! 4 Sync.

use insta::assert_snapshot;

use super::fixture::{
    groups_ticket, page, plan_ticket, planned, planned_books, planned_rows, regular, rows_ticket, run_ticket, sent,
    sent_rows, summary_ticket, with_plan,
};
use crate::engine::{EngineError, Phase, Progress, RunSummary};
use crate::plan::{Action, MassDelete};
use crate::store::{ErrorGroup, RowFilter, RunId};
use crate::tui::effect::Effect;
use crate::tui::msg::{Answer, Msg};

#[test]
fn before_the_plan() {
    assert_snapshot!(regular(80, 24).keys("Enter").screen());
}

#[test]
fn while_the_plan_is_made() {
    let mut program = regular(80, 24);
    program.keys("Enter Enter");
    let ticket = program.peek().iter().find_map(plan_ticket).unwrap();
    let progress = Progress {
        run: Some(RunId(14)),
        phase: Phase::Matching,
        done: 1_200,
        total: Some(4_000),
        books: planned_books(),
        api_calls: 3,
        seconds: 2.0,
        ..Progress::default()
    };
    program.answer_to(ticket, Answer::Progress(progress));
    assert_snapshot!(program.screen());
    // A rate, and from it the time that is left, only once it means something.
    program.answer_to(ticket, Answer::Progress(Progress { done: 2_000, seconds: 12.0, ..progress }));
    let screen = program.screen();
    assert!(screen.contains("200 rows/s, 10 s left"), "{screen}");
}

#[test]
fn a_plan_row_by_row() {
    assert_snapshot!(with_plan(80, 24, true).styled());
}

#[test]
fn a_plan_that_takes_most_of_what_is_known_says_so_before_and_in_the_question() {
    let mut program = regular(80, 24);
    program.keys("Enter Enter");
    program.answer(plan_ticket, Answer::Planned(Ok(RunId(14))));
    program.answer(rows_ticket, page(planned_rows(), RowFilter::All));
    let summary = RunSummary { mass_delete: Some(MassDelete { rows: 312, of: 400 }), ..planned(true) };
    program.answer(summary_ticket, Answer::Summary(Ok(summary)));
    let screen = program.screen();
    assert!(screen.contains("takes 312 of 400 known records"), "{screen}");
    program.keys("s");
    let screen = program.screen();
    assert!(screen.contains("ATTENTION: 312 of the 400 records"), "{screen}");
}

#[test]
fn a_plan_on_a_wide_terminal() {
    assert_snapshot!(with_plan(120, 36, true).keys("j").screen());
}

#[test]
fn a_plan_on_the_smallest_terminal() {
    assert_snapshot!(with_plan(60, 16, true).keys("j j j").screen());
}

#[test]
fn a_held_row_says_why_and_what_to_do() {
    let mut program = with_plan(80, 24, true);
    program.keys("j j j");
    let screen = program.screen();
    assert!(screen.contains("SEVERAL_RECORDS: 2 records match") && screen.contains("Merge them"), "{screen}");
    assert!(screen.contains("0035f00000AbCdGAAV"), "{screen}");
}

#[test]
fn a_plan_that_failed_says_why() {
    let mut program = regular(80, 24);
    program.keys("Enter Enter");
    let error = EngineError::failed("Snowflake: 000606: No active warehouse selected in the current session.")
        .with_hint("Set `warehouse` in connections.toml.");
    program.answer(plan_ticket, Answer::Planned(Err(error)));
    let screen = program.screen();
    assert!(screen.contains("No active warehouse") && screen.contains("make the plan"), "{screen}");
}

#[test]
fn sending_asks_once_and_says_how_much() {
    let mut program = with_plan(80, 24, true);
    program.keys("s");
    assert_snapshot!(program.screen());
    // Enter means nothing here: it comes too easily after something else.
    program.keys("Enter");
    assert_eq!(program.effects().iter().find_map(run_ticket), None);
    program.keys("n");
    assert_eq!(program.effects().iter().find_map(run_ticket), None);
    program.keys("s y");
    assert!(program.effects().iter().find_map(run_ticket).is_some());
}

#[test]
fn production_wants_its_name() {
    let mut program = with_plan(80, 24, false);
    program.keys("s").type_text("acme");
    program.keys("Enter");
    assert_eq!(program.effects().iter().find_map(run_ticket), None);
    assert_snapshot!(program.screen());
    program.keys("Backspace Backspace Backspace Backspace").type_text("Acme");
    program.keys("Enter");
    assert!(program.effects().iter().find_map(run_ticket).is_some());
}

#[test]
fn rows_arrive_one_by_one_and_the_books_are_shown() {
    let mut program = with_plan(80, 24, true);
    program.keys("s y");
    let ticket = program.peek().iter().find_map(run_ticket).unwrap();
    let half = sent_rows().into_iter().take(2).collect();
    program.answer(rows_ticket, page(half, RowFilter::Writes));
    let progress = Progress {
        run: Some(RunId(14)),
        phase: Phase::Writing,
        done: 2,
        total: Some(2),
        books: super::fixture::sent_books(),
        api_calls: 5,
        seconds: 2.6,
        ..Progress::default()
    };
    program.answer_to(ticket, Answer::Progress(progress));
    assert_snapshot!("sending", program.screen());
    program.answer_to(ticket, Answer::Ran(Ok(sent())));
    program.answer(rows_ticket, page(sent_rows(), RowFilter::All));
    assert_snapshot!("sent", program.styled());
}

#[test]
fn leaving_while_it_sends_asks_first() {
    let mut program = with_plan(80, 24, true);
    program.keys("s y").effects();
    program.keys("q");
    assert!(program.screen().contains("A sync is going"));
    assert!(!program.effects().contains(&Effect::Quit));
    program.keys("y");
    assert!(program.effects().contains(&Effect::Quit));
}

#[test]
fn reasons_are_grouped_and_lead_to_their_rows() {
    let mut program = with_plan(80, 24, true);
    program.keys("e");
    let group = |code: &str, action, rows, hint: &str| ErrorGroup {
        action,
        code: code.into(),
        fields: vec![],
        message: "as Salesforce says".into(),
        hint: Some(hint.into()),
        rows,
    };
    let groups = vec![
        group("SEVERAL_RECORDS", Some(Action::Hold), 412, "Merge them in Salesforce."),
        group("STRING_TOO_LONG", Some(Action::Reject), 1, "Shorten it in the source."),
    ];
    program.answer(groups_ticket, Answer::Groups(Ok(groups)));
    assert_snapshot!(program.screen());
    program.effects();
    program.keys("j Enter");
    let asked = program.effects();
    let wanted = RowFilter::Code("STRING_TOO_LONG".into());
    assert!(asked.iter().any(|effect| matches!(effect, Effect::Rows(_, _, filter, ..) if *filter == wanted)));
}

#[test]
fn only_rows_that_are_seen_are_read() {
    let mut program = with_plan(80, 24, true);
    program.keys("f");
    let limits: Vec<usize> = program
        .effects()
        .iter()
        .filter_map(|effect| if let Effect::Rows(.., limit) = effect { Some(*limit) } else { None })
        .collect();
    assert!(limits.iter().all(|limit| *limit <= 100), "{limits:?}");
}

#[test]
fn nothing_ticks_while_nothing_goes_on() {
    let mut program = with_plan(80, 24, true);
    let effects = program.app.update(Msg::Tick);
    assert_eq!(effects, []);
}
