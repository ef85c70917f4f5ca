//! A disk that is full in the middle of a run.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::super::support::{MAPPING, Said};
use super::{Bench, assert_balanced, number};

/// Runs the program with a limit on how long a file may become: what is written beyond it fails as
/// on a full disk (`EFBIG`; the signal that comes with it is ignored).
fn on_a_full_disk(bench: &Bench, kilobytes: u64, arguments: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_gondola");
    // In blocks of 512 bytes, as POSIX has it for `sh`.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec {program} {arguments}", kilobytes * 2);
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("GONDOLA_HOME", bench.home.path())
        .env("SNOW_PASSWORD", &bench.ready().snowflake.password)
        .env("SF_SECRET", &bench.ready().salesforce.client_secret)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said::of(&output)
}

/// The plan of a run that is too much for what is left of the disk.
fn planned(bench: &Bench) -> String {
    bench.gondola(&["plan", MAPPING, "--json"]).summary()["run"].to_string()
}

/// What was sent is in the journal; what was written down is true; the rest arrives later.
fn assert_goes_on(bench: &Bench, run: &str) {
    let sent = bench.calls("salesforce.collections.create");
    let journal: i64 = bench.sqlite().query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert!(sent <= journal.cast_unsigned(), "{sent} calls were made, {journal} are in the journal");
    assert!(sent < 15, "nothing is sent when it cannot be written down: {sent} calls");
    let seen = bench.gondola(&["runs", "--json"]).events().remove(0);
    assert_eq!(seen["status"], "failed", "{seen}");
    assert_balanced(&seen);
    assert!(number(&seen["outcomes"]["unprocessed"]) > 0, "{seen}");
    assert!(bench.contacts() >= number(&seen["outcomes"]["created"]));
    let said = bench.gondola(&["resume", run, "--json"]);
    let summary = said.summary();
    assert_eq!(summary["status"], "succeeded", "{summary}\n{}", said.err);
    assert_balanced(&summary);
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_full_disk_ends_a_run_and_a_resume_finishes_it() {
    let bench = Bench::new(3_000, Some(0), Duration::from_millis(20), "collections");
    let run = planned(&bench);
    let said = on_a_full_disk(&bench, 1_200, &format!("run {MAPPING} --plan {run} --json"));
    assert_eq!(said.code, 1, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("cannot be written"), "{}", said.err);
    assert!(said.err.contains(&format!("gondola resume {run}")), "{}", said.err);
    let told = said.events().pop().unwrap();
    assert_eq!(told["event"], "error", "{told}");
    assert_goes_on(&bench, &run);
}

#[test]
fn a_full_disk_ends_a_worker_and_a_resume_finishes_it() {
    let bench = Bench::new(3_000, Some(0), Duration::from_millis(20), "collections");
    let run = planned(&bench);
    let said = on_a_full_disk(&bench, 1_200, &format!("run {MAPPING} --plan {run} --detach"));
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    let said = bench.gondola(&["attach", &run, "--json"]);
    let summary = said.summary();
    assert_eq!((said.code, &summary["status"]), (1, &json!("failed")), "{}", said.err);
    assert!(summary["message"].as_str().unwrap().contains(&format!("gondola resume {run}")), "{summary}");
    assert_goes_on(&bench, &run);
}
