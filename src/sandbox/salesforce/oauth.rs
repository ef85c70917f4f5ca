//! OAuth: the token endpoint with its grants, and the page on which a user approves.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Call};
use super::jwt;
use super::org::{ORG_ID, Org, USER_ID};
use super::session::{CLIENT_ID, CLIENT_SECRET, PASSWORD, SECURITY_TOKEN, USERNAME, secret};
use super::setup::App;
use super::time;

/// Seconds between a device's questions.
const DEVICE_INTERVAL: u32 = 1;
/// How often a device hears that nobody has approved yet.
const DEVICE_PENDING: u32 = 2;

/// OAuth's code and description.
pub type OAuthError = (&'static str, &'static str);

type Checked = Result<Granted, OAuthError>;

/// What a grant gives beside a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Granted {
    Session,
    /// Without `issued_at` and `signature`.
    Assertion,
    WithRefresh,
}

/// OAuth's shape of an error.
pub fn refused(error: &str, description: &str) -> Answer {
    Answer::status(400, json!({ "error": error, "error_description": description }))
}

struct Form<'a> {
    values: &'a [(String, String)],
    basic: Option<(String, String)>,
}

impl Form<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Checks the app's own credentials.
    fn client(&self, secret_needed: bool) -> Result<(), OAuthError> {
        let id = self.get("client_id").or(self.basic.as_ref().map(|it| it.0.as_str()));
        let secret = self.get("client_secret").or(self.basic.as_ref().map(|it| it.1.as_str()));
        match (id, secret) {
            (None, _) => Err(("invalid_client_id", "client identifier missing")),
            (Some(id), _) if id != CLIENT_ID => Err(("invalid_client_id", "client identifier invalid")),
            (_, None) if secret_needed => Err(("invalid_client", "client secret missing")),
            (_, Some(secret)) if secret != CLIENT_SECRET => Err(("invalid_client", "invalid client credentials")),
            _ => Ok(()),
        }
    }
}

/// `POST /services/oauth2/token`. `basic` is what follows `Authorization: Basic`.
pub fn token(org: &mut Org, values: &[(String, String)], basic: Option<&str>) -> Answer {
    let basic = basic
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let form = Form { values, basic };
    if form.get("response_type") == Some("device_code") {
        return device(org, &form).unwrap_or_else(|(error, description)| refused(error, description));
    }
    match grant(org, &form) {
        Err((error, description)) => refused(error, description),
        Ok(granted) => {
            let mut body = json!({
                "access_token": org.sessions.open(),
                "scope": "refresh_token api",
                "instance_url": org.instance_url,
                "id": format!("{}/id/{ORG_ID}/{USER_ID}", org.instance_url),
                "token_type": "Bearer",
            });
            if granted != Granted::Assertion {
                body["signature"] = json!(STANDARD.encode(uuid::Uuid::new_v4().as_bytes()));
                body["issued_at"] = json!(time::now_milliseconds().to_string());
            }
            if granted == Granted::WithRefresh {
                body["refresh_token"] = json!(org.sessions.grant_refresh());
            }
            Answer::ok(body)
        }
    }
}

fn approved(org: &Org) -> Result<(), OAuthError> {
    match org.records.setup.app {
        App::Approved => Ok(()),
        App::Unapproved => Err(("invalid_grant", "user hasn't approved this consumer")),
        App::Blocked => Err(("OAUTH_APP_BLOCKED", "this app is blocked by admin")),
    }
}

fn grant(org: &mut Org, form: &Form<'_>) -> Checked {
    match form.get("grant_type") {
        Some("client_credentials") => {
            form.client(true)?;
            approved(org)?;
            Ok(Granted::Session)
        }
        Some("password") => {
            form.client(true)?;
            approved(org)?;
            let right = password_is_right(org, form.get("password").unwrap_or_default());
            if form.get("username") == Some(USERNAME) && right {
                Ok(Granted::Session)
            } else {
                Err(("invalid_grant", "authentication failure"))
            }
        }
        Some("refresh_token") => {
            form.client(false)?;
            approved(org)?;
            let given = form.get("refresh_token").unwrap_or_default();
            if !org.sessions.may_refresh(given) {
                return Err(("invalid_grant", "expired access/refresh token"));
            }
            if !org.records.setup.rotates {
                return Ok(Granted::Session);
            }
            org.sessions.close(given);
            Ok(Granted::WithRefresh)
        }
        Some("authorization_code") => {
            form.client(false)?;
            approved(org)?;
            code(org, form)
        }
        Some("device") => {
            form.client(false)?;
            approved(org)?;
            device_asks(org, form.get("code").unwrap_or_default())
        }
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            let checked = jwt::check(form.get("assertion").unwrap_or_default(), &org.instance_url);
            checked?;
            approved(org)?;
            Ok(Granted::Assertion)
        }
        _ => Err(("unsupported_grant_type", "grant type not supported")),
    }
}

