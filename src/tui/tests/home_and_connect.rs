//! Home and 1 Connect.

use insta::assert_snapshot;

use super::fixture::{
    destination_ticket, line, load_ticket, newcomer, nothing_yet, org, org_ticket, regular, source_ticket, two_models,
};
use crate::config::{ConfigError, Connections};
use crate::engine::CheckState;
use crate::tui::effect::Effect;
use crate::tui::look::Look;
use crate::tui::msg::{Answer, Loaded};
use crate::tui::testing::Harness;

#[test]
fn a_newcomer_sees_one_thing_to_press() {
    assert_snapshot!(newcomer(80, 24).screen());
}

#[test]
fn models_with_their_last_runs() {
    assert_snapshot!(regular(80, 24).styled());
}

#[test]
fn models_on_a_wide_terminal() {
    assert_snapshot!(regular(120, 36).screen());
}

#[test]
fn models_in_ascii_without_colour() {
    let mut program = Harness::with(Look::plain(), 80, 24);
    program.answer(load_ticket, Answer::Loaded(Ok(two_models())));
    assert_snapshot!(program.styled());
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_place() {
    let mut program = Harness::new(80, 24);
    let problem = ConfigError {
        path: "/home/ana/.config/gondola/models/leads/contacts.toml".into(),
        place: Some((3, 1)),
        message: "unknown key `mach`".into(),
        hint: Some("Did you mean `match`?".into()),
    };
    let mut loaded = two_models();
    loaded.catalog.problems.push(problem);
    program.answer(load_ticket, Answer::Loaded(Ok(loaded)));
    assert_snapshot!(program.screen());
}

#[test]
fn without_connections_it_says_where_they_go() {
    let mut program = Harness::new(80, 24);
    let loaded = Loaded { connections: Connections::default(), ..nothing_yet() };
    program.answer(load_ticket, Answer::Loaded(Ok(loaded)));
    assert_snapshot!(program.screen());
}

#[test]
fn enter_checks_both_ends_line_by_line() {
    let mut program = newcomer(80, 24);
    program.keys("Enter");
    let asked = program.peek().to_vec();
    let (source, destination) =
        (asked.iter().find_map(source_ticket).unwrap(), asked.iter().find_map(destination_ticket).unwrap());
    program.answer_to(source, line("reach Snowflake", CheckState::Ok, "127.0.0.1:8080", None));
    program.answer_to(source, line("login", CheckState::Running, "", None));
    program.answer_to(destination, line("reach Salesforce", CheckState::Running, "", None));
    assert_snapshot!("checking", program.screen());

    program.answer_to(source, line("login", CheckState::Ok, "DEMO", None));
    program.answer_to(source, Answer::Checked(Ok(true)));
    let refused = "INVALID_LOGIN: invalid client credentials";
    program.answer_to(destination, line("reach Salesforce", CheckState::Ok, "127.0.0.1:8081", None));
    program.answer_to(
        destination,
        line("login", CheckState::Failed, refused, Some("Compare client_id and client_secret with the connected app.")),
    );
    program.answer_to(destination, Answer::Checked(Ok(false)));
    assert_snapshot!("one_end_refuses", program.styled());
}

#[test]
fn production_is_marked_and_enter_leads_on() {
    let mut program = newcomer(80, 24);
    program.keys("Enter");
    program.answer(source_ticket, Answer::Checked(Ok(true)));
    program.answer(destination_ticket, Answer::Checked(Ok(true)));
    program.answer(org_ticket, Answer::Org(Ok(org(false))));
    let screen = program.screen();
    assert!(screen.contains("PRODUCTION Acme") && screen.contains("1 Connect ✓"), "{screen}");
    program.keys("Enter");
    assert!(program.screen().contains("new query"));
}

#[test]
fn a_check_that_was_asked_anew_drops_the_old_answers() {
    let mut program = newcomer(80, 24);
    program.keys("Enter");
    let old = program.effects().iter().find_map(source_ticket).unwrap();
    program.keys("Ctrl-C c");
    program.answer_to(old, line("login", CheckState::Failed, "too late", None));
    program.answer_to(old, Answer::Checked(Ok(false)));
    assert!(!program.screen().contains("too late"));
    assert!(program.effects().contains(&Effect::Cancel(old)));
}

#[test]
fn who_is_faster_than_the_files_gets_the_check_all_the_same() {
    let mut program = Harness::new(80, 24);
    let load = program.peek().iter().find_map(load_ticket).unwrap();
    program.keys("1");
    assert!(program.peek().iter().find_map(source_ticket).is_none());
    program.answer_to(load, Answer::Loaded(Ok(two_models())));
    assert!(program.peek().iter().find_map(source_ticket).is_some());
}

/// The lines of a real org, with one that is red.
fn a_long_checklist(program: &mut Harness) {
    let destination = program.peek().iter().find_map(destination_ticket).unwrap();
    let hint = "Give the user what `gondola grants sales` prints, or change the mapping.";
    for (name, state, detail, hint) in [
        ("reach Salesforce", CheckState::Ok, "acme.my.salesforce.com:443", None),
        ("settings and secrets", CheckState::Ok, "", None),
        ("login", CheckState::Ok, "Acme as ana@acme.example, PRODUCTION", None),
        ("API version", CheckState::Ok, "65.0, the newest here", None),
        ("API enabled", CheckState::Ok, "yes", None),
        ("user", CheckState::Ok, "Ana Admin, profile System Administrator", None),
        ("org id", CheckState::Ok, "00D000000000001AAA", None),
        ("describe Contact", CheckState::Ok, "67 fields, 48 of them writable", None),
        ("fields of customers/contacts-of-europe", CheckState::Ok, "9 fields may be written", None),
        ("fields of customers/leads", CheckState::Failed, "Title is read-only for this user", Some(hint)),
        (
            "rules on Contact",
            CheckState::Warning,
            "validation: Platinum_Needs_Phone; duplicate: Contact_Same_Name_And_Email",
            Some("A row that one of them refuses fails with the rule's own words."),
        ),
        ("API calls left", CheckState::Ok, "14957 of 15000 today", None),
    ] {
        program.answer_to(destination, line(name, state, detail, hint));
    }
    program.answer_to(destination, Answer::Checked(Ok(false)));
}

#[test]
fn what_is_red_is_seen_whole_even_where_room_is_short() {
    let mut program = newcomer(80, 24);
    program.keys("Enter");
    a_long_checklist(&mut program);
    assert_snapshot!("short_of_room", program.screen());
    let mut program = newcomer(120, 36);
    program.keys("Enter");
    a_long_checklist(&mut program);
    assert_snapshot!("room_enough", program.screen());
}
