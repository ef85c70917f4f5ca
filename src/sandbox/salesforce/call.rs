//! A call and its answer, apart from HTTP: Composite makes calls of its own.

use std::cell::Cell;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::errors::Refusal;
use crate::sandbox::fault::Fault;

/// Rows of this call that a fault wants to fail.
#[derive(Debug, Clone, Default)]
pub struct RowFault {
    left: Cell<usize>,
    /// Every how-manieth row fails, instead of the first ones.
    every: Option<usize>,
    seen: Cell<usize>,
    code: String,
    message: String,
}

impl RowFault {
    /// Fails the rows that the fault asks for.
    pub fn new(fault: &Fault) -> Self {
        let message = fault.message.clone();
        let code = fault.error.clone().unwrap_or_else(|| "UNABLE_TO_LOCK_ROW".to_owned());
        let message = message.unwrap_or_else(|| match code.as_str() {
            "UNABLE_TO_LOCK_ROW" => {
                "unable to obtain exclusive access to this record or 1 records: 001gL0000000001QAA".to_owned()
            }
            code => format!("{code}: asked for by a fault of the sandbox"),
        });
        let rows = fault.rows.unwrap_or(if fault.every.is_some() { usize::MAX } else { 1 });
        Self { left: Cell::new(rows), every: fault.every, seen: Cell::new(0), code, message }
    }

    /// Takes over how many rows a clone has left.
    pub fn clone_from_left(&self, other: &Self) {
        self.left.set(other.left.get());
        self.seen.set(other.seen.get());
    }

    /// The refusal of the next row, if it is to fail.
    pub fn take(&self) -> Option<Refusal> {
        let seen = self.seen.get() + 1;
        self.seen.set(seen);
        let left = self.left.get();
        if left == 0 || self.every.is_some_and(|every| !seen.is_multiple_of(every)) {
            return None;
        }
        self.left.set(left - 1);
        Some(Refusal::row(&self.code, self.message.clone(), &[]))
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
    /// The body as it came.
    pub raw: Bytes,
    /// Why the body is not JSON.
    pub bad_body: Option<String>,
    /// `Sforce-Query-Options: batchSize=…`.
    pub batch_size: Option<usize>,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub allow_duplicates: bool,
    /// `Sforce-Duplicate-Rule-Header: includeRecordDetails=true`.
    pub duplicate_details: bool,
    /// `If-Modified-Since`, in milliseconds since 1970.
    pub modified_since: Option<i64>,
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON, or nothing at all.
    pub body: Option<Value>,
    /// A body that is not JSON, with its content type.
    pub text: Option<(&'static str, String)>,
    /// Headers beside those of every answer.
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::status(200, body)
    }

    /// Another status, with a body.
    pub fn status(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), ..Self::default() }
    }

    /// A status without a body.
    pub fn bare(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// 204.
    pub fn empty() -> Self {
        Self::bare(204)
    }

    /// 200 with text of another type than JSON.
    pub fn text(content_type: &'static str, text: String) -> Self {
        Self { status: 200, text: Some((content_type, text)), ..Self::default() }
    }

    /// The same with a header more.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// REST's list of errors.
    pub fn refused(refusals: &[Refusal]) -> Self {
        let status = refusals.first().map_or(500, |refusal| refusal.status);
        Self::status(status, json!(refusals.iter().map(Refusal::rest).collect::<Vec<_>>()))
    }
}
