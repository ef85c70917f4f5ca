//! What each code of the API means: its kind, and the next step for a person.

use crate::destination::ErrorKind;

/// The kind of a code, and what to do about it; `None` for a code that is not known here.
pub(crate) fn classify(code: &str, message: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{Auth, Batch, Configuration, Data, Limit, Transient};
    Some(match code {
        "REQUIRED_FIELD_MISSING" => (Data, "Map the field, or give it a default."),
        "INVALID_EMAIL_ADDRESS" => (Data, "Correct the address in the source."),
        "STRING_TOO_LONG" => (Data, "Shorten the value in the source, or set too_long = \"truncate\" on the link."),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            (Data, "Map the value to one of the picklist's, or add it to the picklist in Setup.")
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => (Data, "A validation rule of this org refused the row."),
        "FIELD_INTEGRITY_EXCEPTION" => {
            (Data, "The value does not go with another field, such as a state without its country.")
        }
        "NUMBER_OUTSIDE_VALID_RANGE" => (Data, "Correct the number in the source."),
        "JSON_PARSER_ERROR" => (Data, "The value is not of the field's type."),
        "DUPLICATES_DETECTED" => (Data, "A duplicate rule stopped the row: decide which record is meant."),
        "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => (Data, "Another record already has this unique value."),
        "INVALID_CROSS_REFERENCE_KEY" => (Data, "The record that it points to does not exist or cannot be seen."),
        "MALFORMED_ID" => (Data, "An id has 15 or 18 letters and digits."),
        "ENTITY_IS_DELETED" => (Data, "The record was deleted or merged: plan again."),
        "CANNOT_UPDATE_CONVERTED_LEAD" => (Data, "A converted lead cannot be changed: use its contact."),
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD" => (Auth, "Sign in in a browser once and set a new password."),
        // A trigger that reaches its limits for 200 rows may do for fewer.
        _ if message.contains("System.LimitException") => {
            (Batch, "A trigger of this org does too much for its limits, even for one row.")
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" | "APEX_ERROR" => {
            (Data, "A trigger or a flow of this org refused the row; its own words are in the message.")
        }
        "UNABLE_TO_LOCK_ROW" => (Transient, "Somebody else is changing the same records: try again in a moment."),
        "SERVER_UNAVAILABLE" => (Transient, "Salesforce is busy or in maintenance: try again later."),
        "QUERY_TIMEOUT" => (Transient, "The query took too long: match on a field that is indexed."),
        "UNKNOWN_EXCEPTION" => (Batch, "Salesforce failed inside: try again later."),
        "REQUEST_LIMIT_EXCEEDED" if message.contains("Concurrent") => {
            (Transient, "Too many long calls at once: wait some seconds.")
        }
        "REQUEST_LIMIT_EXCEEDED" => (Limit, "The API calls of the last 24 hours are used up: wait, or ask for more."),
        "STORAGE_LIMIT_EXCEEDED" => (Configuration, "The org's data storage is full: free some, then run again."),
        "INVALID_SESSION_ID" => (Auth, "Sign in again."),
        "INVALID_AUTH_HEADER" => (Auth, "Sign in again; the access token is not one of this org's."),
        "INVALID_LOGIN" => (Auth, "Check user name, password and security token."),
        "LOGIN_MUST_USE_SECURITY_TOKEN" => (Auth, "Add security_token to the connection."),
        "INVALID_FIELD" => (
            Configuration,
            "The field does not exist or this user may not see it: check its name and its field-level security.",
        ),
        "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            (Configuration, "This user may not write the field: change its field-level security, or take out the link.")
        }
        "INVALID_TYPE" => (Configuration, "The object does not exist or this user may not see it."),
        "INVALID_TYPE_FOR_OPERATION" => (Configuration, "This object cannot be written this way."),
        "NOT_FOUND" => (Configuration, "Check the object's name, the id and the API version."),
        "MALFORMED_QUERY" => (Configuration, "Salesforce could not read the query."),
        "METHOD_NOT_ALLOWED" => (Configuration, "The API version does not know this call."),
        "UNSUPPORTED_API_VERSION" => (Configuration, "Set an api_version that this org serves."),
        "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "CANNOT_INSERT_UPDATE_ACTIVATE" => {
            (Configuration, "This user lacks a permission on the object or the record: give it in a permission set.")
        }
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
            (Configuration, "Give the user the permission \"API Enabled\"; the org's edition must have the API.")
        }
        "EXCEEDED_ID_LIMIT" => (Configuration, "More records in one call than Salesforce takes."),
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" => {
            (Transient, "Another row of the call failed, not this one: send it again.")
        }
        _ => return None,
    })
}

