//! From a connection's name to an open session: secrets fetched, client made, kept for the next call.

use std::sync::{Arc, PoisonError};

use secrecy::SecretString;

use super::login::KeptLogin;
use super::{Engine, EngineError};
use crate::config::{Connections, SalesforceAuth, SalesforceConnection, Secret, SnowflakeAuth, SnowflakeConnection};
use crate::destination::Destination;
use crate::salesforce::{self, Salesforce, TokenKeeper as _};
use crate::snowflake::{self, Snowflake};

/// Fetches the secrets of one connection; knows where relative paths start and what to call it.
struct Secrets<'a> {
    engine: &'a Engine,
    connection: String,
}

impl Secrets<'_> {
    async fn need(&self, secret: Option<&Secret>, key: &str) -> Result<SecretString, EngineError> {
        self.maybe(secret, key).await?.ok_or_else(|| self.missing(key))
    }

    async fn maybe(&self, secret: Option<&Secret>, key: &str) -> Result<Option<SecretString>, EngineError> {
        let Some(secret) = secret.cloned() else { return Ok(None) };
        let what = format!("[{}] {key}", self.connection);
        let given = self.engine.given.get(&what).cloned();
        if secret == Secret::Ask
            && let Some(typed) = given
        {
            return Ok(Some(typed));
        }
        if secret == Secret::Ask && !self.engine.may_ask {
            return Err(EngineError::configuration(format!("{what} = \"ask\" cannot be typed here"))
                .with_hint("Use the commands on a terminal, or give it as env:NAME, file:PATH or cmd:COMMAND."));
        }
        let base = self.engine.workspace.folders().config.clone();
        // A command or a person may take long: not on the runtime's own threads.
        let (fetch, name) = (secret.clone(), what.clone());
        let fetched = tokio::task::spawn_blocking(move || fetch.resolve(&base, &name)).await;
        let fetched = match (fetched.map_err(|error| EngineError::failed(error.to_string()))?, given) {
            (Ok(fetched), _) => fetched,
            // A command or a keyring that answers only where a person sits.
            (Err(error), Some(unlocked)) => {
                tracing::info!(%error, "using what was unlocked before");
                unlocked
            }
            (Err(error), None) => return Err(error.into()),
        };
        if matches!(secret, Secret::Ask | Secret::Command(_) | Secret::Keyring(_)) {
            let mut unlocked = self.engine.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
            unlocked.insert(what, fetched.clone());
        }
        Ok(Some(fetched))
    }

    fn missing(&self, key: &str) -> EngineError {
        let file = self.engine.workspace.folders().connections();
        EngineError::configuration(format!("{}: [{}] has no `{key}`", file.display(), self.connection))
            .with_hint(format!("Add `{key}` there; secrets as env:NAME, file:PATH, cmd:COMMAND or ask."))
    }

    fn text(&self, value: Option<&String>, key: &str) -> Result<String, EngineError> {
        value.cloned().ok_or_else(|| self.missing(key))
    }
}

