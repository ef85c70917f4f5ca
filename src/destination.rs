//! What a run needs of a destination. Each destination implements it; the engine sees only this.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::types::{ObjectDescribe, Value};

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

/// What kind of trouble it is, which says what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// May pass: a lock, a busy server, a lost connection before anything was sent.
    Transient,
    /// This row, as it is, will never be accepted.
    Data,
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
}

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

/// A place that rows go to.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Signs in when needed and says where we are.
    async fn org(&self) -> Result<OrgInfo, DestinationError>;

    /// The object and its fields as this user sees them.
    async fn describe(&self, object: &str) -> Result<ObjectDescribe, DestinationError>;

    /// Records of `object` that match **any** of `any_of`, with `fields` (never deleted ones).
    ///
    /// Splits what does not fit into one call, and follows the pages. Order is not promised.
    async fn find(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        any_of: &[FieldIn],
    ) -> Result<Vec<Record>, DestinationError>;

    /// The records with these ids; those that are gone are left out.
    async fn retrieve(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        ids: &[String],
    ) -> Result<Vec<Record>, DestinationError>;

    /// Writes at most [`Destination::write_batch`] rows in **one** call; results by position.
    ///
    /// Never repeats a call that may have happened: a lost answer is [`ErrorKind::InDoubt`].
    /// An expired session is renewed once, because such a call was refused whole.
    async fn write(&self, kind: WriteKind, object: &str, rows: &[WriteRow])
    -> Result<Vec<RowResult>, DestinationError>;

    /// How many rows one call takes.
    fn write_batch(&self) -> usize;

    /// API calls that this value has made, sign-in left out.
    fn calls(&self) -> u64;

    /// The budget as of the last answer; `None` before the first.
    fn usage(&self) -> Option<ApiUsage>;
}
