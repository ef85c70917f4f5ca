//! Who a process is, so that it is never taken for another one, and whether it is still there.
//!
//! A process number alone is used again after a while. Together with when that process was born and
//! the machine's start it means one process for ever. No clock is asked.

use std::process::Command;
use std::sync::OnceLock;

/// A process, for as long as anybody may ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The start of the machine that it runs on: another word after each.
    pub boot: String,
    /// Where its number means something: containers on one machine number for themselves.
    pub namespace: String,
    /// When it was born, in the system's words.
    pub born: String,
}

/// Whether a process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It runs, or is stopped and may go on.
    There,
    /// It has ended.
    Gone,
    /// It cannot be seen from here.
    Unseen,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Process> = OnceLock::new();
        CURRENT
            .get_or_init(|| {
                let pid = std::process::id();
                Self { pid, boot: boot(), namespace: namespace(), born: born(pid).unwrap_or_default() }
            })
            .clone()
    }

    /// Whether it is there.
    pub fn presence(&self) -> Presence {
        let here = Self::current();
        if *self == here {
            return Presence::There;
        }
        // The state file is shared through memory (SQLite's WAL), so by processes of one machine
        // only: another start of it has ended them all.
        if self.boot != here.boot {
            return Presence::Gone;
        }
        if self.namespace != here.namespace {
            return Presence::Unseen;
        }
        if born(self.pid).is_some_and(|born| born == self.born) { Presence::There } else { Presence::Gone }
    }
}

fn boot() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    told.or_else(|| first_line("sysctl", &["-n", "kern.bootsessionuuid"])).unwrap_or_default().trim().to_owned()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
}

/// When a process was born; `None` when there is none, or only what is left of it until its parent
/// has asked how it ended.
fn born(pid: u32) -> Option<String> {
    if std::path::Path::new("/proc/self/stat").exists() {
        return born_by_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    }
    let told = first_line("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()])?;
    let (state, born) = told.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| born.trim().to_owned())
}

/// Field 22 of `/proc/PID/stat` (proc(5)): clock ticks from the machine's start to the process's.
/// The name in brackets may hold anything, brackets too.
fn born_by_stat(stat: &str) -> Option<String> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned).filter(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_another_of_its_number_is_not() {
        let this = Process::current();
        assert_eq!(this.presence(), Presence::There);
        assert_eq!(Process { born: "1".into(), ..this.clone() }.presence(), Presence::Gone);
        assert_eq!(Process { boot: "before".into(), ..this.clone() }.presence(), Presence::Gone);
        assert_eq!(Process { namespace: "a container".into(), ..this }.presence(), Presence::Unseen);
    }

    #[test]
    fn a_process_that_ended_is_gone_even_before_its_parent_asks() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let other = Process { pid: child.id(), born: born(child.id()).unwrap(), ..Process::current() };
        assert_eq!(other.presence(), Presence::There);
        child.kill().unwrap();
        while other.presence() != Presence::Gone {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(other.presence(), Presence::Gone);
    }

    #[test]
    fn a_name_with_brackets_does_not_move_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2 3";
        assert_eq!(born_by_stat(stat).as_deref(), Some("987654"));
        assert_eq!(born_by_stat(&stat.replace(") S ", ") Z ")), None);
    }
}
