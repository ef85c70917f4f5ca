//! Sessions and statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use snowflake_api::{AuthArgs, AuthType, SnowflakeApi, SnowflakeApiBuilder};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::convert::column_of;
use super::errors::{Kind, SnowflakeError};
use super::stream::RowStream;
use crate::types::{Schema, Value};

/// Longer than Snowflake holds a first answer back (45 s) and than a chunk's download.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A describe needs no warehouse and is answered at once, or something is wrong.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(60);

/// What is needed to sign in; secrets already fetched.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of Snowflake's own connections.toml")]
pub struct Settings {
    pub account: String,
    pub user: String,
    /// How to sign in.
    pub auth: Auth,
    pub role: Option<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    /// Another host than `ACCOUNT.snowflakecomputing.com`: private link, sandbox.
    pub host: Option<String>,
    pub port: Option<u16>,
    /// `https` unless given.
    pub protocol: Option<String>,
}

/// A way to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// User and password.
    Password(SecretString),
    /// An RSA key in PKCS#8 PEM.
    KeyPair {
        /// The key.
        private_key_pem: SecretString,
        /// Its passphrase, when it is encrypted.
        passphrase: Option<SecretString>,
    },
    /// A programmatic access token.
    Token(SecretString),
    /// A ready OAuth access token.
    OAuth(SecretString),
    /// User, password and a second factor.
    Mfa {
        /// The password.
        password: SecretString,
        /// The code; without one, the person is asked on the phone.
        passcode: Option<SecretString>,
    },
}

/// What can be said about a statement before it runs.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// What it is for, in the warehouse's query history.
    pub step: Option<&'static str>,
    /// At most this many rows, cut off by the server.
    pub max_rows: Option<usize>,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each is what CURRENT_…() says")]
pub struct SessionInfo {
    pub user: String,
    pub role: Option<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub version: String,
}

/// The first rows of a query.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The columns.
    pub schema: Schema,
    /// At most as many rows as were asked for.
    pub rows: Vec<Vec<Value>>,
    /// Snowflake's id of the query.
    pub query_id: String,
    /// The warehouse that ran it.
    pub warehouse: Option<String>,
    /// From the question to the last row.
    pub elapsed: Duration,
    /// Whether the query has more rows.
    pub more: bool,
}

/// A session, opened by the first statement. Clones share it.
#[derive(Clone)]
pub struct Snowflake {
    inner: Arc<Inner>,
}

struct Inner {
    api: SnowflakeApi,
    address: String,
}

impl std::fmt::Debug for Snowflake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snowflake").field("address", &self.inner.address).finish_non_exhaustive()
    }
}

impl Snowflake {
    /// Checks the settings. Nothing is sent.
    pub fn new(settings: Settings) -> Result<Self, SnowflakeError> {
        let base = base_url(&settings)?;
        let loopback = base.host_str().is_some_and(is_loopback);
        if base.scheme() == "http" && !loopback {
            return Err(SnowflakeError::new(Kind::Login, format!("{base} would send secrets unencrypted"))
                .with_hint("Leave `protocol` out: http is for loopback only."));
        }
        let auth_type = match settings.auth {
            Auth::Password(password) => AuthType::Password { password, passcode: None },
            Auth::Mfa { password, passcode } => AuthType::UsernamePasswordMfa { password, passcode },
            Auth::Token(token) => AuthType::ProgrammaticAccessToken { token },
            Auth::OAuth(token) => AuthType::OAuth { token },
            Auth::KeyPair { private_key_pem, passphrase: None } => AuthType::Certificate { private_key_pem },
            Auth::KeyPair { private_key_pem, passphrase: Some(passphrase) } => {
                AuthType::Certificate { private_key_pem: decrypt(&private_key_pem, &passphrase)? }
            }
        };
        // A key-pair token names the account without its region; the host keeps it.
        let account = settings.account.split('.').next().unwrap_or_default().to_owned();
        let arguments = AuthArgs {
            account_identifier: account,
            warehouse: settings.warehouse,
            database: settings.database,
            schema: settings.schema,
            username: settings.user,
            role: settings.role,
            auth_type,
            base_url: Some(base.clone()),
        };
        let mut builder = SnowflakeApiBuilder::new(arguments)
            .with_application("gondola")
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_request_timeout(Some(REQUEST_TIMEOUT))
            .with_login_timeout(Duration::from_secs(120));
        if loopback {
            builder = builder.with_client(without_proxy()?);
        }
        let api = builder.build()?;
        let address = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { inner: Arc::new(Inner { api, address }) })
    }

    /// The columns of a query, without running it and without a warehouse.
    pub async fn describe(&self, sql: &str) -> Result<Schema, SnowflakeError> {
        let describe = || async {
            tokio::time::timeout(DESCRIBE_TIMEOUT, self.inner.api.query(sql).describe())
                .await
                .map_err(|_| SnowflakeError::new(Kind::Unreachable, "no answer within 60 seconds"))?
                .map_err(SnowflakeError::from)
        };
        let fields = match describe().await {
            Err(error) if error.is_session_lost() => {
                self.sign_in_again().await;
                describe().await
            }
            other => other,
        };
        Ok(fields.map_err(|error| error.at(&self.inner.address))?.iter().map(column_of).collect())
    }

    /// Runs a statement that only reads; its rows are a stream. Cancelling stops it on the server.
    pub async fn query(
        &self,
        sql: &str,
        options: QueryOptions,
        cancel: CancellationToken,
    ) -> Result<RowStream, SnowflakeError> {
        let opened = match self.open(sql, &options, &cancel).await {
            // It only reads, so doing it twice harms nobody.
            Err(error) if error.is_session_lost() => {
                self.sign_in_again().await;
                self.open(sql, &options, &cancel).await
            }
            other => other,
        };
        opened.map_err(|error| error.at(&self.inner.address))
    }

    async fn open(
        &self,
        sql: &str,
        options: &QueryOptions,
        cancel: &CancellationToken,
    ) -> Result<RowStream, SnowflakeError> {
        let request = Uuid::new_v4();
        let running =
            self.inner.api.query(sql).request_id(request).with_session_params(parameters(options)).execute_stream_raw();
        let (metadata, stream) = tokio::select! {
            opened = running => opened?,
            () = cancel.cancelled() => {
                // The crate tells the server only while it polls: tell it ourselves, always.
                self.abort(request).await;
                return Err(SnowflakeError::cancelled());
            }
        };
        Ok(RowStream::new(metadata, stream, options.max_rows.is_none(), cancel.clone()))
    }

    /// The first rows of a query. The statement is sent as it is, with a row limit beside it, so that
    /// what is previewed is what runs; no more is downloaded than asked for.
    pub async fn preview(&self, sql: &str, limit: usize, cancel: CancellationToken) -> Result<Preview, SnowflakeError> {
        let started = Instant::now();
        let options = QueryOptions { step: Some("preview"), max_rows: Some(limit + 1) };
        let mut stream = self.query(sql, options, cancel).await?;
        let mut rows = Vec::new();
        while rows.len() <= limit {
            let Some(batch) = stream.next_batch().await? else { break };
            rows.extend(batch.rows);
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Preview {
            schema: stream.schema(),
            rows,
            query_id: stream.query_id().to_owned(),
            warehouse: stream.warehouse().map(str::to_owned),
            elapsed: started.elapsed(),
            more,
        })
    }

    /// Signs in when needed and says where the session stands.
    pub async fn session(&self) -> Result<SessionInfo, SnowflakeError> {
        let sql = "SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), \
                   CURRENT_VERSION()";
        let preview = self.preview(sql, 1, CancellationToken::new()).await?;
        let mut cells = preview.rows.into_iter().next().unwrap_or_default().into_iter().map(|value| match value {
            Value::Null => None,
            other => Some(other.to_string()),
        });
        let mut next = || cells.next().flatten();
        Ok(SessionInfo {
            user: next().unwrap_or_default(),
            role: next(),
            warehouse: next(),
            database: next(),
            schema: next(),
            version: next().unwrap_or_default(),
        })
    }

    /// Ends the session on the server.
    pub async fn close(&self) {
        self.sign_in_again().await;
    }

    /// Forgets the session; the next statement signs in. What the server says to that is not news.
    async fn sign_in_again(&self) {
        if let Err(error) = self.inner.api.close_session().await {
            tracing::debug!(%error, "closing a session");
        }
    }

    async fn abort(&self, request: Uuid) {
        if let Err(error) = self.inner.api.cancel_query(request).await {
            tracing::warn!(%error, "a statement could not be stopped on the server");
        }
    }
}

