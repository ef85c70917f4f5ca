//! Schedules through the program: what is due runs once, what is off does not, what is wrong is named.

use gondola::sandbox::Options;
use serde_json::Value;

use super::support::{FIVE_LINES, FIVE_ROWS, World, wait_until};

fn world(schedule: &str) -> World {
    let world = World::with_query(Options { rows: 40, ..Options::default() }, FIVE_ROWS);
    write_schedule(&world, schedule);
    world
}

fn write_schedule(world: &World, schedule: &str) {
    let head = "name = \"Customers\"\nconnection = \"prod\"\nkey = [\"CUSTOMER_ID\"]\n";
    world.write("models/customers/model.toml", format!("{head}\n[schedule]\n{schedule}\n"));
}

fn events(lines: &[Value], event: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["event"] == event).cloned().collect()
}

#[test]
fn what_is_due_runs_once_and_not_twice() {
    let world = world("every = \"1d\"");
    let before = world.contacts();
    let first = world.gondola(&["schedule", "--once", "--json"]);
    assert_eq!(first.code, 0, "{}", first.err);
    let lines = first.events();
    assert_eq!(events(&lines, "due").len(), 1, "{}", first.out);
    let ran = events(&lines, "summary");
    assert_eq!(
        (ran[0]["mapping"].as_str(), ran[0]["outcomes"]["created"].as_u64()),
        (Some("customers/contacts"), Some(3))
    );
    assert_eq!(lines.last().unwrap()["runs"], 1);
    assert_eq!(world.contacts(), before + 3);

    let second = world.gondola(&["schedule", "--once", "--json"]);
    assert_eq!(second.code, 0, "{}", second.err);
    assert!(events(&second.events(), "due").is_empty(), "{}", second.out);
    assert_eq!(events(&second.events(), "next").len(), 1, "{}", second.out);
}

#[test]
fn two_schedulers_run_a_moment_once() {
    let world = world("every = \"1d\"");
    let mut both: Vec<_> = (0..2)
        .map(|_| {
            let mut command = world.command(&["schedule", "--once", "--json"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let out: Vec<String> =
        both.drain(..).map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()).collect();
    assert_eq!(out.concat().matches("\"event\":\"summary\"").count(), 1, "{out:?}");
}

#[test]
fn mappings_that_are_off_are_left_out() {
    let world = world("every = \"1s\"");
    world.write_mapping(&FIVE_LINES, "enabled = false");
    let said = world.gondola(&["schedule", "--once", "--json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(events(&said.events(), "due").is_empty(), "{}", said.out);
    let list = world.gondola(&["schedule", "--list"]);
    assert!(list.out.contains("off (enabled = false)"), "{}", list.out);
}

#[test]
fn a_time_of_day_is_counted_from_when_it_is_first_seen() {
    let world = world("at = [\"00:00\", \"12:00\"]\nzone = \"Europe/Berlin\"");
    let said = world.gondola(&["schedule", "--once", "--json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(events(&said.events(), "due").is_empty(), "{}", said.out);
    assert_eq!(events(&said.events(), "next").len(), 1, "{}", said.out);
    let list = world.gondola(&["schedule", "--list", "--json"]);
    let line = &list.events()[0];
    assert_eq!(line["schedule"], "at 00:00, 12:00 Europe/Berlin");
    assert!(line["next"].is_string() && line["last"].is_null(), "{line}");
}

#[test]
fn missed_moments_collapse_into_one_run() {
    let world = world("every = \"1s\"");
    assert_eq!(events(&world.gondola(&["schedule", "--once", "--json"]).events(), "due").len(), 1);
    // Some seconds pass while nobody looks.
    let began = std::time::Instant::now();
    wait_until("moments are missed", || began.elapsed().as_secs() >= 3);
    let said = world.gondola(&["schedule", "--once", "--json"]);
    let due = events(&said.events(), "due");
    assert_eq!(due.len(), 1, "{}", said.out);
    assert!(due[0]["missed"].as_u64().unwrap() >= 1, "{}", due[0]);
    assert_eq!(events(&said.events(), "summary").len(), 1);
}

#[test]
fn the_worst_exit_code_is_the_commands() {
    let world = world("every = \"1d\"");
    world.write_connections("file:pw");
    world.write("pw", "wrong");
    let said = world.gondola(&["schedule", "--once", "--json"]);
    assert_eq!(said.code, 4, "{}", said.err);
    let errors = events(&said.events(), "error");
    assert_eq!(errors[0]["mapping"], "customers/contacts", "{}", said.out);
    assert!(errors[0]["error"]["message"].as_str().unwrap().contains("390100"), "{}", said.out);
}

#[test]
fn bad_schedules_name_the_place_and_the_next_step() {
    let world = world("evry = \"15m\"");
    for (schedule, parts) in [
        ("evry = \"15m\"", &["model.toml:6:1", "unknown key `evry`", "Did you mean `every`?"][..]),
        ("every = \"15 minutes\"", &["model.toml:6:9", "`15 minutes`", "15m"]),
        ("every = \"15m\"\ncron = \"0 7 * * *\"", &["model.toml:5:1", "every and cron", "Keep one"]),
        ("cron = \"0 25 * * *\"", &["model.toml:6:8", "`0 25 * * *`", "minute hour day month weekday"]),
        ("at = [\"07:00\"]\nzone = \"Berlin\"", &["model.toml:7:8", "no time zone `Berlin`"]),
    ] {
        write_schedule(&world, schedule);
        for arguments in [&["schedule", "--once"][..], &["schedule", "--list"], &["run", "customers/contacts", "--yes"]]
        {
            let said = world.gondola(arguments);
            assert_eq!(said.code, 2, "{schedule}: {}", said.err);
            for part in parts {
                assert!(said.err.contains(part), "`{part}` is not in:\n{}", said.err);
            }
        }
    }
}

#[test]
fn in_the_foreground_it_runs_what_becomes_due_until_it_is_stopped() {
    use std::io::{BufRead, BufReader};
    let world = world("every = \"1s\"\njitter = \"0s\"");
    assert_eq!(world.gondola(&["schedule", "--once"]).code, 2, "no jitter is written by leaving it out");
    write_schedule(&world, "every = \"1s\"");
    let mut command = world.command(&["schedule", "--json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut summaries = 0;
    for line in lines.map_while(Result::ok) {
        summaries += usize::from(line.contains("\"event\":\"summary\""));
        if summaries == 2 {
            break;
        }
    }
    assert_eq!(summaries, 2);
    let stopped = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
}

#[test]
fn units_name_the_program_and_the_home() {
    let world = world("every = \"15m\"");
    let said = world.gondola(&["schedule", "unit"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let home = world.home.path().display().to_string();
    for part in [
        "gondola.service",
        "OnCalendar=minutely",
        "schedule --once",
        "* * * * *",
        "SF_SECRET",
        &format!("GONDOLA_HOME={home}"),
        env!("CARGO_BIN_EXE_gondola"),
    ] {
        assert!(said.out.contains(part), "`{part}` is not in:\n{}", said.out);
    }
    assert!(!said.out.contains(&world.ready().salesforce.client_secret), "no secret is printed");
    let json = world.gondola(&["schedule", "unit", "--json"]);
    assert!(json.events()[0]["service"].as_str().unwrap().contains("ExecStart="));
}
