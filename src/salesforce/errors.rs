//! Salesforce's refusals: the code decides the kind and the next step; the message is kept whole.
//!
//! Three body shapes: REST `[{errorCode, message, fields}]`, a Collections row's
//! `[{statusCode, message, fields}]`, and OAuth `{error, error_description}`. Gateways add HTML and
//! nothing at all.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::codes::{by_status, classify, classify_oauth};
use crate::destination::{DestinationError, ErrorKind, Refusal};

/// Whether a call can have changed anything, which decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing: may be repeated.
    Read,
    /// Changes records: must not be repeated unless it was refused whole.
    Write,
}

/// A call that failed, with what only the transport needs to know.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the caller sees.
    pub error: DestinationError,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// Whether a new sign-in would help (401 `INVALID_SESSION_ID`).
    pub session_expired: bool,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { error: failure.error, retry_after: failure.retry_after }
    }
}

impl From<DestinationError> for Failure {
    fn from(error: DestinationError) -> Self {
        Self { error, retry_after: None, session_expired: false }
    }
}

/// One error as the API writes it, in either spelling of its code.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ApiError {
    #[serde(alias = "errorCode", alias = "statusCode", default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(rename = "duplicateResult", alias = "duplicateResut", default)]
    duplicate: Option<Value>,
}

