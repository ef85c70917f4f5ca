//! Authorization code with PKCE (RFC 7636): the person opens an address anywhere, and the address
//! that the browser ends at comes back, pasted or caught.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::{Host, Url};
use uuid::Uuid;

use super::{AppSettings, Granted, SCOPE, listener};
use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::auth::token::{App, ask};
use crate::salesforce::codes::classify_oauth;
use crate::salesforce::errors::{Failure, ours, refused_here};
use crate::salesforce::hosts::Base;
use crate::salesforce::http::Http;

/// The callback URL that Salesforce's own command line uses, and that many apps have.
const REDIRECT_URI: &str = "http://localhost:1717/OauthRedirect";

/// One sign-in that is going on.
pub struct WebLogin {
    app: App,
    base: Base,
    redirect: Url,
    /// `redirect_uri` to the letter: Salesforce compares it so.
    redirect_uri: String,
    state: String,
    verifier: SecretString,
    url: String,
    http: Http,
}

impl fmt::Debug for WebLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebLogin").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// The code out of the browser's last address; good once.
pub struct Code(SecretString);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl WebLogin {
    /// Makes the address; nothing is sent.
    pub fn new(settings: &AppSettings) -> Result<Self, DestinationError> {
        let base = settings.base()?;
        let redirect_uri = settings.redirect_uri.clone().unwrap_or_else(|| REDIRECT_URI.to_owned());
        let redirect = check_redirect(&redirect_uri)?;
        let state = random();
        let verifier = random();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut url = Url::parse(&format!("{}/services/oauth2/authorize", base.as_str()))
            .map_err(|error| refused_here("INVALID_URL", error.to_string(), "Check login_url."))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("scope", SCOPE)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", &state);
        if let Some(username) = &settings.username {
            url.query_pairs_mut().append_pair("login_hint", username);
        }
        Ok(Self {
            app: settings.app(),
            base,
            redirect,
            redirect_uri,
            state,
            verifier: verifier.into(),
            url: url.into(),
            http: Http::default(),
        })
    }

    /// The address that the person opens; it holds no secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the browser is sent afterwards.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The port on this machine that the browser is sent to, when it is one.
    pub fn port(&self) -> Option<u16> {
        listener::address(&self.redirect).map(|address| address.port())
    }

    /// Waits until a browser comes to the redirect address on this machine. Only where the port is
    /// forwarded here (`ssh -L`), or the browser runs here. An error means that nobody can come,
    /// or that the sign-in was refused.
    pub async fn caught(&self) -> Result<Code, DestinationError> {
        listener::wait(&self.redirect, |address| self.code_in(address)).await
    }

    /// The code in the address that the browser ended at. [`ErrorKind::Configuration`] means that
    /// it is not that address, and another may be tried.
    pub fn code_in(&self, pasted: &str) -> Result<Code, DestinationError> {
        let not_it = |what: &str| {
            refused_here(
                "NOT_THE_ADDRESS",
                format!("This is not the address that the browser ended at: {what}."),
                &format!("It begins with {} and has code= and state= in it.", self.redirect_uri),
            )
        };
        // A terminal may have broken the line.
        let whole: String = pasted.split_whitespace().collect();
        let url = Url::parse(&whole).map_err(|_| not_it("it is no address"))?;
        let given = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        match given("state") {
            None => return Err(not_it("it has no state")),
            Some(state) if state != self.state => return Err(not_it("it belongs to another sign-in")),
            Some(_) => {}
        }
        if let Some(code) = given("error") {
            let message = given("error_description").unwrap_or_else(|| "Salesforce refused the sign-in.".to_owned());
            let (kind, hint) = classify_oauth(&code, &message);
            // Never "another address may be tried".
            let kind = if kind == ErrorKind::Configuration { ErrorKind::Auth } else { kind };
            return Err(ours(kind, &code, message, hint));
        }
        given("code").map(|code| Code(code.into())).ok_or_else(|| not_it("it has no code"))
    }

    /// Turns the code into a refresh token.
    pub async fn redeem(&self, code: Code) -> Result<Granted, DestinationError> {
        let form = self
            .app
            .form("authorization_code")
            .with("code", code.0)
            .with("redirect_uri", self.redirect_uri.as_str())
            .with("code_verifier", self.verifier.expose_secret());
        let answer = ask(&self.http.to(&self.base)?, &self.base, &form).await;
        Granted::of(&self.base, answer.map_err(|refusal| Failure::from(refusal).error)?)
    }
}

/// 244 random bits in letters that stand in an address as they are.
fn random() -> String {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend_from_slice(Uuid::new_v4().as_bytes());
    bytes.extend_from_slice(Uuid::new_v4().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The code comes in this address: https, or http on this machine.
fn check_redirect(text: &str) -> Result<Url, DestinationError> {
    let refuse = |what: &str| {
        refused_here(
            "INVALID_URL",
            format!("redirect_uri {text:?} cannot be used: {what}"),
            "Write it as the app's callback URL has it, such as http://localhost:1717/OauthRedirect.",
        )
    };
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    let here = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(refuse("it names no host")),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(refuse("it is neither https nor http on this machine")),
    }
}
