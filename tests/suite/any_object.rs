//! Any object of the org: accounts by their number, contacts under their account, record types.

use gondola::sandbox::Options;
use serde_json::{Value, json};

use super::support::{MAPPING, Said, World};

/// Customers whose values are clean, with their company's number and name.
const CLEAN: &str = "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID <= 10 ORDER BY CUSTOMER_ID";

fn small() -> Options {
    Options { rows: 60, ..Options::default() }
}

fn contacts(lookup: &str) -> String {
    format!(
        "connection = \"sales\"\nobject = \"Contact\"\nmatch = {{ all = [{{ column = \"EMAIL\", field = \"Email\" }}] }}\n\
         [[link]]\ncolumn = \"EMAIL\"\nfield = \"Email\"\n[[link]]\ncolumn = \"LAST_NAME\"\nfield = \"LastName\"\n\
         [[link]]\n{lookup}\n"
    )
}

fn world(sql: &str, lookup: &str) -> World {
    let world = World::new(small());
    world.write_model(sql);
    world.write("models/customers/contacts.toml", contacts(lookup));
    world
}

fn row(said: &Said, id: i64) -> Value {
    let id = json!(id.to_string());
    said.rows().into_iter().find(|row| row["key"]["CUSTOMER_ID"] == id).unwrap_or_else(|| panic!("{id}: {}", said.out))
}

fn field(row: &Value, name: &str) -> Value {
    row["fields"].as_array().unwrap().iter().find(|change| change["field"] == name).cloned().unwrap_or_default()
}

const BY_NUMBER: &str =
    "column = \"ACCOUNT_NUMBER\"\nfield = \"AccountId\"\nlookup = { object = \"Account\", field = \"External_Id__c\" }";

