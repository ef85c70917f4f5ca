//! `kill -9` in the middle, again and again: what the next run or `resume` makes of it.

use std::time::{Duration, Instant};

use gondola::store::RunId;
use serde_json::{Value, json};

use super::super::support::wait_until;
use super::{Bench, assert_balanced, kill, number};

/// When a worker is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many calls or jobs are in the journal.
    Sent(i64),
    /// So many of them have an end.
    Answered(i64),
    /// So many rows have an outcome.
    Settled(i64),
    /// So many rows are in the org, whatever the journal says.
    Arrived(u64),
    /// So long after its first call was in the journal.
    After(Duration),
}

impl Moment {
    fn has_come(self, bench: &Bench, database: &rusqlite::Connection, begun: Option<Instant>) -> bool {
        let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        match self {
            Self::Sent(calls) => count("SELECT count(*) FROM journal") >= calls,
            Self::Answered(calls) => count("SELECT count(*) FROM journal WHERE answered") >= calls,
            Self::Settled(rows) => count("SELECT count(*) FROM row WHERE outcome IS NOT NULL") >= rows,
            Self::Arrived(rows) => bench.contacts() >= rows,
            Self::After(time) => begun.is_some_and(|begun| begun.elapsed() >= time),
        }
    }
}

/// Starts a run, kills its worker at that moment, and lets the next command make it whole. Returns
/// whether the worker was killed in the middle.
fn kill_once(api: &str, moment: Moment, fault: Option<&Value>, resume: bool) -> bool {
    let what = format!("{api}, {moment:?}, {fault:?}, resume {resume}");
    let bench = Bench::new(1_000, None, Duration::from_millis(15), api);
    let before = bench.contacts();
    if let Some(fault) = fault {
        bench.fault(fault.clone());
    }
    let (run, pid) = bench.detach(&[]);
    let planned = bench.store().run(run).unwrap().unwrap().books.actions;
    assert!(planned.create > 300 && planned.update > 0, "{what}: {planned:?}");
    let database = bench.sqlite();
    let mut begun = None;
    let ended = || database.query_row("SELECT count(*) FROM lease", [], |row| row.get::<_, i64>(0)).unwrap() == 0;
    while !moment.has_come(&bench, &database, begun) && !ended() {
        if begun.is_none() && Moment::Sent(1).has_come(&bench, &database, None) {
            begun = Some(Instant::now());
        }
        std::thread::yield_now();
    }
    kill(pid, "KILL");
    wait_until("the process is gone", || {
        bench.lease().is_none_or(|lease| lease.process.presence() == gondola::store::Presence::Gone)
    });
    let was_open = bench.lease().is_some();
    let seen = bench.gondola(&["runs", "--json"]).events().remove(0);
    assert_balanced(&seen);
    assert_eq!(seen["status"], if was_open { "failed" } else { "succeeded" }, "{what}: {seen}");
    let open = number(&seen["outcomes"]["unprocessed"]);
    let said = if resume && open > 0 { bench.on("resume", run) } else { bench.run() };
    let summary = said.summary();
    assert_eq!(summary["status"], "succeeded", "{what}: {summary}\n{}", said.err);
    assert_balanced(&summary);
    if resume && open > 0 {
        assert_eq!(number(&summary["outcomes"]["created"]), planned.create, "{what}: {summary}");
        assert_eq!(number(&summary["outcomes"]["updated"]), planned.update, "{what}: {summary}");
        assert_eq!(RunId(summary["run"].as_i64().unwrap()), run);
    }
    assert_eq!(bench.contacts(), before + planned.create, "{what}: {summary}");
    bench.assert_whole(before + planned.create);
    was_open && open > 0
}

