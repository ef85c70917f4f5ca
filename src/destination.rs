//! What a run needs of a destination. Each destination implements it; the engine sees only this.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::types::{ObjectDescribe, ObjectSummary, Value};

/// A value as the destination's API takes and gives it: JSON, with numbers kept as written.
pub type Wire = serde_json::Value;

/// What one row would set: field API name to wire value (`null` clears the field).
pub type Payload = BTreeMap<String, Wire>;

/// A record that a look-up found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The destination's id (18 characters in Salesforce).
    pub id: String,
    /// The fields that were asked for.
    pub fields: Payload,
    /// `SystemModstamp` as it was read: changes whenever anybody touches the record.
    pub modstamp: Option<String>,
}

/// One comparison of a look-up: this field has one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldIn {
    /// API name.
    pub field: String,
    /// Values that are not blank; the destination escapes them by the field's type.
    pub values: Vec<Value>,
}

/// A write operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteKind {
    /// New records.
    Create,
    /// Existing records, by id.
    Update,
    /// Existing records, by id; payloads are empty.
    Delete,
}

/// One row of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteRow {
    /// The record to update or delete; `None` creates.
    pub id: Option<String>,
    /// What to set.
    pub fields: Payload,
}

/// What became of one row of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum RowResult {
    /// Done; the record's id.
    Ok(String),
    /// Refused.
    Err(DestinationError),
}

/// Which way rows and look-ups take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// sObject Collections: 200 rows a call; look-ups one query a call. The fastest answer a row.
    #[default]
    Collections,
    /// Five Collections, or five look-ups, packed into one Composite call, which counts once.
    Composite,
    /// Bulk API 2.0 jobs: a few calls whatever the rows, results after minutes.
    Bulk,
}

impl Api {
    /// The word, as mappings and `--json` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collections => "collections",
            Self::Composite => "composite",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a write may do beside setting fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Save although a duplicate rule that only warns has found something.
    pub allow_duplicates: bool,
    /// Let the org's assignment rules choose the owner.
    pub auto_assign: bool,
}

/// How much fits where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLimits {
    /// Rows in one part of a call.
    pub rows: usize,
    /// Parts in one packed call.
    pub parts: usize,
    /// Calls in flight at once.
    pub in_flight: usize,
}

/// A call that was refused whole: nothing of it happened, unless the error is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the destination said.
    pub error: DestinationError,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
}

impl From<DestinationError> for Refusal {
    fn from(error: DestinationError) -> Self {
        Self { error, retry_after: None }
    }
}

/// What became of one part of a call: its rows by position, or a refusal of the part.
pub type PartResult = Result<Vec<RowResult>, DestinationError>;

/// What kind of trouble it is, which says what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// May pass: a lock, a busy server, a lost connection before anything was sent.
    Transient,
    /// This row, as it is, will never be accepted.
    Data,
    /// May pass in a smaller call: a trigger's limits, or a failure that nobody knows.
    Batch,
    /// The mapping, a permission or a setting is wrong: every row will fail alike.
    Configuration,
    /// Not signed in (any more), or refused.
    Auth,
    /// The API call limit.
    Limit,
    /// Sent, but no answer came: it may have happened.
    InDoubt,
}

/// A destination's refusal, with its whole message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct DestinationError {
    /// What kind it is.
    pub kind: ErrorKind,
    /// The destination's own code, such as `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// The destination's own message, whole.
    pub message: String,
    /// The fields it names.
    pub fields: Vec<String>,
    /// What a person could do about it.
    pub hint: Option<String>,
}

/// How much of the daily API budget is used, as the last answer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApiUsage {
    /// Calls made in the last 24 hours, by anybody.
    pub used: u64,
    /// Calls allowed.
    pub max: u64,
    /// Calls that are left to others: below this, none is made.
    pub floor: u64,
}