/// The kind and the next step of an OAuth error.
pub(crate) fn classify_oauth(code: &str, message: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{Auth, Limit, Transient};
    let about = message.to_ascii_lowercase();
    let about = about.as_str();
    match code {
        _ if about.contains("not installed") || about.contains("ec_app_not_found") => (Auth, INSTALL_THE_APP),
        "invalid_client_id" | "app_not_found" => {
            (Auth, "Check client_id: it is the consumer key of the app. A new app takes 10 minutes.")
        }
        "invalid_client" => (Auth, "Check client_id and client_secret: the consumer key and secret of the app."),
        "invalid_grant" if about.contains("domain") => {
            (Auth, "Client credentials want the My Domain address as login_url, not login.salesforce.com.")
        }
        "invalid_grant" if about.contains("client credentials user") || about.contains("client_credentials") => {
            (Auth, "In the app, turn on the client credentials flow and choose the user to run as.")
        }
        "invalid_grant" if about.contains("authorization code") || about.contains("code verifier") => {
            (Auth, "The code is good once and for some minutes: run `gondola login` again.")
        }
        "invalid_grant" if about.contains("expired") => (Auth, "The refresh token has ended: authorize the app again."),
        "invalid_grant" | "invalid_app_access" if about.contains("approved") => (
            Auth,
            "Let the user use the app: in its policies set permitted users to \"Admin approved users are \
             pre-authorized\", and give the user's profile or permission set access to the app.",
        ),
        "invalid_grant" if about.contains("ip restricted") || about.contains("ip address") => {
            (Auth, "The app's or the profile's IP ranges keep this machine out: allow its address, or relax them.")
        }
        "invalid_grant" if about.contains("login rate") => (Limit, "Too many sign-ins of this user: wait an hour."),
        "invalid_grant" if about.contains("inactive") => (Auth, "The user is not active: activate it in Setup."),
        "invalid_grant" => {
            (Auth, "Check user name, password, security token and login_url (test.salesforce.com for a sandbox).")
        }
        "unsupported_grant_type" | "unsupported_response_type" => {
            (Auth, "The app or the org does not allow this flow: turn it on in the app's settings.")
        }
        "redirect_uri_mismatch" => (Auth, "Write redirect_uri exactly as the app has it among its callback URLs."),
        "invalid_scope" => (Auth, "Give the app the OAuth scopes api and refresh_token (offline_access)."),
        "access_denied" => (Auth, "The person refused, or may not use the app; run `gondola login` again."),
        "inactive_user" => (Auth, "The user is not active: activate it in Setup."),
        "inactive_org" => (Auth, "The org is locked or closed."),
        "OAUTH_APP_BLOCKED" | "OAUTH_APP_ACCESS_DENIED" | "OAUTH_APPROVAL_ERROR_GENERIC" | "invalid_app_access" => {
            (Auth, INSTALL_THE_APP)
        }
        "rate_limit_exceeded" => (Limit, "Too many sign-ins: wait some minutes."),
        "server_error" | "temporarily_unavailable" | "unknown_error" => (Transient, "Try again later."),
        _ => (Auth, "Check the connection's sign-in settings."),
    }
}

/// Since September 2025 orgs refuse apps that are not installed in them.
const INSTALL_THE_APP: &str = "An administrator has to allow the app in this org: Setup, Connected Apps OAuth Usage, \
     Install (or Unblock); or make an External Client App in the org itself.";

/// The kind of an HTTP status, where no known code says more.
pub(crate) fn by_status(status: u16) -> (ErrorKind, &'static str) {
    match status {
        300..=399 => {
            (ErrorKind::Configuration, "Use the org's My Domain address, such as https://acme.my.salesforce.com.")
        }
        401 => (ErrorKind::Auth, "Sign in again."),
        403 => (ErrorKind::Configuration, "This user lacks a permission, or a network rule keeps this machine out."),
        404 | 405 => (ErrorKind::Configuration, "Check login_url and api_version."),
        408 | 429 | 500..=599 => (ErrorKind::Transient, "Try again later."),
        _ => (ErrorKind::Configuration, "Salesforce refused the call; its message says why."),
    }
}
