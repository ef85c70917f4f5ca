//! `connections.toml`: accounts and orgs, with secrets by reference only.

use std::collections::BTreeMap;
use std::fmt;

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

impl fmt::Display for SnowflakeAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::KeyPair => "key-pair",
            Self::Token => "token",
            Self::Oauth => "oauth",
            Self::Mfa => "mfa",
            Self::ExternalBrowser => "external-browser",
        })
    }
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

impl SalesforceAuth {
    /// Whether a person signs in once (`gondola login`), and what they were given is kept.
    pub fn is_interactive(self) -> bool {
        matches!(self, Self::Web | Self::Device)
    }
}

impl fmt::Display for SalesforceAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jwt => "jwt",
            Self::ClientCredentials => "client-credentials",
            Self::RefreshToken => "refresh-token",
            Self::Password => "password",
            Self::Soap => "soap",
            Self::Device => "device",
            Self::Web => "web",
            Self::AccessToken => "access-token",
            Self::SfCli => "sf-cli",
        })
    }
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
    /// Of an encrypted private key.
    pub passphrase: Option<Secret>,
    /// For `jwt`: who the assertion is for, where the usual one is not right.
    pub audience: Option<String>,
    /// For `web`: where the browser is sent afterwards, as the app has it.
    pub redirect_uri: Option<String>,
    /// For `sf-cli`: alias or user name of an org that `sf` knows; its default org when left out.
    pub target_org: Option<String>,
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
        } else if self.target_org.is_some() {
            SalesforceAuth::SfCli
        } else if self.password.is_some() && self.client_id.is_none() {
            // Without an app there is no OAuth.
            SalesforceAuth::Soap
        } else if self.password.is_some() {
            SalesforceAuth::Password
        } else if self.redirect_uri.is_some() {
            SalesforceAuth::Web
        } else {
            SalesforceAuth::ClientCredentials
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str) -> SalesforceAuth {
        toml::from_str::<SalesforceConnection>(text).unwrap().auth()
    }

    #[test]
    fn the_sign_in_is_guessed_from_what_is_there() {
        for (text, auth) in [
            ("client_id = \"a\"\nclient_secret = \"env:S\"", "client-credentials"),
            ("client_id = \"a\"\nusername = \"u\"\nprivate_key = \"file:k\"", "jwt"),
            ("client_id = \"a\"\nusername = \"u\"\npassword = \"env:P\"", "password"),
            ("username = \"u\"\npassword = \"env:P\"", "soap"),
            ("client_id = \"a\"\nredirect_uri = \"http://localhost:1717/x\"", "web"),
            ("client_id = \"a\"\nrefresh_token = \"env:R\"", "refresh-token"),
            ("access_token = \"env:T\"", "access-token"),
            ("target_org = \"sales\"", "sf-cli"),
            ("auth = \"device\"\nclient_id = \"a\"", "device"),
        ] {
            assert_eq!(guessed(text).to_string(), auth, "{text}");
        }
    }
}
