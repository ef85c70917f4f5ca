//! A call and its answer, apart from HTTP: Composite makes calls of its own.

use std::cell::Cell;

use serde_json::{Value, json};

use super::errors::Refusal;

/// Rows of this call that a fault wants to fail.
#[derive(Debug, Clone, Default)]
pub struct RowFault {
    left: Cell<usize>,
    code: String,
    message: String,
}

impl RowFault {
    /// Fails the first `rows` rows.
    pub fn new(rows: usize, code: Option<String>, message: Option<String>) -> Self {
        let code = code.unwrap_or_else(|| "UNABLE_TO_LOCK_ROW".to_owned());
        let message = message.unwrap_or_else(|| match code.as_str() {
            "UNABLE_TO_LOCK_ROW" => {
                "unable to obtain exclusive access to this record or 1 records: 001gL0000000001QAA".to_owned()
            }
            code => format!("{code}: asked for by a fault of the sandbox"),
        });
        Self { left: Cell::new(rows), code, message }
    }

    /// Takes over how many rows a clone has left.
    pub fn clone_from_left(&self, other: &Self) {
        self.left.set(other.left.get());
    }

    /// The refusal of the next row, if it is to fail.
    pub fn take(&self) -> Option<Refusal> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        (left > 0).then(|| Refusal::row(&self.code, self.message.clone(), &[]))
    }
}

/// What a call asks.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// In capitals.
    pub method: String,
    /// Decoded parts of the path.
    pub segments: Vec<String>,
    /// Decoded parameters.
    pub query: Vec<(String, String)>,
    /// The body, when it is JSON.
    pub body: Option<Value>,
    /// Why the body is not JSON.
    pub bad_body: Option<String>,
    /// `Sforce-Query-Options: batchSize=…`.
    pub batch_size: Option<usize>,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub allow_duplicates: bool,
    /// Rows that are to fail.
    pub row_fault: RowFault,
}

impl Call {
    /// Takes a path with parameters apart.
    pub fn set_target(&mut self, target: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        self.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    }

    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The JSON body.
    pub fn json(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().ok_or_else(|| {
            let reason = self
                .bad_body
                .as_deref()
                .unwrap_or("The HTTP entity body is required, but this request has no entity body.");
            Refusal::call(400, "JSON_PARSER_ERROR", reason)
        })
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON, or nothing at all.
    pub body: Option<Value>,
    /// `Location`.
    pub location: Option<String>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), location: None }
    }

    /// Another status, with a body.
    pub fn status(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), location: None }
    }

    /// 204.
    pub fn empty() -> Self {
        Self { status: 204, body: None, location: None }
    }

    /// REST's list of errors.
    pub fn refused(refusals: &[Refusal]) -> Self {
        let status = refusals.first().map_or(500, |refusal| refusal.status);
        Self::status(status, json!(refusals.iter().map(Refusal::rest).collect::<Vec<_>>()))
    }
}