/// Session parameters of one statement; its purpose shows in QUERY_HISTORY.
fn parameters(options: &QueryOptions) -> HashMap<String, serde_json::Value> {
    let tag = json!({"app": "gondola", "v": env!("CARGO_PKG_VERSION"), "step": options.step.unwrap_or("extract")});
    let mut parameters = HashMap::from([
        ("QUERY_TAG".to_owned(), json!(tag.to_string())),
        // Megabytes; the smallest keeps memory small, because four chunks are in flight.
        ("CLIENT_RESULT_CHUNK_SIZE".to_owned(), json!(48)),
    ]);
    if let Some(rows) = options.max_rows {
        parameters.insert("ROWS_PER_RESULTSET".to_owned(), json!(rows));
    }
    parameters
}

fn base_url(settings: &Settings) -> Result<Url, SnowflakeError> {
    let host = settings
        .host
        .clone()
        .unwrap_or_else(|| format!("{}.snowflakecomputing.com", settings.account.to_lowercase().replace('_', "-")));
    let protocol = settings.protocol.as_deref().unwrap_or("https");
    let port = settings.port.map(|port| format!(":{port}")).unwrap_or_default();
    Url::parse(&format!("{protocol}://{host}{port}/")).map_err(|error| {
        SnowflakeError::new(Kind::Login, format!("`{protocol}://{host}{port}` is not an address: {error}"))
            .with_hint("Check `account`, `host`, `port` and `protocol` of this connection.")
    })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A proxy from the environment must not be asked for this very machine.
fn without_proxy() -> Result<reqwest_middleware::ClientWithMiddleware, SnowflakeError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .gzip(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .build()
        .map_err(|error| SnowflakeError::new(Kind::Protocol, error.to_string()))?;
    Ok(reqwest_middleware::ClientBuilder::new(client).build())
}

/// The crate takes plain keys only.
fn decrypt(pem: &SecretString, passphrase: &SecretString) -> Result<SecretString, SnowflakeError> {
    let unusable = |error: &dyn std::fmt::Display| {
        SnowflakeError::new(Kind::Login, format!("the private key cannot be decrypted: {error}"))
            .with_hint("Check `passphrase`; the key must be PKCS#8 PEM (BEGIN ENCRYPTED PRIVATE KEY).")
    };
    let (_, document) = pkcs8::SecretDocument::from_pem(pem.expose_secret()).map_err(|error| unusable(&error))?;
    let encrypted = pkcs8::EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|error| unusable(&error))?;
    let plain = encrypted.decrypt(passphrase.expose_secret()).map_err(|error| unusable(&error))?;
    let text = plain.to_pem("PRIVATE KEY", pkcs8::LineEnding::LF).map_err(|error| unusable(&error))?;
    Ok(SecretString::from(text.as_str().to_owned()))
}
