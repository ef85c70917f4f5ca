//! Runs that cannot be broken: left alone, hung up on, started twice, paused, stopped, taken over.

mod disk;
mod killed;
mod terminal;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use gondola::sandbox::Options;
use gondola::store::{Lease, RunId, Store};
use serde_json::{Value, json};

use super::support::{FIVE_LINES, MAPPING, Said, World, wait_until};

/// Clean customers only, each with an address of its own.
fn clean(rows: usize) -> String {
    format!(
        "SELECT * FROM CUSTOMERS WHERE CUSTOMER_ID > 40 AND CUSTOMER_ID <= {} AND LAST_NAME IS NOT NULL \
         AND LENGTH(COALESCE(TITLE, '')) <= 128 AND POSITION('@' IN EMAIL) > 0",
        40 + rows
    )
}

/// A world in which runs go on by themselves; what is left of them ends with it.
struct Bench {
    world: World,
    /// Addresses that are in the org twice from the start.
    doubled: usize,
}

impl std::ops::Deref for Bench {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for lease in self.store().leases().unwrap_or_default() {
            if lease.process.pid != std::process::id() {
                kill(lease.process.pid, "KILL");
            }
        }
    }
}

impl Bench {
    fn new(rows: usize, contacts: Option<usize>, latency: Duration, api: &str) -> Self {
        let world = World::new(Options { rows: rows + 100, contacts, latency, ..Options::default() });
        world.write_model(&clean(rows));
        world.write_mapping(&FIVE_LINES, &format!("api = \"{api}\""));
        let mut bench = Self { world, doubled: 0 };
        bench.doubled = bench.doubled();
        bench
    }

    /// How many addresses are in the org more than once.
    fn doubled(&self) -> usize {
        self.soql("SELECT Email, COUNT(Id) FROM Contact WHERE Email != null GROUP BY Email HAVING COUNT(Id) > 1").len()
    }

    /// Slow enough to do something in the middle.
    fn slow(rows: usize) -> Self {
        Self::new(rows, Some(0), Duration::from_millis(200), "collections")
    }

    fn database(&self) -> PathBuf {
        self.home.path().join("state/gondola.db")
    }

    /// The store as anybody may open it.
    fn store(&self) -> Store {
        Store::open(&self.database()).unwrap()
    }

    /// The database as it is, without the program.
    fn sqlite(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        connection
    }

    /// Starts a run by itself: its number and its process.
    fn detach(&self, more: &[&str]) -> (RunId, u32) {
        let said = self.gondola(&[&["run", MAPPING, "--yes", "--detach", "--json"], more].concat());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let started = said.events().pop().unwrap();
        assert_eq!(started["event"], "started");
        (RunId(started["run"].as_i64().unwrap()), u32::try_from(number(&started["process"])).unwrap())
    }

    fn on(&self, command: &str, run: RunId) -> Said {
        self.gondola(&[command, &run.to_string(), "--json"])
    }

    fn lease(&self) -> Option<Lease> {
        if !self.database().exists() {
            return None;
        }
        self.store().lease_of(MAPPING).unwrap()
    }

    /// Waits until rows have arrived.
    fn wait_for_rows(&self, rows: u64) {
        wait_until("rows arrive", || self.contacts() >= rows);
    }

