//! Every way to sign in, with the real program and over real HTTP; the doctor; the grants; and that no
//! secret is ever shown.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use gondola::sandbox::Options;
use serde_json::{Value, json};

use super::support::{FIVE_LINES, FIVE_ROWS, MAPPING, Said, World, files};

fn world() -> World {
    let world = World::with_query(Options { rows: 40, ..Options::default() }, FIVE_ROWS);
    world.write("key.pem", world.ready().salesforce.private_key.as_bytes());
    world
}

/// Adds `[salesforce.NAME]` with the sandbox's address and these lines.
fn connect(world: &World, name: &str, lines: &str) {
    let salesforce = &world.ready().salesforce;
    let lines = lines.replace("APP", &salesforce.client_id).replace("USER", &salesforce.username);
    connect_to(world, name, &salesforce.login_url, &lines);
}

fn connect_to(world: &World, name: &str, login_url: &str, lines: &str) {
    let text = std::fs::read_to_string(world.path("connections.toml")).unwrap();
    world.write("connections.toml", format!("{text}\n[salesforce.{name}]\nlogin_url = \"{login_url}\"\n{lines}\n"));
}

/// Every secret of the sandbox, and what was signed with or given for them so far.
fn secrets(world: &World) -> Vec<String> {
    let salesforce = &world.ready().salesforce;
    let mut secrets = vec![
        salesforce.client_secret.clone(),
        salesforce.password.clone(),
        salesforce.security_token.clone(),
        salesforce.refresh_token.clone(),
        salesforce.access_token.clone(),
        salesforce.private_key.lines().nth(1).unwrap().to_owned(),
    ];
    for (path, bytes) in kept(world) {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        let file: toml::Table = toml::from_str(&String::from_utf8(bytes).unwrap()).unwrap();
        secrets.push(file["refresh_token"].as_str().unwrap().to_owned());
    }
    secrets
}

/// The files that hold kept sign-ins.
fn kept(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let folder = world.home.path().join("state/tokens");
    if folder.exists() { files(&folder) } else { Vec::new() }
}

fn assert_no_secret(world: &World, said: &Said) {
    let logs = world.home.path().join("state/logs");
    let mut texts = vec![said.out.clone(), said.err.clone()];
    for folder in [logs, world.home.path().join("config")].into_iter().filter(|folder| folder.exists()) {
        let ours = files(&folder).into_iter().filter(|(path, _)| path.extension().is_none_or(|end| end != "pem"));
        texts.extend(ours.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()));
    }
    for secret in secrets(world) {
        for text in &texts {
            assert!(!text.contains(&secret), "a secret is shown in:\n{text}");
        }
    }
}

fn run(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let salesforce = &world.ready().salesforce;
    let mut command = world.command(arguments);
    command
        .env("GONDOLA_LOG", "trace")
        .env("SF_PASSWORD", &salesforce.password)
        .env("SF_TOKEN", &salesforce.security_token)
        .env("SF_REFRESH", &salesforce.refresh_token)
        .env("SF_ACCESS", &salesforce.access_token)
        .envs(environment.iter().copied());
    let said = Said::of(&command.output().unwrap());
    assert_no_secret(world, &said);
    said
}

fn assert_says(said: &Said, code: i32, parts: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, code, "{all}");
    for part in parts {
        assert!(all.contains(part), "`{part}` is not in:\n{all}");
    }
}

#[test]
fn each_unattended_way_leads_in_and_survives_an_ended_session() {
    let world = world();
    for (name, lines) in [
        ("jwt", "client_id = \"APP\"\nusername = \"USER\"\nprivate_key = \"file:key.pem\""),
        ("credentials", "client_id = \"APP\"\nclient_secret = \"env:SF_SECRET\""),
        ("refresh", "client_id = \"APP\"\nrefresh_token = \"env:SF_REFRESH\""),
        (
            "password",
            "client_id = \"APP\"\nclient_secret = \"env:SF_SECRET\"\nusername = \"USER\"\npassword = \"env:SF_PASSWORD\"\n\
             security_token = \"env:SF_TOKEN\"",
        ),
        ("soap", "username = \"USER\"\npassword = \"env:SF_PASSWORD\""),
    ] {
        connect(&world, name, lines);
        world.fault(json!({"on": "soql", "do": "expire-session"}));
        let said = run(&world, &["check", name, "--json"], &[]);
        assert_eq!(said.code, 0, "{name}: {}{}", said.out, said.err);
        let login = said.events().into_iter().find(|line| line["check"] == "login").unwrap();
        assert!(login["state"] == "ok" && login["detail"].as_str().unwrap().contains("sandbox"), "{login}");
        let said = run(&world, &["login", name], &[]);
        assert_says(&said, 0, &["signs in by itself", "signed in to"]);
    }
    // A given token cannot be renewed: it says so, once.
    connect(&world, "given", "access_token = \"env:SF_ACCESS\"");
    world.fault(json!({"on": "soql", "do": "expire-session"}));
    assert_says(&run(&world, &["check", "given"], &[]), 4, &["INVALID_SESSION_ID", "Give a new access token"]);
    assert!(kept(&world).is_empty());
}