/// Whether the password is right, with its security token where one is needed.
pub fn password_is_right(org: &Org, given: &str) -> bool {
    match given.strip_prefix(PASSWORD) {
        Some("") => !org.records.setup.security_token,
        Some(rest) => rest == SECURITY_TOKEN,
        None => false,
    }
}

fn code(org: &mut Org, form: &Form<'_>) -> Checked {
    let grant = |description: &'static str| Err(("invalid_grant", description));
    let Some(authorization) = org.sessions.take_code(form.get("code").unwrap_or_default()) else {
        return grant("invalid authorization code");
    };
    if authorization.used {
        return grant("expired authorization code");
    }
    if form.get("redirect_uri") != Some(authorization.redirect_uri.as_str()) {
        return Err(("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    match (authorization.challenge, form.get("code_verifier")) {
        (None, _) => {}
        (Some(_), None) => return grant("code verifier is required"),
        (Some(challenge), Some(verifier)) => {
            if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != challenge {
                return grant("invalid code verifier");
            }
        }
    }
    Ok(Granted::WithRefresh)
}

fn device(org: &mut Org, form: &Form<'_>) -> Result<Answer, OAuthError> {
    form.client(false)?;
    approved(org)?;
    if org.records.setup.device_refused {
        return Err(("invalid_client", "device flow is not enabled for this app"));
    }
    let letters = secret().to_uppercase();
    Ok(Answer::ok(json!({
        "device_code": org.sessions.device(),
        "user_code": letters[..8],
        "verification_uri": format!("{}/setup/connect", org.instance_url),
        "interval": DEVICE_INTERVAL,
    })))
}

fn device_asks(org: &mut Org, code: &str) -> Checked {
    match org.sessions.ask_again(code) {
        None => Err(("invalid_grant", "invalid device code")),
        Some(asked) if asked < DEVICE_PENDING => {
            Err(("authorization_pending", "User has not yet completed authorization"))
        }
        Some(_) => {
            org.sessions.forget_device(code);
            Ok(Granted::WithRefresh)
        }
    }
}

/// `GET /services/oauth2/authorize`: the user approves at once and is sent back.
pub fn authorize(org: &mut Org, call: &Call) -> Answer {
    let page = |error: &str, description: &str| {
        let text = format!("error={error}&error_description={description}");
        Answer { status: 400, ..Answer::text("text/html", text) }
    };
    if call.parameter("client_id") != Some(CLIENT_ID) {
        return page("invalid_client_id", "client identifier invalid");
    }
    let redirect = call.parameter("redirect_uri").unwrap_or_default().to_owned();
    let Some(mut target) = url::Url::parse(&redirect).ok().filter(is_registered) else {
        return page("redirect_uri_mismatch", "redirect_uri must match configuration");
    };
    let state = call.parameter("state").map(str::to_owned);
    let mut answer: Vec<(&str, String)> = Vec::new();
    let challenge = call.parameter("code_challenge").map(str::to_owned);
    let method = call.parameter("code_challenge_method").unwrap_or("S256");
    if call.parameter("response_type") != Some("code") {
        answer.push(("error", "unsupported_response_type".to_owned()));
        answer.push(("error_description", "response type not supported".to_owned()));
    } else if org.records.setup.app == App::Blocked {
        answer.push(("error", "OAUTH_APP_BLOCKED".to_owned()));
        answer.push(("error_description", "this app is blocked by admin".to_owned()));
    } else if org.records.setup.app == App::Unapproved {
        answer.push(("error", "access_denied".to_owned()));
        answer.push(("error_description", "end-user denied authorization".to_owned()));
    } else if challenge.is_some() && method != "S256" {
        answer.push(("error", "invalid_request".to_owned()));
        answer.push(("error_description", "invalid code challenge method".to_owned()));
    } else {
        answer.push(("code", org.sessions.approve(&redirect, challenge)));
    }
    answer.extend(state.map(|state| ("state", state)));
    target.query_pairs_mut().extend_pairs(answer);
    Answer::bare(302).with_header("Location", target.to_string())
}

/// The addresses that the app has registered: any on loopback, and Salesforce's own page of success.
fn is_registered(target: &url::Url) -> bool {
    matches!(target.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
        || target.path() == "/services/oauth2/success"
}

/// `POST /services/oauth2/introspect`.
pub fn introspect(org: &Org, token: &str) -> Value {
    if !org.sessions.knows(token) {
        return json!({ "active": false });
    }
    let now = time::now_milliseconds() / 1_000;
    json!({
        "active": true, "scope": "refresh_token api", "client_id": CLIENT_ID, "username": USERNAME,
        "sub": format!("{}/id/{ORG_ID}/{USER_ID}", org.instance_url), "token_type": "access_token",
        "exp": now + 7_200, "iat": now, "nbf": now,
    })
}
