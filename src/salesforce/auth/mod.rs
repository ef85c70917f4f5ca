//! Signing in: each way ends in a [`Session`], an access token and the host that it is for.
//!
//! `token` asks the OAuth token endpoint, `jwt` signs assertions with keys read by `key`, `soap` is
//! the login of the Partner API, `sf_cli` asks the `sf` command line.

mod jwt;
mod key;
mod sf_cli;
mod soap;
#[cfg(test)]
mod tests;
pub(crate) mod token;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::errors::{Failure, ours, refused_here};
use super::hosts::Base;
use super::http::Http;
use super::{Auth, Settings, TokenKeeper};
use crate::destination::{DestinationError, ErrorKind};
use jwt::Signer;
use sf_cli::SfCli;
use soap::SoapLogin;
use token::{App, Form, TokenAnswer};

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
    fn new(base: Base, token: &SecretString, user_id: Option<&str>) -> Result<Self, DestinationError> {
        let text = format!("Bearer {}", token.expose_secret().trim());
        let mut authorization = HeaderValue::from_str(&text).map_err(|_| {
            ours(
                ErrorKind::Auth,
                "INVALID_TOKEN",
                "The access token holds characters that no header can carry.",
                "Check what the secret reference gives: a file with more than the token in it?",
            )
        })?;
        authorization.set_sensitive(true);
        let user_id = user_id.filter(|id| super::soql::is_id(id)).map(str::to_owned);
        Ok(Self { base, authorization, user_id })
    }

    /// The session of a token answer that `login` gave.
    fn of(login: &Base, answer: &TokenAnswer) -> Result<Self, DestinationError> {
        let base = instance(login, &answer.instance_url)?;
        let user_id = answer.id.as_deref().and_then(|url| url.rsplit('/').next());
        Self::new(base, &answer.access_token, user_id)
    }
}

/// The instance that a sign-in names, checked like every address that gets a secret.
pub(crate) fn instance(login: &Base, url: &str) -> Result<Base, DestinationError> {
    let base = Base::parse("instance_url", url)?;
    if base.is_loopback() != login.is_loopback() {
        let message =
            format!("{} sends us to {}: one of them is this machine, the other is not", login.as_str(), base.as_str());
        return Err(refused_here("INVALID_URL", message, "Check login_url."));
    }
    Ok(base)
}

/// How to get a session; checked once, when the client is made.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// `login_url`, or the instance for a ready access token; nothing for `sf`, which knows it.
    base: Option<Base>,
    way: Way,
    username: Option<String>,
}

#[derive(Debug)]
enum Way {
    /// The same form each time: client credentials, user name and password.
    Form(Form),
    Jwt(Signer),
    Refresh {
        app: App,
        /// The given one, or the one that replaced it (orgs may rotate them).
        token: Mutex<SecretString>,
    },
    Kept {
        app: App,
        keeper: Arc<dyn TokenKeeper>,
    },
    Soap(SoapLogin),
    Given(SecretString),
    SfCli(SfCli),
}

impl SignIn {
    /// Checks addresses and keys; nothing is sent.
    pub(crate) fn new(settings: Settings) -> Result<Self, DestinationError> {
        let base = match &settings.auth {
            Auth::AccessToken { instance_url, .. } => Some(Base::parse("instance_url", instance_url)?),
            Auth::SfCli { .. } => None,
            _ => Some(Base::parse("login_url", &settings.login_url)?),
        };
        let (way, username) = match (settings.auth, &base) {
            (Auth::Jwt { client_id, username, private_key, passphrase, audience }, Some(base)) => {
                let key = key::read(&private_key, passphrase.as_ref())?;
                let audience = audience.unwrap_or_else(|| base.audience());
                (Way::Jwt(Signer::new(client_id, username.clone(), audience, key)), Some(username))
            }
            (Auth::ClientCredentials { client_id, client_secret }, Some(base)) => {
                if base.is_generic() {
                    return Err(refused_here(
                        "WRONG_LOGIN_URL",
                        format!("Client credentials do not work at {}.", base.as_str()),
                        "Set login_url to the org's My Domain address, such as https://acme.my.salesforce.com \
                         (Setup, My Domain).",
                    ));
                }
                let app = App { client_id, client_secret: Some(client_secret) };
                (Way::Form(app.form("client_credentials")), None)
            }
            (Auth::RefreshToken { client_id, client_secret, refresh_token }, _) => {
                (Way::Refresh { app: App { client_id, client_secret }, token: Mutex::new(refresh_token) }, None)
            }
            (Auth::Kept { client_id, client_secret, keeper }, _) => {
                (Way::Kept { app: App { client_id, client_secret }, keeper }, None)
            }
            (Auth::Password { client_id, client_secret, username, password, security_token }, _) => {
                let app = App { client_id, client_secret: Some(client_secret) };
                let form = app
                    .form("password")
                    .with("username", username.as_str())
                    .with("password", with_token(&password, security_token.as_ref()));
                (Way::Form(form), Some(username))
            }
            (Auth::Soap { username, password, security_token }, _) => {
                let version = settings.api_version.as_deref();
                let password = with_token(&password, security_token.as_ref());
                (Way::Soap(SoapLogin::new(username.clone(), password, version)), Some(username))
            }
            (Auth::AccessToken { access_token, .. }, _) => (Way::Given(access_token), None),
            (Auth::SfCli { target_org }, _) => (Way::SfCli(SfCli::new(target_org)), None),
            (Auth::Jwt { .. } | Auth::ClientCredentials { .. }, None) => {
                return Err(refused_here("INVALID_URL", "login_url is missing", "Add it to the connection."));
            }
        };
        Ok(Self { base, way, username })
    }

