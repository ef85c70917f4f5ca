//! Whether the system ends a person's processes when they log out: systemd-logind with
//! `KillUserProcesses=yes` does, `setsid` or not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::{CheckLine, CheckState};
use crate::engine::Engine;

/// Folders of settings, the strongest first (logind.conf(5)).
const FOLDERS: [&str; 4] = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

impl Engine {
    /// What a person should know before a run goes on after they log out; `None` where it does.
    pub fn logout_warning(&self) -> Option<CheckLine> {
        let cgroup = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
        (is_in_session(&cgroup) && Settings::read(&settings()).kills(&user)).then(|| CheckLine {
            name: "runs after logout".to_owned(),
            state: CheckState::Warning,
            detail: "systemd-logind is set to KillUserProcesses=yes: a run ends when you log out".to_owned(),
            hint: Some(
                "Once: `loginctl enable-linger`. Then start it with: `systemd-run --user --scope gondola …`. A run that \
                 ended so goes on with `gondola resume RUN`."
                    .to_owned(),
            ),
        })
    }
}

/// Whether a process belongs to a login session, by its `/proc/self/cgroup`. One that `systemd-run
/// --user --scope` started belongs to the user's own manager, which lingers.
fn is_in_session(cgroup: &str) -> bool {
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).any(|path| {
        path.split('/')
            .any(|part| part.starts_with("session-") && Path::new(part).extension() == Some("scope".as_ref()))
    })
}

/// The texts of logind's settings, the weakest first.
fn settings() -> Vec<String> {
    let main = FOLDERS.iter().find_map(|folder| std::fs::read_to_string(format!("{folder}/logind.conf")).ok());
    let mut more: BTreeMap<OsString, String> = BTreeMap::new();
    // A file hides those of its name in weaker folders; what is last in the alphabet wins.
    for folder in FOLDERS {
        for file in std::fs::read_dir(format!("{folder}/logind.conf.d")).into_iter().flatten().flatten() {
            if file.path().extension() == Some("conf".as_ref())
                && let Ok(text) = std::fs::read_to_string(file.path())
            {
                more.entry(file.file_name()).or_insert(text);
            }
        }
    }
    main.into_iter().chain(more.into_values()).collect()
}

/// What logind's settings say of a person's processes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    kill: bool,
    only: Vec<String>,
    exclude: Vec<String>,
}

impl Settings {
    /// Reads the settings; later texts win over earlier ones. Without any, systemd's own default kills
    /// nothing.
    fn read(texts: &[String]) -> Self {
        let mut settings = Self { kill: false, only: Vec::new(), exclude: vec!["root".to_owned()] };
        for text in texts {
            let mut section = "";
            for line in text.lines().map(str::trim) {
                if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                    section = name;
                }
                let Some((key, value)) = line.split_once('=').filter(|_| section == "Login") else { continue };
                let users = || value.split_whitespace().map(str::to_owned).collect();
                match (key.trim(), value.trim().to_ascii_lowercase().as_str()) {
                    ("KillUserProcesses", "yes" | "y" | "true" | "t" | "on" | "1") => settings.kill = true,
                    ("KillUserProcesses", "no" | "n" | "false" | "f" | "off" | "0" | "") => settings.kill = false,
                    ("KillOnlyUsers", _) => settings.only = users(),
                    ("KillExcludeUsers", _) => settings.exclude = users(),
                    _ => {}
                }
            }
        }
        settings
    }

    /// Whether this person's processes end with their login.
    fn kills(&self, user: &str) -> bool {
        let named = |users: &[String]| users.iter().any(|other| other == user);
        self.kill && !named(&self.exclude) && (self.only.is_empty() || named(&self.only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Settings {
        Settings::read(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_default_kills_nothing_and_a_comment_is_no_setting() {
        assert!(!read(&[]).kills("ana"));
        assert!(!read(&["[Login]\n#KillUserProcesses=yes\n"]).kills("ana"));
        assert!(!read(&["[Manager]\nKillUserProcesses=yes\n"]).kills("ana"));
    }

    #[test]
    fn the_last_word_counts_and_users_may_be_left_out() {
        assert!(read(&["[Login]\nKillUserProcesses = Yes\n"]).kills("ana"));
        assert!(!read(&["[Login]\nKillUserProcesses=yes\n"]).kills("root"), "systemd leaves root out by itself");
        assert!(!read(&["[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"]).kills("ana"));
        let some = read(&["[Login]\nKillUserProcesses=1\nKillOnlyUsers=bob\nKillExcludeUsers=\n"]);
        assert!(some.kills("bob") && !some.kills("ana") && !some.kills("root"));
    }

    #[test]
    fn a_scope_of_the_users_own_manager_is_no_session() {
        assert!(is_in_session("0::/user.slice/user-1000.slice/session-3.scope\n"));
        assert!(is_in_session("1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n0::/\n"));
        assert!(!is_in_session("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n"));
        assert!(!is_in_session("0::/system.slice/cron.service\n"));
    }
}
