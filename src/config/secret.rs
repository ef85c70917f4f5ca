//! Secrets by reference: the file says where one is, never what it is.

use std::fmt;
use std::fs;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file's text, without the line end; `~` and paths beside `connections.toml` work.
    File(PathBuf),
    /// `cmd:COMMAND`: what a shell command prints.
    Command(String),
    /// `keyring:NAME`: the entry `gondola`/NAME of the desktop's keyring.
    Keyring(String),
    /// `ask`: asked for on the terminal, kept in memory.
    Ask,
}

/// A secret that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

impl Secret {
    /// Fetches it. Blocks; `base` is the folder that relative paths start from, `what` is shown
    /// when a person is asked.
    pub fn resolve(&self, base: &Path, what: &str) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => std::env::var(name)
                .map(SecretString::from)
                .map_err(|_| SecretError(format!("{what}: the environment variable {name} is not set (or not UTF-8)"))),
            Self::File(path) => {
                let path = expand(path, base);
                fs::read_to_string(&path)
                    .map(|text| SecretString::from(without_line_end(text)))
                    .map_err(|error| SecretError(format!("{what}: cannot read {}: {error}", path.display())))
            }
            Self::Command(command) => first_output(Command::new("sh").args(["-c", command]))
                .map_err(|error| SecretError(format!("{what}: the command of cmd: failed: {error}"))),
            Self::Keyring(name) => from_keyring(name)
                .map_err(|error| SecretError(format!("{what}: the keyring has no entry `{name}` for us: {error}"))),
            Self::Ask => ask(what).map_err(|error| {
                SecretError(format!("{what}: it must be typed, and there is no terminal to ask on: {error}"))
            }),
        }
    }
}

fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
    text
}

fn expand(path: &Path, base: &Path) -> PathBuf {
    if let Ok(rest) = path.strip_prefix("~")
        && let Some(dirs) = directories::BaseDirs::new()
    {
        return dirs.home_dir().join(rest);
    }
    base.join(path)
}

/// What a command prints; its error text only where it fails, never its output.
fn first_output(command: &mut Command) -> Result<SecretString, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {}", output.status, said.lines().next().unwrap_or_default()));
    }
    String::from_utf8(output.stdout)
        .map(|text| SecretString::from(without_line_end(text)))
        .map_err(|_| "it did not print UTF-8".to_owned())
}

/// The desktop's own tools speak to its keyring: no daemon library in a program for servers.
fn from_keyring(name: &str) -> Result<SecretString, String> {
    if cfg!(target_os = "macos") {
        first_output(Command::new("security").args(["find-generic-password", "-s", "gondola", "-a", name, "-w"]))
    } else {
        first_output(Command::new("secret-tool").args(["lookup", "service", "gondola", "account", name]))
    }
}

/// Asks on the controlling terminal, without echo.
fn ask(what: &str) -> std::io::Result<SecretString> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let mut terminal = fs::OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    write!(terminal, "{what}: ")?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = std::io::BufReader::new(&terminal).read_line(&mut line);
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    writeln!(terminal)?;
    read.map(|_| SecretString::from(without_line_end(line)))
}

impl std::str::FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("cmd", command)) if !command.is_empty() => Ok(Self::Command(command.to_owned())),
            Some(("keyring", name)) if !name.is_empty() => Ok(Self::Keyring(name.to_owned())),
            None if text == "ask" => Ok(Self::Ask),
            // The text itself may be the secret: it is not repeated.
            _ => Err(SecretError(
                "a secret is written as a reference: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or ask".to_owned(),
            )),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(command) => write!(f, "cmd:{command}"),
            Self::Keyring(name) => write!(f, "keyring:{name}"),
            Self::Ask => f.write_str("ask"),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn files_commands_and_missing_variables() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pw"), "hush\n").unwrap();
        let secret: Secret = "file:pw".parse().unwrap();
        assert_eq!(secret.resolve(folder.path(), "password").unwrap().expose_secret(), "hush");
        let secret: Secret = "cmd:printf hush".parse().unwrap();
        assert_eq!(secret.resolve(folder.path(), "password").unwrap().expose_secret(), "hush");
        let secret: Secret = "env:GONDOLA_SURELY_NOT_SET".parse().unwrap();
        assert!(secret.resolve(folder.path(), "password").unwrap_err().to_string().contains("GONDOLA_SURELY_NOT_SET"));
    }

    #[test]
    fn a_plain_secret_is_refused_and_not_repeated() {
        let error = "hunter2".parse::<Secret>().unwrap_err().to_string();
        assert!(error.contains("env:NAME") && !error.contains("hunter2"));
    }
}