impl ApiError {
    /// An error that came in another form than JSON.
    pub(crate) fn new(code: &str, message: &str, fields: Vec<String>) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), fields: Some(fields), duplicate: None }
    }
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// An error that this program raises itself, before or instead of an answer.
pub(crate) fn ours(kind: ErrorKind, code: &str, message: impl Into<String>, hint: &str) -> DestinationError {
    DestinationError {
        kind,
        code: code.to_owned(),
        message: message.into(),
        fields: Vec::new(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

/// A setting or a request that is refused before anything is sent.
pub(crate) fn refused_here(code: &str, message: impl Into<String>, hint: &str) -> DestinationError {
    ours(ErrorKind::Configuration, code, message, hint)
}

/// What is wrong with one row: its first error's code, all messages, all fields.
pub(crate) fn row_error(errors: &[ApiError]) -> DestinationError {
    let Some(first) = errors.first() else {
        return ours(
            ErrorKind::Data,
            "NO_REASON_GIVEN",
            "Salesforce refused the row and gave no reason.",
            "Write this row alone in Salesforce to see why.",
        );
    };
    let (kind, hint) = classify(&first.code, &first.message)
        .unwrap_or((ErrorKind::Batch, "Salesforce's message says what is wrong with the row."));
    let mut hint = hint.to_owned();
    for result in errors.iter().filter_map(|error| error.duplicate.as_ref()) {
        hint.push_str(&duplicate_words(result));
    }
    DestinationError {
        kind,
        code: first.code.clone(),
        message: join_messages(errors),
        fields: all_fields(errors),
        hint: Some(hint),
    }
}

/// Which duplicate rule it was, what it found, and whether it lets itself be overruled.
fn duplicate_words(result: &Value) -> String {
    let mut words = String::new();
    if let Some(rule) = result["duplicateRule"].as_str() {
        words.push_str(&format!(" The rule is {rule}."));
    }
    let ids = duplicate_ids(result);
    if !ids.is_empty() {
        words.push_str(&format!(" It resembles {}.", ids.join(", ")));
    }
    if result["allowSave"] == true {
        words.push_str(" The mapping key duplicate_rule = \"allow-save\" saves it all the same.");
    }
    words
}

/// The ids that a duplicate rule found (`duplicateResult.matchResults[].matchRecords[].record.Id`).
fn duplicate_ids(result: &Value) -> Vec<&str> {
    fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
        value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
    list(result, "matchResults")
        .iter()
        .flat_map(|matched| list(matched, "matchRecords"))
        .filter_map(|found| found["record"]["Id"].as_str())
        .collect()
}

fn join_messages(errors: &[ApiError]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn all_fields(errors: &[ApiError]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for field in errors.iter().filter_map(|error| error.fields.as_ref()).flatten() {
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    fields
}

/// What an answer that is not 2xx means.
pub(crate) fn from_answer(status: StatusCode, body: &[u8], effect: Effect, retry_after: Option<Duration>) -> Failure {
    let errors: Option<Vec<ApiError>> = serde_json::from_slice::<Vec<ApiError>>(body)
        .or_else(|_| serde_json::from_slice::<ApiError>(body).map(|one| vec![one]))
        .ok()
        .filter(|errors| errors.first().is_some_and(|error| !error.code.is_empty()));
    let (code, message, fields, known) = match &errors {
        Some(errors) => {
            let message = join_messages(errors);
            let known = classify(&errors[0].code, &message);
            (errors[0].code.clone(), message, all_fields(errors), known)
        }
        None => (format!("HTTP_{}", status.as_u16()), describe_body(status, body), Vec::new(), None),
    };
    let (kind, hint) = match status.as_u16() {
        // The server, or a gateway before it, broke off: the write may have been made.
        500 | 502 | 504 if effect == Effect::Write => (ErrorKind::InDoubt, IN_DOUBT_HINT),
        408 | 503 if effect == Effect::Write && errors.is_none() => (ErrorKind::InDoubt, IN_DOUBT_HINT),
        number => known.unwrap_or_else(|| by_status(number)),
    };
    // A read has no rows to take fewer of.
    let kind = if kind == ErrorKind::Batch && effect == Effect::Read { ErrorKind::Transient } else { kind };
    let hint = match retry_after {
        Some(wait) => format!("{hint} The server asks to wait {} s.", wait.as_secs()),
        None => hint.to_owned(),
    };
    Failure {
        session_expired: status == StatusCode::UNAUTHORIZED && code == "INVALID_SESSION_ID",
        error: DestinationError { kind, code, message, fields, hint: Some(hint) },
        retry_after,
    }
}

/// What the token endpoint's refusal means.
pub(crate) fn from_token_answer(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Failure {
    let Ok(OAuthError { error: code, error_description }) = serde_json::from_slice(body) else {
        return from_answer(status, body, Effect::Read, retry_after);
    };
    let message = error_description.unwrap_or_else(|| "Salesforce refused the sign-in.".to_owned());
    let (kind, hint) = classify_oauth(&code, &message);
    Failure { error: ours(kind, &code, message, hint), retry_after, session_expired: false }
}

const IN_DOUBT_HINT: &str = "It may have been written: look the records up before sending them again.";

/// A body that is not an error of the API, in one line.
fn describe_body(status: StatusCode, body: &[u8]) -> String {
    const SHOWN: usize = 500;
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let about = if text.is_empty() {
        "an empty body".to_owned()
    } else if text.starts_with('<') {
        let title = text
            .to_ascii_lowercase()
            .find("<title>")
            .and_then(|at| text.get(at + 7..))
            .and_then(|rest| rest.split('<').next());
        match title.map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => format!("a web page titled {title:?}"),
            None => "a web page".to_owned(),
        }
    } else {
        let cut: String = text.chars().take(SHOWN).collect();
        format!("{cut:?}")
    };
    format!("HTTP {status} with {about} instead of an error of the Salesforce API")
}

/// What a call that brought no answer means.
pub(crate) fn from_transport(error: reqwest::Error, effect: Effect) -> DestinationError {
    let host = error.url().and_then(reqwest::Url::host_str).unwrap_or("Salesforce").to_owned();
    // The address holds the query, and so the values that were looked for.
    let error = error.without_url();
    let timeout = error.is_timeout();
    let text = chain(&error);
    if error.is_builder() {
        return refused_here("INVALID_REQUEST", text, "This is a fault of this program: report it.");
    }
    if error.is_connect() && (text.contains("dns error") || text.contains("failed to lookup")) {
        return ours(
            ErrorKind::Transient,
            "HOST_NOT_FOUND",
            format!("The name {host} is not known ({}).", text.rsplit(": ").next().unwrap_or_default()),
            "Check login_url (Setup, My Domain shows the address) and this machine's name service; nothing was sent.",
        );
    }
    if error.is_connect() {
        return ours(
            ErrorKind::Transient,
            "CONNECTION_FAILED",
            format!("No connection to {host}: {text}"),
            "Check the network, the proxy settings and the address; nothing was sent.",
        );
    }
    let code = if timeout { "TIMEOUT" } else { "NO_ANSWER" };
    match effect {
        Effect::Read => ours(ErrorKind::Transient, code, format!("Salesforce did not answer: {text}"), "Try again."),
        Effect::Write => {
            ours(ErrorKind::InDoubt, code, format!("The call was sent, but no answer came: {text}"), IN_DOUBT_HINT)
        }
    }
}

/// An answer that says 2xx but is not what the call promises.
pub(crate) fn bad_answer(effect: Effect, what: impl Into<String>) -> DestinationError {
    match effect {
        Effect::Read => ours(
            ErrorKind::Transient,
            "BAD_ANSWER",
            what,
            "Something between here and Salesforce may have cut or changed the answer: try again.",
        ),
        Effect::Write => ours(ErrorKind::InDoubt, "BAD_ANSWER", what, IN_DOUBT_HINT),
    }
}

/// An error and everything below it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, effect: Effect) -> Failure {
        from_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes(), effect, None)
    }

    #[test]
    fn knows_the_kinds_of_the_reference() {
        for (status, body, kind) in [
            (
                400,
                r#"[{"errorCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]"#,
                ErrorKind::Data,
            ),
            (400, r#"[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"x"}]"#, ErrorKind::Transient),
            (
                403,
                r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#,
                ErrorKind::Limit,
            ),
            (401, r#"[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]"#, ErrorKind::Auth),
            (400, r#"[{"errorCode":"INVALID_FIELD","message":"No such column 'X'"}]"#, ErrorKind::Configuration),
            (
                404,
                r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#,
                ErrorKind::Configuration,
            ),
            (503, r#"[{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}]"#, ErrorKind::Transient),
            (503, r#"[{"errorCode":"SOMETHING_NEW","message":"busy"}]"#, ErrorKind::Transient),
            (429, "", ErrorKind::Transient),
            (500, r#"[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error"}]"#, ErrorKind::InDoubt),
            (502, "<html><head><title>Bad Gateway</title></head></html>", ErrorKind::InDoubt),
            (503, "<html></html>", ErrorKind::InDoubt),
            (302, "", ErrorKind::Configuration),
        ] {
            assert_eq!(answer(status, body, Effect::Write).error.kind, kind, "{status} {body}");
        }
        assert_eq!(answer(500, "", Effect::Read).error.kind, ErrorKind::Transient);
        assert!(answer(401, r#"[{"errorCode":"INVALID_SESSION_ID","message":"x"}]"#, Effect::Write).session_expired);
        assert!(!answer(401, r#"[{"errorCode":"INVALID_AUTH_HEADER","message":"x"}]"#, Effect::Write).session_expired);
    }

    #[test]
    fn keeps_messages_whole_and_says_what_is_odd() {
        let error = answer(400, r#"[{"errorCode":"A","message":"one","fields":["X"]},{"errorCode":"B","message":"two","fields":["X","Y"]}]"#, Effect::Write).error;
        assert_eq!((error.code.as_str(), error.message.as_str()), ("A", "one; two"));
        assert_eq!(error.fields, ["X", "Y"]);
        let page = answer(502, "<!doctype html><HTML><Title>Bad Gateway</Title>", Effect::Read).error;
        assert!(page.message.contains("502") && page.message.contains("Bad Gateway"), "{page}");
        let empty = answer(500, "", Effect::Read).error;
        assert!(empty.message.contains("500") && empty.message.contains("empty"), "{empty}");
    }

    #[test]
    fn a_row_says_its_code_its_duplicates_and_a_next_step() {
        let errors = |text: &str| serde_json::from_str::<Vec<ApiError>>(text).unwrap();
        let row = row_error(&errors(
            r#"[{"statusCode":"DUPLICATES_DETECTED","message":"You're creating a duplicate record.","fields":[],
                "duplicateResult":{"allowSave":true,"matchResults":[{"matchRecords":[{"record":{"Id":"003000000000001AAA"}}]}]}}]"#,
        ));
        assert_eq!(row.kind, ErrorKind::Data);
        assert!(row.hint.unwrap().contains("003000000000001AAA"));
        let unknown = row_error(&errors(r#"[{"statusCode":"NEW_ONE","message":"m"}]"#));
        assert_eq!((unknown.kind, unknown.message.as_str()), (ErrorKind::Batch, "m"));
        assert_eq!(row_error(&[]).code, "NO_REASON_GIVEN");
    }

    #[test]
    fn sign_in_errors_say_what_to_do() {
        let refusal = |body: &str| from_token_answer(StatusCode::BAD_REQUEST, body.as_bytes(), None).error;
        let error = refusal(r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#);
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Auth, "invalid client credentials"));
        assert!(error.hint.unwrap().contains("client_secret"));
        let error = refusal(r#"{"error":"invalid_grant","error_description":"request not supported on this domain"}"#);
        assert!(error.hint.unwrap().contains("My Domain"));
        assert_eq!(refusal(r#"{"error":"rate_limit_exceeded"}"#).kind, ErrorKind::Limit);
        assert_eq!(refusal("<html>").kind, ErrorKind::Configuration);
    }
}