#[test]
fn an_org_that_wants_the_security_token_says_so() {
    let world = world();
    world.fault(json!({"on": "security-token", "do": "on"}));
    connect(&world, "soap", "username = \"USER\"\npassword = \"env:SF_PASSWORD\"");
    let parts = ["LOGIN_MUST_USE_SECURITY_TOKEN", "Add security_token"];
    assert_says(&run(&world, &["describe", "soap", "Contact"], &[]), 4, &parts);
    connect(&world, "token", "username = \"USER\"\npassword = \"env:SF_PASSWORD\"\nsecurity_token = \"env:SF_TOKEN\"");
    assert_says(&run(&world, &["describe", "token", "Contact"], &[]), 0, &["LastName"]);
    let wrong = [("SF_PASSWORD", "not-the-password")];
    let said = run(&world, &["describe", "token", "Contact"], &wrong);
    assert_says(&said, 4, &["INVALID_LOGIN", "Check user name, password and security token"]);
    assert!(!said.err.contains("not-the-password"));
}

#[test]
fn a_person_signs_in_on_a_device_once_and_cron_goes_on_alone() {
    let world = world();
    connect(&world, "device", "auth = \"device\"\nclient_id = \"APP\"");
    let before = run(&world, &["describe", "device", "Contact"], &[]);
    assert_says(&before, 4, &["nobody has signed in", "gondola login device"]);
    world.fault(json!({"on": "refresh", "do": "rotate"}));
    assert_says(&run(&world, &["login", "device"], &[]), 0, &["/setup/connect", "signed in to"]);
    // The org gives another refresh token each time, and the old one is worthless.
    let mut tokens = vec![kept(&world)];
    for _ in 0..3 {
        assert_says(&run(&world, &["describe", "device", "Contact"], &[]), 0, &["LastName"]);
        tokens.push(kept(&world));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4, "each is kept");
    world.fault(json!({"on": "refresh", "do": "expire"}));
    let ended = run(&world, &["describe", "device", "Contact"], &[]);
    assert_says(&ended, 4, &["expired access/refresh token", "gondola login device"]);
    world.fault(json!({"on": "device", "do": "refuse"}));
    let refused = run(&world, &["login", "device"], &[]);
    assert_says(&refused, 4, &["September 2025", "auth = \"web\""]);
}

#[test]
fn a_kept_token_goes_nowhere_else_and_can_be_forgotten() {
    let world = world();
    connect(&world, "device", "auth = \"device\"\nclient_id = \"APP\"");
    assert_eq!(run(&world, &["login", "device", "--json"], &[]).events()[0]["sandbox"], true);
    let text = std::fs::read_to_string(world.path("connections.toml")).unwrap();
    let url = &world.ready().salesforce.login_url;
    let other = url.replace("127.0.0.1", "localhost");
    world.write("connections.toml", text.replace(url.as_str(), &other));
    let said = run(&world, &["describe", "device", "Contact"], &[]);
    assert_says(&said, 4, &["another login_url", "gondola login device"]);
    world.write("connections.toml", &text);
    let path = &kept(&world)[0].0;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = Said::of(&world.command(&["describe", "device", "Contact"]).output().unwrap());
    assert_says(&said, 4, &["others can read this token", "chmod 600"]);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let token = secrets(&world).pop().unwrap();
    assert_says(&run(&world, &["login", "device", "--forget"], &[]), 0, &["ended at the org"]);
    assert!(kept(&world).is_empty());
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &world.ready().salesforce.client_id),
        ("refresh_token", &token),
    ];
    assert_eq!(world.post_form(&format!("{url}/services/oauth2/token"), &form)["error"], "invalid_grant");
}