#[test]
fn a_contact_finds_its_account_by_number_and_a_moved_customer_updates_one_field() {
    let world = world(CLEAN, BY_NUMBER);
    let before = world.calls("salesforce.query");
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    let calls = world.calls("salesforce.query") - before;
    assert!(calls <= 5, "one look-up for all parents and one for all contacts, not {calls}");
    let created = plan.rows().into_iter().find(|row| row["action"] == "create").unwrap();
    let account = field(&created, "AccountId");
    let found =
        world.soql(&format!("SELECT External_Id__c FROM Account WHERE Id = '{}'", account["new"].as_str().unwrap()));
    assert_eq!(found[0]["External_Id__c"], account["source"], "the plan says what the id stands for");

    let run = world.run();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let second = world.run().summary();
    assert_eq!(second["actions"], json!({"create": 0, "update": 0, "delete": 0, "skip": 0, "hold": 0, "reject": 0}));

    let other = world.soql("SELECT Id, External_Id__c FROM Account ORDER BY External_Id__c DESC LIMIT 1").remove(0);
    let number = other["External_Id__c"].as_str().unwrap();
    // Other case and spaces mean the same account.
    let typed = format!("  {} ", number.to_lowercase());
    world.sql(&format!("UPDATE DEMO.SALES.CUSTOMERS SET ACCOUNT_NUMBER = '{typed}' WHERE CUSTOMER_ID = 2"));
    let moved = world.run();
    assert_eq!(moved.summary()["outcomes"]["updated"], 1, "{}", moved.out);
    let changes = row(&moved, 2)["fields"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
    assert_eq!((&changes[0]["field"], &changes[0]["new"]), (&json!("AccountId"), &other["Id"]));
    assert_eq!(changes[0]["source"], json!(number.to_lowercase()));
    let contact = world.soql("SELECT Account.External_Id__c FROM Contact WHERE LastName = 'O\\'Brien'").remove(0);
    assert_eq!(contact["Account"]["External_Id__c"], other["External_Id__c"]);
}

#[test]
fn a_parent_that_is_missing_or_there_twice_stops_its_rows_only() {
    let sql = "SELECT CUSTOMER_ID, EMAIL, LAST_NAME, CASE WHEN CUSTOMER_ID = 1 THEN 'Nobody Ltd' \
               WHEN CUSTOMER_ID = 2 THEN 'Twice Inc' WHEN CUSTOMER_ID = 3 THEN '  ' ELSE COMPANY END AS COMPANY \
               FROM CUSTOMERS WHERE CUSTOMER_ID <= 5";
    let by_name = |missing: &str| {
        format!(
            "column = \"COMPANY\"\nfield = \"AccountId\"\nlookup = {{ object = \"Account\", field = \"Name\"{missing} }}"
        )
    };
    let world = world(sql, &by_name(""));
    for number in ["T-1", "T-2"] {
        world.create("Account", &json!({"Name": "Twice Inc", "External_Id__c": number}));
    }
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(plan.code, 3, "{}", plan.err);
    let (missing, twice) = (row(&plan, 1), row(&plan, 2));
    assert_eq!((&missing["action"], &missing["error"]["code"]), (&json!("reject"), &json!("LOOKUP_NOT_FOUND")));
    assert!(missing["error"]["message"].as_str().unwrap().contains("no Account has Name = `Nobody Ltd`"), "{missing}");
    assert_eq!((&twice["action"], &twice["error"]["code"]), (&json!("hold"), &json!("LOOKUP_AMBIGUOUS")));
    assert_eq!(twice["candidates"].as_array().unwrap().len(), 2);
    assert_ne!(row(&plan, 3)["action"], "reject", "a blank value is looked up nowhere");
    assert_eq!(plan.summary()["actions"]["reject"], 1);

    world.write("models/customers/contacts.toml", contacts(&by_name(", missing = \"null\"")));
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let without = row(&plan, 1);
    assert_eq!(without["action"], "create", "{without}");
    assert!(field(&without, "AccountId").is_null());
}

#[test]
fn a_lookup_that_cannot_work_is_refused_before_anything_is_read() {
    let world = world(CLEAN, BY_NUMBER);
    for (lookup, parts) in [
        (
            BY_NUMBER.replace("\"Account\"", "\"Acount\""),
            ["AccountId refers to Account, not to `Acount`", "Did you mean `Account`?"],
        ),
        (
            BY_NUMBER.replace("External_Id__c", "Externl_Id__c"),
            ["Account has no field `Externl_Id__c`", "Did you mean `External_Id__c`?"],
        ),
        (BY_NUMBER.replace("\"AccountId\"", "\"Title\""), ["Title (string) refers to no record", "AccountId"]),
    ] {
        world.write("models/customers/contacts.toml", contacts(&lookup));
        let plan = world.gondola(&["plan", MAPPING]);
        assert_eq!(plan.code, 2, "{}", plan.err);
        for part in parts {
            assert!(plan.err.contains(part), "{part} in\n{}", plan.err);
        }
    }
}

#[test]
fn companies_become_accounts_once() {
    let world = World::new(small());
    world.write(
        "models/companies/model.toml",
        "name = \"Companies\"\nconnection = \"prod\"\nkey = [\"ACCOUNT_NUMBER\"]\n",
    );
    world.write(
        "models/companies/model.sql",
        "SELECT 'N-' || ACCOUNT_NUMBER AS ACCOUNT_NUMBER, NAME FROM DEMO.SALES.ACCOUNTS ORDER BY 1 LIMIT 4",
    );
    world.write(
        "models/companies/accounts.toml",
        "connection = \"sales\"\nobject = \"account\"\nmatch = { all = [{ column = \"ACCOUNT_NUMBER\", field = \"External_Id__c\" }] }\n\
         [[link]]\ncolumn = \"ACCOUNT_NUMBER\"\nfield = \"External_Id__c\"\n[[link]]\ncolumn = \"NAME\"\nfield = \"Name\"\n",
    );
    let run = |world: &World| world.gondola(&["run", "companies/accounts", "--yes", "--json"]);
    let first = run(&world);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(first.summary()["outcomes"]["created"], 4);
    assert!(first.rows().iter().all(|row| row["id"].as_str().is_some_and(|id| id.starts_with("001"))));
    assert_eq!(run(&world).summary()["actions"]["create"], 0);
}

#[test]
fn a_describe_is_kept_with_its_age_and_a_plan_asks_only_when_it_is_old() {
    let world = world(CLEAN, BY_NUMBER);
    let describe = |arguments: &[&str]| {
        let said = world.gondola(&[&["describe", "sales"], arguments].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        said
    };
    assert!(describe(&["contact"]).err.contains("fields, as of now"));
    let asked = world.calls("salesforce.describe");
    let body: Value = serde_json::from_str(&describe(&["Contact", "--json"]).out).unwrap();
    assert_eq!(world.calls("salesforce.describe"), asked, "it is known");
    assert!(body["checked_at"].is_string() && body["fields"].as_array().unwrap().len() > 50);
    describe(&["Contact", "--refresh"]);
    assert_eq!(world.calls("salesforce.describe"), asked + 1);

    world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(world.calls("salesforce.describe"), asked + 2, "only the account was not known");
    world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(world.calls("salesforce.describe"), asked + 2);

    // What is known is an hour old: a plan asks again.
    let state = rusqlite::Connection::open(world.home.path().join("state/gondola.db")).unwrap();
    state
        .execute("UPDATE described SET checked_at = '2025-11-12T10:00:00Z', read_at = '2025-11-12T10:00:00Z'", [])
        .unwrap();
    drop(state);
    assert!(describe(&["Contact"]).err.contains(" d ago"));
    world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(world.calls("salesforce.describe"), asked + 4);
    assert!(describe(&["Contact"]).err.contains("as of now"));
}

#[test]
fn the_objects_that_can_be_written_are_listed_and_a_slip_of_the_pen_is_named() {
    let world = world(CLEAN, BY_NUMBER);
    let list = world.gondola(&["describe", "sales", "--json"]);
    let body: Value = serde_json::from_str(&list.out).unwrap();
    let names: Vec<&str> =
        body["objects"].as_array().unwrap().iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Account") && names.contains(&"Contact"), "{names:?}");

    world.write("models/customers/contacts.toml", contacts(BY_NUMBER).replace("\"Contact\"", "\"Contct\""));
    let plan = world.gondola(&["plan", MAPPING]);
    assert_eq!(plan.code, 2);
    assert!(plan.err.contains("no object `Contct`") && plan.err.contains("Did you mean `Contact`?"), "{}", plan.err);
}

/// A mapping onto Contact by email with these links beside the last name.
fn by_email(links: &str) -> String {
    contacts(links.trim_start().trim_start_matches("[[link]]").trim_start())
}

#[test]
fn a_record_type_is_named_and_its_picklist_values_are_known() {
    let constant = |tier: &str| {
        by_email(&format!(
            "[[link]]\nvalue = \"private\"\nfield = \"RecordTypeId\"\n[[link]]\nvalue = \"{tier}\"\nfield = \"Tier__c\""
        ))
    };
    let world = world(CLEAN, BY_NUMBER);
    world.write("models/customers/contacts.toml", constant("silver"));
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    let created = plan.rows().into_iter().find(|row| row["action"] == "create").unwrap();
    let record_type = field(&created, "RecordTypeId");
    assert!(record_type["new"].as_str().unwrap().starts_with("012"), "{record_type}");
    assert_eq!(record_type["source"], "private");
    assert_eq!(
        (&field(&created, "Tier__c")["new"], &field(&created, "Tier__c")["source"]),
        (&json!("Silver"), &json!("silver"))
    );
    assert_eq!(world.run().code, 0);
    let made = world.soql("SELECT RecordType.DeveloperName FROM Contact WHERE LastName = 'O\\'Brien'");
    assert_eq!(made[0]["RecordType"]["DeveloperName"], "Private");
    assert_eq!(world.gondola(&["run", MAPPING, "--yes", "--full", "--json"]).summary()["actions"]["update"], 0);

    // Gold is a value of the field, but not of this record type.
    world.write("models/customers/contacts.toml", constant("Gold"));
    let refused = world.gondola(&["plan", MAPPING]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("`Gold` is not in the restricted picklist"), "{}", refused.err);

    // By a column, row by row.
    let sql = "SELECT CUSTOMER_ID, EMAIL, LAST_NAME, CASE WHEN CUSTOMER_ID = 1 THEN 'Bussiness' ELSE 'Business' END AS KIND \
               FROM CUSTOMERS WHERE CUSTOMER_ID <= 3";
    world.write_model(sql);
    world.write("models/customers/contacts.toml", by_email("[[link]]\ncolumn = \"KIND\"\nfield = \"RecordTypeId\""));
    let plan = world.gondola(&["plan", MAPPING, "--json"]);
    let unknown = row(&plan, 1);
    assert_eq!((&unknown["action"], &unknown["error"]["code"]), (&json!("reject"), &json!("UNKNOWN_RECORD_TYPE")));
    assert!(unknown["error"]["message"].as_str().unwrap().contains("Business, Private"), "{unknown}");
    assert!(unknown["error"]["hint"].as_str().unwrap().contains("`Business`"), "{unknown}");
    assert_eq!(row(&plan, 2)["action"], "update");
}

#[test]
fn states_and_countries_go_by_code_or_label_and_never_alone() {
    let world = World::new(Options { state_country_picklists: true, ..small() });
    world.write_model("SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID <= 10 OR CUSTOMER_ID = 21");
    let state = "[[link]]\ncolumn = \"STATE\"\nfield = \"MailingStateCode\"\n";
    let country = "[[link]]\ncolumn = \"COUNTRY\"\nfield = \"MailingCountryCode\"";
    world.write("models/customers/contacts.toml", by_email(state));
    let alone = world.gondola(&["plan", MAPPING, "--json"]);
    let rejected = alone.rows().into_iter().find(|row| row["action"] == "reject").unwrap();
    assert_eq!(rejected["error"]["code"], "FIELD_INTEGRITY_EXCEPTION");
    assert!(rejected["error"]["message"].as_str().unwrap().contains("has no country beside it"), "{rejected}");

    world.write("models/customers/contacts.toml", by_email(&format!("{state}{country}")));
    let run = world.run();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let california = row(&run, 21);
    let state = field(&california, "MailingStateCode");
    assert_eq!((&state["new"], &state["source"]), (&json!("CA"), &json!("California")));
    assert_eq!(field(&california, "MailingCountryCode")["new"], "US");
    let again = world.gondola(&["run", MAPPING, "--yes", "--full", "--json"]).summary();
    assert_eq!((&again["actions"]["update"], &again["actions"]["create"]), (&json!(0), &json!(0)), "{again}");

    // The labels' own fields take codes too.
    let labels = "[[link]]\ncolumn = \"STATE\"\nfield = \"MailingState\"\n[[link]]\ncolumn = \"COUNTRY\"\nfield = \"MailingCountry\"";
    world.write("models/customers/contacts.toml", by_email(labels));
    let plan = world.gondola(&["plan", MAPPING, "--full", "--json"]);
    assert_eq!(plan.summary()["actions"]["skip"], 11, "{}", plan.out);
}

#[test]
fn what_the_user_may_not_do_is_said_before_anything_is_read() {
    let world = world(CLEAN, BY_NUMBER);
    world.fault(json!({"on": "field", "do": "read-only", "object": "Contact", "field": "Title"}));
    world.write("models/customers/contacts.toml", by_email("[[link]]\ncolumn = \"TITLE\"\nfield = \"Title\""));
    let plan = world.gondola(&["plan", MAPPING]);
    assert_eq!(plan.code, 2);
    for part in
        ["Title cannot be written: it is read-only for this user.", "Edit on Contact.Title; `gondola grants sales`"]
    {
        assert!(plan.err.contains(part), "{part} in\n{}", plan.err);
    }
    world.fault(json!({"on": "object", "do": "no-create", "object": "Contact"}));
    world.write("models/customers/contacts.toml", contacts(BY_NUMBER));
    // Nobody noticed yet: what was read just now is not asked for again.
    world.gondola(&["describe", "sales", "Contact", "--refresh"]);
    let plan = world.gondola(&["plan", MAPPING]);
    assert_eq!(plan.code, 2);
    assert!(
        plan.err.contains("no Create permission on Contact. Ask an administrator for Create on Contact"),
        "{}",
        plan.err
    );

    // Once the administrator has been, the next plan knows.
    world.fault(json!({"on": "object", "do": "off", "object": "Contact"}));
    assert_eq!(world.gondola(&["plan", MAPPING]).code, 0);
}