    /// Whether signing in again can give another session.
    pub(crate) fn can_renew(&self) -> bool {
        !matches!(self.way, Way::Given(_))
    }

    /// The login name, where the settings hold it.
    pub(crate) fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// What a person does when the org ends the sessions that this gives.
    pub(crate) fn hint(&self) -> String {
        match &self.way {
            Way::Given(_) => "Give a new access token, or choose a sign-in that can be renewed.".to_owned(),
            Way::SfCli(sf) => sf.hint(),
            Way::Kept { keeper, .. } => keeper.hint(),
            _ => "Sign in again; the org ended a session that was just opened.".to_owned(),
        }
    }

    /// One attempt to sign in.
    pub(crate) async fn attempt(&self, http: &Http) -> Result<Session, Failure> {
        self.try_once(http).await.map_err(|mut failure| {
            // Here a 404 is not about a record.
            if let ("NOT_FOUND" | "HTTP_404", Some(base)) = (failure.error.code.as_str(), &self.base) {
                "NO_SIGN_IN".clone_into(&mut failure.error.code);
                failure.error.message = format!("{} does not know this way to sign in.", base.as_str());
                failure.error.hint = Some("Check login_url, or choose another auth.".to_owned());
            }
            failure
        })
    }

    async fn try_once(&self, http: &Http) -> Result<Session, Failure> {
        let Some(base) = &self.base else {
            let Way::SfCli(sf) = &self.way else {
                return Err(refused_here("INVALID_URL", "login_url is missing", "Add it to the connection.").into());
            };
            return Ok(sf.session().await?);
        };
        let client = http.to(base)?;
        let answer = match &self.way {
            Way::Form(form) => token::ask(&client, base, form).await?,
            Way::Jwt(signer) => signer.ask(&client, base).await?,
            Way::Refresh { app, token } => {
                let held = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let mut answer = token::ask(&client, base, &app.refresh(&held)).await?;
                if let Some(replaced) = answer.refresh_token.take() {
                    *token.lock().unwrap_or_else(PoisonError::into_inner) = replaced;
                }
                answer
            }
            Way::Kept { app, keeper } => kept(&client, base, app, keeper.as_ref()).await?,
            Way::Soap(login) => return login.attempt(&client, base).await,
            Way::Given(token) => return Ok(Session::new(base.clone(), token, None)?),
            Way::SfCli(sf) => return Ok(sf.session().await?),
        };
        Ok(Session::of(base, &answer)?)
    }
}

/// Salesforce wants the security token appended to the password.
fn with_token(password: &SecretString, security_token: Option<&SecretString>) -> SecretString {
    let token = security_token.map_or("", ExposeSecret::expose_secret);
    format!("{}{token}", password.expose_secret()).into()
}

/// Signs in with a kept token. When it is refused, another process may just have replaced it.
async fn kept(
    client: &reqwest::Client,
    base: &Base,
    app: &App,
    keeper: &dyn TokenKeeper,
) -> Result<TokenAnswer, Failure> {
    let held = keeper.load()?;
    let mut asked = token::ask(client, base, &app.refresh(&held)).await;
    if let Err(refusal) = &asked
        && refusal.failure.error.kind == ErrorKind::Auth
    {
        let now = keeper.load()?;
        if now.expose_secret() != held.expose_secret() {
            asked = token::ask(client, base, &app.refresh(&now)).await;
        }
    }
    let mut answer = asked.map_err(|refusal| {
        let mut failure = Failure::from(refusal);
        if failure.error.code == "invalid_grant" {
            failure.error.hint = Some(keeper.hint());
        }
        failure
    })?;
    if let Some(replaced) = answer.refresh_token.take()
        && replaced.expose_secret() != held.expose_secret()
    {
        keeper.keep(&replaced)?;
    }
    Ok(answer)
}
