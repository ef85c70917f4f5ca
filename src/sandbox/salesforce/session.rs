//! Sessions, and everything else that a sign-in leaves behind: codes, refresh tokens, devices.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::org::{ORG_ID, USER_ID};

/// The connected app's consumer key.
pub const CLIENT_ID: &str = "3MVG9gondolaSandboxConsumerKey.loopbackOnly";
/// The connected app's consumer secret. It opens nothing but a loopback stand-in.
pub const CLIENT_SECRET: &str = "5A0DB0C0FFEE0000000000000000000000000000000000000000000000000001";
/// The user's name.
pub const USERNAME: &str = "demo@gondola.example";
/// The user's password.
pub const PASSWORD: &str = "gondola-demo-1";
/// What is appended to the password from outside the trusted network; accepted, and demanded when
/// the org is set up so.
pub const SECURITY_TOKEN: &str = "Sb0xT0kenSb0xT0kenSb0xT0";
/// A refresh token that the app was given.
pub const REFRESH_TOKEN: &str = "5Aep861gondolaSandboxRefreshTokenLoopbackOnly";
/// The private key whose certificate the app holds, PKCS#8 PEM. It opens nothing but a loopback stand-in.
pub const PRIVATE_KEY: &str = include_str!("../../../assets/sandbox/opens_only_the_sandbox.p8");
/// The other half of [`PRIVATE_KEY`].
pub const PUBLIC_KEY: &str = include_str!("../../../assets/sandbox/opens_only_the_sandbox.pub");

/// An authorization that waits to be turned into a session.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Where the code was sent.
    pub redirect_uri: String,
    /// The S256 challenge, when the client gave one.
    pub challenge: Option<String>,
    /// Whether the code was used.
    pub used: bool,
}

/// The tokens that are good, and the codes that become some.
#[derive(Debug)]
pub struct Sessions {
    tokens: HashSet<String>,
    refresh: HashSet<String>,
    codes: HashMap<String, Authorization>,
    /// How often each device asked.
    devices: HashMap<String, u32>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            tokens: HashSet::new(),
            refresh: HashSet::from([REFRESH_TOKEN.to_owned()]),
            codes: HashMap::new(),
            devices: HashMap::new(),
        }
    }
}

/// Something that nobody guesses.
pub fn secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

impl Sessions {
    /// Opens one; gives its access token.
    pub fn open(&mut self) -> String {
        let token = format!("{}!AQEAQ{}", &ORG_ID[..15], secret());
        self.tokens.insert(token.clone());
        token
    }

    /// Whether the token is that of an open session.
    pub fn knows(&self, token: &str) -> bool {
        self.tokens.contains(token)
    }

    /// Ends the session, or the right to refresh, that the token stands for.
    pub fn close(&mut self, token: &str) -> bool {
        self.tokens.remove(token) | self.refresh.remove(token)
    }

    /// Ends all sessions.
    pub fn expire(&mut self) {
        self.tokens.clear();
    }

    /// Gives a refresh token.
    pub fn grant_refresh(&mut self) -> String {
        let token = format!("5Aep861{}", secret());
        self.refresh.insert(token.clone());
        token
    }

    /// Whether a refresh token is good.
    pub fn may_refresh(&self, token: &str) -> bool {
        self.refresh.contains(token)
    }

    /// Ends every refresh token.
    pub fn expire_refresh(&mut self) {
        self.refresh.clear();
    }

    /// Puts the refresh token of the ready file back in force.
    pub fn restore_refresh(&mut self) {
        self.refresh.insert(REFRESH_TOKEN.to_owned());
    }

    /// Gives a code for an approved authorization. Real ones end in `==`, which must be escaped in a URL.
    pub fn approve(&mut self, redirect_uri: &str, challenge: Option<String>) -> String {
        let code = format!("aPrx{}==", secret());
        let approved = Authorization { redirect_uri: redirect_uri.to_owned(), challenge, used: false };
        self.codes.insert(code.clone(), approved);
        code
    }

    /// The authorization behind a code, as it was before this use of it.
    pub fn take_code(&mut self, code: &str) -> Option<Authorization> {
        let found = self.codes.get_mut(code)?;
        let before = found.clone();
        found.used = true;
        Some(before)
    }

    /// Gives a device code.
    pub fn device(&mut self) -> String {
        let code = secret();
        self.devices.insert(code.clone(), 0);
        code
    }

    /// How often the device asked before; `None` for one that is not known (any more).
    pub fn ask_again(&mut self, code: &str) -> Option<u32> {
        let asked = self.devices.get_mut(code)?;
        *asked += 1;
        Some(*asked - 1)
    }

    /// Forgets a device that was let in.
    pub fn forget_device(&mut self, code: &str) {
        self.devices.remove(code);
    }
}

/// `GET /services/oauth2/userinfo`.
pub fn user_info(instance_url: &str) -> Value {
    let id = format!("{instance_url}/id/{ORG_ID}/{USER_ID}");
    json!({
        "sub": id,
        "user_id": USER_ID,
        "organization_id": ORG_ID,
        "preferred_username": USERNAME,
        "nickname": "demo",
        "name": "Demo User",
        "email": "demo@example.com",
        "email_verified": true,
        "given_name": "Demo",
        "family_name": "User",
        "zoneinfo": "GMT",
        "photos": { "picture": format!("{instance_url}/profilephoto/005/F"), "thumbnail": format!("{instance_url}/profilephoto/005/T") },
        "profile": format!("{instance_url}/{USER_ID}"),
        "picture": format!("{instance_url}/profilephoto/005/F"),
        "urls": urls(instance_url),
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "updated_at": "2025-01-01T00:00:00Z",
    })
}

/// The identity URL: `GET /id/ORG/USER`.
pub fn identity(instance_url: &str) -> Value {
    json!({
        "id": format!("{instance_url}/id/{ORG_ID}/{USER_ID}"),
        "asserted_user": true,
        "user_id": USER_ID,
        "organization_id": ORG_ID,
        "username": USERNAME,
        "nick_name": "demo",
        "display_name": "Demo User",
        "email": "demo@example.com",
        "email_verified": true,
        "first_name": "Demo",
        "last_name": "User",
        "timezone": "GMT",
        "photos": { "picture": format!("{instance_url}/profilephoto/005/F"), "thumbnail": format!("{instance_url}/profilephoto/005/T") },
        "addr_street": null,
        "addr_city": null,
        "addr_state": null,
        "addr_country": "US",
        "addr_zip": null,
        "mobile_phone": null,
        "mobile_phone_verified": false,
        "is_lightning_login_user": false,
        "status": { "created_date": null, "body": null },
        "urls": urls(instance_url),
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "last_modified_date": "2025-01-01T00:00:00Z",
        "is_app_installed": true,
    })
}

fn urls(instance_url: &str) -> Value {
    let rest = format!("{instance_url}/services/data/v{{version}}");
    json!({
        "enterprise": format!("{instance_url}/services/Soap/c/{{version}}/{ORG_ID}"),
        "metadata": format!("{instance_url}/services/Soap/m/{{version}}/{ORG_ID}"),
        "partner": format!("{instance_url}/services/Soap/u/{{version}}/{ORG_ID}"),
        "rest": format!("{rest}/"),
        "sobjects": format!("{rest}/sobjects/"),
        "search": format!("{rest}/search/"),
        "query": format!("{rest}/query/"),
        "recent": format!("{rest}/recent/"),
        "tooling_rest": format!("{rest}/tooling/"),
        "profile": format!("{instance_url}/{USER_ID}"),
        "custom_domain": instance_url,
    })
}
