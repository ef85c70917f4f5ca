//! The real program in a real terminal: typed at, looked at, ended.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A terminal with the program in it.
struct Session {
    screen: Arc<Mutex<vt100::Parser>>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Session {
    fn start(home: &std::path::Path, arguments: &[&str]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gondola"));
        command.args(arguments);
        for (key, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("COLORTERM", ""), ("NO_COLOR", "")] {
            command.env(key, value);
        }
        command.env("GONDOLA_HOME", home);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::default()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().process(&bytes[..read]);
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { screen, keyboard, child, master: pair.master }
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
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for the end; the terminal must have been given back.
    fn ends(&mut self) -> u32 {
        let end = Instant::now() + Duration::from_secs(30);
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.exit_code();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        };
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let screen = self.screen.lock().unwrap();
            let given_back = !screen.screen().alternate_screen() && !screen.screen().hide_cursor();
            drop(screen);
            if given_back {
                return code;
            }
            assert!(Instant::now() < end, "the terminal was not given back");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Ends the demo's sandbox with the test.
struct Home(tempfile::TempDir);

impl Drop for Home {
    fn drop(&mut self) {
        let ready = self.0.path().join("state/demo/sandbox.json");
        if let Ok(ready) = gondola::sandbox::Ready::read(&ready) {
            let _ = std::process::Command::new("kill").arg(ready.pid.to_string()).status();
        }
    }
}

const ENTER: &str = "\r";
const CTRL_R: &str = "\x12";

#[test]
fn a_newcomer_goes_from_nothing_to_synced_contacts_and_finds_it_again() {
    let home = Home(tempfile::tempdir().unwrap());
    let mut demo = Session::start(home.0.path(), &["demo"]);
    demo.see("connect and start");
    demo.press(ENTER);
    demo.see("Both ends answer");
    demo.press(ENTER);
    demo.see("SELECT * FROM DEMO.SALES.CUSTOMERS");
    demo.press(CTRL_R);
    demo.see("O'Brien");
    demo.press("3");
    demo.see("Name this model");
    demo.press(ENTER);
    demo.see("0 drawn");
    demo.press("a");
    demo.see("proposals");
    demo.press("A");
    demo.see("11 drawn");
    // EMAIL is the fourth column.
    demo.press("jj");
    demo.see(">EMAIL");
    demo.press("m");
    demo.see("by Email");
    demo.press("4");
    demo.see("make the plan");
    demo.press(ENTER);
    demo.see("create 3   update 2   skip 0   hold 0   reject 0");
    demo.press("s");
    demo.see("Send this plan?");
    demo.press("y");
    demo.see("created 3");
    demo.press("q");
    assert_eq!(demo.ends(), 0);

    let mapping =
        std::fs::read_to_string(home.0.path().join("state/demo/config/models/customers/contact.toml")).unwrap();
    for part in [
        "object = \"Contact\"",
        "match = { all = [{ column = \"EMAIL\", field = \"Email\" }] }",
        "field = \"LastName\"",
    ] {
        assert!(mapping.contains(part), "`{part}` is not in\n{mapping}");
    }

    let mut again = Session::start(home.0.path(), &["demo"]);
    again.see("customers");
    again.press("q");
    assert_eq!(again.ends(), 0);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let home = Home(tempfile::tempdir().unwrap());
    let mut session = Session::start(home.0.path(), &[]);
    session.see("gondola");
    let pid = session.child.process_id().unwrap();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    session.ends();
}

#[test]
fn a_terminal_that_is_too_small_is_told_so_and_loses_nothing() {
    let home = Home(tempfile::tempdir().unwrap());
    let mut session = Session::start(home.0.path(), &[]);
    session.see("gondola");
    session.master.resize(PtySize { rows: 10, cols: 40, pixel_width: 0, pixel_height: 0 }).unwrap();
    session.see("80x24");
    session.master.resize(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    session.see("Home");
    session.press("q");
    assert_eq!(session.ends(), 0);
}
