//! The device flow: a short code, typed into a page on any computer. Salesforce closes it for apps
//! that are not installed in the org since September 2025.

use std::fmt;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{AppSettings, Granted, SCOPE};
use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::auth::token::{App, Form, ask, post};
use crate::salesforce::errors::{Effect, Failure, bad_answer, ours};
use crate::salesforce::hosts::Base;
use crate::salesforce::http::Http;

/// How much slower to ask when the org says so (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// How long a code is good where the org does not say.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// One sign-in that is going on.
pub struct DeviceLogin {
    app: App,
    base: Base,
    device_code: SecretString,
    user_code: String,
    verification_url: String,
    interval: Duration,
    slower: Duration,
    until: Instant,
    http: Http,
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin").field("verification_url", &self.verification_url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Body {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    interval: Option<u64>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl DeviceLogin {
    /// Asks for a code (`response_type=device_code`).
    pub async fn start(settings: &AppSettings) -> Result<Self, DestinationError> {
        let (base, app, http) = (settings.base()?, settings.app(), Http::default());
        let form = Form::default()
            .with("response_type", "device_code")
            .with("client_id", app.client_id.as_str())
            .with("scope", SCOPE);
        let body = match post(&http.to(&base)?, &base, "/services/oauth2/token", &form).await {
            Ok(body) => body,
            Err(refusal) => return Err(closed(Failure::from(refusal).error)),
        };
        let body: Body = serde_json::from_slice(&body).map_err(|_| {
            bad_answer(
                Effect::Read,
                "The answer to a device sign-in holds no device_code, user_code, verification_uri.",
            )
        })?;
        Ok(Self {
            app,
            verification_url: page(&base, &body.verification_uri)?,
            base,
            device_code: body.device_code.into(),
            user_code: body.user_code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect(),
            interval: Duration::from_secs(body.interval.unwrap_or(5).clamp(1, 60)),
            slower: SLOWER,
            until: Instant::now()
                + body.expires_in.map_or(GOOD_FOR, |seconds| Duration::from_secs(seconds).min(GOOD_FOR)),
            http,
        })
    }

    /// What the person types.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where the person types it.
    pub fn verification_url(&self) -> &str {
        &self.verification_url
    }

    /// No waits, for tests.
    #[cfg(test)]
    pub(super) fn hurry(&mut self) {
        self.interval = Duration::ZERO;
        self.slower = Duration::ZERO;
    }

    /// Asks now and then whether the person is done.
    pub async fn wait(&self) -> Result<Granted, DestinationError> {
        let client = self.http.to(&self.base)?;
        let mut interval = self.interval;
        let form = self.app.form("device").with("code", self.device_code.clone());
        while Instant::now() < self.until {
            tokio::time::sleep(interval).await;
            let refusal = match ask(&client, &self.base, &form).await {
                Ok(answer) => return Granted::of(&self.base, answer),
                Err(refusal) => Failure::from(refusal),
            };
            match refusal.error.code.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval += self.slower,
                _ if refusal.error.kind == ErrorKind::Transient => {}
                _ => return Err(closed(refusal.error)),
            }
        }
        Err(ours(
            ErrorKind::Auth,
            "expired_token",
            "Nobody typed the code in time.",
            "Run `gondola login` again; the code is good for ten minutes.",
        ))
    }
}

/// A refusal of the flow itself, with what works instead.
fn closed(mut error: DestinationError) -> DestinationError {
    if matches!(error.kind, ErrorKind::Auth | ErrorKind::Configuration) && error.code != "access_denied" {
        let hint = error.hint.take().unwrap_or_default();
        error.hint = Some(format!(
            "{hint} Since September 2025 orgs refuse the device flow to apps that are not installed in them: \
             auth = \"web\", \"jwt\" or \"client-credentials\" always work."
        ));
    }
    error
}

/// The page that the person is sent to; only one of Salesforce's own.
fn page(base: &Base, text: &str) -> Result<String, DestinationError> {
    let odd =
        || bad_answer(Effect::Read, "The answer to a device sign-in sends people to a page that is not Salesforce's.");
    let url = Url::parse(text).map_err(|_| odd())?;
    let place = Base::parse("verification_uri", &url.origin().ascii_serialization()).map_err(|_| odd())?;
    if place.is_loopback() != base.is_loopback() || !url.username().is_empty() {
        return Err(odd());
    }
    Ok(url.into())
}
