//! Bulk API 2.0 ingest: a job takes one file of rows and gives back three files of results.
//!
//! Wire facts: Salesforce's Bulk API 2.0 guide, "Create a Job", "Upload Job Data", "Get Job Info",
//! "Get Job Successful/Failed/Unprocessed Record Results".

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tempfile::NamedTempFile;

use super::bulk_rows::RowsFile;
use super::client::{Client, spool_error};
use super::errors::{ApiError, Effect, bad_answer, row_error};
use super::soql::{check_identifier, is_id};
use super::{Salesforce, bulk_query, limits};
use crate::destination::{
    Bulk, BulkResult, BulkResults, BulkRows, BulkState, DestinationError, RowResult, Scan, WriteKind,
};
use crate::types::ObjectDescribe;

/// A job as the API describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    /// `750…`
    pub id: String,
    /// `Open`, `UploadComplete`, `InProgress`, `JobComplete`, `Failed`, `Aborted`.
    pub state: String,
    #[serde(default)]
    number_records_processed: u64,
    #[serde(default)]
    error_message: Option<String>,
}

impl Job {
    /// Reads a job out of an answer.
    pub(crate) fn parse(body: &[u8], effect: Effect) -> Result<Self, DestinationError> {
        let job: Self = serde_json::from_slice(body)
            .map_err(|error| bad_answer(effect, format!("The answer about a job cannot be read: {error}")))?;
        if is_id(&job.id) { Ok(job) } else { Err(bad_answer(effect, format!("{:?} is not the id of a job.", job.id))) }
    }

    /// Where it is.
    pub(crate) fn stand(&self) -> BulkState {
        match self.state.as_str() {
            "Open" => BulkState::Open,
            "JobComplete" => BulkState::Ended(None),
            "Failed" | "Aborted" => {
                let why = self.error_message.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                BulkState::Ended(Some(format!("Salesforce ended the job {} as {}{why}", self.id, self.state)))
            }
            _ => BulkState::Working(self.number_records_processed),
        }
    }
}

fn path(client: &Client, job: &str, rest: &str) -> String {
    client.data_path(&format!("/jobs/ingest/{job}{rest}"))
}

/// Opens a job that nothing is written by before its upload is declared complete.
async fn open(client: &Client, kind: WriteKind, object: &str) -> Result<String, DestinationError> {
    check_identifier("an object", object)?;
    let operation = match kind {
        WriteKind::Create => "insert",
        WriteKind::Update => "update",
        WriteKind::Delete => "delete",
    };
    let body = json!({
        "object": object, "operation": operation, "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA",
    });
    // Should the answer be lost, an empty job is left behind, which ends by itself.
    let answer = client.post_read(&client.data_path("/jobs/ingest"), &body).await?;
    Ok(Job::parse(&answer, Effect::Read)?.id)
}

#[async_trait]
impl Bulk for Salesforce {
    fn rows(
        &self,
        kind: WriteKind,
        object: &ObjectDescribe,
        fields: &[String],
    ) -> Result<Box<dyn BulkRows>, DestinationError> {
        Ok(Box::new(RowsFile::new(kind, object, fields)?))
    }

    async fn open(&self, kind: WriteKind, object: &str) -> Result<String, DestinationError> {
        open(&self.client, kind, object).await
    }

    async fn send(&self, job: &str, rows: &Path) -> Result<(), DestinationError> {
        let client = &self.client;
        client.upload(&path(client, job, "/batches"), rows).await.map_err(|failure| failure.error)?;
        client.patch_state(&path(client, job, ""), &json!({"state": "UploadComplete"})).await.map(drop)
    }

    async fn state(&self, job: &str) -> Result<BulkState, DestinationError> {
        let body = self.client.get_always(&path(&self.client, job, "")).await?;
        Ok(Job::parse(&body, Effect::Read)?.stand())
    }

    async fn abort(&self, job: &str) -> Result<(), DestinationError> {
        self.client.patch_state(&path(&self.client, job, ""), &json!({"state": "Aborted"})).await.map(drop)
    }

    async fn results(&self, job: &str) -> Result<BulkResults, DestinationError> {
        let mut readers = Vec::new();
        for kind in [ResultKind::Successful, ResultKind::Failed, ResultKind::Unprocessed] {
            let path = path(&self.client, job, kind.path());
            let (file, _) = self.client.download(&path, "sforce-numberofrecords").await?;
            readers.push(ResultReader::new(kind, file)?);
        }
        Ok(Box::new(readers.into_iter().flatten()))
    }

