//! Bad input: one clear message that names the place and the next step, the right exit code, and
//! nothing half-written.

use gondola::sandbox::Options;

use super::support::{FIVE_ROWS, MAPPING, Said, World, files};

fn world() -> World {
    World::with_query(Options { rows: 40, ..Options::default() }, FIVE_ROWS)
}

/// It ended with this code, stderr says all of these, and the user's files are as they were.
fn assert_refused(world: &World, arguments: &[&str], code: i32, parts: &[&str]) -> Said {
    let before = files(&world.home.path().join("config"));
    let contacts = world.contacts();
    let said = world.gondola(arguments);
    assert_eq!(said.code, code, "{}", said.err);
    for part in parts {
        assert!(said.err.contains(part), "`{part}` is not in:\n{}", said.err);
    }
    assert_eq!(files(&world.home.path().join("config")), before);
    assert_eq!(world.contacts(), contacts);
    said
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let world = world();
    world.write_mapping(&[("EMAIL", "Email")], "operatoin = \"upsert\"");
    assert_refused(&world, &["plan", MAPPING], 2, &["contacts.toml:3:1", "operatoin", "Did you mean `operation`?"]);
    world.write("connections.toml", "[snowflake.prod]\nacount = \"x\"\nuser = \"y\"\n");
    assert_refused(&world, &["connections"], 2, &["connections.toml:2:1", "acount", "`account`"]);
}

#[test]
fn a_wrong_password_is_a_login_that_failed() {
    let world = world();
    world.write("pw", "wrong");
    world.write_connections("file:pw");
    let said = assert_refused(&world, &["run", MAPPING, "--yes"], 4, &["390100", "Incorrect username or password"]);
    assert!(!said.err.contains("wrong"), "the secret is not repeated");
    world.write_connections("hunter2");
    let said = assert_refused(&world, &["check"], 2, &["connections.toml:4", "env:NAME"]);
    assert!(!said.err.contains("hunter2"));
}

#[test]
fn a_missing_table_and_a_syntax_error_show_the_place() {
    let world = world();
    world.write_model("SELECT * FROM DEMO.SALES.NOPE");
    assert_refused(&world, &["plan", MAPPING], 2, &["002003", "'DEMO.SALES.NOPE'", "does not exist"]);
    world.write_model("SELECT *\nFORM CUSTOMERS");
    assert_refused(
        &world,
        &["query", "customers"],
        2,
        &["001003", "2 | FORM CUSTOMERS", "|  ^"].map(|part| if part == "|  ^" { "| ^" } else { part }),
    );
    world.write_model("SELECT NOPE FROM CUSTOMERS");
    assert_refused(
        &world,
        &["plan", MAPPING],
        2,
        &["000904", "invalid identifier 'NOPE'", "1 | SELECT NOPE", "|        ^"],
    );
}

#[test]
fn a_field_that_is_not_there_or_not_writable_is_named() {
    let world = world();
    world.write_mapping(&[("EMAIL", "Email"), ("LAST_NAME", "LastNam"), ("FIRST_NAME", "Name")], "");
    assert_refused(
        &world,
        &["run", MAPPING, "--yes"],
        2,
        &["no field `LastNam`", "Did you mean `LastName`?", "Name cannot be written", "LastName is required"],
    );
}

#[test]
fn a_file_that_is_not_utf8_names_the_byte() {
    let world = world();
    world.write("models/customers/contacts.toml", b"connection = \"sa\xffles\"\n");
    assert_refused(&world, &["plan", MAPPING], 2, &["contacts.toml:1:17", "not UTF-8"]);
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let world = world();
    assert_refused(&world, &["plan", "customers/nope"], 2, &["no mapping `nope`", "Known: contacts"]);
    assert_refused(&world, &["plan", "nope/contacts"], 2, &["no model `nope`", "Known: customers"]);
    assert_refused(&world, &["plan", "custommers"], 2, &["no model `custommers`", "Known: customers"]);
    assert_refused(&world, &["plan", "customers/"], 2, &["MODEL/MAPPING"]);
    assert_refused(&world, &["check", "nope"], 2, &["no connection `nope`", "prod", "sales"]);
    assert_refused(&world, &["show", "99"], 2, &["no run 99"]);
    assert_refused(&world, &["describe", "sales", "Contakt"], 2, &["Contakt"]);
}

#[test]
fn nobody_to_confirm_and_no_terminal_are_usage_errors() {
    let world = world();
    assert_refused(&world, &["run", MAPPING], 2, &["--yes"]);
    assert_refused(&world, &[], 2, &["needs a terminal"]);
    assert_refused(&world, &["demo"], 2, &["needs a terminal"]);
}

#[test]
fn nobody_listening_is_worth_trying_again() {
    let world = world();
    let text = std::fs::read_to_string(world.path("connections.toml")).unwrap();
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = format!("port = {}", world.ready().snowflake.port);
    world.write("connections.toml", text.replace(&port, &format!("port = {free}")));
    assert_refused(&world, &["query", "customers"], 4, &[&format!("127.0.0.1:{free}")]);
}
