//! Signing in at the token endpoint, and the session that it gives.

use std::fmt;
use std::sync::Mutex;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::errors::{Effect, Failure, bad_answer, from_token_answer, from_transport, ours, refused_here};
use super::hosts::Base;
use super::limits::retry_after;
use super::{Auth, Settings};
use crate::destination::{DestinationError, ErrorKind};

/// A signed-in session.
pub(crate) struct Session {
    /// Where the org's API is.
    pub base: Base,
    /// `Bearer …`, marked as sensitive.
    pub authorization: HeaderValue,
    /// Id of the user (`005…`), where the sign-in named it.
    pub user_id: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("base", &self.base).field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl Session {
    fn new(base: Base, token: &str, identity: Option<&str>) -> Result<Self, DestinationError> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| {
            ours(
                ErrorKind::Auth,
                "INVALID_TOKEN",
                "The access token holds characters that no header can carry.",
                "Check what the secret reference gives: a file with more than the token in it?",
            )
        })?;
        authorization.set_sensitive(true);
        let user_id = identity.and_then(|url| url.rsplit('/').next()).filter(|id| super::soql::is_id(id));
        Ok(Self { base, authorization, user_id: user_id.map(str::to_owned) })
    }
}

/// How to get a session; checked once, when the client is made.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// `login_url`, or the instance for a ready access token.
    base: Base,
    auth: Auth,
    /// A refresh token that replaced the given one (orgs may rotate them).
    rotated: Mutex<Option<SecretString>>,
}

/// What a good sign-in answers; never printed.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    instance_url: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl SignIn {
    /// Checks the addresses; nothing is sent.
    pub(crate) fn new(settings: Settings) -> Result<Self, DestinationError> {
        let base = match &settings.auth {
            Auth::AccessToken { instance_url, .. } => Base::parse("instance_url", instance_url)?,
            _ => Base::parse("login_url", &settings.login_url)?,
        };
        Ok(Self { base, auth: settings.auth, rotated: Mutex::new(None) })
    }

    /// The host that the secrets go to.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Whether signing in again can give another session.
    pub(crate) fn can_renew(&self) -> bool {
        !matches!(self.auth, Auth::AccessToken { .. })
    }

    /// The login name, where the settings hold it.
    pub(crate) fn username(&self) -> Option<&str> {
        match &self.auth {
            Auth::Password { username, .. } => Some(username),
            _ => None,
        }
    }

    /// One attempt to sign in (`POST LOGIN/services/oauth2/token`).
    pub(crate) async fn attempt(&self, http: &reqwest::Client) -> Result<Session, Failure> {
        if let Auth::AccessToken { access_token, .. } = &self.auth {
            return Ok(Session::new(self.base.clone(), access_token.expose_secret(), None)?);
        }
        let url = format!("{}/services/oauth2/token", self.base.as_str());
        let request = http.post(url).form(&self.form());
        let started = std::time::Instant::now();
        let response = request.send().await.map_err(|error| from_transport(error, Effect::Read))?;
        let status = response.status();
        let wait = retry_after(response.headers());
        let body = response.bytes().await.map_err(|error| from_transport(error, Effect::Read))?;
        let ms = started.elapsed().as_millis();
        tracing::debug!(status = status.as_u16(), ms, "POST /services/oauth2/token");
        if !status.is_success() {
            return Err(from_token_answer(status, &body, wait));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| {
            bad_answer(Effect::Read, "The token endpoint's answer holds no access_token and instance_url.")
        })?;
        let base = Base::parse("instance_url", &answer.instance_url)?;
        if base.is_loopback() != self.base.is_loopback() {
            return Err(refused_here(
                "INVALID_URL",
                format!(
                    "{} sends us to {}: one of them is this machine, the other is not",
                    self.base.as_str(),
                    base.as_str()
                ),
                "Check login_url.",
            )
            .into());
        }
        if let Some(token) = answer.refresh_token {
            *self.rotated.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token.into());
        }
        Ok(Session::new(base, &answer.access_token, answer.id.as_deref())?)
    }

    /// The form of the token request; it goes into the body, never into the address.
    fn form(&self) -> Vec<(&'static str, String)> {
        let open = |secret: &SecretString| secret.expose_secret().to_owned();
        match &self.auth {
            Auth::ClientCredentials { client_id, client_secret } => vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", open(client_secret)),
            ],
            Auth::RefreshToken { client_id, client_secret, refresh_token } => {
                let rotated = self.rotated.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let mut form = vec![
                    ("grant_type", "refresh_token".to_owned()),
                    ("client_id", client_id.clone()),
                    ("refresh_token", open(rotated.as_ref().unwrap_or(refresh_token))),
                ];
                form.extend(client_secret.iter().map(|secret| ("client_secret", open(secret))));
                form
            }
            Auth::Password { client_id, client_secret, username, password, security_token } => vec![
                ("grant_type", "password".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", open(client_secret)),
                ("username", username.clone()),
                // Salesforce wants the security token appended to the password.
                ("password", open(password) + security_token.as_ref().map_or("", ExposeSecret::expose_secret)),
            ],
            Auth::AccessToken { .. } => Vec::new(),
        }
    }
}
