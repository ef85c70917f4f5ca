//! Signing in: the token endpoint, and the sessions it opens.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::Answer;
use super::org::{ORG_ID, USER_ID};
use super::time;

/// The connected app's consumer key.
pub const CLIENT_ID: &str = "3MVG9gondolaSandboxConsumerKey.loopbackOnly";
/// The connected app's consumer secret. It opens nothing but a loopback stand-in.
pub const CLIENT_SECRET: &str = "5A0DB0C0FFEE0000000000000000000000000000000000000000000000000001";
/// The user's name.
pub const USERNAME: &str = "demo@gondola.example";
/// The user's password.
pub const PASSWORD: &str = "gondola-demo-1";
/// What is appended to the password from outside the trusted network; accepted, not demanded.
pub const SECURITY_TOKEN: &str = "Sb0xT0kenSb0xT0kenSb0xT0";
/// A refresh token that the app was given.
pub const REFRESH_TOKEN: &str = "5Aep861gondolaSandboxRefreshTokenLoopbackOnly";

/// The tokens that are good.
#[derive(Debug, Default)]
pub struct Sessions {
    tokens: HashSet<String>,
}

impl Sessions {
    /// Opens one; gives its access token.
    pub fn open(&mut self) -> String {
        let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let token = format!("{}!AQEAQ{secret}", &ORG_ID[..15]);
        self.tokens.insert(token.clone());
        token
    }

    /// Whether the token is that of an open session.
    pub fn knows(&self, token: &str) -> bool {
        self.tokens.contains(token)
    }

    /// Ends one.
    pub fn close(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// Ends all of them.
    pub fn expire(&mut self) {
        self.tokens.clear();
    }
}

fn refused(error: &str, description: &str) -> Answer {
    Answer::status(400, json!({ "error": error, "error_description": description }))
}

/// `POST /services/oauth2/token`. `basic` is what follows `Authorization: Basic`.
pub fn token(sessions: &mut Sessions, instance_url: &str, form: &[(String, String)], basic: Option<&str>) -> Answer {
    let given = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let header: Option<(String, String)> = basic
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let client_id = given("client_id").or(header.as_ref().map(|it| it.0.as_str()));
    let client_secret = given("client_secret").or(header.as_ref().map(|it| it.1.as_str()));
    let client = |secret_needed: bool| match (client_id, client_secret) {
        (None, _) => Err(refused("invalid_client_id", "client identifier missing")),
        (Some(id), _) if id != CLIENT_ID => Err(refused("invalid_client_id", "client identifier invalid")),
        (_, None) if secret_needed => Err(refused("invalid_client", "client secret missing")),
        (_, Some(secret)) if secret != CLIENT_SECRET => Err(refused("invalid_client", "invalid client credentials")),
        _ => Ok(()),
    };
    let checked = match given("grant_type") {
        Some("client_credentials") => client(true),
        Some("password") => client(true).and_then(|()| {
            let password = given("password").unwrap_or_default();
            let right = password == PASSWORD || password.strip_prefix(PASSWORD) == Some(SECURITY_TOKEN);
            if given("username") == Some(USERNAME) && right {
                Ok(())
            } else {
                Err(refused("invalid_grant", "authentication failure"))
            }
        }),
        Some("refresh_token") => client(false).and_then(|()| {
            if given("refresh_token") == Some(REFRESH_TOKEN) {
                Ok(())
            } else {
                Err(refused("invalid_grant", "expired access/refresh token"))
            }
        }),
        // No certificate is registered with the app, so nobody can have approved such a sign-in.
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            Err(refused("invalid_grant", "user hasn't approved this consumer"))
        }
        _ => Err(refused("unsupported_grant_type", "grant type not supported")),
    };
    match checked {
        Err(answer) => answer,
        Ok(()) => Answer::ok(json!({
            "access_token": sessions.open(),
            "signature": STANDARD.encode(uuid::Uuid::new_v4().as_bytes()),
            "scope": "refresh_token api",
            "instance_url": instance_url,
            "id": format!("{instance_url}/id/{ORG_ID}/{USER_ID}"),
            "token_type": "Bearer",
            "issued_at": time::now_milliseconds().to_string(),
        })),
    }
}

/// `GET /services/oauth2/userinfo`, and the identity URL.
pub fn user_info(instance_url: &str) -> Value {
    let id = format!("{instance_url}/id/{ORG_ID}/{USER_ID}");
    json!({
        "sub": id,
        "id": id,
        "user_id": USER_ID,
        "organization_id": ORG_ID,
        "preferred_username": USERNAME,
        "username": USERNAME,
        "nickname": "demo",
        "name": "Demo User",
        "display_name": "Demo User",
        "email": "demo@example.com",
        "email_verified": true,
        "given_name": "Demo",
        "family_name": "User",
        "zoneinfo": "GMT",
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
    })
}
