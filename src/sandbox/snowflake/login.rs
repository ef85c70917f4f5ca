//! Login, renewal, heartbeat, logout.

use base64::Engine as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::session::Tokens;
use super::{ACCOUNT, DATABASE, PASSWORD, ROLE, SCHEMA, State, TOKEN, USER, WAREHOUSE};

/// The server's version.
pub(super) const VERSION: &str = "9.38.1";
const PUBLIC_KEY: &str = include_str!("../../../assets/sandbox/opens_only_the_sandbox.pub");
/// `SHA256:` of the public key's DER, as `DESCRIBE USER` shows it.
const FINGERPRINT: &str = "SHA256:Z3qPxdIKMCTwlCRCaQWpyVqxBnOwcwdAJZmINKiISDY=";

#[derive(Debug, Deserialize)]
struct Body {
    data: Data,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Data {
    #[serde(default)]
    account_name: String,
    #[serde(default)]
    login_name: String,
    #[serde(default)]
    password: String,
    authenticator: Option<String>,
    #[serde(default)]
    token: String,
}

/// What a login is answered.
pub(super) enum Answer {
    Json(Value),
    /// There is no such account: Snowflake answers an HTML page with 403.
    NoAccount,
}

/// A refusal in the recorded shape.
fn refused(code: &str, method: &str, message: &str) -> Answer {
    Answer::Json(json!({
        "data": {"nextAction": "RETRY_LOGIN", "authnMethod": method, "signInOptions": {}},
        "code": code, "message": message, "success": false, "headers": Value::Null,
    }))
}

/// Signs a user in.
pub(super) fn login(state: &State, body: &[u8]) -> Answer {
    let Ok(Body { data }) = serde_json::from_slice(body) else {
        return refused("390100", "USERNAME_PASSWORD", "Incorrect username or password was specified.");
    };
    if !data.account_name.eq_ignore_ascii_case(ACCOUNT) {
        return Answer::NoAccount;
    }
    let known = data.login_name.eq_ignore_ascii_case(USER);
    let method = data.authenticator.as_deref().unwrap_or("SNOWFLAKE").to_uppercase();
    match method.as_str() {
        "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" if known && data.password == PASSWORD => {}
        "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" => {
            return refused("390100", "USERNAME_PASSWORD", "Incorrect username or password was specified.");
        }
        "SNOWFLAKE_JWT" => {
            if !is_signed(&data.token) {
                let id = uuid::Uuid::new_v4();
                return refused("390144", "KEYPAIR", &format!("JWT token is invalid. [{id}]"));
            }
        }
        "PROGRAMMATIC_ACCESS_TOKEN" if known && data.token == TOKEN => {}
        "PROGRAMMATIC_ACCESS_TOKEN" => {
            return refused("394400", "PAT", "Programmatic access token is invalid.");
        }
        "OAUTH" => return refused("390303", "OAUTH", "Invalid OAuth access token."),
        other => return refused("390100", other, "This way of signing in is not available."),
    }
    Answer::Json(signed_in(&state.sessions.begin()))
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
}

/// Whether a key-pair token is signed by the registered key, for this user, and not expired.
fn is_signed(token: &str) -> bool {
    let Ok(key) = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()) else { return false };
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    let Ok(decoded) = jsonwebtoken::decode::<Claims>(token, &key, &validation) else { return false };
    let user = format!("{}.{USER}", ACCOUNT.to_uppercase());
    decoded.claims.sub == user && decoded.claims.iss == format!("{user}.{FINGERPRINT}")
}

fn signed_in(tokens: &Tokens) -> Value {
    json!({
        "data": {
            "masterToken": tokens.master,
            "token": tokens.token,
            "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400,
            "displayUserName": USER,
            "serverVersion": VERSION,
            "firstLogin": false,
            "remMeToken": Value::Null,
            "remMeValidityInSeconds": 0,
            "healthCheckInterval": 45,
            "newClientForUpgrade": Value::Null,
            "sessionId": tokens.id,
            "parameters": parameters(),
            "sessionInfo": {
                "databaseName": DATABASE, "schemaName": SCHEMA, "warehouseName": WAREHOUSE, "roleName": ROLE,
            },
            "idToken": Value::Null,
            "idTokenValidityInSeconds": 0,
            "responseData": Value::Null,
            "mfaToken": Value::Null,
            "mfaTokenValidityInSeconds": 0,
        },
        "code": Value::Null,
        "message": Value::Null,
        "success": true,
    })
}

/// Session parameters that drivers read.
pub(super) fn parameters() -> Value {
    json!([
        {"name": "TIMEZONE", "value": "America/Los_Angeles"},
        {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 65280},
        {"name": "CLIENT_SESSION_KEEP_ALIVE", "value": false},
        {"name": "CLIENT_RESULT_CHUNK_SIZE", "value": 160},
        {"name": "DATE_OUTPUT_FORMAT", "value": "YYYY-MM-DD"},
        {"name": "TIMESTAMP_NTZ_OUTPUT_FORMAT", "value": "YYYY-MM-DD HH24:MI:SS.FF3"},
    ])
}

/// Renews by the master token.
pub(super) fn renew(state: &State, master: &str) -> Value {
    match state.sessions.renew(master) {
        Some(tokens) => json!({
            "data": {
                "sessionToken": tokens.token,
                "validityInSecondsST": 3600,
                "masterToken": tokens.master,
                "validityInSecondsMT": 14400,
                "sessionId": tokens.id,
            },
            "message": Value::Null, "code": Value::Null, "success": true,
        }),
        None => json!({
            "data": {"errorCode": "390114", "reAuthnMethods": ["USERNAME_PASSWORD"]},
            "code": "390114",
            "message": "Authentication token has expired.  The user must authenticate again.",
            "success": false, "headers": Value::Null,
        }),
    }
}

/// Success with nothing to say: heartbeat, logout, telemetry.
pub(super) fn nothing() -> Value {
    json!({"data": Value::Null, "code": Value::Null, "message": Value::Null, "success": true})
}

/// A query id in Snowflake's form.
pub(super) fn query_id() -> String {
    let id = uuid::Uuid::now_v7().to_string();
    format!("01{}", &id[2..])
}

/// The bytes as Base64 text.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
