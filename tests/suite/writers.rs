//! The three ways of the rows: how many calls they take, what they do in trouble.

use std::process::Stdio;
use std::time::Duration;

use gondola::sandbox::Options;
use serde_json::{Value, json};

use super::support::{FIVE_LINES, MAPPING, World, wait_until};

/// Clean customers only, each with an address of its own.
fn clean(rows: u64) -> String {
    format!(
        "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID > 40 AND CUSTOMER_ID <= {} AND LAST_NAME IS NOT NULL \
         AND LENGTH(COALESCE(TITLE, '')) <= 128 AND POSITION('@' IN EMAIL) > 0",
        40 + rows
    )
}

fn world(rows: u64, api: &str) -> World {
    let world = World::new(Options { rows: rows as usize + 100, contacts: Some(0), ..Options::default() });
    world.write_model(&clean(rows));
    world.write_mapping(&FIVE_LINES, &format!("api = \"{api}\""));
    world
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// Calls of the Salesforce API so far whose endpoint begins so, sign-ins left out.
fn salesforce_calls(world: &World, beginning: &str) -> u64 {
    let stats = world.stats();
    let calls = stats["calls"].as_object().unwrap();
    let is_meant = |name: &str| {
        name.starts_with(&format!("salesforce.{beginning}")) && !name.contains("token") && !name.contains("userinfo")
    };
    calls.iter().filter(|(name, _)| is_meant(name)).map(|(_, count)| number(count)).sum()
}

fn assert_whole(world: &World, summary: &Value) {
    assert_eq!(summary["status"], "succeeded", "{summary}");
    assert_eq!(world.contacts(), number(&summary["extracted"]));
    let again = world.run().summary();
    assert_eq!((&again["changes"]["unchanged"], &again["outcomes"]["created"]), (&summary["extracted"], &json!(0)));
    assert_eq!(world.contacts(), number(&summary["extracted"]));
}

/// Nobody is in the org twice, every row has one state, and the next run brings the rest.
fn assert_nothing_lost(world: &World, summary: &Value) {
    let (actions, outcomes) = (&summary["actions"], &summary["outcomes"]);
    let writes = ["create", "update", "delete"].iter().map(|word| number(&actions[*word])).sum::<u64>();
    let ends = ["created", "updated", "deleted", "failed", "unprocessed"];
    assert_eq!(writes, ends.iter().map(|word| number(&outcomes[*word])).sum::<u64>(), "{summary}");
    assert_eq!(world.contacts(), number(&outcomes["created"]), "{summary}");
    let again = world.run();
    assert_eq!(again.summary()["status"], "succeeded", "{}", again.err);
    assert_eq!(world.contacts(), number(&summary["extracted"]));
}

#[test]
fn ten_thousand_rows_take_few_calls_each_way() {
    for (api, most) in [("collections", 95), ("composite", 20), ("bulk", 15)] {
        let world = world(10_000, api);
        let run = world.run();
        let summary = run.summary();
        assert_eq!(summary["status"], "succeeded", "{summary}");
        let rows = number(&summary["extracted"]);
        assert!(rows > 9_300 && world.contacts() == rows, "{summary}");
        let polls = salesforce_calls(&world, "bulk.get") + salesforce_calls(&world, "bulk.status");
        let calls = salesforce_calls(&world, "") - if api == "bulk" { polls } else { 0 };
        println!("{api}: {calls} calls, {polls} polls for {rows} rows: {}", world.stats()["calls"]);
        assert!(calls <= most, "{api}: {calls} calls: {}", world.stats()["calls"]);
        if api == "collections" {
            assert!(salesforce_calls(&world, "collections") <= 60);
            assert!(salesforce_calls(&world, "soql") <= 40);
        }
    }
}

#[test]
fn packed_calls_and_jobs_update_and_skip_as_calls_do() {
    for api in ["composite", "bulk"] {
        let world = world(900, api);
        assert_whole(&world, &world.run().summary());
        world.sql("UPDATE CUSTOMERS SET PHONE = '+1 555 0100', TITLE = NULL WHERE CUSTOMER_ID = 77");
        let rows = world.run().rows();
        assert_eq!(rows.len(), 1, "{api}");
        assert_eq!(rows[0]["outcome"], "updated", "{api}: {}", rows[0]);
        let found = world.soql("SELECT Phone FROM Contact WHERE Phone = '+1 555 0100'");
        assert_eq!(found.len(), 1, "{api}");
    }
}

#[test]
fn a_line_break_and_a_quote_go_through_a_job_unharmed() {
    let world = world(60, "bulk");
    world.sql("UPDATE CUSTOMERS SET TITLE = 'VP, \"Logistics\"' WHERE CUSTOMER_ID = 50");
    assert_whole(&world, &world.run().summary());
    assert_eq!(world.soql("SELECT Id FROM Contact WHERE Title = 'VP, \"Logistics\"'").len(), 1);
}

#[test]
fn text_that_looks_like_a_reference_or_like_nothing_goes_as_it_is() {
    for (api, title) in [("composite", "@{part0.id}"), ("bulk", "#N/A")] {
        let world = world(300, api);
        world.sql(&format!("UPDATE CUSTOMERS SET TITLE = '{title}' WHERE CUSTOMER_ID = 50"));
        assert_whole(&world, &world.run().summary());
        assert_eq!(world.soql(&format!("SELECT Id FROM Contact WHERE Title = '{title}'")).len(), 1, "{api}");
    }
}

#[test]
fn a_packed_call_without_an_answer_doubles_nobody() {
    let world = world(1_500, "composite");
    world.fault(json!({"on": "composite", "do": "drop-after-commit", "times": 1, "after": 3}));
    assert_whole(&world, &world.run().summary());
}

#[test]
fn one_part_of_a_packed_call_that_is_refused_is_sent_again() {
    let world = world(1_500, "composite");
    world.fault(json!({"on": "collections", "do": "status", "status": 503, "error": "SERVER_UNAVAILABLE", "times": 1, "after": 1}));
    assert_whole(&world, &world.run().summary());
}

#[test]
fn a_tenth_of_the_rows_locked_is_sent_again() {
    for api in ["collections", "composite", "bulk"] {
        let world = world(600, api);
        let on = if api == "bulk" { "bulk" } else { "collections" };
        world.fault(json!({"on": on, "do": "row-error", "error": "UNABLE_TO_LOCK_ROW", "every": 10, "times": 1}));
        assert_whole(&world, &world.run().summary());
    }
}

#[test]
fn rows_of_one_account_are_never_in_two_calls_at_once() {
    let world = world(2_000, "collections");
    let account = world.soql("SELECT Id FROM Account LIMIT 3");
    assert_eq!(account.len(), 3);
    let case = account.iter().enumerate().fold("CASE".to_owned(), |case, (at, account)| {
        format!("{case} WHEN CUSTOMER_ID % 3 = {at} THEN '{}'", account["Id"].as_str().unwrap())
    });
    world.write_model(&format!("SELECT *, {case} END AS ACCOUNT FROM ({})", clean(2_000)));
    let lines: Vec<(&str, &str)> = FIVE_LINES.into_iter().chain([("ACCOUNT", "AccountId")]).collect();
    world.write_mapping(&lines, "");
    world.fault(json!({"on": "locks", "do": "on"}));
    let summary = world.run().summary();
    assert_whole(&world, &summary);
    // Not one call was refused for a lock: as many calls as the rows need, families apart.
    assert!(salesforce_calls(&world, "collections") <= 12, "{}", world.stats()["calls"]);
}

#[test]
fn a_job_that_ends_badly_loses_nobody() {
    for fault in [
        json!({"on": "bulk", "do": "job-failed", "rows": 100}),
        json!({"on": "bulk", "do": "job-aborted", "rows": 100}),
        json!({"on": "bulk", "do": "unprocessed"}),
    ] {
        let world = world(400, "bulk");
        world.fault(fault.clone());
        let run = world.run();
        let summary = run.summary();
        assert!(run.code == 1 || run.code == 3, "{fault}: {} {summary}", run.code);
        assert!(number(&summary["outcomes"]["unprocessed"]) > 100, "{fault}: {summary}");
        let said = run.rows().into_iter().find(|row| row["outcome"] == "unprocessed").unwrap();
        assert!(!said["error"]["message"].as_str().unwrap().is_empty(), "{said}");
        assert_nothing_lost(&world, &summary);
    }
}

#[test]
fn a_lost_link_around_a_job_doubles_nobody() {
    for on in ["bulk-create", "bulk-upload", "bulk-close", "bulk-status", "bulk-results"] {
        for action in ["drop-before", "drop-after-commit"] {
            let world = world(300, "bulk");
            world.fault(json!({"on": on, "do": action, "times": 1}));
            let summary = world.run().summary();
            assert_eq!(summary["status"], "succeeded", "{on} {action}: {summary}");
            assert_whole(&world, &summary);
        }
    }
}

#[test]
fn a_killed_worker_finds_its_job_again() {
    let world = world(500, "bulk");
    world.fault(json!({"on": "bulk", "do": "job-delay", "delay_ms": 1_500}));
    let mut child =
        world.command(&["run", MAPPING, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the job is closed and looked at", || world.calls("salesforce.bulk.status") > 0 || jobs_seen(&world));
    child.kill().unwrap();
    child.wait().unwrap();
    let again = world.run();
    let summary = again.summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    assert_eq!(number(&summary["outcomes"]["created"]), 0, "the first run's job wrote them all: {summary}");
    assert_eq!(world.contacts(), number(&summary["extracted"]));
    let runs = world.gondola(&["runs", "--json"]).events();
    assert!(runs.iter().any(|run| number(&run["outcomes"]["created"]) == world.contacts()), "{runs:?}");
}

fn jobs_seen(world: &World) -> bool {
    world.stats()["calls"].as_object().unwrap().keys().any(|name| name.contains("bulk") && name.contains("status"))
}

#[test]
fn the_floor_is_not_crossed_and_the_run_goes_on_when_calls_are_left_again() {
    let world = world(2_000, "collections");
    // Planning takes some calls; the writes stop in the middle.
    world.fault(json!({"on": "limit", "remaining": 300 + 16}));
    let told = world.home.path().join("told");
    let mut child = world
        .command(&["run", MAPPING, "--yes", "--json"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    wait_until("the run waits at the floor", || {
        let in_vain = began.elapsed() > Duration::from_secs(50) || child.try_wait().unwrap().is_some();
        let waits = world.calls("salesforce.limits") > 0;
        assert!(waits || !in_vain, "{}\n{}", world.stats()["calls"], std::fs::read_to_string(&told).unwrap());
        waits
    });
    assert!(salesforce_calls(&world, "") <= 18, "{}", world.stats()["calls"]);
    world.fault(json!({"on": "limit", "remaining": 9_000}));
    let code = child.wait().unwrap().code();
    assert_eq!((code, world.contacts() > 1_800), (Some(0), true));
}

#[test]
fn several_calls_are_in_flight_together() {
    let world = world(4_000, "collections");
    world.fault(json!({"on": "collections", "do": "delay", "delay_ms": 1_000, "times": 99}));
    let before = std::time::Instant::now();
    let summary = world.run().summary();
    assert_eq!(summary["status"], "succeeded");
    // One after the other they would wait for this long alone.
    let calls = world.calls("salesforce.collections.create");
    assert!(before.elapsed() < Duration::from_secs(calls), "{calls} calls in {:?}", before.elapsed());
}

/// The same people again, found by a number that nobody in the org has: twins to the rule.
fn matched_by_phone(more: &str) -> String {
    let mut text = format!(
        "connection = \"sales\"\nobject = \"Contact\"\n{more}\n\
         match = {{ all = [{{ column = \"PHONE\", field = \"Phone\" }}] }}\n"
    );
    for (column, field) in FIVE_LINES {
        text += &format!("\n[[link]]\ncolumn = \"{column}\"\nfield = \"{field}\"\n");
    }
    text
}

#[test]
fn a_duplicate_rule_is_named_with_its_records_and_overruled_only_when_asked() {
    for api in ["collections", "composite"] {
        let world = world(20, api);
        world.run();
        let known = world.contacts();
        world.write_model(&format!(
            "SELECT CUSTOMER_ID, EMAIL, FIRST_NAME, LAST_NAME, '+49 30 ' || CUSTOMER_ID AS PHONE, TITLE FROM ({})",
            clean(20)
        ));
        let twins = |more: &str| {
            world.write("models/customers/twins.toml", matched_by_phone(&format!("api = \"{api}\"\n{more}")));
            world.gondola(&["run", "customers/twins", "--yes", "--json"])
        };
        let refused = twins("");
        assert_eq!(refused.code, 3, "{}", refused.err);
        assert_eq!((number(&refused.summary()["outcomes"]["failed"]), world.contacts()), (known, known));
        let row = &refused.rows()[0];
        let twin = world
            .soql(&format!("SELECT Id FROM Contact WHERE Email = '{}'", row["fields"][0]["new"].as_str().unwrap()));
        let (hint, message) = (row["error"]["hint"].as_str().unwrap(), row["error"]["message"].as_str().unwrap());
        assert_eq!(row["error"]["code"], "DUPLICATES_DETECTED");
        assert!(format!("{hint} {message}").contains("Contact_Same_Name_And_Email"), "{row}");
        assert!(hint.contains(twin[0]["Id"].as_str().unwrap()) && hint.contains("allow-save"), "{row}");

        // A rule that blocks stays the stronger one.
        world.fault(json!({"on": "duplicate-rule", "do": "block"}));
        assert_eq!(number(&twins("duplicate_rule = \"allow-save\"").summary()["outcomes"]["failed"]), known);
        world.fault(json!({"on": "duplicate-rule", "do": "alert"}));
        assert_eq!(number(&twins("duplicate_rule = \"allow-save\"").summary()["outcomes"]["created"]), known);
        assert_eq!(world.contacts(), 2 * known);
    }
}
