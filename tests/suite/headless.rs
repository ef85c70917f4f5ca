//! The whole way without a screen, over HTTP on both sides.

use gondola::sandbox::Options;
use gondola::sandbox::seed::{customer, dirt};
use serde_json::json;

use super::support::{FIVE_LINES, FIVE_ROWS, MAPPING, World};

fn small() -> Options {
    Options { rows: 60, ..Options::default() }
}

#[test]
fn five_rows_arrive_once_and_a_change_changes_one_field() {
    let world = World::with_query(small(), FIVE_ROWS);
    let before = world.contacts();

    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    let planned = plan.summary();
    assert_eq!(planned["actions"], json!({"create": 3, "update": 1, "delete": 0, "skip": 1, "hold": 0, "reject": 0}));
    assert!(plan.rows().iter().all(|row| row.get("outcome").is_none()));
    assert_eq!(world.contacts(), before, "a plan writes nothing");

    let first = world.run();
    assert_eq!(first.code, 0, "{}", first.err);
    let done = first.summary();
    assert_eq!(done["actions"], planned["actions"]);
    assert_eq!(
        done["outcomes"],
        json!({"created": 3, "updated": 1, "deleted": 0, "unchanged": 1, "failed": 0, "unprocessed": 0})
    );
    assert_eq!(done["status"], "succeeded");
    assert_eq!(world.contacts(), before + 3);
    assert!(first.rows().iter().all(|row| row["id"].as_str().is_some_and(|id| id.len() == 18)));

    let second = world.run().summary();
    assert_eq!(second["changes"]["unchanged"], 5);
    assert_eq!(second["actions"], json!({"create": 0, "update": 0, "delete": 0, "skip": 0, "hold": 0, "reject": 0}));

    world.sql("UPDATE DEMO.SALES.CUSTOMERS SET PHONE = '+1 999' WHERE CUSTOMER_ID = 2");
    let third = world.run();
    assert_eq!(third.summary()["outcomes"]["updated"], 1);
    let rows = third.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["fields"].as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["fields"][0]["field"], "Phone");
    assert_eq!(rows[0]["fields"][0]["new"], "+1 999");
    assert_eq!(world.soql("SELECT Phone FROM Contact WHERE LastName = 'O\\'Brien'")[0]["Phone"], "+1 999");
}

#[test]
fn dirt_is_held_or_rejected_with_a_reason_and_the_rest_arrives() {
    let world = World::with_query(small(), "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID <= 40");
    let run = world.run();
    assert_eq!(run.code, 3, "{}", run.err);
    let rows = run.rows();
    let row = |id: i64| {
        let id = json!(id.to_string());
        rows.iter().find(|row| row["key"]["CUSTOMER_ID"] == id).unwrap()
    };
    let code = |id: i64| row(id)["error"]["code"].as_str().unwrap_or_default();

    assert_eq!(row(dirt::OBRIEN)["outcome"], "created");
    let email = customer(1, dirt::OBRIEN).email.unwrap();
    assert_eq!(world.soql(&format!("SELECT LastName FROM Contact WHERE Email = '{email}'"))[0]["LastName"], "O'Brien");
    let backslash = customer(1, dirt::BACKSLASH);
    let found = world.soql(&format!("SELECT LastName FROM Contact WHERE Email = '{}'", backslash.email.unwrap()));
    assert_eq!(found[0]["LastName"].as_str(), backslash.last_name.as_deref());

    // Trailing spaces and other case find the contact that is there.
    for id in [dirt::TRAILING_SPACES, dirt::OTHER_CASE] {
        assert!(row(id)["id"].is_string(), "{}", row(id));
        assert_ne!(row(id)["action"], "create");
    }
    for id in dirt::TWINS {
        assert_eq!((row(id)["action"].as_str(), code(id)), (Some("hold"), "SEVERAL_ROWS_ONE_RECORD"));
    }
    assert_eq!(
        (row(dirt::ORG_TWICE)["action"].as_str(), code(dirt::ORG_TWICE)),
        (Some("hold"), "SEVERAL_RECORDS_MATCH")
    );
    assert_eq!(row(dirt::ORG_TWICE)["candidates"].as_array().unwrap().len(), 2);
    for (id, wanted) in [
        (dirt::LONG_TITLE, "STRING_TOO_LONG"),
        (dirt::NO_LAST_NAME, "REQUIRED_FIELD_MISSING"),
        (dirt::BAD_EMAIL, "INVALID_EMAIL_ADDRESS"),
        (dirt::TWO_ATS, "INVALID_EMAIL_ADDRESS"),
    ] {
        assert_eq!((row(id)["action"].as_str(), code(id)), (Some("reject"), wanted));
        assert!(row(id)["outcome"].is_null() && row(id)["error"]["message"].is_string());
    }
    for id in [dirt::NULL_EMAIL, dirt::EMPTY_EMAIL] {
        assert_eq!((row(id)["action"].as_str(), code(id)), (Some("hold"), "MATCH_VALUE_EMPTY"));
    }

    // What did not arrive is tried again, and only that.
    let again = world.run();
    assert_eq!(again.code, 3);
    assert_eq!(again.rows().len(), rows.iter().filter(|row| row["outcome"].is_null()).count());
    assert_eq!(again.summary()["outcomes"]["created"], 0);
}

