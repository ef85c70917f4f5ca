//! Trouble on the way: refused, lost, killed. No contact twice, no row lost, the books balanced.

use std::process::Stdio;
use std::time::Duration;

use gondola::sandbox::Options;
use serde_json::{Value, json};

use super::support::{MAPPING, World, wait_until};

/// 300 clean customers, and an org that has none of them.
const CLEAN: &str = "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID > 40 AND CUSTOMER_ID <= 340 AND LAST_NAME IS NOT NULL \
                     AND LENGTH(COALESCE(TITLE, '')) <= 128 AND POSITION('@' IN EMAIL) > 0";

fn world(latency: Duration) -> World {
    World::with_query(Options { rows: 400, contacts: Some(0), latency, ..Options::default() }, CLEAN)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The run ended well, every row is in the org exactly once, and nothing is left to do.
fn assert_whole(world: &World, summary: &Value) {
    assert_eq!(summary["status"], "succeeded", "{summary}");
    let rows = number(&summary["extracted"]);
    assert!(rows > 280);
    assert_eq!(world.contacts(), rows);
    let again = world.run().summary();
    assert_eq!((&again["changes"]["unchanged"], &again["outcomes"]["created"]), (&summary["extracted"], &json!(0)));
    assert_eq!(world.contacts(), rows);
}

#[test]
fn an_answer_lost_after_the_commit_doubles_nobody() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "drop-after-commit", "times": 1}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
}

#[test]
fn a_link_cut_before_the_work_loses_nobody() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "drop-before", "times": 1, "after": 1}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
}

#[test]
fn a_busy_server_is_asked_again() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "status", "status": 503, "error": "SERVER_UNAVAILABLE", "times": 2}));
    world.fault(json!({"on": "soql", "do": "status", "status": 503, "error": "SERVER_UNAVAILABLE", "times": 2}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
}

#[test]
fn locked_rows_are_sent_again_in_smaller_calls() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "row-error", "error": "UNABLE_TO_LOCK_ROW", "rows": 30, "times": 2}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
}

#[test]
fn one_row_that_is_refused_fails_alone_and_is_tried_again() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "row-error", "error": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                       "message": "Not on a Monday.", "rows": 1}));
    let run = world.run();
    assert_eq!(run.code, 3);
    let failed: Vec<Value> = run.rows().into_iter().filter(|row| row["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error"]["message"], "Not on a Monday.", "Salesforce's message is kept whole");
    let again = world.run().summary();
    assert_eq!((&again["status"], &again["outcomes"]["created"]), (&json!("succeeded"), &json!(1)));
}

#[test]
fn sessions_that_end_are_renewed() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "snowflake-query", "do": "expire-session", "after": 1}));
    world.fault(json!({"on": "soql", "do": "expire-session"}));
    world.fault(json!({"on": "collections", "do": "expire-session", "after": 1}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
}

#[test]
fn a_chunk_that_breaks_off_fails_the_run_before_anything_is_written() {
    let world =
        World::with_query(Options { rows: 6_000, contacts: Some(0), ..Options::default() }, "SELECT * FROM CUSTOMERS");
    world.fault(json!({"on": "chunk", "do": "truncate", "times": 9}));
    let run = world.run();
    assert_eq!(run.code, 4, "{}", run.err);
    assert!(run.err.contains("the result broke off"), "{}", run.err);
    assert_eq!(world.contacts(), 0);
}

#[test]
fn the_daily_limit_stops_the_run_and_says_so() {
    let world = world(Duration::ZERO);
    world.fault(json!({"on": "collections", "do": "status", "status": 403, "error": "REQUEST_LIMIT_EXCEEDED", "after": 1, "times": 99}));
    let run = world.run();
    let summary = run.summary();
    assert_eq!((run.code, &summary["status"]), (1, &json!("failed")));
    assert!(summary["message"].as_str().unwrap().contains("REQUEST_LIMIT_EXCEEDED"), "{summary}");
    // Two calls were in flight, and either may have been the first.
    let created = number(&summary["outcomes"]["created"]);
    assert!(created == 200 || created == number(&summary["extracted"]) - 200, "{summary}");
    assert_eq!(
        number(&summary["outcomes"]["created"]) + number(&summary["outcomes"]["unprocessed"]),
        number(&summary["extracted"])
    );
    assert_eq!(world.contacts(), created);
}

#[test]
fn a_run_that_is_killed_is_taken_up_by_the_next_without_doubles() {
    let world = world(Duration::from_millis(40));
    let mut child = world
        .command(&["run", MAPPING, "--yes", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the first contacts arrive", || world.contacts() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let summary = world.run().summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    assert_eq!(world.contacts(), number(&summary["extracted"]));
    let runs = world.gondola(&["runs", "--json"]).events();
    assert!(
        runs.iter().any(|run| run["message"].as_str().is_some_and(|why| why.contains("in the middle")))
            || runs.iter().all(|run| run["status"] == "succeeded")
    );
}
