//! A person signs in once, from a terminal without a browser; what remains is a refresh token.
//!
//! `web` is the authorization code flow with PKCE, `device` the device flow, `listener` catches the
//! browser's redirect where its port is forwarded to this machine.

mod device;
mod listener;
#[cfg(test)]
mod tests;
mod web;

use secrecy::SecretString;

use super::auth::instance;
use super::auth::token::{App, Form, TokenAnswer, post};
use super::errors::{Failure, ours};
use super::hosts::Base;
use super::http::Http;
use crate::destination::{DestinationError, ErrorKind};

pub use device::DeviceLogin;
pub use web::{Code, WebLogin};

/// What is asked for: the API, and a token that lasts.
const SCOPE: &str = "api refresh_token";

/// The app that a person lets in.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Where to sign in.
    pub login_url: String,
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret, where the app wants it.
    pub client_secret: Option<SecretString>,
    /// Where the browser is sent afterwards; one of the app's callback URLs.
    pub redirect_uri: Option<String>,
    /// Login name to suggest.
    pub username: Option<String>,
}

impl AppSettings {
    fn base(&self) -> Result<Base, DestinationError> {
        Base::parse("login_url", &self.login_url)
    }

    fn app(&self) -> App {
        App { client_id: self.client_id.clone(), client_secret: self.client_secret.clone() }
    }
}

/// What a person's sign-in gave.
#[derive(Debug)]
pub struct Granted {
    /// Signs in again without the person.
    pub refresh_token: SecretString,
    /// The host that gave it, the only one that it may be sent to.
    pub login_url: String,
}

impl Granted {
    fn of(login: &Base, answer: TokenAnswer) -> Result<Self, DestinationError> {
        instance(login, &answer.instance_url)?;
        let refresh_token = answer.refresh_token.ok_or_else(|| {
            ours(
                ErrorKind::Auth,
                "NO_REFRESH_TOKEN",
                "The sign-in worked, but the app gave no refresh token.",
                "Add the OAuth scope \"Perform requests at any time (refresh_token, offline_access)\" to the app.",
            )
        })?;
        Ok(Self { refresh_token, login_url: login.as_str().to_owned() })
    }
}

/// Ends a refresh token at the org (`POST LOGIN/services/oauth2/revoke`).
pub async fn revoke(login_url: &str, token: &SecretString) -> Result<(), DestinationError> {
    let base = Base::parse("login_url", login_url)?;
    let form = Form::default().with("token", token.clone());
    let sent = post(&Http::default().to(&base)?, &base, "/services/oauth2/revoke", &form).await;
    sent.map(|_| ()).map_err(|refusal| Failure::from(refusal).error)
}