#[test]
fn a_key_that_is_null_or_repeated_has_no_identity() {
    let sql = "SELECT CASE WHEN CUSTOMER_ID = 1 THEN NULL WHEN CUSTOMER_ID = 3 THEN 2 ELSE CUSTOMER_ID END AS CUSTOMER_ID, \
               EMAIL, FIRST_NAME, LAST_NAME, PHONE, TITLE FROM CUSTOMERS WHERE CUSTOMER_ID <= 5";
    let world = World::with_query(small(), sql);
    let run = world.run();
    let summary = run.summary();
    assert_eq!(summary["changes"], json!({"added": 2, "updated": 0, "unchanged": 0, "removed": 0, "invalid": 3}));
    assert_eq!(summary["actions"]["hold"], 3);
    let codes: Vec<String> =
        run.rows().iter().filter_map(|row| row["error"]["code"].as_str().map(str::to_owned)).collect();
    assert_eq!(codes, ["KEY_NULL", "KEY_REPEATED", "KEY_REPEATED"]);
}

#[test]
fn a_reviewed_plan_is_applied_as_it_was_and_what_changed_since_is_held() {
    let world = World::with_query(small(), FIVE_ROWS);
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let number = plan.summary()["run"].to_string();
    let update = plan.rows().into_iter().find(|row| row["action"] == "update").unwrap();
    world.patch_contact(update["id"].as_str().unwrap(), &json!({"Phone": "+49 30 1"}));

    let applied = world.gondola(&["run", MAPPING, "--plan", &number, "--json"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    let summary = applied.summary();
    assert_eq!(summary["run"].to_string(), number);
    assert_eq!((&summary["outcomes"]["created"], &summary["actions"]["hold"]), (&json!(3), &json!(1)));
    let held = applied.rows().into_iter().find(|row| row["action"] == "hold").unwrap();
    assert_eq!(held["error"]["code"], "CHANGED_SINCE_PLAN");
    let phone = world.soql(&format!("SELECT Phone FROM Contact WHERE Id = '{}'", update["id"].as_str().unwrap()));
    assert_eq!(phone[0]["Phone"], "+49 30 1", "never overwritten blindly");

    let twice = world.gondola(&["run", MAPPING, "--plan", &number, "--json"]);
    assert_eq!(twice.code, 2, "a plan is applied once");
}

#[test]
fn rows_and_operation_are_honoured() {
    let world = World::with_query(small(), FIVE_ROWS);
    let actions = |more: &str| {
        world.write_mapping(&FIVE_LINES, more);
        let plan = world.gondola(&["plan", MAPPING, "--json"]);
        assert!(plan.code == 0 || plan.code == 3, "{}", plan.err);
        let actions = plan.summary()["actions"].clone();
        ["create", "update", "delete", "skip"].map(|word| actions[word].as_u64().unwrap())
    };
    assert_eq!(actions("rows = \"added\"\noperation = \"create\""), [3, 0, 0, 2]);
    assert_eq!(actions("rows = \"added-or-updated\"\noperation = \"update\""), [0, 1, 0, 4]);
    assert_eq!(actions("rows = \"added-or-updated\"\noperation = \"delete\""), [0, 0, 2, 3]);
    assert_eq!(actions("rows = \"updated\""), [0, 0, 0, 0]);
    // With `updated`, the first run sends nothing and remembers what it saw.
    assert_eq!(world.run().summary()["changes"]["added"], 5);
    world.sql("UPDATE CUSTOMERS SET TITLE = 'Admiral' WHERE CUSTOMER_ID = 4");
    assert_eq!(actions("rows = \"updated\""), [0, 1, 0, 0]);
    assert_eq!(actions("rows = \"added\""), [0, 0, 0, 0]);
    assert_eq!(actions("rows = \"all\""), [3, 2, 0, 0]);
}

#[test]
fn a_long_result_comes_in_chunks_and_every_row_is_counted() {
    let world = World::with_query(Options { rows: 20_000, contacts: Some(0), ..Options::default() }, "SELECT 1");
    let sql = "SELECT CUSTOMER_ID, EMAIL, LIFETIME_VALUE, UPDATED_AT, VALID_TO FROM CUSTOMERS ORDER BY CUSTOMER_ID";
    let said = world.gondola(&["query", "--connection", "prod", "--sql", sql, "--format", "csv"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.out.lines().count(), 20_001);
    assert!(world.calls("snowflake.chunk") >= 4);
    let last = said.out.lines().last().unwrap();
    assert!(last.starts_with("20000,") && (last.contains("9999-12-31") || last.contains("2030-")), "{last}");
    let limited = world.gondola(&["query", "--connection", "prod", "--sql", sql, "--limit", "3", "--json"]);
    assert_eq!(limited.out.lines().count(), 3);
    assert!(limited.err.contains("there are more"));
}

#[test]
fn check_describe_runs_and_show_tell_what_is_there() {
    let world = World::with_query(small(), FIVE_ROWS);
    let check = world.gondola(&["check", "--json"]);
    assert_eq!(check.code, 0, "{}", check.out);
    assert!(check.events().iter().all(|line| line["check"] != "ok" || line["hint"].is_null()));
    let describe = world.gondola(&["describe", "sales", "Contact", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&describe.out).unwrap();
    assert!(object["fields"].as_array().unwrap().iter().any(|field| field["name"] == "External_Id__c"));
    let run = world.run().summary();
    let runs = world.gondola(&["runs", "--json"]).events();
    assert_eq!((&runs[0]["run"], &runs[0]["mapping"]), (&run["run"], &json!(MAPPING)));
    let shown = world.gondola(&["show", &run["run"].to_string(), "--json"]);
    assert_eq!(shown.summary()["outcomes"], run["outcomes"]);
    assert_eq!(shown.rows().len(), 5);
}

#[test]
fn every_way_to_sign_in_to_snowflake_works_and_a_wrong_one_is_refused() {
    let world = World::with_query(small(), FIVE_ROWS);
    let snowflake = world.ready().snowflake.clone();
    let text = std::fs::read_to_string(world.path("connections.toml")).unwrap();
    world.write("key.p8", &snowflake.private_key);
    world.write("pat", &snowflake.token);
    for line in ["private_key = \"file:key.p8\"", "token = \"file:pat\"", "password = \"cmd:printf demo\""] {
        world.write("connections.toml", text.replace("password = \"env:SNOW_PASSWORD\"", line));
        let said = world.gondola(&["query", "customers", "--json"]);
        assert_eq!((said.code, said.out.lines().count()), (0, 5), "{line}: {}", said.err);
    }
    world.write("pat", "wrong");
    world.write("connections.toml", text.replace("password = \"env:SNOW_PASSWORD\"", "token = \"file:pat\""));
    let said = world.gondola(&["query", "customers"]);
    assert_eq!(said.code, 4);
    assert!(said.err.contains("394400"), "{}", said.err);
}
