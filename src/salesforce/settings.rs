//! What is needed to sign in.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use crate::destination::DestinationError;

/// The API version that is spoken when the settings name none.
pub const DEFAULT_API_VERSION: &str = "65.0";

/// What is needed to sign in; secrets already resolved.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to sign in: `https://acme.my.salesforce.com`, `https://login.salesforce.com`. Not
    /// looked at for [`Auth::AccessToken`] and [`Auth::SfCli`].
    pub login_url: String,
    /// How to sign in.
    pub auth: Auth,
    /// API version such as `65.0`; [`DEFAULT_API_VERSION`] when left out.
    pub api_version: Option<String>,
    /// Calls of the day that are left to others; one in fifty when left out.
    pub api_floor: Option<u64>,
}

/// A way to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// OAuth JWT bearer: an assertion signed with the key whose certificate the app has. There is
    /// no refresh token; the next session takes the next assertion.
    Jwt {
        /// Consumer key of the app.
        client_id: String,
        /// Login name of the user to run as.
        username: String,
        /// RSA key of 2048 to 4096 bits as PEM: PKCS#8, encrypted PKCS#8 or PKCS#1.
        private_key: SecretString,
        /// Passphrase of an encrypted key.
        passphrase: Option<SecretString>,
        /// Who the assertion is for; guessed from the login URL when left out.
        audience: Option<String>,
    },
    /// OAuth client credentials: runs as the user that the app names. Wants the My Domain address.
    ClientCredentials {
        /// Consumer key of the app.
        client_id: String,
        /// Consumer secret of the app.
        client_secret: SecretString,
    },
    /// OAuth refresh token of an earlier authorization.
    RefreshToken {
        /// Consumer key of the app.
        client_id: String,
        /// Consumer secret, where the app wants it.
        client_secret: Option<SecretString>,
        /// The refresh token.
        refresh_token: SecretString,
    },
    /// OAuth refresh token that somebody keeps between runs, and that may change with each sign-in.
    Kept {
        /// Consumer key of the app.
        client_id: String,
        /// Consumer secret, where the app wants it.
        client_secret: Option<SecretString>,
        /// Who keeps it.
        keeper: Arc<dyn TokenKeeper>,
    },
    /// OAuth user name and password; off by default in new orgs.
    Password {
        /// Consumer key of the app.
        client_id: String,
        /// Consumer secret of the app.
        client_secret: SecretString,
        /// Login name.
        username: String,
        /// Password.
        password: SecretString,
        /// Security token, wanted from networks that the org does not trust.
        security_token: Option<SecretString>,
    },
    /// SOAP `login()`: user name and password without an app. Salesforce retires it in 2027.
    Soap {
        /// Login name.
        username: String,
        /// Password.
        password: SecretString,
        /// Security token, wanted from networks that the org does not trust.
        security_token: Option<SecretString>,
    },
    /// A session that somebody else opened. Cannot be renewed.
    AccessToken {
        /// Base URL of the org.
        instance_url: String,
        /// The access token.
        access_token: SecretString,
    },
    /// An org that the `sf` command line on this machine is signed in to.
    SfCli {
        /// Alias or user name; the default org of `sf` when left out.
        target_org: Option<String>,
    },
}

/// Keeps a refresh token between runs.
pub trait TokenKeeper: fmt::Debug + Send + Sync {
    /// The token as it is now: another process may have changed it.
    fn load(&self) -> Result<SecretString, DestinationError>;

    /// Keeps the token that took its place (orgs may rotate them: the old one is then worthless).
    fn keep(&self, token: &SecretString) -> Result<(), DestinationError>;

    /// What a person does when the token has ended.
    fn hint(&self) -> String;
}
