//! What ingest and query jobs have in common: their settings, their state, and how they are told.

use serde_json::{Map, Value, json};

use super::super::errors::Refusal;
use super::super::org::USER_ID;
use super::csv::{Delimiter, Dialect, LineEnding};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for its data.
    Open,
    /// Waits to be worked on.
    UploadComplete,
    /// Is being worked on.
    InProgress,
    /// Done, whatever became of its rows.
    JobComplete,
    /// Given up; `errorMessage` says why.
    Failed,
    /// Stopped by somebody.
    Aborted,
}

impl State {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// Nothing will happen to the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// The common part of a job.
#[derive(Debug, Clone)]
pub struct Head {
    /// `750…`.
    pub id: String,
    /// The object's name.
    pub object: String,
    /// `insert`, `queryAll` …
    pub operation: &'static str,
    /// `v65.0`, as the job was made through.
    pub version: String,
    /// When it was made.
    pub created: String,
    /// When it last changed.
    pub modified: String,
    /// Where it stands.
    pub state: State,
    /// How its CSV is written.
    pub dialect: Dialect,
    /// Rows worked on so far.
    pub processed: usize,
    /// Milliseconds of work.
    pub took: u64,
    /// Why it failed.
    pub error: Option<String>,
}

impl Head {
    /// What a new job is answered with.
    pub fn told(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let number: f64 = self.version.trim_start_matches('v').parse().unwrap_or_default();
        for (key, value) in [
            ("id", json!(self.id)),
            ("operation", json!(self.operation)),
            ("object", json!(self.object)),
            ("createdById", json!(USER_ID)),
            ("createdDate", json!(self.created)),
            ("systemModstamp", json!(self.modified)),
            ("state", json!(self.state.name())),
            ("concurrencyMode", json!("Parallel")),
            ("contentType", json!("CSV")),
            ("apiVersion", json!(number)),
            ("lineEnding", json!(self.dialect.ending.name())),
            ("columnDelimiter", json!(self.dialect.delimiter.name)),
        ] {
            body.insert(key.to_owned(), value);
        }
        body
    }

    /// Ends the job, or moves it on.
    pub fn turn(&mut self, state: State, stamp: String) {
        self.state = state;
        self.modified = stamp;
    }
}

/// The dialect that a new job asks for.
pub fn dialect(body: &Map<String, Value>) -> Result<Dialect, Refusal> {
    let given = |key: &str, usual: &'static str| match body.get(key) {
        None | Some(Value::Null) => Ok(usual.to_owned()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(unreadable(key, other)),
    };
    if given("contentType", "CSV")? != "CSV" {
        let message = "InvalidJob : Unsupported content type: only CSV is supported";
        return Err(Refusal::call(400, "INVALIDJOB", message));
    }
    let ending = given("lineEnding", "LF")?;
    let delimiter = given("columnDelimiter", "COMMA")?;
    Ok(Dialect {
        ending: LineEnding::read(&ending).ok_or_else(|| unreadable("lineEnding", &json!(ending)))?,
        delimiter: Delimiter::read(&delimiter).ok_or_else(|| unreadable("columnDelimiter", &json!(delimiter)))?,
    })
}

/// A setting that is not one of the known ones.
pub fn unreadable(key: &str, value: &Value) -> Refusal {
    Refusal::call(400, "JSON_PARSER_ERROR", format!("Unable to read the value of {key}: {value}"))
}

/// A job that cannot do this in the state it is in.
pub fn wrong_state(message: impl Into<String>) -> Refusal {
    Refusal::call(400, "INVALIDJOBSTATE", message)
}