fn kill_often(api: &str, moments: &[Moment], faults: &[Option<Value>]) {
    // Most of each is waiting: they wait together.
    let killed: Vec<bool> = std::thread::scope(|scope| {
        let begun: Vec<_> = moments
            .iter()
            .enumerate()
            .map(|(at, moment)| {
                let fault = faults[at % faults.len()].as_ref();
                scope.spawn(move || kill_once(api, *moment, fault, at % 2 == 0))
            })
            .collect();
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let in_the_middle = killed.iter().filter(|killed| **killed).count();
    println!("{api}: {in_the_middle} of {} killed in the middle", killed.len());
    assert!(in_the_middle * 2 >= killed.len(), "too few were killed in the middle: {killed:?}");
}

#[test]
fn a_worker_killed_between_calls_loses_and_doubles_nobody() {
    use Moment::{After, Answered, Arrived, Sent, Settled};
    let lost = |after: u64| Some(json!({"on": "collections", "do": "drop-after-commit", "times": 1, "after": after}));
    kill_often(
        "collections",
        &[
            Sent(0),
            Sent(1),
            Sent(2),
            Answered(1),
            Sent(4),
            Settled(1),
            Arrived(700),
            After(Duration::from_millis(40)),
            Settled(300),
            After(Duration::from_millis(90)),
        ],
        &[None, lost(0), lost(2), None, lost(1)],
    );
}

#[test]
fn a_worker_killed_around_packed_calls_loses_and_doubles_nobody() {
    use Moment::{After, Answered, Arrived, Sent, Settled};
    let lost = |after: u64| Some(json!({"on": "composite", "do": "drop-after-commit", "times": 1, "after": after}));
    kill_often(
        "composite",
        &[Sent(1), Sent(1), Answered(1), Sent(2), Settled(1), Arrived(600), After(Duration::from_millis(20)), Sent(2)],
        &[None, lost(0), lost(1)],
    );
}

#[test]
fn a_worker_killed_around_a_job_loses_and_doubles_nobody() {
    use Moment::{After, Answered, Sent, Settled};
    let fault = |on: &str, what: &str| Some(json!({"on": on, "do": what, "times": 1}));
    kill_often(
        "bulk",
        &[
            Sent(1),
            Sent(1),
            Sent(2),
            Answered(1),
            After(Duration::from_millis(25)),
            Sent(2),
            Settled(1),
            After(Duration::from_millis(60)),
            After(Duration::from_millis(700)),
            After(Duration::from_millis(1_500)),
        ],
        &[
            None,
            fault("bulk-upload", "drop-after-commit"),
            fault("bulk-close", "drop-after-commit"),
            fault("bulk", "job-delay"),
            fault("bulk-create", "drop-after-commit"),
        ],
    );
}

#[test]
fn a_worker_that_is_killed_twice_goes_on_from_where_it_was() {
    let bench = Bench::new(4_000, Some(0), Duration::from_millis(40), "collections");
    let (run, first) = bench.detach(&[]);
    bench.wait_for_rows(1);
    kill(first, "KILL");
    wait_until("it can be resumed", || {
        let said = bench.gondola(&["resume", &run.to_string(), "--detach", "--json"]);
        said.code == 0
    });
    let before = bench.contacts();
    bench.wait_for_rows(before + 1);
    let second = bench.lease().unwrap().process.pid;
    assert_ne!(first, second);
    kill(second, "KILL");
    let said = bench.on("attach", run);
    assert_eq!((said.code, &said.summary()["status"]), (1, &json!("failed")), "{}", said.err);
    assert_balanced(&said.summary());
    let summary = bench.on("resume", run).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_plan_that_is_killed_is_noticed_and_made_anew() {
    let bench = Bench::new(3_000, Some(0), Duration::from_millis(100), "collections");
    let mut planning = bench.command(&["plan", super::MAPPING]);
    let mut planning =
        planning.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_until("it is planning", || bench.lease().is_some());
    planning.kill().unwrap();
    planning.wait().unwrap();
    let runs = bench.gondola(&["runs", "--json"]).events();
    assert!(runs[0]["message"].as_str().unwrap().contains("while the plan was made"), "{}", runs[0]);
    let summary = bench.run().summary();
    assert_eq!(summary["status"], "succeeded");
}

#[test]
fn a_create_that_nothing_can_find_is_never_sent_twice() {
    let bench = Bench::new(600, Some(0), Duration::from_millis(40), "collections");
    let mapping = std::fs::read_to_string(bench.path("models/customers/contacts.toml")).unwrap();
    let blind: String = mapping
        .lines()
        .map(|line| if line.starts_with("match") { "operation = \"create\"\n".to_owned() } else { format!("{line}\n") })
        .collect();
    bench.write("models/customers/contacts.toml", blind);
    let (run, pid) = bench.detach(&[]);
    bench.wait_for_rows(1);
    kill(pid, "KILL");
    wait_until("it is gone", || {
        bench.lease().is_none_or(|lease| lease.process.presence() == gondola::store::Presence::Gone)
    });
    let said = bench.on("resume", run);
    let resumed = said.summary();
    assert_balanced(&resumed);
    let doubtful = number(&resumed["outcomes"]["unprocessed"]);
    // What was in flight may have arrived: nobody can know, so a person decides.
    let next = bench.run().summary();
    assert_eq!(number(&next["actions"]["hold"]), doubtful, "{next}");
    let known = number(&resumed["outcomes"]["created"]);
    assert!((known..=known + doubtful).contains(&bench.contacts()), "{resumed}");
    assert_eq!(bench.doubled(), 0);
}

#[test]
fn a_call_that_is_under_way_when_its_sender_dies_is_waited_for() {
    for resume in [true, false] {
        let bench = Bench::new(150, Some(0), Duration::ZERO, "collections");
        // Salesforce takes its time, and commits long after nobody listens any more.
        bench.fault(json!({"on": "collections", "do": "delay", "delay_ms": 2_500, "times": 1}));
        let (run, pid) = bench.detach(&[]);
        wait_until("the call is made", || bench.calls("salesforce.collections.create") > 0);
        kill(pid, "KILL");
        let said = if resume { bench.on("resume", run) } else { bench.run() };
        let summary = said.summary();
        assert_eq!(summary["status"], "succeeded", "{summary}\n{}", said.err);
        bench.assert_whole(number(&summary["extracted"]));
    }
}
