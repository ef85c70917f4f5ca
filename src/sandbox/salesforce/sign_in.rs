//! Calls that need no session: signing in, and asking who one is.

use serde_json::json;

use super::call::{Answer, Call};
use super::org::{ORG_ID, Org};
use super::{oauth, session, soap};

/// Answers a call outside `/services/data`; `None` when the address is not one of these.
pub fn answer(org: &mut Org, call: &Call, authorization: &str) -> Option<Answer> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    Some(match segments.as_slice() {
        ["services", "oauth2", "token"] => {
            if call.method == "POST" {
                oauth::token(org, &form(call), authorization.strip_prefix("Basic "))
            } else {
                oauth::refused("invalid_request", "must use HTTP POST")
            }
        }
        ["services", "oauth2", "authorize"] => oauth::authorize(org, call),
        ["services", "oauth2", "revoke"] => {
            if org.sessions.close(&given_token(call)) {
                Answer::bare(200)
            } else {
                oauth::refused("unsupported_token_type", "this token type is not supported")
            }
        }
        ["services", "oauth2", "introspect"] => Answer::ok(oauth::introspect(org, &given_token(call))),
        ["services", "oauth2", "userinfo"] => who(org, call, authorization, false),
        ["id", ORG_ID, _] => who(org, call, authorization, true),
        ["services", "Soap", "u", version, ..] => soap::login(org, version, &String::from_utf8_lossy(&call.raw)),
        _ => return None,
    })
}

fn form(call: &Call) -> Vec<(String, String)> {
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(&call.raw).into_owned().collect();
    form.extend(call.query.iter().cloned());
    form
}

fn given_token(call: &Call) -> String {
    form(call).into_iter().find(|(key, _)| key == "token").map(|(_, token)| token).unwrap_or_default()
}

fn who(org: &Org, call: &Call, authorization: &str, by_id: bool) -> Answer {
    let token = call.parameter("oauth_token").or(call.parameter("access_token")).unwrap_or(bearer(authorization));
    if !org.sessions.knows(token) {
        return Answer::status(403, json!("Bad_OAuth_Token"));
    }
    let url = &org.instance_url;
    Answer::ok(if by_id { session::identity(url) } else { session::user_info(url) })
}

/// The token in an `Authorization` header.
pub fn bearer(authorization: &str) -> &str {
    authorization.strip_prefix("Bearer ").or_else(|| authorization.strip_prefix("OAuth ")).unwrap_or_default()
}
