//! `connections.toml`: accounts and orgs, with secrets by reference only.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Secret;

/// Everything in `connections.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// Snowflake accounts by name.
    #[serde(default)]
    pub snowflake: BTreeMap<String, SnowflakeConnection>,
    /// Salesforce orgs by name.
    #[serde(default)]
    pub salesforce: BTreeMap<String, SalesforceConnection>,
    /// Mixpanel projects by name; kept, not used yet.
    #[serde(default)]
    pub mixpanel: BTreeMap<String, toml::Table>,
}

/// How to sign in to Snowflake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnowflakeAuth {
    /// User and password.
    Password,
    /// An RSA key pair.
    KeyPair,
    /// A programmatic access token.
    Token,
    /// A ready OAuth access token.
    Oauth,
    /// User, password and a second factor.
    Mfa,
    /// A browser; not available yet.
    ExternalBrowser,
}

/// One Snowflake account; keys as in Snowflake's own file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the key of Snowflake's own file")]
pub struct SnowflakeConnection {
    pub account: String,
    pub user: String,
    /// Guessed from what is there when it is left out.
    pub auth: Option<SnowflakeAuth>,
    pub password: Option<Secret>,
    pub passcode: Option<Secret>,
    pub private_key: Option<Secret>,
    pub passphrase: Option<Secret>,
    pub token: Option<Secret>,
    pub role: Option<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub protocol: Option<String>,
}

impl SnowflakeConnection {
    /// The way to sign in, given or guessed.
    pub fn auth(&self) -> SnowflakeAuth {
        self.auth.unwrap_or(if self.private_key.is_some() {
            SnowflakeAuth::KeyPair
        } else if self.token.is_some() {
            SnowflakeAuth::Token
        } else {
            SnowflakeAuth::Password
        })
    }
}

/// How to sign in to Salesforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the name of an OAuth flow, or the way it says")]
pub enum SalesforceAuth {
    Jwt,
    ClientCredentials,
    RefreshToken,
    Password,
    Soap,
    Device,
    Web,
    AccessToken,
    SfCli,
}

/// One Salesforce org.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the OAuth parameter of that name")]
pub struct SalesforceConnection {
    /// `https://acme.my.salesforce.com`, `https://login.salesforce.com`, …
    pub login_url: Option<String>,
    /// Guessed from what is there when it is left out.
    pub auth: Option<SalesforceAuth>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub refresh_token: Option<Secret>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub security_token: Option<Secret>,
    pub access_token: Option<Secret>,
    pub private_key: Option<Secret>,
    /// For a ready access token: where it is valid.
    pub instance_url: Option<String>,
    /// Such as `65.0`.
    pub api_version: Option<String>,
    /// Calls of the day that are left to others.
    pub api_floor: Option<u64>,
}

impl SalesforceConnection {
    /// The way to sign in, given or guessed.
    pub fn auth(&self) -> SalesforceAuth {
        self.auth.unwrap_or(if self.access_token.is_some() {
            SalesforceAuth::AccessToken
        } else if self.refresh_token.is_some() {
            SalesforceAuth::RefreshToken
        } else if self.private_key.is_some() {
            SalesforceAuth::Jwt
        } else if self.password.is_some() {
            SalesforceAuth::Password
        } else {
            SalesforceAuth::ClientCredentials
        })
    }
}