/// `gondola login web`, up to where it waits; and the address that it shows.
#[expect(clippy::zombie_processes, reason = "whoever gets the process waits for it")]
fn begin_web(world: &World) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut command = world.command(&["login", "web"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut narration = BufReader::new(child.stderr.take().unwrap());
    let mut address = String::new();
    loop {
        let mut line = String::new();
        assert!(narration.read_line(&mut line).unwrap() > 0, "it ended");
        if line.contains("/services/oauth2/authorize?") {
            line.trim().clone_into(&mut address);
        }
        if line.contains("paste") {
            return (child, narration, address);
        }
    }
}

#[test]
fn a_browser_elsewhere_signs_in_by_an_address_pasted_back() {
    let world = world();
    connect(&world, "web", "auth = \"web\"\nclient_id = \"APP\"\nredirect_uri = \"https://localhost:9/x\"");
    let (mut child, _narration, address) = begin_web(&world);
    let location = world.redirect_of(&address);
    assert!(location.starts_with("https://localhost:9/x?code="), "{location}");
    let mut input = child.stdin.take().unwrap();
    let other_sign_in = location.replace("state=", "state=x");
    write!(input, "\nnonsense\n{other_sign_in}\n{location}\n").unwrap();
    let said = Said::of(&child.wait_with_output().unwrap());
    assert_says(&said, 0, &["web: signed in to"]);
    assert_says(&run(&world, &["check", "web"], &[]), 0, &["login"]);

    world.fault(json!({"on": "app", "do": "unapproved"}));
    let (mut child, mut narration, address) = begin_web(&world);
    writeln!(child.stdin.take().unwrap(), "{}", world.redirect_of(&address)).unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut narration, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4), "{rest}");
    assert!(rest.contains("end-user denied authorization"), "{rest}");
}

