//! SOAP `login()` of the Partner API: for users without an app.
//!
//! Wire (recorded): `POST LOGIN/services/Soap/u/VERSION`, `SOAPAction: login`; the answer has
//! `sessionId`, `serverUrl`, `userId`; a refusal is HTTP 500 with a fault. API versions from 65 on no
//! longer have it, and the others lose it in Summer '27.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::Event;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Session, instance, token};
use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::codes::classify;
use crate::salesforce::errors::{Effect, Failure, bad_answer, from_answer, from_transport, ours};
use crate::salesforce::hosts::Base;
use crate::salesforce::limits::retry_after;

/// The last API version that has the call.
const LAST_VERSION: u16 = 64;

/// User name and password, the security token already appended.
#[derive(Debug)]
pub(super) struct SoapLogin {
    username: String,
    password: SecretString,
    version: u16,
}

impl SoapLogin {
    pub(super) fn new(username: String, password: SecretString, version: Option<&str>) -> Self {
        let asked = version.map(|text| text.trim_start_matches(['v', 'V'])).and_then(|text| text.split('.').next());
        let version =
            asked.and_then(|text| text.trim().parse().ok()).map_or(LAST_VERSION, |asked: u16| asked.min(LAST_VERSION));
        Self { username, password, version }
    }

    pub(super) async fn attempt(&self, client: &reqwest::Client, base: &Base) -> Result<Session, Failure> {
        let path = format!("/services/Soap/u/{}.0", self.version);
        let started = std::time::Instant::now();
        let sent = client
            .post(format!("{}{path}", base.as_str()))
            .header(CONTENT_TYPE, "text/xml; charset=UTF-8")
            .header("SOAPAction", "login")
            .body(self.envelope().expose_secret().to_owned())
            .send()
            .await;
        let response = sent.map_err(|error| from_transport(error, Effect::Read))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| from_transport(error, Effect::Read))?;
        tracing::debug!(status = status.as_u16(), ms = started.elapsed().as_millis(), "POST {path}");
        if let Some(error) = token::moved(base, status, &headers) {
            return Err(error.into());
        }
        let found = read(&body);
        if let Some(error) = found.as_ref().and_then(fault) {
            return Err(error.into());
        }
        if !status.is_success() {
            return Err(from_answer(status, &body, Effect::Read, retry_after(&headers)));
        }
        Ok(session(base, found.as_ref().unwrap_or(&HashMap::new()))?)
    }

    /// The request, as it was recorded from other clients.
    fn envelope(&self) -> SecretString {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header/><env:Body>\
             <login xmlns=\"urn:partner.soap.sforce.com\"><username>{}</username><password>{}</password></login>\
             </env:Body></env:Envelope>",
            escape(self.username.as_str()),
            escape(self.password.expose_secret())
        )
        .into()
    }
}

/// The texts of an answer by `parent/element`, prefixes left out; `None` when it is not XML.
fn read(body: &[u8]) -> Option<HashMap<String, String>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut found: HashMap<String, String> = HashMap::new();
    loop {
        let piece = match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                continue;
            }
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::Text(text) => text.decode().ok()?.into_owned(),
            Event::CData(text) => text.decode().ok()?.into_owned(),
            // `&amp;` and its like arrive on their own.
            Event::GeneralRef(name) => unescape(&format!("&{};", name.decode().ok()?)).ok()?.into_owned(),
            Event::Eof => return (!found.is_empty()).then_some(found),
            _ => continue,
        };
        if let [.., parent, element] = path.as_slice() {
            found.entry(format!("{parent}/{element}")).or_default().push_str(&piece);
        }
    }
}

/// What a fault says.
fn fault(found: &HashMap<String, String>) -> Option<DestinationError> {
    let whole = found.get("Fault/faultstring")?.trim();
    let detail = |name: &str| {
        found.iter().find(|(key, _)| key.ends_with(name)).map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    };
    // `sf:INVALID_LOGIN` in faultcode, `INVALID_LOGIN: …` in faultstring.
    let code = detail("/exceptionCode")
        .or_else(|| found.get("Fault/faultcode").map(|code| code.rsplit(':').next().unwrap_or(code).trim()))
        .unwrap_or("SOAP_FAULT");
    let message = detail("/exceptionMessage")
        .unwrap_or_else(|| whole.strip_prefix(code).map_or(whole, |rest| rest.trim_start_matches(':').trim()));
    let (kind, hint) = match code {
        "INVALID_OPERATION" => (
            ErrorKind::Auth,
            "The org does not allow SOAP login: use auth = \"jwt\" or \"client-credentials\" (README, Sign-in).",
        ),
        "UNSUPPORTED_API_VERSION" => {
            (ErrorKind::Auth, "SOAP login is retired here: use auth = \"jwt\" or \"client-credentials\".")
        }
        "PASSWORD_LOCKOUT" => (ErrorKind::Auth, "Too many wrong passwords: wait, or have the user unlocked in Setup."),
        "LOGIN_DURING_RESTRICTED_DOMAIN" => (ErrorKind::Auth, "The profile's IP ranges keep this machine out."),
        "LOGIN_DURING_RESTRICTED_TIME" => (ErrorKind::Auth, "The profile's login hours do not include now."),
        "ORG_LOCKED" => (ErrorKind::Auth, "The org is locked: ask its administrator."),
        _ => classify(code, message).unwrap_or((ErrorKind::Auth, "Check the connection's sign-in settings.")),
    };
    Some(ours(kind, code, message, hint))
}

fn session(base: &Base, found: &HashMap<String, String>) -> Result<Session, DestinationError> {
    let text = |name: &str| found.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    if text("result/passwordExpired") == Some("true") {
        return Err(ours(
            ErrorKind::Auth,
            "PASSWORD_EXPIRED",
            "The user's password has expired.",
            "Sign in in a browser once and set a new password.",
        ));
    }
    let server = text("result/serverUrl").and_then(|url| Url::parse(url).ok());
    let (Some(server), Some(token)) = (server, text("result/sessionId")) else {
        return Err(bad_answer(Effect::Read, "The SOAP login's answer holds no sessionId and serverUrl."));
    };
    // `…/services/Soap/u/64.0/00D…`: the API is on the same host.
    let base = instance(base, &server.origin().ascii_serialization())?;
    Session::new(base, &token.to_owned().into(), text("result/userId"))
}
