//! 4 Sync.

use insta::assert_snapshot;

use super::fixture::{
    groups_ticket, page, plan_ticket, planned, planned_books, planned_rows, regular, rows_ticket, run_ticket, sent,
    sent_rows, summary_ticket, with_plan,
};
use crate::engine::{EngineError, Phase, Progress, RunSummary};
use crate::plan::{Action, MassDelete};
use crate::store::{ErrorGroup, RowFilter, RunId, RunStatus};
use crate::tui::effect::{Effect, Wish};
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::Harness;
use crate::tui::ticket::Ticket;

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
    program.answer_to(ticket, Answer::Progress(Progress { done: 2_000, seconds: 12.0, rate: Some(200.0), ..progress }));
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

/// A run of 4,000 rows that is being sent.
fn sending(columns: u16, rows: u16) -> (Harness, Ticket) {
    let mut program = with_plan(columns, rows, true);
    program.keys("s y");
    let ticket = program.peek().iter().find_map(run_ticket).unwrap();
    program.answer(rows_ticket, page(sent_rows(), RowFilter::Writes));
    program.answer_to(ticket, Answer::Started);
    program.answer_to(ticket, Answer::Progress(halfway(Phase::Writing)));
    program.effects();
    (program, ticket)
}

fn halfway(phase: Phase) -> Progress {
    Progress {
        run: Some(RunId(14)),
        phase,
        done: 1_200,
        total: Some(4_000),
        rate: Some(400.0),
        books: super::fixture::sent_books(),
        api_calls: 21,
        seconds: 9.0,
        ..Progress::default()
    }
}

/// What was asked of the run, last.
fn told(program: &mut Harness) -> Option<Wish> {
    program
        .effects()
        .iter()
        .rev()
        .find_map(|effect| if let Effect::Tell(_, _, wish) = effect { Some(*wish) } else { None })
}

#[test]
fn leaving_while_it_sends_lets_it_go_on_and_says_how_to_see_it() {
    let (mut program, _) = sending(80, 24);
    program.keys("q");
    assert!(program.effects().contains(&Effect::Quit));
    let words = program.app.farewell().unwrap();
    assert!(words.contains("Run 14 of customers/contacts goes on") && words.contains("1,200 of 4,000"), "{words}");
    let mut idle = with_plan(80, 24, true);
    idle.keys("q");
    assert_eq!(idle.app.farewell(), None);
}

#[test]
fn a_run_is_paused_and_goes_on() {
    let (mut program, ticket) = sending(80, 24);
    assert_eq!(told(program.keys("r")), None, "it is not paused");
    assert_eq!(told(program.keys("Space")), Some(Wish::Pause));
    let paused = Progress { rate: None, ..halfway(Phase::Paused) };
    program.answer_to(ticket, Answer::Progress(paused));
    assert_snapshot!(program.screen());
    assert_eq!(told(program.keys("Space")), None);
    assert_eq!(told(program.keys("r")), Some(Wish::GoOn));
}

#[test]
fn a_run_is_stopped_only_when_that_is_meant_and_goes_on_later() {
    for key in ["x", "Ctrl-C"] {
        let (mut program, ticket) = sending(80, 24);
        assert_eq!(told(program.keys(key).keys("n")), None);
        assert_eq!(told(program.keys(key).keys("y")), Some(Wish::Stop));
        let mut books = super::fixture::sent_books();
        books.outcomes.unprocessed = 1;
        let stopped = RunSummary { status: RunStatus::Stopped, books, ..sent() };
        program.answer_to(ticket, Answer::Ran(Ok(stopped)));
        assert!(program.screen().contains("go on"), "{}", program.screen());
        program.keys("r");
        assert!(program.effects().iter().any(|effect| matches!(effect, Effect::Resume(_, RunId(14)))));
    }
}

#[test]
fn a_run_that_goes_on_elsewhere_is_shown_by_itself() {
    let mut program = regular(80, 24);
    program.keys("Enter");
    let asked = |effect: &Effect| if let Effect::Going(ticket, _) = effect { Some(*ticket) } else { None };
    program.answer(asked, Answer::Going(Ok(Some(RunId(14)))));
    let follow = |effect: &Effect| if let Effect::Follow(ticket, RunId(14)) = effect { Some(*ticket) } else { None };
    let ticket = program.peek().iter().find_map(follow).unwrap();
    program.answer_to(ticket, Answer::Progress(halfway(Phase::Writing)));
    program.answer(rows_ticket, page(sent_rows(), RowFilter::Writes));
    assert_snapshot!(program.screen());
}

#[test]
fn a_run_that_cannot_begin_leaves_the_plan_as_it_is() {
    let mut program = with_plan(80, 24, true);
    program.keys("s y");
    let ticket = program.peek().iter().find_map(run_ticket).unwrap();
    let error = EngineError::failed("run 13 of customers/contacts is going on (process 4242)");
    program.answer_to(ticket, Answer::Ran(Err(error)));
    let screen = program.screen();
    assert!(screen.contains("process 4242") && screen.contains("Plan 14"), "{screen}");
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
