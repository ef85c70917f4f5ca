//! The OAuth token endpoint: `POST LOGIN/services/oauth2/token`, a form in, JSON out.

use std::fmt;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::destination::DestinationError;
use crate::salesforce::errors::{Effect, Failure, bad_answer, from_token_answer, from_transport, refused_here};
use crate::salesforce::hosts::Base;
use crate::salesforce::limits::retry_after;

/// An app that the org knows.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret, where the app has one.
    pub client_secret: Option<SecretString>,
}

impl App {
    /// The beginning of a token request.
    pub(crate) fn form(&self, grant_type: &str) -> Form {
        let mut form = Form::default().with("grant_type", grant_type).with("client_id", self.client_id.as_str());
        if let Some(secret) = &self.client_secret {
            form = form.with("client_secret", secret.clone());
        }
        form
    }

    /// The request that turns a refresh token into an access token.
    pub(crate) fn refresh(&self, token: &SecretString) -> Form {
        self.form("refresh_token").with("refresh_token", token.clone())
    }
}

/// A form; it goes into the body, never into the address, and is never printed.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(&'static str, SecretString)>);

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Form {
    /// Adds a field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<SecretString>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    fn fields(&self) -> Vec<(&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.expose_secret())).collect()
    }
}

/// What a good sign-in answers; never printed.
pub(crate) struct TokenAnswer {
    pub access_token: SecretString,
    pub instance_url: String,
    /// `LOGIN/id/00D…/005…`.
    pub id: Option<String>,
    pub refresh_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct Body {
    access_token: String,
    instance_url: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// A refusal, with the server's clock, which may differ from ours.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub failure: Failure,
    pub server_time: Option<Timestamp>,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl From<DestinationError> for Refusal {
    fn from(error: DestinationError) -> Self {
        Self { failure: error.into(), server_time: None }
    }
}

/// Sends a form and reads a session's token out of the answer.
pub(crate) async fn ask(client: &reqwest::Client, base: &Base, form: &Form) -> Result<TokenAnswer, Refusal> {
    let body = post(client, base, "/services/oauth2/token", form).await?;
    let body: Body = serde_json::from_slice(&body)
        .map_err(|_| bad_answer(Effect::Read, "The token endpoint's answer holds no access_token and instance_url."))?;
    Ok(TokenAnswer {
        access_token: body.access_token.into(),
        instance_url: body.instance_url,
        id: body.id,
        refresh_token: body.refresh_token.map(SecretString::from),
    })
}

/// Sends a form to an OAuth endpoint; the body of a good answer.
pub(crate) async fn post(client: &reqwest::Client, base: &Base, path: &str, form: &Form) -> Result<Vec<u8>, Refusal> {
    let started = std::time::Instant::now();
    let sent = client.post(format!("{}{path}", base.as_str())).form(&form.fields()).send().await;
    let response = sent.map_err(|error| from_transport(error, Effect::Read))?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(|error| from_transport(error, Effect::Read))?;
    tracing::debug!(status = status.as_u16(), ms = started.elapsed().as_millis(), "POST {path}");
    if status.is_success() {
        return Ok(body.into());
    }
    let failure = match moved(base, status, &headers) {
        Some(error) => error.into(),
        None => from_token_answer(status, &body, retry_after(&headers)),
    };
    Err(Refusal { failure, server_time: server_time(&headers) })
}

/// What a redirect of a sign-in means. It is not followed: the form holds secrets.
pub(crate) fn moved(base: &Base, status: StatusCode, headers: &HeaderMap) -> Option<DestinationError> {
    if !status.is_redirection() {
        return None;
    }
    let target = headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(|text| Url::parse(text).ok());
    let place = target.and_then(|url| Base::parse("Location", &url.origin().ascii_serialization()).ok());
    let hint = match place.filter(|place| place != base) {
        Some(place) => format!("Set login_url = \"{}\", where it sends us.", place.as_str()),
        None => "Set login_url to the org's My Domain address, such as https://acme.my.salesforce.com.".to_owned(),
    };
    let message = format!("{} does not sign in here but sends us elsewhere (HTTP {}).", base.as_str(), status.as_u16());
    Some(refused_here("WRONG_LOGIN_URL", message, &hint))
}

/// The server's `Date`.
fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}
