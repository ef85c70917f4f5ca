//! A person signs in to Salesforce once; what that gives is kept, so that later runs need nobody.

use secrecy::SecretString;

use super::{Engine, EngineError};
use crate::config::{KeptToken, SalesforceAuth, Tokens, Workspace};
use crate::destination::{DestinationError, ErrorKind, OrgInfo};
use crate::salesforce::{self, Granted, TokenKeeper};

pub use crate::salesforce::{Code as LoginCode, DeviceLogin, WebLogin};

/// A sign-in that is going on, and what it wants of the person.
#[derive(Debug)]
pub enum Login {
    /// Open an address; bring back the one that the browser ends at.
    Web(WebLogin),
    /// Type a code into a page.
    Device(DeviceLogin),
    /// Nothing: this connection signs in by itself.
    Unattended,
}

/// The kept token of one connection, for one app at one host.
#[derive(Debug)]
pub(super) struct KeptLogin {
    tokens: Tokens,
    connection: String,
    login_url: String,
    client_id: String,
}

impl KeptLogin {
    pub(super) fn new(workspace: &Workspace, connection: &str, login_url: &str, client_id: String) -> Self {
        let tokens = Tokens::new(workspace.folders());
        Self { tokens, connection: connection.to_owned(), login_url: plain(login_url), client_id }
    }

    fn error(&self, code: &str, message: String) -> DestinationError {
        DestinationError {
            kind: ErrorKind::Auth,
            code: code.to_owned(),
            message,
            fields: Vec::new(),
            hint: Some(self.hint()),
        }
    }
}

/// An address as it is compared: without blanks and slashes around it.
fn plain(url: &str) -> String {
    url.trim().trim_end_matches('/').to_ascii_lowercase()
}

impl TokenKeeper for KeptLogin {
    fn load(&self) -> Result<SecretString, DestinationError> {
        let connection = &self.connection;
        let kept = self.tokens.load(connection).map_err(|error| {
            let hint = error.hint.clone();
            let message = crate::config::ConfigError { hint: None, ..error }.to_string();
            DestinationError { hint: hint.or_else(|| Some(self.hint())), ..self.error("TOKEN_FILE", message) }
        })?;
        match kept {
            None => Err(self.error("NOT_SIGNED_IN", format!("nobody has signed in to [salesforce.{connection}] yet"))),
            // A token goes nowhere but where it came from.
            Some(kept) if plain(&kept.login_url) != self.login_url || kept.client_id != self.client_id => Err(self
                .error(
                    "NOT_SIGNED_IN",
                    format!("[salesforce.{connection}] was signed in with another login_url or client_id"),
                )),
            Some(kept) => Ok(kept.refresh_token),
        }
    }

    fn keep(&self, token: &SecretString) -> Result<(), DestinationError> {
        let token = KeptToken {
            connection: self.connection.clone(),
            login_url: self.login_url.clone(),
            client_id: self.client_id.clone(),
            refresh_token: token.clone(),
        };
        self.tokens.keep(&token).map_err(|error| self.error("TOKEN_FILE", error.to_string()))
    }

    fn hint(&self) -> String {
        format!("Run `gondola login {}`.", self.connection)
    }
}

impl Engine {
    /// Begins a sign-in to a Salesforce connection.
    pub async fn begin_login(&self, name: &str) -> Result<Login, EngineError> {
        let connections = self.workspace.connections()?;
        let connection = connections
            .salesforce
            .get(name)
            .ok_or_else(|| self.unknown_connection("salesforce", name, connections.salesforce.keys()))?;
        Ok(match connection.auth() {
            SalesforceAuth::Web => Login::Web(WebLogin::new(&self.app_settings(name, connection).await?)?),
            SalesforceAuth::Device => {
                Login::Device(DeviceLogin::start(&self.app_settings(name, connection).await?).await?)
            }
            _ => Login::Unattended,
        })
    }

    /// Keeps what a sign-in gave, tries it, and says where it leads.
    pub async fn keep_login(&self, name: &str, granted: Granted) -> Result<OrgInfo, EngineError> {
        let connections = self.workspace.connections()?;
        let connection = connections
            .salesforce
            .get(name)
            .ok_or_else(|| self.unknown_connection("salesforce", name, connections.salesforce.keys()))?;
        let client_id = connection.client_id.clone().unwrap_or_default();
        KeptLogin::new(&self.workspace, name, &granted.login_url, client_id).keep(&granted.refresh_token)?;
        self.forget_sessions();
        self.who_is(name).await
    }

    /// Signs in and says where that leads.
    pub async fn who_is(&self, name: &str) -> Result<OrgInfo, EngineError> {
        Ok(self.destination(name).await?.org().await?)
    }

    /// Ends the kept sign-in of a connection, here and at the org. Whether there was one, and what
    /// kept the org from ending it.
    pub async fn forget_login(&self, name: &str) -> Result<(bool, Option<EngineError>), EngineError> {
        let tokens = Tokens::new(self.workspace.folders());
        let Some(kept) = tokens.load(name)? else { return Ok((tokens.forget(name)?, None)) };
        let revoked = salesforce::revoke(&kept.login_url, &kept.refresh_token).await;
        tokens.forget(name)?;
        self.forget_sessions();
        Ok((true, revoked.err().map(EngineError::from)))
    }
}
