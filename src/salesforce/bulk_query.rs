//! Bulk API 2.0 query: every record of an object in a few calls, through files.
//!
//! Wire facts: Bulk API 2.0 guide, "Create a Query Job", "Get Results for a Query Job": pages by the
//! header `Sforce-Locator`, which is `null` after the last.

use std::fs::File;
use std::time::Duration;

use serde_json::{Number, Value as Json, json};
use tempfile::NamedTempFile;

use super::bulk::Job;
use super::client::{Client, spool_error};
use super::errors::{Effect, bad_answer, ours};
use super::query::{Row, record};
use super::soql::Select;
use crate::destination::{BulkState, DestinationError, ErrorKind, Record, Scan};
use crate::types::{FieldType, ObjectDescribe};

/// Records in one file of results.
const PAGE_RECORDS: u64 = 250_000;
/// The first wait for a job; each is half as long again.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a query may take.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Reads every record in which one of `set` is not empty.
pub(crate) async fn scan(
    client: &Client,
    object: &ObjectDescribe,
    fields: &[String],
    set: &[String],
) -> Result<Scan, DestinationError> {
    let soql = Select::new(object, fields)?.where_any_is_set(set)?;
    let body = json!({"operation": "query", "query": soql.as_str()});
    let job = Job::parse(&client.post_read(&client.data_path("/jobs/query"), &body).await?, Effect::Read)?;
    wait(client, &job.id).await?;
    let mut pages = Vec::new();
    let mut locator: Option<String> = None;
    loop {
        let at = locator.as_deref().map(|at| format!("&locator={at}")).unwrap_or_default();
        let path = client.data_path(&format!("/jobs/query/{}/results?maxRecords={PAGE_RECORDS}{at}", job.id));
        let (file, next) = client.download(&path, "sforce-locator").await?;
        pages.push(Page::new(file, object.clone(), fields.to_vec())?);
        match next.as_deref().map(str::trim) {
            None | Some("" | "null") => break,
            Some(next) if next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=.~".contains(&byte)) => {
                locator = Some(next.to_owned());
            }
            Some(_) => return Err(bad_answer(Effect::Read, "The place of the next page of a job's results is odd.")),
        }
    }
    Ok(Box::new(pages.into_iter().flatten()))
}

async fn wait(client: &Client, job: &str) -> Result<(), DestinationError> {
    let path = client.data_path(&format!("/jobs/query/{job}"));
    let started = std::time::Instant::now();
    let mut pause = FIRST_WAIT;
    while started.elapsed() < PATIENCE {
        match Job::parse(&client.get_always(&path).await?, Effect::Read)?.stand() {
            BulkState::Ended(None) => return Ok(()),
            BulkState::Ended(Some(why)) => {
                return Err(ours(ErrorKind::Configuration, "BULK_QUERY_FAILED", why, "Try api = \"collections\"."));
            }
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_WAIT);
    }
    Err(ours(
        ErrorKind::Transient,
        "TIMEOUT",
        format!("The query job {job} has not ended within an hour."),
        "Try again.",
    ))
}

/// One file of results.
struct Page {
    object: ObjectDescribe,
    fields: Vec<String>,
    header: csv::StringRecord,
    rows: csv::Reader<File>,
    /// The file goes with it.
    _file: NamedTempFile,
}

impl Page {
    fn new(file: NamedTempFile, object: ObjectDescribe, fields: Vec<String>) -> Result<Self, DestinationError> {
        let mut rows = csv::Reader::from_reader(file.reopen().map_err(|error| spool_error(&error))?);
        let header = rows.headers().map_err(|error| broken(&error))?.clone();
        Ok(Self { object, fields, header, rows, _file: file })
    }
}

fn broken(error: &csv::Error) -> DestinationError {
    bad_answer(Effect::Read, format!("The results of a query job cannot be read: {error}"))
}

impl Iterator for Page {
    type Item = Result<Record, DestinationError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cells = csv::StringRecord::new();
        match self.rows.read_record(&mut cells) {
            Ok(true) => {
                let row: Row = self
                    .header
                    .iter()
                    .zip(&cells)
                    .map(|(name, text)| (name.to_owned(), typed(&self.object, name, text)))
                    .collect();
                Some(record(&self.object, &self.fields, row))
            }
            Ok(false) => None,
            Err(error) => Some(Err(broken(&error))),
        }
    }
}

/// A cell as the REST API would have given it.
fn typed(object: &ObjectDescribe, name: &str, text: &str) -> Json {
    if text.is_empty() {
        return Json::Null;
    }
    let number = || text.parse::<Number>().map_or_else(|_| Json::from(text), Json::Number);
    match object.field(name).map(|field| &field.kind) {
        Some(FieldType::Boolean) => Json::from(text.eq_ignore_ascii_case("true")),
        Some(FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent) => {
            number()
        }
        // REST writes the zone as +0000.
        Some(FieldType::DateTime) => {
            Json::from(text.strip_suffix('Z').map_or(text.to_owned(), |time| format!("{time}+0000")))
        }
        _ => Json::from(text),
    }
}
