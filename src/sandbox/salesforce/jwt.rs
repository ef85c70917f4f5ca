//! JWT bearer assertions: RS256 by the app's key, for the one user, not expired.
//!
//! The documentation wants `exp` within three minutes; the `sf` CLI sends one that is thousands of years
//! away, and real orgs take it.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::oauth::OAuthError;
use super::session::{CLIENT_ID, PUBLIC_KEY, USERNAME};
use super::time;

/// Who an assertion may be for, beside the org's own address.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    prn: Option<String>,
    aud: Option<String>,
    exp: Option<Value>,
}

/// Checks an assertion; the error is OAuth's code and description.
pub fn check(assertion: &str, own_address: &str) -> Result<(), OAuthError> {
    let grant = |description| ("invalid_grant", description);
    let mut validation = Validation::new(Algorithm::RS256);
    // Checked below, each with its own words.
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let read = |key: &DecodingKey, validation: &Validation| {
        jsonwebtoken::decode::<Claims>(assertion, key, validation).map(|token| token.claims)
    };
    // Whose it says it is comes before whether that is true: the issuer names the key.
    let mut unchecked = validation.clone();
    unchecked.insecure_disable_signature_validation();
    let claims = read(&DecodingKey::from_secret(&[]), &unchecked).map_err(|_| grant("invalid assertion"))?;
    if claims.iss.as_deref() != Some(CLIENT_ID) {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).map_err(|_| grant("invalid assertion"))?;
    let claims = read(&key, &validation).map_err(|_| grant("invalid assertion"))?;
    let audience = claims.aud.as_deref().map(|text| text.trim_end_matches('/')).unwrap_or_default();
    if !AUDIENCES.contains(&audience) && audience != own_address {
        return Err(grant("audience is invalid"));
    }
    let now = time::now_milliseconds() / 1_000;
    // simple-salesforce sends it as text, and real orgs take that too.
    let end = claims.exp.as_ref().and_then(|end| end.as_i64().or_else(|| end.as_str()?.parse().ok()));
    match end {
        Some(end) if end <= now => return Err(grant("expired authorization code")),
        Some(_) => {}
        None => return Err(grant("invalid assertion")),
    }
    if claims.sub.or(claims.prn).as_deref() == Some(USERNAME) {
        Ok(())
    } else {
        Err(grant("user hasn't approved this consumer"))
    }
}
