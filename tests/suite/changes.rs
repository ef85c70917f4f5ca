//! What changed in the source, and what becomes of it: removed rows, resets, reviewed plans, several
//! mappings of one model.

use std::process::Stdio;

use gondola::sandbox::Options;
use serde_json::{Value, json};

use super::support::{FIVE_LINES, MAPPING, Said, World, wait_until};

/// Clean customers only, each with an address of its own.
const CLEAN: &str = "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID > 40 AND LAST_NAME IS NOT NULL \
                     AND LENGTH(COALESCE(TITLE, '')) <= 128 AND POSITION('@' IN EMAIL) > 0";

/// A hundred-odd customers in an org that has some contacts of its own.
fn world(more: &str) -> World {
    let world = World::with_query(Options { rows: 150, contacts: Some(40), ..Options::default() }, CLEAN);
    world.write_mapping(&FIVE_LINES, more);
    world
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// The contacts of the org: email → phone.
fn contacts(world: &World) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = world
        .soql("SELECT Id, Email, Phone, Title FROM Contact")
        .into_iter()
        .map(|contact| (contact["Id"].as_str().unwrap().to_owned(), contact))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn assert_ok(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    said.summary()
}

/// The first run; then these customers are deleted in the source. Returns the contacts before.
fn synced_and_deleted(world: &World, condition: &str) -> Vec<(String, Value)> {
    assert_ok(&world.run());
    let before = contacts(world);
    world.sql(&format!("DELETE FROM CUSTOMERS WHERE {condition}"));
    before
}

#[test]
fn a_mirror_deletes_exactly_the_contacts_of_deleted_customers() {
    let world = world("rows = \"mirror\"");
    let before = synced_and_deleted(&world, "CUSTOMER_ID BETWEEN 51 AND 60");
    let gone: Vec<Value> = world
        .gondola(&["plan", MAPPING, "--json"])
        .rows()
        .into_iter()
        .filter(|row| row["change"] == "removed")
        .collect();
    assert!(gone.len() >= 8 && gone.iter().all(|row| row["action"] == "delete"), "{gone:?}");

    let run = world.run();
    let summary = assert_ok(&run);
    assert_eq!(number(&summary["changes"]["removed"]), gone.len() as u64);
    assert_eq!(number(&summary["outcomes"]["deleted"]), gone.len() as u64);
    assert_eq!(
        number(&summary["extracted"]),
        number(&summary["changes"]["unchanged"]),
        "removed rows are not extracted"
    );
    let ids: Vec<&str> = gone.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let left: Vec<_> = before.into_iter().filter(|(id, _)| !ids.contains(&id.as_str())).collect();
    assert_eq!(contacts(&world), left, "nothing else is touched");
    let again = assert_ok(&world.run());
    assert_eq!((&again["changes"]["removed"], &again["actions"]["delete"]), (&json!(0), &json!(0)));
}

#[test]
fn removed_rows_alone_are_found_by_what_matched_them() {
    // Nothing is ever sent by this mapping, so that only match values are known.
    let world = World::with_query(Options { rows: 150, contacts: Some(0), ..Options::default() }, CLEAN);
    world.write_mapping(&FIVE_LINES, "rows = \"removed\"");
    let first = assert_ok(&world.run());
    assert_eq!(first["actions"], json!({"create": 0, "update": 0, "delete": 0, "skip": 0, "hold": 0, "reject": 0}));
    let email = "removed.customer@example.com";
    world.sql(&format!("UPDATE CUSTOMERS SET EMAIL = '{email}' WHERE CUSTOMER_ID = 77"));
    let id = world.create("Contact", &json!({"LastName": "Gone", "Email": email}));
    let changed = assert_ok(&world.run());
    assert_eq!((&changed["changes"]["updated"], &changed["actions"]["skip"]), (&json!(1), &json!(0)));
    let before = world.contacts();
    world.sql("DELETE FROM CUSTOMERS WHERE CUSTOMER_ID IN (77, 78)");
    let rows = world.run().rows();
    let row = |key: &str| rows.iter().find(|row| row["key"]["CUSTOMER_ID"] == key).unwrap_or_else(|| panic!("{key}"));
    assert_eq!((row("77")["outcome"].as_str(), &row("77")["id"]), (Some("deleted"), &json!(id)));
    assert_eq!(
        (row("78")["outcome"].as_str(), row("78")["error"]["code"].as_str()),
        (Some("unchanged"), Some("RECORD_GONE"))
    );
    assert_eq!(world.contacts(), before - 1);
}

#[test]
fn clear_empties_the_mapped_fields_and_ignore_forgets() {
    let world = world("rows = \"mirror\"\non_removed = \"clear\"");
    let before = synced_and_deleted(&world, "CUSTOMER_ID = 61");
    let run = world.run();
    let summary = assert_ok(&run);
    assert_eq!((&summary["actions"]["update"], &summary["outcomes"]["updated"]), (&json!(1), &json!(1)));
    let row = run.rows().into_iter().find(|row| row["change"] == "removed").unwrap();
    let fields: Vec<&str> = row["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["FirstName", "Phone", "Title"], "neither what finds it nor what must not be empty");
    let after = contacts(&world);
    assert_eq!(after.len(), before.len());
    let cleared = after.iter().find(|(id, _)| row["id"] == **id).unwrap();
    assert!(cleared.1["Phone"].is_null() && cleared.1["Email"].is_string());

    world.write_mapping(&FIVE_LINES, "rows = \"mirror\"\non_removed = \"ignore\"");
    world.sql("DELETE FROM CUSTOMERS WHERE CUSTOMER_ID = 62");
    let ignored = assert_ok(&world.run());
    assert_eq!((&ignored["actions"]["skip"], &ignored["outcomes"]["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(contacts(&world), after);
    assert_eq!(assert_ok(&world.run())["changes"]["removed"], 0, "it is forgotten");
}

#[test]
fn what_somebody_deleted_already_is_no_failure() {
    for api in ["collections", "bulk"] {
        let world = world(&format!("rows = \"mirror\"\napi = \"{api}\""));
        synced_and_deleted(&world, "CUSTOMER_ID IN (63, 64)");
        let plan = world.gondola(&["plan", MAPPING, "--json"]);
        let ids: Vec<String> = plan
            .rows()
            .iter()
            .filter(|row| row["action"] == "delete")
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        // One before the next plan, one behind its back: between its look and its write.
        world.delete_contact(&ids[0]);
        let made = world.gondola(&["plan", MAPPING, "--json"]).summary();
        assert_eq!((&made["actions"]["delete"], &made["actions"]["skip"]), (&json!(1), &json!(1)), "{api}");
        let left = world.contacts();
        let (fault, endpoint) = if api == "bulk" {
            (json!({"on": "bulk", "do": "job-delay", "delay_ms": 2_000, "times": 1}), "salesforce.bulk.close")
        } else {
            (
                json!({"on": "collections", "do": "delay", "delay_ms": 2_000, "times": 1}),
                "salesforce.collections.delete",
            )
        };
        world.fault(fault);
        let calls = world.calls(endpoint);
        let child = world.command(&["run", MAPPING, "--yes", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        wait_until("the write call", || world.calls(endpoint) > calls);
        world.delete_contact(&ids[1]);
        let said = Said::of(&child.wait_with_output().unwrap());
        let summary = said.summary();
        assert_eq!(said.code, 0, "{api}: {}", said.out);
        assert_eq!(number(&summary["outcomes"]["failed"]), 0, "{api}: {}", said.out);
        let (deleted, unchanged) = (&summary["outcomes"]["deleted"], &summary["outcomes"]["unchanged"]);
        assert_eq!(number(deleted) + number(unchanged), 2, "{api}: {summary}");
        assert_eq!(world.contacts(), left - 1);
        assert_eq!(assert_ok(&world.run())["changes"]["removed"], 0, "{api}: both are forgotten");
    }
}

#[test]
fn only_a_whole_result_says_that_rows_are_gone() {
    let world = world("rows = \"mirror\"");
    synced_and_deleted(&world, "CUSTOMER_ID = 65");
    for part in [&["--limit", "5"][..], &["--key", "70"]] {
        let plan = world.gondola(&[&["plan", MAPPING, "--json"], part].concat());
        assert_eq!((&plan.summary()["changes"]["removed"], plan.rows().len()), (&json!(0), 0), "{part:?}");
    }
    world.fault(json!({"on": "snowflake-query", "do": "truncate", "times": 1}));
    let broken = world.gondola(&["plan", MAPPING, "--json"]);
    assert!(broken.code == 1 || broken.code == 4, "{}: {}", broken.code, broken.err);
    assert!(broken.rows().is_empty());
    assert_eq!(assert_ok(&world.gondola(&["plan", MAPPING, "--json"]))["changes"]["removed"], 1);
}

#[test]
fn a_query_that_suddenly_returns_little_deletes_nothing_unasked() {
    let world = world("rows = \"mirror\"");
    let before = synced_and_deleted(&world, "CUSTOMER_ID > 70");
    let refused = world.run();
    assert_eq!(refused.code, 2, "{}", refused.err);
    let error = &refused.events()[0]["error"];
    assert_eq!(error["code"], "MASS_DELETE");
    assert!(error["hint"].as_str().unwrap().contains("--allow-mass-delete"), "{error}");
    assert_eq!(contacts(&world), before);

    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let summary = plan.summary();
    let (rows, of) = (number(&summary["mass_delete"]["rows"]), number(&summary["mass_delete"]["of"]));
    assert!(rows * 2 > of && rows == number(&summary["actions"]["delete"]), "{summary}");
    assert!(plan.err.contains(&format!("DELETES {rows} of the {of}")), "{}", plan.err);
    let number_of_plan = summary["run"].to_string();
    let unasked = world.gondola(&["run", MAPPING, "--plan", &number_of_plan, "--yes", "--json"]);
    assert_eq!((unasked.code, world.contacts()), (2, before.len() as u64));
    let meant = world.gondola(&["run", MAPPING, "--plan", &number_of_plan, "--allow-mass-delete", "--json"]);
    assert_eq!(number(&assert_ok(&meant)["outcomes"]["deleted"]), rows);
    assert_eq!(world.contacts(), before.len() as u64 - rows);
}

#[test]
fn a_customer_with_a_new_key_keeps_the_contact() {
    let world = world("rows = \"mirror\"");
    let before = synced_and_deleted(&world, "CUSTOMER_ID < 0");
    let known = world.gondola(&["query", "customers", "--format", "jsonl"]).events();
    let [moved, spoilt] = [3, 4].map(|at| known[at]["CUSTOMER_ID"].to_string().trim_matches('"').to_owned());
    world.sql(&format!("UPDATE CUSTOMERS SET CUSTOMER_ID = 9041 WHERE CUSTOMER_ID = {moved}"));
    world.sql(&format!("UPDATE CUSTOMERS SET CUSTOMER_ID = 9042, LAST_NAME = NULL WHERE CUSTOMER_ID = {spoilt}"));
    world.sql("UPDATE CUSTOMERS SET TITLE = REPEAT('x', 200) WHERE CUSTOMER_ID = 9042");
    world.write_model(
        "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID > 40 AND POSITION('@' IN EMAIL) > 0 \
         AND (LAST_NAME IS NOT NULL AND LENGTH(COALESCE(TITLE, '')) <= 128 OR CUSTOMER_ID = 9042)",
    );
    let run = world.run();
    let rows = run.rows();
    let told = |key: &str| {
        let row = rows.iter().find(|row| row["key"]["CUSTOMER_ID"] == key).unwrap_or_else(|| panic!("{key}: {rows:?}"));
        (row["action"].as_str().unwrap_or_default(), row["error"]["code"].as_str().unwrap_or_default())
    };
    assert_eq!((told(&moved), told("9041").0), (("skip", "RECORD_KEPT"), "skip"));
    // A row that is not written owns no record: what it may mean stays until somebody has looked.
    assert_eq!((told(&spoilt), told("9042").0), (("hold", "RECORD_KEPT"), "reject"));
    assert_eq!(contacts(&world), before);
    let again = world.gondola(&["plan", MAPPING, "--json"]).summary();
    assert_eq!(again["changes"]["removed"], 1, "one is forgotten, one waits");
}

#[test]
fn twins_share_a_contact_and_one_of_them_keeps_it() {
    let world = world("rows = \"removed\"");
    world.sql("UPDATE CUSTOMERS SET EMAIL = 'twins@example.com' WHERE CUSTOMER_ID IN (68, 69)");
    let id = world.create("Contact", &json!({"LastName": "Twin", "Email": "twins@example.com"}));
    assert_ok(&world.run());
    world.sql("DELETE FROM CUSTOMERS WHERE CUSTOMER_ID = 68");
    let rows = world.run().rows();
    assert_eq!((rows.len(), rows[0]["error"]["code"].as_str()), (1, Some("RECORD_KEPT")), "{rows:?}");
    assert_eq!(world.soql(&format!("SELECT Id FROM Contact WHERE Id = '{id}'")).len(), 1);
}

#[test]
fn another_key_or_object_or_operation_is_refused_until_the_snapshot_is_reset() {
    let world = world("");
    let rows = number(&assert_ok(&world.run())["extracted"]);
    let model = std::fs::read_to_string(world.path("models/customers/model.toml")).unwrap();
    world.write("models/customers/model.toml", model.replace("\"CUSTOMER_ID\"", "\"EMAIL\""));
    let refused = world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(refused.code, 2);
    for part in
        ["key was CUSTOMER_ID and is EMAIL", "every row would count as added", "gondola reset customers/contacts"]
    {
        assert!(refused.err.contains(part), "{part} in {}", refused.err);
    }
    world.write("models/customers/model.toml", &model);
    world.write_mapping(&FIVE_LINES, "operation = \"update\"");
    let refused = world.gondola(&["plan", MAPPING]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("operation was upsert and is update"), "{}", refused.err);

    let asked = world.gondola(&["reset", MAPPING, "--json"]);
    assert_eq!(asked.code, 2, "nobody is there to confirm");
    let runs = world.gondola(&["runs", "--json"]).events().len();
    let reset = world.gondola(&["reset", MAPPING, "--yes", "--json"]);
    assert_eq!((reset.code, number(&reset.summary()["forgotten"])), (0, rows));
    assert_eq!(world.gondola(&["runs", "--json"]).events().len(), runs, "its runs are still there");
    let after = assert_ok(&world.run());
    assert_eq!((number(&after["changes"]["added"]), number(&after["actions"]["skip"])), (rows, rows));
    let unknown = world.gondola(&["reset", "customers/nope", "--yes"]);
    assert_eq!(unknown.code, 2, "{}", unknown.err);
}

#[test]
fn editing_one_line_plans_exactly_the_rows_that_it_alters() {
    let world = world("");
    assert_ok(&world.run());
    let mapping = std::fs::read_to_string(world.path("models/customers/contacts.toml")).unwrap();
    let line = "column = \"TITLE\"\nfield = \"Title\"\n";
    world.write("models/customers/contacts.toml", mapping.replace(line, &format!("{line}transform = [\"upper\"]\n")));
    // By the source's own word: those whose title has a small letter.
    let rows = world.gondola(&["query", "customers", "--format", "jsonl"]).events();
    let mut wanted: Vec<String> = rows
        .iter()
        .filter(|row| row["TITLE"].as_str().is_some_and(|title| title != title.to_uppercase()))
        .map(|row| row["CUSTOMER_ID"].to_string().trim_matches('"').to_owned())
        .collect();
    wanted.sort();
    assert!(wanted.len() > 20 && wanted.len() < rows.len(), "{} of {}", wanted.len(), rows.len());
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let mut planned: Vec<String> =
        plan.rows().iter().map(|row| row["key"]["CUSTOMER_ID"].as_str().unwrap().to_owned()).collect();
    planned.sort();
    assert_eq!(planned, wanted);
    assert!(plan.rows().iter().all(|row| row["change"] == "updated" && row["fields"][0]["field"] == "Title"));
    assert_eq!(number(&plan.summary()["changes"]["updated"]), wanted.len() as u64);
}

#[test]
fn a_reviewed_plan_says_what_changed_since_and_goes_on_with_the_rest() {
    let world = world("");
    assert_ok(&world.run());
    world.sql("UPDATE CUSTOMERS SET PHONE = '+1 700', TITLE = 'Rear Admiral' WHERE CUSTOMER_ID BETWEEN 71 AND 74");
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let number_of_plan = plan.summary()["run"].to_string();
    let shown = world.gondola(&["show", &number_of_plan, "--json"]);
    assert_eq!(
        shown.rows().iter().map(|row| row["fields"].clone()).collect::<Vec<_>>(),
        plan.rows().iter().map(|row| row["fields"].clone()).collect::<Vec<_>>(),
        "a plan is frozen"
    );
    let listed = world.gondola(&["runs", MAPPING, "--json"]).events();
    assert_eq!((listed[0]["run"].to_string(), &listed[0]["status"]), (number_of_plan.clone(), &json!("planned")));

    let ids: Vec<String> = plan.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() >= 3, "{ids:?}");
    // One is touched where we do not write, one where we do, one has it all already.
    world.patch_contact(&ids[0], &json!({"Department": "Bridge"}));
    world.patch_contact(&ids[1], &json!({"Phone": "+49 30 1"}));
    world.patch_contact(&ids[2], &json!({"Phone": "+1 700", "Title": "Rear Admiral"}));
    let mapping = std::fs::read_to_string(world.path("models/customers/contacts.toml")).unwrap();
    world.write("models/customers/contacts.toml", mapping.replace("field = \"Title\"", "field = \"Department\""));

    let applied = world.gondola(&["run", MAPPING, "--plan", &number_of_plan, "--json"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    assert!(applied.err.contains("the mapping's file has changed since plan"), "{}", applied.err);
    let rows = applied.rows();
    let row = |id: &str| rows.iter().find(|row| row["id"] == *id).unwrap_or_else(|| panic!("{id}: {rows:?}"));
    assert_eq!((row(&ids[0])["outcome"].as_str(), row(&ids[0]).get("planned")), (Some("updated"), None));
    let held = row(&ids[1]);
    assert_eq!((held["action"].as_str(), held["error"]["code"].as_str()), (Some("hold"), Some("CHANGED_SINCE_PLAN")));
    assert!(held["error"]["message"].as_str().unwrap().contains("and is `+49 30 1`"), "{held}");
    let phone = |fields: &Value| {
        fields.as_array().unwrap().iter().find(|field| field["field"] == "Phone").map(|field| field["old"].clone())
    };
    assert_ne!(phone(&held["planned"]["fields"]), phone(&held["fields"]));
    assert_eq!(phone(&held["fields"]), Some(json!("+49 30 1")));
    assert_eq!(
        (row(&ids[2])["outcome"].as_str(), row(&ids[2])["planned"]["action"].as_str()),
        (Some("unchanged"), Some("update"))
    );
    let found = world.soql(&format!("SELECT Phone, Title FROM Contact WHERE Id = '{}'", ids[1]));
    assert_eq!(found[0]["Phone"], "+49 30 1", "never overwritten blindly");
    assert_eq!(world.soql(&format!("SELECT Title FROM Contact WHERE Id = '{}'", ids[0]))[0]["Title"], "Rear Admiral");

    let twice = world.gondola(&["run", MAPPING, "--plan", &number_of_plan, "--json"]);
    assert_eq!(twice.code, 2);
    assert!(twice.err.contains("it can be applied once"), "{}", twice.err);
}

#[test]
fn a_record_that_somebody_touched_since_the_review_is_not_deleted() {
    let world = world("rows = \"mirror\"");
    synced_and_deleted(&world, "CUSTOMER_ID IN (75, 76)");
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let ids: Vec<String> = plan.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    world.patch_contact(&ids[0], &json!({"Department": "Still here"}));
    let before = world.contacts();
    let applied = world.gondola(&["run", MAPPING, "--plan", &plan.summary()["run"].to_string(), "--json"]);
    let summary = applied.summary();
    assert_eq!(
        (&summary["outcomes"]["deleted"], &summary["actions"]["hold"]),
        (&json!(1), &json!(1)),
        "{}",
        applied.out
    );
    assert_eq!(world.contacts(), before - 1);
    assert_eq!(world.soql(&format!("SELECT Id FROM Contact WHERE Id = '{}'", ids[0])).len(), 1);
}

#[test]
fn a_model_runs_all_its_mappings_with_one_query() {
    let world = world("");
    let account = "connection = \"sales\"\nobject = \"Account\"\nenabled = true\n\
                   match = { all = [{ column = \"COMPANY\", field = \"Name\" }] }\n\n\
                   [[link]]\ncolumn = \"COMPANY\"\nfield = \"Name\"\n";
    world.write("models/customers/accounts.toml", account);
    world.write("models/customers/off.toml", account.replace("enabled = true", "enabled = false"));
    world.write("models/customers/broken.toml", account.replace("\"COMPANY\"\nfield", "\"COMPANNY\"\nfield"));
    let queries = world.calls("snowflake.query");
    let run = world.gondola(&["run", "customers", "--yes", "--json"]);
    assert_eq!(world.calls("snowflake.query") - queries, 1, "one extract");
    assert_eq!(run.code, 2, "the worst of them: {}", run.err);
    let events = run.events();
    let of = |kind: &str, mapping: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["event"] == kind && event["mapping"] == mapping).collect()
    };
    let summary = of("summary", MAPPING)[0];
    assert_eq!(
        (&summary["status"], of("row", MAPPING).len() as u64),
        (&json!("succeeded"), number(&summary["extracted"]))
    );
    let accounts = of("summary", "customers/accounts")[0];
    assert_eq!(accounts["extracted"], summary["extracted"]);
    assert!(!of("row", "customers/accounts").is_empty() && accounts["run"] != summary["run"]);
    assert!(
        of("error", "customers/broken")[0]["error"]["message"].as_str().unwrap().contains("Did you mean `COMPANY`?")
    );
    assert!(events.iter().all(|event| event["mapping"].is_string() && event["mapping"] != "customers/off"));
    assert!(run.err.contains("customers/off is switched off"), "{}", run.err);

    std::fs::remove_file(world.path("models/customers/broken.toml")).unwrap();
    world.sql("UPDATE CUSTOMERS SET PHONE = '+1 701' WHERE CUSTOMER_ID = 80");
    let again = world.gondola(&["plan", "customers", "--json"]);
    let rows: Vec<Value> = again.rows();
    assert_eq!(rows.iter().filter(|row| row["mapping"] == MAPPING).count(), 1, "each has a snapshot of its own");
    let off = world.gondola(&["plan", "customers/off", "--json"]);
    assert!(off.err.contains("planned because you named it"), "{}", off.err);
    assert_eq!(off.summary()["mapping"], "customers/off");
}

#[test]
fn a_key_that_comes_again_later_takes_its_first_row_with_it() {
    let world = world("");
    let rows = number(&assert_ok(&world.run())["extracted"]);
    // The second one is a row of its own at the end of the result, and the first was unchanged.
    world.write_model(&format!("{CLEAN} UNION ALL SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID = 81"));
    let run = world.run();
    let summary = run.summary();
    assert_eq!((number(&summary["changes"]["invalid"]), number(&summary["actions"]["hold"])), (2, 2), "{summary}");
    assert_eq!((number(&summary["extracted"]), number(&summary["changes"]["unchanged"])), (rows + 1, rows - 1));
    assert!(run.rows().iter().all(|row| row["error"]["code"] == "KEY_REPEATED"));
}

/// What `null` and `write` policies leave in the org, through one API.
fn policies(api: &str) -> Vec<(String, Value)> {
    let world = World::with_query(
        Options { rows: 150, contacts: Some(0), ..Options::default() },
        &format!("{CLEAN} AND CUSTOMER_ID <= 90"),
    );
    let more = |link: &str| {
        let mut text = format!(
            "connection = \"sales\"\nobject = \"Contact\"\napi = \"{api}\"\n\
             match = {{ all = [{{ column = \"EMAIL\", field = \"Email\" }}] }}\n"
        );
        for (column, field, more) in [
            ("EMAIL", "Email", ""),
            ("LAST_NAME", "LastName", ""),
            ("FIRST_NAME", "FirstName", "null = \"keep\"\n"),
            ("PHONE", "Phone", "null = \"clear\"\n"),
            ("TITLE", "Title", "write = \"only-if-empty\"\nnull = \"clear\"\n"),
            ("CITY", "MailingCity", link),
        ] {
            text += &format!("\n[[link]]\ncolumn = \"{column}\"\nfield = \"{field}\"\n{more}");
        }
        world.write("models/customers/contacts.toml", text);
    };
    more("transform = [\"upper\", \"default:Nowhere\"]\n");
    assert_ok(&world.run());
    world.sql(
        "UPDATE CUSTOMERS SET FIRST_NAME = NULL, PHONE = NULL, TITLE = 'Captain', CITY = NULL WHERE CUSTOMER_ID < 60",
    );
    world.sql(
        "UPDATE CUSTOMERS SET FIRST_NAME = '#N/A', PHONE = '  ', TITLE = NULL WHERE CUSTOMER_ID BETWEEN 60 AND 70",
    );
    world.sql("UPDATE CUSTOMERS SET FIRST_NAME = 'a\"b,c', PHONE = '+1', CITY = 'l1' || CHR(10) || 'l2' WHERE CUSTOMER_ID > 70");
    let second = world.run();
    assert_eq!(second.code, 0, "{api}: {}", second.out);
    let soql = "SELECT Email, FirstName, LastName, Phone, Title, MailingCity FROM Contact";
    let mut found: Vec<(String, Value)> = world
        .soql(soql)
        .into_iter()
        .map(|mut contact| {
            contact.as_object_mut().unwrap().remove("attributes");
            (contact["Email"].as_str().unwrap().to_owned(), contact)
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

#[test]
fn policies_leave_the_same_through_calls_and_through_jobs() {
    let (calls, jobs) = (policies("collections"), policies("bulk"));
    assert!(calls.len() > 40);
    assert_eq!(calls, jobs);
    let with = |is: &dyn Fn(&Value) -> bool| calls.iter().filter(|(_, contact)| is(contact)).count();
    assert!(with(&|contact| contact["Phone"].is_null() && !contact["FirstName"].is_null()) > 10, "clear, and keep");
    assert!(with(&|contact| contact["MailingCity"] == "Nowhere") > 10, "default takes the place of NULL");
    assert!(
        with(&|contact| contact["FirstName"] == "#N/A") > 5 && with(&|contact| contact["FirstName"] == "a\"b,c") > 5
    );
}
