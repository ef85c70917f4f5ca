//! Orgs that the `sf` command line on this machine is signed in to.
//!
//! `sf org display --json` tells the instance, and until May 2026 (2.136) the access token too; since then
//! the token comes from `sf org auth show-access-token --json`. Both renew the token first.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use super::Session;
use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::errors::{ours, refused_here};
use crate::salesforce::hosts::Base;

/// `sf` takes seconds to start, and may renew a token first.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks `sf` for a session.
#[derive(Debug)]
pub(super) struct SfCli {
    pub(super) target_org: Option<String>,
    /// `sf`, found in PATH.
    pub(super) program: OsString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    instance_url: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    #[serde(default = "none")]
    result: Option<T>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

fn none<T>() -> Option<T> {
    None
}

impl SfCli {
    pub(super) fn new(target_org: Option<String>) -> Self {
        Self { target_org, program: "sf".into() }
    }

    /// What a person does when the token has ended.
    pub(super) fn hint(&self) -> String {
        match &self.target_org {
            Some(org) => format!("Sign in with sf again: sf org login web --alias {org}"),
            None => "Sign in with sf again: sf org login web --set-default".to_owned(),
        }
    }

    pub(super) async fn session(&self) -> Result<Session, DestinationError> {
        let shown: Shown = self.ask(&["org", "display"], self.target_org.as_deref()).await?;
        let Some(url) = shown.instance_url else {
            return Err(self.odd("its answer names no instanceUrl"));
        };
        let base = Base::parse("instanceUrl of sf", url.trim_end_matches('/'))?;
        let token = match shown.access_token.filter(|token| is_token(token)) {
            Some(token) => token,
            None => {
                let org = self.target_org.clone().or(shown.username);
                let shown: Shown =
                    self.ask(&["org", "auth", "show-access-token", "--no-prompt"], org.as_deref()).await?;
                let token = shown.access_token.filter(|token| is_token(token));
                token.ok_or_else(|| self.odd("it shows no access token"))?
            }
        };
        Session::new(base, &SecretString::from(token), None)
    }

    fn odd(&self, what: &str) -> DestinationError {
        ours(ErrorKind::Auth, "SF_CLI", format!("sf gave no session: {what}."), &self.hint())
    }

    /// Runs `sf … --json`; its answer, or what it says instead. What it prints is a secret.
    async fn ask<T: DeserializeOwned>(&self, words: &[&str], org: Option<&str>) -> Result<T, DestinationError> {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--json").args(org.map(|org| format!("--target-org={org}")));
        for (name, value) in [
            ("NO_COLOR", "1"),
            ("FORCE_COLOR", "0"),
            ("SF_AUTOUPDATE_DISABLE", "true"),
            ("SF_SKIP_NEW_VERSION_CHECK", "true"),
            ("SF_DISABLE_TELEMETRY", "true"),
        ] {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(PATIENCE, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(refused_here(
                    "SF_CLI_MISSING",
                    "auth = \"sf-cli\" needs the program `sf`, which is not in PATH.",
                    "Install the Salesforce CLI (npm install --global @salesforce/cli), or choose another auth.",
                ));
            }
            Ok(Err(error)) => return Err(self.odd(&format!("it cannot be started: {error}"))),
            Err(_) => return Err(self.odd(&format!("no answer within {} seconds", PATIENCE.as_secs()))),
        };
        tracing::debug!(status = output.status.code(), "sf {}", words.join(" "));
        let text = String::from_utf8_lossy(&output.stdout);
        // Notes about updates may stand before the answer.
        let json = text.find('{').map_or("", |at| &text[at..]);
        let Ok(answer) = serde_json::from_str::<Answer<T>>(json) else {
            let what = output.status.code().map_or("it was ended".to_owned(), |code| format!("exit code {code}"));
            return Err(self.odd(&format!("`sf {} --json` printed no JSON ({what})", words.join(" "))));
        };
        if let Some(result) = answer.result.filter(|_| output.status.success()) {
            return Ok(result);
        }
        let name = answer.name.unwrap_or_default();
        let message = answer.message.unwrap_or_else(|| "it gave no reason".to_owned());
        let message = message.lines().next().unwrap_or_default().to_owned();
        if name.contains("NotFound") || name.contains("NoDefault") || message.contains("No authorization information") {
            return Err(refused_here(
                "SF_CLI_UNKNOWN_ORG",
                format!("sf does not know the org: {message}"),
                &format!("`sf org list` shows those that it knows. {}", self.hint()),
            ));
        }
        Err(self.odd(&message))
    }
}

/// Whether this is a token, and not the words that newer versions print in its place.
fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.contains("REDACTED") && !text.contains(char::is_whitespace)
}