impl Engine {
    /// The Snowflake session of a connection. Login happens on the first statement.
    pub async fn source(&self, name: &str) -> Result<Snowflake, EngineError> {
        if let Some(open) = self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(open.clone());
        }
        let connections = self.workspace.connections()?;
        let connection = connections
            .snowflake
            .get(name)
            .ok_or_else(|| self.unknown_connection("snowflake", name, connections.snowflake.keys()))?;
        let open = Snowflake::new(self.snowflake_settings(name, connection).await?)?;
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), open.clone());
        Ok(open)
    }

    /// The destination of a connection. Sign-in happens on the first call.
    pub async fn destination(&self, name: &str) -> Result<Arc<dyn Destination>, EngineError> {
        Ok(self.salesforce(name).await?)
    }

    /// The same, with what only Salesforce can do.
    pub(super) async fn salesforce(&self, name: &str) -> Result<Arc<Salesforce>, EngineError> {
        if let Some(open) = self.destinations.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(open.clone());
        }
        let connections = self.workspace.connections()?;
        let connection = connections
            .salesforce
            .get(name)
            .ok_or_else(|| self.unknown_connection("salesforce", name, connections.salesforce.keys()))?;
        let open = Arc::new(Salesforce::new(self.salesforce_settings(name, connection).await?)?);
        self.destinations.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), open.clone());
        Ok(open)
    }

    pub(super) fn unknown_connection<'a>(
        &self,
        kind: &str,
        name: &str,
        known: impl Iterator<Item = &'a String>,
    ) -> EngineError {
        let known: Vec<&str> = known.map(String::as_str).collect();
        let file = self.workspace.folders().connections();
        let hint = if known.is_empty() {
            format!("Add a section [{kind}.{name}] there, or try `gondola demo` first.")
        } else {
            format!("Known: {}.", known.join(", "))
        };
        EngineError::configuration(format!("{}: there is no [{kind}.{name}]", file.display())).with_hint(hint)
    }

    /// What is said of a name that neither service has.
    pub(super) fn no_connection(&self, name: &str, connections: &Connections) -> EngineError {
        let known: Vec<&str> =
            connections.snowflake.keys().chain(connections.salesforce.keys()).map(String::as_str).collect();
        let file = self.workspace.folders().connections();
        EngineError::configuration(format!("{}: there is no connection `{name}`", file.display())).with_hint(
            if known.is_empty() {
                "Write one there, or try `gondola demo` first.".to_owned()
            } else {
                format!("Known: {}.", known.join(", "))
            },
        )
    }

    async fn snowflake_settings(
        &self,
        name: &str,
        connection: &SnowflakeConnection,
    ) -> Result<snowflake::Settings, EngineError> {
        let secrets = Secrets { engine: self, connection: format!("snowflake.{name}") };
        let auth = match connection.auth() {
            SnowflakeAuth::Password => {
                snowflake::Auth::Password(secrets.need(connection.password.as_ref(), "password").await?)
            }
            SnowflakeAuth::KeyPair => snowflake::Auth::KeyPair {
                private_key_pem: secrets.need(connection.private_key.as_ref(), "private_key").await?,
                passphrase: secrets.maybe(connection.passphrase.as_ref(), "passphrase").await?,
            },
            SnowflakeAuth::Token => snowflake::Auth::Token(secrets.need(connection.token.as_ref(), "token").await?),
            SnowflakeAuth::Oauth => snowflake::Auth::OAuth(secrets.need(connection.token.as_ref(), "token").await?),
            SnowflakeAuth::Mfa => snowflake::Auth::Mfa {
                password: secrets.need(connection.password.as_ref(), "password").await?,
                passcode: secrets.maybe(connection.passcode.as_ref(), "passcode").await?,
            },
            SnowflakeAuth::ExternalBrowser => {
                return Err(EngineError::configuration(format!(
                    "[snowflake.{name}] auth = \"external-browser\" needs a browser, which an SSH session does not have"
                ))
                .with_hint(
                    "Use a key pair (private_key = \"file:…\") or a programmatic access token (token = \"…\").",
                ));
            }
        };
        Ok(snowflake::Settings {
            account: connection.account.clone(),
            user: connection.user.clone(),
            auth,
            role: connection.role.clone(),
            warehouse: connection.warehouse.clone(),
            database: connection.database.clone(),
            schema: connection.schema.clone(),
            host: connection.host.clone(),
            port: connection.port,
            protocol: connection.protocol.clone(),
        })
    }

    async fn salesforce_settings(
        &self,
        name: &str,
        connection: &SalesforceConnection,
    ) -> Result<salesforce::Settings, EngineError> {
        let secrets = Secrets { engine: self, connection: format!("salesforce.{name}") };
        let text = |value: &Option<String>, key: &str| secrets.text(value.as_ref(), key);
        let auth = match connection.auth() {
            SalesforceAuth::Jwt => salesforce::Auth::Jwt {
                client_id: text(&connection.client_id, "client_id")?,
                username: text(&connection.username, "username")?,
                private_key: secrets.need(connection.private_key.as_ref(), "private_key").await?,
                passphrase: secrets.maybe(connection.passphrase.as_ref(), "passphrase").await?,
                audience: connection.audience.clone(),
            },
            SalesforceAuth::ClientCredentials => salesforce::Auth::ClientCredentials {
                client_id: text(&connection.client_id, "client_id")?,
                client_secret: secrets.need(connection.client_secret.as_ref(), "client_secret").await?,
            },
            SalesforceAuth::RefreshToken => salesforce::Auth::RefreshToken {
                client_id: text(&connection.client_id, "client_id")?,
                client_secret: secrets.maybe(connection.client_secret.as_ref(), "client_secret").await?,
                refresh_token: secrets.need(connection.refresh_token.as_ref(), "refresh_token").await?,
            },
            SalesforceAuth::Web | SalesforceAuth::Device => {
                let client_id = text(&connection.client_id, "client_id")?;
                let login_url = text(&connection.login_url, "login_url")?;
                let keeper = Arc::new(KeptLogin::new(&self.workspace, name, &login_url, client_id.clone()));
                // Before a secret is asked for.
                keeper.load()?;
                let client_secret = secrets.maybe(connection.client_secret.as_ref(), "client_secret").await?;
                salesforce::Auth::Kept { client_id, client_secret, keeper }
            }
            SalesforceAuth::Password => salesforce::Auth::Password {
                client_id: text(&connection.client_id, "client_id")?,
                client_secret: secrets.need(connection.client_secret.as_ref(), "client_secret").await?,
                username: text(&connection.username, "username")?,
                password: secrets.need(connection.password.as_ref(), "password").await?,
                security_token: secrets.maybe(connection.security_token.as_ref(), "security_token").await?,
            },
            SalesforceAuth::Soap => salesforce::Auth::Soap {
                username: text(&connection.username, "username")?,
                password: secrets.need(connection.password.as_ref(), "password").await?,
                security_token: secrets.maybe(connection.security_token.as_ref(), "security_token").await?,
            },
            SalesforceAuth::AccessToken => salesforce::Auth::AccessToken {
                instance_url: secrets
                    .text(connection.instance_url.as_ref().or(connection.login_url.as_ref()), "instance_url")?,
                access_token: secrets.need(connection.access_token.as_ref(), "access_token").await?,
            },
            SalesforceAuth::SfCli => salesforce::Auth::SfCli {
                target_org: connection.target_org.clone().or_else(|| connection.username.clone()),
            },
        };
        let login_url = match (&connection.login_url, &connection.instance_url) {
            (Some(url), _) | (None, Some(url)) => url.clone(),
            (None, None) if connection.auth() == SalesforceAuth::SfCli => String::new(),
            (None, None) => return Err(secrets.missing("login_url")),
        };
        Ok(salesforce::Settings {
            login_url,
            auth,
            api_version: connection.api_version.clone(),
            api_floor: connection.api_floor,
        })
    }

    /// The app of a connection that a person signs in to.
    pub(super) async fn app_settings(
        &self,
        name: &str,
        connection: &SalesforceConnection,
    ) -> Result<salesforce::AppSettings, EngineError> {
        let secrets = Secrets { engine: self, connection: format!("salesforce.{name}") };
        Ok(salesforce::AppSettings {
            login_url: secrets.text(connection.login_url.as_ref(), "login_url")?,
            client_id: secrets.text(connection.client_id.as_ref(), "client_id")?,
            client_secret: secrets.maybe(connection.client_secret.as_ref(), "client_secret").await?,
            redirect_uri: connection.redirect_uri.clone(),
            username: connection.username.clone(),
        })
    }
}