    /// Nobody is there twice, and nothing is left to do.
    fn assert_whole(&self, contacts: u64) {
        assert_eq!(self.contacts(), contacts);
        assert_eq!(self.doubled(), self.doubled);
        let again = self.run().summary();
        assert_eq!(again["changes"]["unchanged"], again["extracted"], "{again}");
        assert_eq!(self.contacts(), contacts);
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn kill(pid: u32, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Every row that was to be written has one outcome, and all of them are there.
fn assert_balanced(summary: &Value) {
    let (actions, outcomes) = (&summary["actions"], &summary["outcomes"]);
    let sum = |counts: &Value, words: &[&str]| words.iter().map(|word| number(&counts[*word])).sum::<u64>();
    assert_eq!(
        sum(actions, &["create", "update", "delete"]),
        sum(outcomes, &["created", "updated", "deleted", "failed", "unprocessed"]),
        "{summary}"
    );
    assert_eq!(
        number(&summary["extracted"]),
        sum(&summary["changes"], &["added", "updated", "unchanged", "invalid"]),
        "{summary}"
    );
}

#[test]
fn a_run_that_was_let_go_ends_by_itself_and_is_followed() {
    let bench = Bench::slow(1_500);
    let (run, pid) = bench.detach(&[]);
    let lease = bench.lease().unwrap();
    assert_eq!((lease.run, lease.process.pid), (run, pid));
    let runs = bench.gondola(&["runs", "--json"]).events();
    assert_eq!(runs[0]["status"], "running");
    assert_eq!(runs[0]["live"]["process"], pid);
    let said = bench.on("attach", run);
    let summary = said.summary();
    assert_eq!((said.code, &summary["status"]), (0, &json!("succeeded")), "{}", said.err);
    assert_eq!(said.rows().len() as u64, number(&summary["extracted"]));
    assert!(said.rows().iter().all(|row| row["outcome"] == "created" && row["id"].is_string()));
    assert_balanced(&summary);
    bench.assert_whole(number(&summary["extracted"]));
    // Attached to later, it is told all the same.
    assert_eq!(bench.on("attach", run).summary()["outcomes"], summary["outcomes"]);
}

#[test]
fn a_hang_up_does_not_end_a_run() {
    let bench = Bench::slow(1_500);
    let (run, pid) = bench.detach(&[]);
    for _ in 0..5 {
        kill(pid, "HUP");
    }
    let said = bench.on("attach", run);
    assert_eq!(said.summary()["status"], "succeeded", "{}", said.err);
    assert_eq!(bench.store().run(run).unwrap().unwrap().pid, pid, "it was that process, not one after it");
}

#[test]
fn a_run_pauses_and_goes_on() {
    let bench = Bench::slow(8_000);
    let (run, _) = bench.detach(&[]);
    bench.wait_for_rows(1);
    let said = bench.on("pause", run);
    let paused = said.summary();
    assert_eq!((&paused["live"]["phase"], said.code), (&json!("paused"), 0), "{}", said.err);
    let arrived = bench.contacts();
    assert!(arrived < number(&paused["extracted"]), "{paused}");
    // Its heart goes on; nothing else does.
    let beat = bench.lease().unwrap().beat;
    wait_until("a sign of life", || bench.lease().unwrap().beat > beat);
    assert_eq!(bench.contacts(), arrived);
    assert!(bench.gondola(&["runs"]).out.contains("paused"));

    assert_eq!(bench.on("resume", run).code, 0);
    let summary = bench.on("attach", run).summary();
    assert_eq!(summary["status"], "succeeded");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_run_that_was_stopped_goes_on_with_what_is_open() {
    let bench = Bench::slow(8_000);
    let (run, _) = bench.detach(&[]);
    bench.wait_for_rows(1);
    let said = bench.on("stop", run);
    let stopped = said.summary();
    assert_eq!((said.code, &stopped["status"]), (0, &json!("stopped")), "{}", said.err);
    assert_balanced(&stopped);
    let (created, open) = (number(&stopped["outcomes"]["created"]), number(&stopped["outcomes"]["unprocessed"]));
    assert!(open > 0 && bench.contacts() == created, "{stopped}");
    assert!(stopped["message"].as_str().unwrap().contains(&format!("gondola resume {run}")), "{stopped}");

    let calls = bench.calls("salesforce.collections.create");
    let said = bench.on("resume", run);
    let summary = said.summary();
    assert_eq!((said.code, &summary["run"], &summary["status"]), (0, &json!(run), &json!("succeeded")), "{}", said.err);
    assert_balanced(&summary);
    assert_eq!(bench.calls("salesforce.collections.create") - calls, open.div_ceil(200), "only what was open is sent");
    bench.assert_whole(created + open);
    let twice = bench.on("resume", run);
    assert_eq!(twice.code, 2, "{}", twice.err);
    assert!(twice.err.contains("none of its rows is open"), "{}", twice.err);
}

#[test]
fn a_bulk_job_is_aborted_and_its_rows_stay_open() {
    let bench = Bench::new(600, Some(0), Duration::ZERO, "bulk");
    bench.fault(json!({"on": "bulk", "do": "job-delay", "delay_ms": 30_000}));
    let (run, _) = bench.detach(&[]);
    wait_until("the job is looked at", || bench.calls("salesforce.bulk.status") > 0);
    let stopped = bench.on("stop", run).summary();
    assert_eq!(stopped["status"], "stopped", "{stopped}");
    assert_balanced(&stopped);
    assert_eq!(bench.contacts(), number(&stopped["outcomes"]["created"]));
    let summary = bench.on("resume", run).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn who_comes_second_is_told_who_is_first() {
    let bench = Bench::slow(6_000);
    let (run, pid) = bench.detach(&[]);
    // It is there as long as this takes.
    assert_eq!(bench.on("pause", run).code, 0);
    let plan = run.to_string();
    for command in [
        &["run", MAPPING, "--yes"][..],
        &["run", MAPPING, "--yes", "--detach"],
        &["run", MAPPING, "--plan", &plan, "--detach"],
        &["run", MAPPING, "--plan", &plan],
        &["plan", MAPPING],
        &["reset", MAPPING, "--yes"],
    ] {
        let said = bench.gondola(command);
        assert_eq!(said.code, 1, "{command:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(&format!("run {run} of {MAPPING}")), "{command:?}: {}", said.err);
        assert!(said.err.contains(&format!("process {pid}")), "{command:?}: {}", said.err);
    }
    // A run that is going is not begun again: it is told to go on.
    let said = bench.gondola(&["resume", &plan, "--detach"]);
    assert!(said.code == 0 && said.out.contains("goes on"), "{}", said.err);
    let summary = bench.on("attach", run).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn of_several_that_begin_at_once_one_writes() {
    let bench = Bench::slow(800);
    let begun: Vec<_> = (0..4)
        .map(|_| {
            let mut command = bench.command(&["run", MAPPING, "--yes", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let said: Vec<Said> = begun.into_iter().map(|child| Said::of(&child.wait_with_output().unwrap())).collect();
    let (mut created, mut refused) = (0, 0);
    for said in &said {
        match said.code {
            0 => created += number(&said.summary()["outcomes"]["created"]),
            1 => {
                assert!(said.err.contains("is going on (process"), "{}", said.err);
                refused += 1;
            }
            other => panic!("{other}: {}", said.err),
        }
    }
    assert!(refused > 0, "they did not meet");
    bench.assert_whole(created);
}

#[test]
fn of_several_workers_for_one_plan_one_has_it() {
    let bench = Bench::slow(800);
    let plan = bench.gondola(&["plan", MAPPING, "--json"]).summary()["run"].to_string();
    let begun: Vec<_> = (0..3)
        .map(|_| {
            let mut command = bench.command(&["run", MAPPING, "--plan", &plan, "--detach"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let codes: Vec<_> = begun.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    let summary = bench.gondola(&["attach", &plan, "--json"]).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_process_that_lost_its_run_sends_nothing_more() {
    let bench = Bench::slow(4_000);
    let (run, pid) = bench.detach(&[]);
    bench.wait_for_rows(1);
    // As if another process had taken it for dead.
    bench.sqlite().execute("UPDATE lease SET token = 'somebody else'", []).unwrap();
    let gone = || !PathBuf::from(format!("/proc/{pid}/stat")).exists();
    if PathBuf::from("/proc/self/stat").exists() {
        wait_until("the process ends", gone);
    }
    let arrived = bench.contacts();
    let runs = bench.gondola(&["runs", "--json"]).events();
    assert_eq!(runs[0]["status"], "failed", "{}", runs[0]);
    assert_balanced(&runs[0]);
    assert!(arrived < number(&runs[0]["extracted"]));
    let summary = bench.on("resume", run).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_clock_that_was_set_back_breaks_nothing() {
    let bench = Bench::slow(6_000);
    let (run, pid) = bench.detach(&[]);
    bench.wait_for_rows(1);
    kill(pid, "KILL");
    // All that was written, was written in a time that has not come yet.
    let future = "2094-01-01T00:00:00Z";
    let database = bench.sqlite();
    for sql in [
        "UPDATE run SET started_at = ?1",
        "UPDATE journal SET sent_at = ?1",
        "UPDATE described SET read_at = ?1, checked_at = ?1",
    ] {
        database.execute(sql, [future]).unwrap();
    }
    let runs = bench.gondola(&["runs", "--json"]).events();
    assert_eq!(runs[0]["status"], "failed", "{}", runs[0]);
    let summary = bench.on("resume", run).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    database.execute("UPDATE run SET started_at = ?1, finished_at = ?1", [future]).unwrap();
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn what_a_later_run_took_up_is_not_resumed() {
    let bench = Bench::slow(8_000);
    let (run, _) = bench.detach(&[]);
    bench.wait_for_rows(1);
    bench.on("stop", run);
    let next = bench.run().summary();
    assert_eq!(next["status"], "succeeded", "{next}");
    let said = bench.on("resume", run);
    assert_eq!(said.code, 2);
    assert!(said.err.contains(&format!("run {} has taken up", next["run"])), "{}", said.err);
}

#[test]
fn requests_to_what_is_not_going_say_so() {
    let bench = Bench::new(60, Some(0), Duration::ZERO, "collections");
    let done = RunId(bench.run().summary()["run"].as_i64().unwrap());
    for command in ["pause", "stop"] {
        let said = bench.on(command, done);
        assert_eq!(said.code, 2, "{command}");
        assert!(said.err.contains("is not going on: it has succeeded"), "{command}: {}", said.err);
        assert_eq!(said.events()[0]["event"], "error");
    }
    bench.sql("UPDATE CUSTOMERS SET PHONE = '+1' WHERE CUSTOMER_ID = 50");
    let plan = RunId(bench.gondola(&["plan", MAPPING, "--json"]).summary()["run"].as_i64().unwrap());
    for command in ["attach", "pause", "stop", "resume"] {
        let said = bench.on(command, plan);
        assert_eq!(said.code, 2, "{command}");
        assert!(said.err.contains("not applied") && said.err.contains("--plan"), "{command}: {}", said.err);
        assert!(bench.on(command, RunId(99)).err.contains("there is no run 99"), "{command}");
    }
    let model = bench.gondola(&["run", "customers", "--yes", "--detach"]);
    assert!(model.code == 2 && model.err.contains("--detach starts one run"), "{}", model.err);
}
