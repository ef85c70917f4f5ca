//! Runs and terminals: one that is closed, one on which a secret is typed.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::support::{MAPPING, wait_until};
use super::{Bench, number};

/// The program in a terminal whose other side is a process (`script`) that can be killed: then the
/// terminal is gone, as when a window is closed or a line drops.
struct Hosted {
    host: Child,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Hosted {
    fn start(bench: &Bench, arguments: &str) -> Self {
        let inside = format!("stty rows 24 cols 80; exec {} {arguments}", env!("CARGO_BIN_EXE_gondola"));
        let mut host = Command::new("script");
        if cfg!(target_os = "macos") {
            host.args(["-q", "/dev/null", "sh", "-c", &inside]);
        } else {
            host.args(["-qfec", &inside, "/dev/null"]);
        }
        host.env("SHELL", "/bin/sh").env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env("NO_COLOR", "1");
        host.env("GONDOLA_HOME", bench.home.path())
            .env("SNOW_PASSWORD", &bench.ready().snowflake.password)
            .env("SF_SECRET", &bench.ready().salesforce.client_secret);
        let mut host = host.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::default()));
        let (seen, mut output) = (screen.clone(), host.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().process(&bytes[..read]);
            }
        });
        Self { host, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn see(&self, what: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.text().contains(what) {
            assert!(Instant::now() < end, "`{what}` does not come. The screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) {
        let keyboard = self.host.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// The terminal is gone.
    fn hang_up(mut self) {
        self.host.kill().unwrap();
        self.host.wait().unwrap();
    }
}

#[test]
fn a_sync_goes_on_when_its_terminal_is_closed_and_is_seen_again() {
    let bench = Bench::new(5_000, Some(0), Duration::from_millis(150), "collections");
    let mut terminal = Hosted::start(&bench, "");
    terminal.see("contacts");
    terminal.press("\r");
    terminal.see("make the plan");
    terminal.press("\r");
    terminal.see("nothing is written yet");
    terminal.press("s");
    terminal.see("Send this plan?");
    terminal.press("y");
    terminal.see("it goes on when you leave");
    bench.wait_for_rows(1);
    // The list is not behind what has arrived.
    terminal.see("✓ created");
    let pid = bench.lease().unwrap().process.pid;
    terminal.hang_up();
    let arrived = bench.contacts();

    // Whoever comes back sees it go on, on the screen of the mapping, and leaves it so.
    let mut again = Hosted::start(&bench, "");
    again.see("running");
    again.press("\r");
    again.see("writing");
    again.press("q");
    wait_until("the screen is left", || again.host.try_wait().unwrap().is_some());
    wait_until("the words are there", || again.text().contains("gondola attach 1"));
    assert!(bench.lease().is_some_and(|lease| lease.process.pid == pid), "the run still goes");

    let said = bench.gondola(&["attach", "1", "--json"]);
    let summary = said.summary();
    assert_eq!((said.code, &summary["status"]), (0, &json!("succeeded")), "{}", said.err);
    assert!(arrived < number(&summary["outcomes"]["created"]), "it was further on");
    assert_eq!(bench.store().run(gondola::store::RunId(1)).unwrap().unwrap().pid, pid, "one process did it all");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn a_run_that_was_let_go_outlives_the_terminal_it_was_started_on() {
    let bench = Bench::slow(2_000);
    let terminal = Hosted::start(&bench, &format!("run {MAPPING} --yes --detach"));
    terminal.see("follow it with: gondola attach 1");
    terminal.hang_up();
    let summary = bench.gondola(&["attach", "1", "--json"]).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    bench.assert_whole(number(&summary["extracted"]));
}

#[test]
fn following_shows_one_line_and_ctrl_c_ends_only_that() {
    let bench = Bench::slow(4_000);
    let (run, _) = bench.detach(&[]);
    bench.wait_for_rows(1);
    let mut terminal = Hosted::start(&bench, &format!("attach {run}"));
    terminal.see(&format!("run {run}: writing"));
    terminal.press("\x03");
    terminal.see(&format!("run {run} goes on"));
    assert!(bench.lease().is_some());
    assert_eq!(bench.on("attach", run).summary()["status"], "succeeded");
}

#[test]
fn a_secret_that_is_typed_reaches_the_worker_and_nobody_else() {
    let bench = Bench::slow(1_500);
    let plan = bench.gondola(&["plan", MAPPING, "--json"]).summary()["run"].to_string();
    let secret = bench.ready().salesforce.client_secret.clone();
    let text = std::fs::read_to_string(bench.path("connections.toml")).unwrap();
    bench.write("connections.toml", text.replace("env:SF_SECRET", "ask"));
    // No terminal: nobody can type it, and that is said before anything begins.
    let nobody = Command::new("setsid").args(["-w", "true"]).status().is_ok();
    if nobody {
        let mut command = Command::new("setsid");
        command.args(["-w", env!("CARGO_BIN_EXE_gondola"), "run", MAPPING, "--plan", &plan, "--detach"]);
        command.env("GONDOLA_HOME", bench.home.path()).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("must be typed"));
    }
    let mut terminal = Hosted::start(&bench, &format!("run {MAPPING} --plan {plan} --detach"));
    terminal.see("[salesforce.sales] client_secret:");
    terminal.press(&format!("{secret}\n"));
    terminal.see("goes on by itself");
    let pid = bench.lease().map(|lease| lease.process.pid);
    if let Some(arguments) = pid.and_then(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).ok()) {
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        assert!(arguments.trim_end().ends_with(&format!("worker {plan}")), "{arguments}");
    }
    assert!(!terminal.text().contains(&secret), "it is not shown");
    terminal.hang_up();
    let summary = bench.gondola(&["attach", &plan, "--json"]).summary();
    assert_eq!(summary["status"], "succeeded", "{summary}");
    for (path, bytes) in super::super::support::files(&bench.home.path().join("state")) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "the secret is in {}", path.display());
    }
}
