//! OAuth JWT bearer: an assertion that lives for minutes, signed with a private key.
//!
//! Wire: `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=…`, RS256 over
//! `{iss: client_id, sub: username, aud, exp}`; `exp` at most three minutes ahead.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde::Serialize;

use super::token::{self, Form, Refusal, TokenAnswer};
use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::errors::refused_here;
use crate::salesforce::hosts::Base;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion lives, in seconds: under the three minutes that are allowed, so that a
/// clock that is half a minute ahead of Salesforce's does no harm.
const LIFETIME: i64 = 150;
/// From this difference between the clocks on, in seconds, a refusal is asked again by Salesforce's.
const SKEW: i64 = 20;

/// Signs assertions for one user of one app.
pub(super) struct Signer {
    client_id: String,
    username: String,
    audience: String,
    key: EncodingKey,
    /// Salesforce's clock less ours, in seconds; known after a refusal.
    skew: AtomicI64,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("username", &self.username)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

impl Signer {
    pub(super) fn new(client_id: String, username: String, audience: String, key: EncodingKey) -> Self {
        Self { client_id, username, audience, key, skew: AtomicI64::new(0) }
    }

    /// One sign-in; a second try by Salesforce's clock when ours is off.
    pub(super) async fn ask(&self, client: &reqwest::Client, base: &Base) -> Result<TokenAnswer, Refusal> {
        let refusal = match token::ask(client, base, &self.form()?).await {
            Err(refusal) if refusal.failure.error.kind == ErrorKind::Auth => refusal,
            other => return other,
        };
        let skew = refusal.server_time.map_or(0, |server| server.as_second() - Timestamp::now().as_second());
        if (skew - self.skew.swap(skew, Ordering::Relaxed)).abs() < SKEW {
            return Err(self.explained(refusal, 0));
        }
        token::ask(client, base, &self.form()?).await.map_err(|refusal| self.explained(refusal, skew))
    }

    fn explained(&self, mut refusal: Refusal, skew: i64) -> Refusal {
        let error = &mut refusal.failure.error;
        let audience = self.audience.as_str();
        let about = error.message.to_ascii_lowercase();
        if about.contains("audience") {
            error.hint = Some(format!(
                "The assertion was for {audience}. Set audience = \"https://login.salesforce.com\" (production) or \
                 \"https://test.salesforce.com\" (sandbox)."
            ));
        } else if about.contains("assertion") || about.contains("client credentials") || error.code == "invalid_client"
        {
            error.hint = Some(
                "The key does not fit the app: upload the certificate of private_key to the app (use digital \
                 signatures), and check client_id."
                    .to_owned(),
            );
        }
        if skew != 0 {
            let hint = error.hint.take().unwrap_or_default();
            error.hint =
                Some(format!("{hint} This machine's clock is {} s off Salesforce's.", skew.abs()).trim().into());
        }
        refusal
    }

    fn form(&self) -> Result<Form, DestinationError> {
        Ok(Form::default().with("grant_type", GRANT).with("assertion", self.assertion(Timestamp::now())?))
    }

    fn assertion(&self, now: Timestamp) -> Result<SecretString, DestinationError> {
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.username,
            aud: &self.audience,
            exp: now.as_second() + self.skew.load(Ordering::Relaxed) + LIFETIME,
        };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key);
        signed.map(SecretString::from).map_err(|error| {
            refused_here(
                "INVALID_KEY",
                format!("private_key cannot sign: {error}"),
                "It must be an RSA key of 2048 to 4096 bits.",
            )
        })
    }
}