    async fn count(&self, object: &str) -> Result<u64, DestinationError> {
        limits::record_count(&self.client, object).await
    }

    async fn scan(&self, object: &ObjectDescribe, fields: &[String], set: &[String]) -> Result<Scan, DestinationError> {
        bulk_query::scan(&self.client, object, fields, set).await
    }
}

/// One of the three files of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultKind {
    Successful,
    Failed,
    Unprocessed,
}

impl ResultKind {
    fn path(self) -> &'static str {
        match self {
            Self::Successful => "/successfulResults/",
            Self::Failed => "/failedResults/",
            Self::Unprocessed => "/unprocessedrecords/",
        }
    }
}

/// Reads one file of results, row by row.
struct ResultReader {
    kind: ResultKind,
    header: csv::StringRecord,
    rows: csv::Reader<File>,
    /// The file goes with it.
    _file: NamedTempFile,
}

impl ResultReader {
    fn new(kind: ResultKind, file: NamedTempFile) -> Result<Self, DestinationError> {
        let mut rows = csv::Reader::from_reader(file.reopen().map_err(|error| spool_error(&error))?);
        let header = rows.headers().map_err(|error| broken(&error))?.clone();
        Ok(Self { kind, header, rows, _file: file })
    }

    fn result(&self, record: &csv::StringRecord) -> BulkResult {
        let (mut id, mut error) = (None, String::new());
        let mut values = BTreeMap::new();
        for (name, value) in self.header.iter().zip(record) {
            match name {
                "sf__Id" => id = is_id(value).then(|| value.to_owned()),
                "sf__Error" => value.clone_into(&mut error),
                "sf__Created" => {}
                _ => drop(values.insert(name.to_owned(), value.to_owned())),
            }
        }
        let result = match (self.kind, id) {
            (ResultKind::Unprocessed, _) => None,
            (ResultKind::Successful, Some(id)) => Some(RowResult::Ok(id)),
            (ResultKind::Successful, None) => {
                Some(RowResult::Err(bad_answer(Effect::Write, "Salesforce reports success, but names no record.")))
            }
            (ResultKind::Failed, _) => Some(RowResult::Err(failed_row(&error))),
        };
        BulkResult { values, result }
    }
}

impl Iterator for ResultReader {
    type Item = Result<BulkResult, DestinationError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = csv::StringRecord::new();
        match self.rows.read_record(&mut record) {
            Ok(true) => Some(Ok(self.result(&record))),
            Ok(false) => None,
            Err(error) => Some(Err(broken(&error))),
        }
    }
}

fn broken(error: &csv::Error) -> DestinationError {
    bad_answer(Effect::Read, format!("The results of a job cannot be read: {error}"))
}

/// A failed row's `CODE:text:Field1,Field2 --`, as the other APIs would say it.
fn failed_row(text: &str) -> DestinationError {
    let (code, rest) = text.split_once(':').unwrap_or(("", text));
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit()) {
        return row_error(&[ApiError::new("UNKNOWN_EXCEPTION", text, Vec::new())]);
    }
    let rest = rest.trim_end().trim_end_matches("--").trim_end();
    let (message, fields) = match rest.rsplit_once(':') {
        Some((message, fields)) if is_field_list(fields) => (message, fields),
        _ => (rest, ""),
    };
    let fields = fields.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    row_error(&[ApiError::new(code, message, fields)])
}

fn is_field_list(text: &str) -> bool {
    text.split(',').all(|name| name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::ErrorKind;

    #[test]
    fn a_failed_row_keeps_code_message_and_fields() {
        let error = failed_row("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --");
        assert_eq!(
            (error.code.as_str(), error.fields.as_slice()),
            ("REQUIRED_FIELD_MISSING", &["LastName".to_owned()][..])
        );
        assert_eq!(error.message, "Required fields are missing: [LastName]");
        let error = failed_row("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--");
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Transient, "unable to obtain exclusive access to this record")
        );
        assert_eq!(failed_row("something went wrong").message, "something went wrong");
    }

    #[test]
    fn a_job_that_ends_badly_says_why() {
        let body = json!({"id": "750000000000001AAA", "state": "Failed", "errorMessage": "InvalidBatch : Field name not found : X"});
        let BulkState::Ended(Some(why)) = Job::parse(body.to_string().as_bytes(), Effect::Read).unwrap().stand() else {
            panic!()
        };
        assert!(why.contains("Field name not found : X") && why.contains("750000000000001AAA"), "{why}");
    }
}
