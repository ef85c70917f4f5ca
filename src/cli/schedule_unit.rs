//! `gondola schedule unit`: what systemd and cron want, ready to paste.

use std::path::Path;

use serde_json::json;

use super::report;
use crate::engine::{Engine, EngineError};

/// The three texts.
struct Units {
    service: String,
    timer: String,
    cron: String,
}

pub(super) fn run(json: bool, engine: &Engine) -> Result<u8, EngineError> {
    let program = std::env::current_exe()
        .map_err(|error| EngineError::failed(format!("cannot find out where this program is: {error}")))?;
    let home = std::env::var_os("GONDOLA_HOME").filter(|home| !home.is_empty());
    let home = home.map(|home| std::path::absolute(&home).unwrap_or_else(|_| home.into()));
    let connections = std::fs::read_to_string(engine.workspace().folders().connections()).unwrap_or_default();
    let units = units(&program, home.as_deref(), &names_of_secrets(&connections));
    if json {
        let body = json!({"event": "summary", "service": units.service, "timer": units.timer, "cron": units.cron});
        report::line(&body.to_string())?;
        return Ok(0);
    }
    report::line(
        "# systemd. Put these two files where their first lines say, then:\n\
         #   systemctl --user daemon-reload\n\
         #   systemctl --user enable --now gondola.timer\n\
         #   loginctl enable-linger        # so that it runs while you are logged out, too\n\
         # For the whole machine: /etc/systemd/system, `systemctl` without --user, and User= in [Service].\n",
    )?;
    report::line(&format!("# ~/.config/systemd/user/gondola.service\n{}", units.service))?;
    report::line(&format!("# ~/.config/systemd/user/gondola.timer\n{}", units.timer))?;
    report::line(&format!("# Or cron, instead: one line for `crontab -e`\n{}", units.cron))?;
    report::line("\n# Or neither: `gondola schedule` in the foreground does the same until it is stopped.")?;
    Ok(0)
}

/// Names behind `env:` in the connections.
fn names_of_secrets(connections: &str) -> Vec<String> {
    let mut names: Vec<String> = connections
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split("\"env:").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn units(program: &Path, home: Option<&Path>, secrets: &[String]) -> Units {
    let text = |path: &Path| path.display().to_string();
    let mut environment = String::new();
    if let Some(home) = home {
        environment += &format!("Environment=\"GONDOLA_HOME={}\"\n", systemd(&text(home)));
    }
    if !secrets.is_empty() {
        environment += &format!(
            "# Lines NAME=value for: {}. For your eyes only: chmod 600.\n\
             EnvironmentFile=-%h/.config/gondola/secrets.env\n",
            secrets.join(", ")
        );
    }
    let service = format!(
        "[Unit]\n\
         Description=gondola: run what is due\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         {environment}\
         ExecStart=\"{}\" schedule --once --json\n\
         # 3: it ran, and some rows were held, rejected or failed.\n\
         SuccessExitStatus=3\n\
         # Stopping waits for the calls that are under way.\n\
         TimeoutStopSec=120\n",
        systemd(&text(program))
    );
    let timer = "[Unit]\n\
                 Description=gondola: look every minute what is due\n\
                 \n\
                 [Timer]\n\
                 OnCalendar=minutely\n\
                 AccuracySec=1s\n\
                 # What was due while the machine was off runs once, when it is back.\n\
                 Persistent=true\n\
                 \n\
                 [Install]\n\
                 WantedBy=timers.target\n"
        .to_owned();
    let setting = home.map(|home| format!("GONDOLA_HOME={} ", shell(&text(home)))).unwrap_or_default();
    let given = if secrets.is_empty() {
        String::new()
    } else {
        ". \"$HOME/.config/gondola/secrets.env\"; ".replace(". ", "set -a; . ")
    };
    // In a crontab a percent sign ends the line.
    let line = format!("{given}{setting}{} schedule --once", shell(&text(program))).replace('%', "\\%");
    Units { service, timer, cron: format!("* * * * * {line} 2>>\"$HOME/gondola-schedule.log\"") }
}

/// Inside double quotes of a unit file.
fn systemd(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$")
}

/// One word for a shell.
fn shell(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_systemd_the_shell_and_cron() {
        let units = units(Path::new("/opt/my tools/gondola"), Some(Path::new("/srv/100%/o'home")), &[]);
        assert!(units.service.contains("ExecStart=\"/opt/my tools/gondola\" schedule --once --json\n"));
        assert!(units.service.contains("Environment=\"GONDOLA_HOME=/srv/100%%/o'home\"\n"));
        assert!(units.cron.contains("GONDOLA_HOME='/srv/100\\%/o'\\''home' '/opt/my tools/gondola' schedule --once"));
    }

    #[test]
    fn secrets_are_named_and_never_shown() {
        let names = names_of_secrets("password = \"env:SNOW\"\n# x = \"env:NO\"\nclient_secret = \"env:SF_SECRET\"\n");
        assert_eq!(names, ["SF_SECRET", "SNOW"]);
        let units = units(Path::new("/bin/gondola"), None, &names);
        assert!(units.service.contains("SF_SECRET, SNOW") && units.service.contains("EnvironmentFile="));
        assert!(units.cron.contains("secrets.env") && !units.cron.contains("SF_SECRET"));
    }
}