#[test]
fn a_browser_here_or_behind_a_forwarded_port_signs_in_by_itself() {
    let world = world();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redirect = format!("http://127.0.0.1:{port}/OauthRedirect");
    connect(&world, "web", &format!("client_id = \"APP\"\nredirect_uri = \"{redirect}\""));
    let (mut child, _narration, address) = begin_web(&world);
    // Nobody types: cron's stdin, or a window that is looked at elsewhere.
    drop(child.stdin.take());
    let location = world.redirect_of(&address);
    let page = world.page(&location);
    assert!(page.contains("You are signed in"), "{page}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_says(&run(&world, &["describe", "web", "Contact"], &[]), 0, &["LastName"]);
}

#[test]
fn an_org_that_sf_knows_is_used_as_sf_uses_it() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("sf");
    let write = |script: &str| {
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let text = std::fs::read_to_string(world.path("connections.toml")).unwrap();
    world.write("connections.toml", format!("{text}\n[salesforce.sf]\ntarget_org = \"sales\"\n"));
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let path = [("PATH", path.as_str())];
    let missing = run(&world, &["describe", "sf", "Contact"], &[("PATH", "/nonexistent")]);
    assert_says(&missing, 2, &["SF_CLI_MISSING", "Install the Salesforce CLI"]);
    let url = &world.ready().salesforce.instance_url;
    // The token is asked for anew after the session ended, as `sf` renews it.
    write(&format!(
        "case \"$2\" in\ndisplay) echo '{{\"result\":{{\"accessToken\":\"[REDACTED]\",\"instanceUrl\":\"{url}\"}}}}';;\n\
         auth) echo \"{{\\\"result\\\":{{\\\"accessToken\\\":\\\"$SF_ACCESS\\\"}}}}\";;\nesac"
    ));
    assert_says(&run(&world, &["describe", "sf", "Contact"], &path), 0, &["LastName"]);
    world.fault(json!({"on": "soql", "do": "expire-session"}));
    let ended = run(&world, &["check", "sf"], &path);
    assert_says(&ended, 4, &["INVALID_SESSION_ID", "sf org login web --alias sales"]);
    write(
        "echo '{\"name\":\"NamedOrgNotFoundError\",\"message\":\"No authorization information found for sales.\"}'; exit 1",
    );
    assert_says(&run(&world, &["describe", "sf", "Contact"], &path), 2, &["sf does not know the org", "sf org list"]);
}

#[test]
fn bad_input_is_one_clear_line_with_the_next_step() {
    let world = world();
    world.write("none.pem", "hunter2");
    let app = "client_id = \"APP\"\nclient_secret = \"env:SF_SECRET\"";
    let jwt = "client_id = \"APP\"\nusername = \"USER\"\nprivate_key = ";
    connect(&world, "nokey", &format!("{jwt}\"file:none.pem\""));
    connect(&world, "nofile", &format!("{jwt}\"file:missing.pem\""));
    connect(&world, "stranger", &format!("{}\"file:key.pem\"", jwt.replace("USER", "nobody@acme.example")));
    connect(&world, "noapp", &app.replace("APP", "3MVG9other"));
    connect(&world, "good", app);
    connect_to(&world, "generic", "https://login.salesforce.com", &app.replace("APP", "x"));
    connect_to(&world, "evil", "https://acme.my.salesforce.com.evil.example", &app.replace("APP", "x"));
    connect_to(&world, "pages", "https://acme.lightning.force.com", &app.replace("APP", "x"));
    connect_to(&world, "plain", "http://acme.my.salesforce.com", &app.replace("APP", "x"));
    for (name, code, parts) in [
        ("nokey", 2, ["private_key is not a key in PEM form", "BEGIN PRIVATE KEY"]),
        ("nofile", 2, ["private_key: cannot read", "missing.pem"]),
        ("stranger", 4, ["user hasn't approved this consumer", "pre-authorized"]),
        ("noapp", 4, ["invalid_client_id", "consumer key"]),
        ("generic", 2, ["do not work at https://login.salesforce.com", "My Domain"]),
        ("evil", 2, ["this host is not Salesforce's", "My Domain"]),
        ("pages", 2, ["INVALID_URL", "https://acme.my.salesforce.com"]),
        ("plain", 2, ["only travel over https", "Begin it with https"]),
    ] {
        let said = run(&world, &["describe", name, "Contact"], &[]);
        assert_says(&said, code, &parts);
        assert!(!said.err.contains("hunter2"));
    }
    let wrong = run(&world, &["describe", "good", "Contact"], &[("SF_SECRET", "wrong-secret")]);
    assert_says(&wrong, 4, &["invalid_client", "client_secret"]);
    assert!(!wrong.err.contains("wrong-secret"));
    for (state, part) in [("block", "OAUTH_APP_BLOCKED"), ("unapproved", "user hasn't approved this consumer")] {
        world.fault(json!({"on": "app", "do": state}));
        assert_says(&run(&world, &["describe", "good", "Contact"], &[]), 4, &[part, "app"]);
    }
}

fn line(said: &Said, check: &str) -> Value {
    let found = said.events().into_iter().find(|line| line["check"] == check);
    found.unwrap_or_else(|| panic!("no line {check} in {}", said.out))
}

#[test]
fn the_doctor_names_the_mapping_whose_field_may_not_be_written() {
    let world = world();
    let well = run(&world, &["check", "sales", "--json"], &[]);
    assert_eq!(well.code, 0, "{}", well.out);
    for (check, part) in [
        ("API version", "65.0"),
        ("API enabled", "yes"),
        ("user", "System Administrator"),
        ("org id", "00D"),
        ("fields of customers/contacts", "5 fields"),
        ("API calls left", "of 15000"),
    ] {
        let line = line(&well, check);
        assert!(line["state"] == "ok" && line["detail"].as_str().unwrap().contains(part), "{line}");
    }
    let rules = line(&well, "rules on Contact");
    assert_eq!(rules["state"], "warning");
    assert!(rules["detail"].as_str().unwrap().contains("Platinum_Needs_Phone"), "{rules}");

    world.fault(json!({"on": "field", "do": "read-only", "object": "Contact", "field": "Title"}));
    let refused = run(&world, &["check", "sales", "--json"], &[]);
    assert_eq!(refused.code, 4);
    let fields = line(&refused, "fields of customers/contacts");
    assert_eq!(fields["detail"], "Title is read-only for this user");
    assert!(fields["hint"].as_str().unwrap().contains("gondola grants sales"));
    world.fault(json!({"on": "object", "do": "no-create", "object": "Contact"}));
    let fields = line(&run(&world, &["check", "sales", "--json"], &[]), "fields of customers/contacts");
    assert!(fields["detail"].as_str().unwrap().contains("may not create Contact records"), "{fields}");
}

#[test]
fn the_doctor_tells_a_closed_api_and_state_of_another_org() {
    let world = world();
    world.fault(json!({"on": "soql", "do": "status", "status": 403, "error": "API_DISABLED_FOR_ORG", "times": 1}));
    let said = run(&world, &["check", "sales", "--json"], &[]);
    assert_eq!((said.code, &line(&said, "login")["state"]), (4, &json!("ok")));
    let api = line(&said, "API enabled");
    assert!(api["state"] == "failed" && api["hint"].as_str().unwrap().contains("\"API Enabled\""), "{api}");

    world.run();
    let store = gondola::store::Store::open(&world.home.path().join("state/gondola.db")).unwrap();
    store.set_org_of(MAPPING, "00D000000000009AAA").unwrap();
    let said = run(&world, &["check", "sales", "--json"], &[]);
    let org = line(&said, "org id");
    assert!(org["state"] == "failed" && org["detail"].as_str().unwrap().contains("00D000000000009AAA"), "{org}");
    let plan = run(&world, &["plan", MAPPING], &[]);
    assert_says(&plan, 2, &["was synced to the org 00D000000000009AAA", "snapshot is not true there"]);
}

#[test]
fn an_api_version_that_is_not_served_is_told_with_the_newest() {
    let world = world();
    connect(&world, "old", "client_id = \"APP\"\nclient_secret = \"env:SF_SECRET\"\napi_version = \"99.0\"");
    let said = run(&world, &["check", "old", "--json"], &[]);
    let version = line(&said, "API version");
    assert_eq!((said.code, &version["state"]), (4, &json!("failed")));
    assert!(version["hint"].as_str().unwrap().contains("api_version = \"65.0\""), "{version}");
}

#[test]
fn grants_are_printed_for_both_ends() {
    let world = world();
    world.fault(json!({"on": "field", "do": "read-only", "object": "Contact", "field": "Title"}));
    let said = run(&world, &["grants", "sales", "--json"], &[]);
    let set = &said.events()[0];
    assert_eq!((said.code, &set["name"], &set["api_enabled"]), (0, &json!("gondola_sales"), &json!(true)));
    let fields = set["fields"].as_array().unwrap();
    let title = fields.iter().find(|field| field["field"] == "Title").unwrap();
    assert_eq!((&title["edit"], &title["has"]), (&json!(true), &json!(false)));
    assert!(set["without_permission"].as_array().unwrap().contains(&json!("Contact.LastName")));
    assert!(fields.len() < FIVE_LINES.len());
    let text = run(&world, &["grants", "sales"], &[]);
    assert_says(&text, 0, &["Contact.Title", "MISSING", "API Enabled"]);
    let metadata = run(&world, &["grants", "sales", "--metadata"], &[]);
    assert_says(&metadata, 0, &["<field>Contact.Title</field>", "<name>ApiEnabled</name>"]);

    let said = run(&world, &["grants", "prod"], &[]);
    assert_says(
        &said,
        0,
        &["GRANT SELECT ON TABLE \"DEMO\".\"SALES\".\"CUSTOMERS\" TO ROLE", "GRANT USAGE ON WAREHOUSE"],
    );
    assert_says(&run(&world, &["grants", "prod", "--metadata"], &[]), 2, &["--metadata is for Salesforce"]);
    assert_says(&run(&world, &["grants", "nope"], &[]), 2, &["no connection `nope`", "prod"]);
    // Nobody answers: the set is printed all the same, and what is not known is said.
    connect_to(&world, "away", "http://127.0.0.1:9", "client_id = \"x\"\nclient_secret = \"env:SF_SECRET\"");
    world.write_mapping(&FIVE_LINES, "");
    let text = std::fs::read_to_string(world.path("models/customers/contacts.toml")).unwrap();
    world.write("models/customers/contacts.toml", text.replace("\"sales\"", "\"away\""));
    let said = run(&world, &["grants", "away"], &[]);
    assert_says(&said, 0, &["could not be asked", "Contact.Email"]);
}