impl ApiUsage {
    /// Calls left for everybody.
    pub fn left(&self) -> u64 {
        self.max.saturating_sub(self.used)
    }

    /// Calls left for us.
    pub fn spendable(&self) -> u64 {
        self.left().saturating_sub(self.floor)
    }
}

/// The code of a call that was not made, because the API floor is reached.
pub const API_FLOOR: &str = "API_FLOOR";

/// Who and where we are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrgInfo {
    /// Organization id (18 characters).
    pub id: String,
    /// Organization name.
    pub name: String,
    /// Whether it is a sandbox.
    pub sandbox: bool,
    /// Login name of the user.
    pub username: String,
    /// Base URL of the org.
    pub instance_url: String,
    /// API version, such as `65.0`.
    pub api_version: String,
}

impl OrgInfo {
    /// Whether writes go to real people's data: neither a sandbox org nor a server on this machine.
    pub fn is_production(&self) -> bool {
        if self.sandbox {
            return false;
        }
        let host = url::Url::parse(&self.instance_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let local = host.is_some_and(|host| {
            host == "localhost"
                || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        !local
    }

    /// `sandbox`, or `PRODUCTION` for all to see.
    pub fn kind(&self) -> &'static str {
        if self.is_production() { "PRODUCTION" } else { "sandbox" }
    }
}

/// An answer to a question that may have been answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// What was answered then is still true.
    Unchanged,
    /// This is true now.
    Changed {
        /// The answer.
        value: T,
        /// The server's own date of it, to ask again with.
        modified: Option<String>,
    },
}

/// A place that rows go to.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Signs in when needed and says where we are.
    async fn org(&self) -> Result<OrgInfo, DestinationError>;

    /// The object and its fields as this user sees them, unless nothing of it has changed since the
    /// server's date `since`.
    async fn describe_since(
        &self,
        object: &str,
        since: Option<&str>,
    ) -> Result<Asked<ObjectDescribe>, DestinationError>;

    /// The objects that this user sees, unless nothing has changed since the server's date `since`.
    async fn objects_since(&self, since: Option<&str>) -> Result<Asked<Vec<ObjectSummary>>, DestinationError>;

    /// The values of each picklist that records of this record type may have, by field.
    async fn picklists(
        &self,
        object: &str,
        record_type: &str,
    ) -> Result<BTreeMap<String, Vec<String>>, DestinationError>;

    /// The object and its fields as this user sees them, asked for now.
    async fn describe(&self, object: &str) -> Result<ObjectDescribe, DestinationError> {
        match self.describe_since(object, None).await? {
            Asked::Changed { value, .. } => Ok(value),
            Asked::Unchanged => Err(DestinationError {
                kind: ErrorKind::Transient,
                code: "BAD_ANSWER".to_owned(),
                message: format!("the describe of {object} was asked for anew, and the answer was: unchanged"),
                fields: Vec::new(),
                hint: Some("Try again.".to_owned()),
            }),
        }
    }

    /// Records of `object` that match **any** of `any_of`, with `fields` (never deleted ones).
    ///
    /// Splits what does not fit into one call, and follows the pages. Order is not promised.
    async fn find(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        any_of: &[FieldIn],
        api: Api,
    ) -> Result<Vec<Record>, DestinationError>;

    /// The records with these ids; those that are gone are left out.
    async fn retrieve(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        ids: &[String],
    ) -> Result<Vec<Record>, DestinationError>;

    /// Writes in **one** call: at most [`WriteLimits::parts`] parts of at most
    /// [`WriteLimits::rows`] rows; results by position.
    ///
    /// Never repeats a call that may have happened: a lost answer is [`ErrorKind::InDoubt`].
    /// An expired session is renewed once, because such a call was refused whole.
    async fn write(
        &self,
        kind: WriteKind,
        object: &str,
        parts: &[Vec<WriteRow>],
        options: WriteOptions,
    ) -> Result<Vec<PartResult>, Refusal>;

    /// How much one call takes.
    fn limits(&self) -> WriteLimits;

    /// Whether a row can go this way: some values mean something else there.
    fn carries(&self, api: Api, row: &WriteRow) -> bool;

    /// Jobs for many rows, where the destination has them.
    fn bulk(&self) -> Option<&dyn Bulk>;

    /// API calls that this value has made, sign-in left out.
    fn calls(&self) -> u64;

    /// Seconds that a call took so far, on average; `None` before the first.
    fn seconds_per_call(&self) -> Option<f64>;

    /// The budget as of the last answer; `None` before the first.
    fn usage(&self) -> Option<ApiUsage>;

    /// Asks for the budget now. One call, made below the floor too.
    async fn ask_usage(&self) -> Result<ApiUsage, DestinationError>;
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkState {
    /// Takes rows; nothing is written.
    Open,
    /// The destination works on it: rows done so far.
    Working(u64),
    /// It ended; every row has a result. Holds what the destination says, when it did not end well.
    Ended(Option<String>),
}

/// What became of one row of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkResult {
    /// The row's values by field, as the destination gives them back (`Id` among them).
    pub values: BTreeMap<String, String>,
    /// What happened; `None` when the row was not processed.
    pub result: Option<RowResult>,
}

/// Results of a job, one by one; they lie in files, not in memory.
pub type BulkResults = Box<dyn Iterator<Item = Result<BulkResult, DestinationError>> + Send>;

/// Records of a scan, one by one; they lie in files, not in memory.
pub type Scan = Box<dyn Iterator<Item = Result<Record, DestinationError>> + Send>;

/// Rows on their way into a job, in a file.
pub trait BulkRows: Send {
    /// Adds a row; false when the part is full and the row was not taken.
    fn add(&mut self, row: &WriteRow) -> Result<bool, DestinationError>;

    /// Completes the file and says where it is.
    fn finish(&mut self) -> Result<&Path, DestinationError>;
}

/// Jobs for many rows. Results are joined by key: their order means nothing.
#[async_trait]
pub trait Bulk: Send + Sync {
    /// A file for rows that set these fields.
    fn rows(
        &self,
        kind: WriteKind,
        object: &ObjectDescribe,
        fields: &[String],
    ) -> Result<Box<dyn BulkRows>, DestinationError>;

    /// Opens a job and gives its id. Nothing is written before [`Bulk::send`].
    async fn open(&self, kind: WriteKind, object: &str) -> Result<String, DestinationError>;

    /// Uploads the rows and lets the destination begin. In doubt, [`Bulk::state`] knows.
    async fn send(&self, job: &str, rows: &Path) -> Result<(), DestinationError>;

    /// Where the job is.
    async fn state(&self, job: &str) -> Result<BulkState, DestinationError>;

    /// Stops the job. What was processed stays.
    async fn abort(&self, job: &str) -> Result<(), DestinationError>;

    /// All results of a job that ended: rows that arrived, that failed, that were not processed.
    async fn results(&self, job: &str) -> Result<BulkResults, DestinationError>;

    /// About how many records the object has.
    async fn count(&self, object: &str) -> Result<u64, DestinationError>;

    /// Reads every record in which one of `set` is not empty, by a job. In no order.
    async fn scan(&self, object: &ObjectDescribe, fields: &[String], set: &[String]) -> Result<Scan, DestinationError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_what_is_neither_sandbox_nor_here() {
        let org = |sandbox, url: &str| OrgInfo { sandbox, instance_url: url.to_owned(), ..OrgInfo::default() };
        assert!(org(false, "https://acme.my.salesforce.com").is_production());
        assert!(!org(true, "https://acme--uat.sandbox.my.salesforce.com").is_production());
        assert!(!org(false, "http://127.0.0.1:4000").is_production());
        assert!(!org(false, "http://[::1]:4000").is_production());
    }
}
