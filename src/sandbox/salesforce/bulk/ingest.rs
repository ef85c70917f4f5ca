//! Ingest jobs: rows in, results out.

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call};
use super::super::errors::Refusal;
use super::super::org::Org;
use super::super::schema::Object;
use super::csv::{self, Sheet};
use super::job::{Head, State, dialect, unreadable, wrong_state};
use super::{job_id, page};

/// The largest upload, in bytes: 150 MB once it is base64.
const LARGEST: usize = 100 * 1024 * 1024 + 12 * 1024 * 1024;

/// What is done with each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

impl Operation {
    fn read(name: &str) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Upsert, Self::Delete, Self::HardDelete]
            .into_iter()
            .find(|operation| operation.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Written: the record, and whether it is new.
    Done(String, bool),
    /// Refused: the record where it is known, and why.
    Refused(String, String),
}

/// An ingest job.
#[derive(Debug)]
pub struct Ingest {
    pub head: Head,
    pub operation: Operation,
    pub object: &'static Object,
    /// The field that finds records for an upsert.
    pub key: Option<String>,
    pub upload: Option<Bytes>,
    /// The upload, read; empty until the work begins.
    pub sheet: Sheet,
    /// By row; `None` was not worked on.
    pub outcomes: Vec<Option<Outcome>>,
}

impl Ingest {
    fn failed(&self) -> usize {
        self.outcomes.iter().filter(|it| matches!(it, Some(Outcome::Refused(..)))).count()
    }

    fn told(&self) -> Map<String, Value> {
        let mut body = self.head.told();
        if let Some(key) = &self.key {
            body.insert("externalIdFieldName".to_owned(), json!(key));
        }
        body
    }

    fn told_new(&self) -> Value {
        let mut body = self.told();
        let url = format!("services/data/{}/jobs/ingest/{}/batches", self.head.version, self.head.id);
        body.insert("contentUrl".to_owned(), json!(url));
        Value::Object(body)
    }

    fn told_whole(&self) -> Value {
        let mut body = self.told();
        if self.head.state == State::Open {
            let url = format!("services/data/{}/jobs/ingest/{}/batches", self.head.version, self.head.id);
            body.insert("contentUrl".to_owned(), json!(url));
        }
        for (key, value) in [
            ("jobType", json!("V2Ingest")),
            ("retries", json!(0)),
            ("totalProcessingTime", json!(self.head.took)),
            ("apiActiveProcessingTime", json!(self.head.took)),
            ("apexProcessingTime", json!(0)),
            ("numberRecordsProcessed", json!(self.head.processed)),
            ("numberRecordsFailed", json!(self.failed())),
        ] {
            body.insert(key.to_owned(), value);
        }
        if let Some(error) = &self.head.error {
            body.insert("errorMessage".to_owned(), json!(error));
        }
        Value::Object(body)
    }
}

fn find<'a>(org: &'a mut Org, id: &str) -> Result<&'a mut Ingest, Refusal> {
    org.jobs.ingest.get_mut(&job_id(id)?).ok_or_else(Refusal::not_found)
}

fn invalid(message: String) -> Refusal {
    Refusal::call(400, "INVALIDJOB", message)
}

/// `POST …/jobs/ingest`.
pub fn create(org: &mut Org, call: &Call, version: &str) -> Result<Answer, Refusal> {
    const KNOWN: [&str; 7] = [
        "object",
        "operation",
        "externalIdFieldName",
        "contentType",
        "lineEnding",
        "columnDelimiter",
        "assignmentRuleId",
    ];
    let body = call.json()?;
    let body = body.as_object().ok_or_else(|| unreadable("the body", body))?;
    if let Some((key, value)) = body.iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err(unreadable(key, value));
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let dialect = dialect(body)?;
    let name = text("object").ok_or_else(|| invalid("InvalidJob : The object of the job is missing".to_owned()))?;
    let object =
        org.records.schema.object(name).ok_or_else(|| {
            Refusal::call(400, "INVALIDENTITY", format!("InvalidEntity : Unable to find object: {name}"))
        })?;
    let wanted = text("operation").unwrap_or_default();
    let operation = Operation::read(wanted).ok_or_else(|| unreadable("operation", &json!(wanted)))?;
    if !object.writable {
        let message = format!("InvalidEntity : Entity '{}' is not supported by the Bulk API.", object.name);
        return Err(Refusal::call(400, "INVALIDENTITY", message));
    }
    let key = if operation == Operation::Upsert {
        let Some(named) = text("externalIdFieldName").filter(|name| !name.is_empty()) else {
            let message = format!(
                "InvalidJob : External ID was blank for {}. An External ID must be specified for upsert.",
                object.name
            );
            return Err(invalid(message));
        };
        // Unlike Collections, a job takes no idLookup field such as Email.
        let field = object.field(named).filter(|field| field.external_id || field.name == "Id").ok_or_else(|| {
            invalid(format!(
                "InvalidJob : Field name provided, {named} does not match an External ID for {}",
                object.name
            ))
        })?;
        Some(field.name.clone())
    } else {
        None
    };
    let id = org.jobs.next_id();
    let stamp = org.records.stamp();
    let head = Head {
        id: id.clone(),
        object: object.name.clone(),
        operation: operation.name(),
        version: version.to_owned(),
        created: stamp.clone(),
        modified: stamp,
        state: State::Open,
        dialect,
        processed: 0,
        took: 0,
        error: None,
    };
    let job = Ingest { head, operation, object, key, upload: None, sheet: Sheet::default(), outcomes: Vec::new() };
    let told = job.told_new();
    org.jobs.ingest.insert(id, job);
    Ok(Answer::ok(told))
}

/// `GET …/jobs/ingest`.
pub fn list(org: &Org, call: &Call, version: &str) -> Result<Answer, Refusal> {
    let wanted = call.parameter("jobType").unwrap_or("V2Ingest");
    let all = org.jobs.ingest.values().filter(|_| wanted.eq_ignore_ascii_case("V2Ingest") || wanted == "All");
    let all: Vec<Value> = all
        .map(|job| {
            let mut told = job.told();
            told.insert("jobType".to_owned(), json!("V2Ingest"));
            Value::Object(told)
        })
        .collect();
    Ok(page(all, call, version, "ingest"))
}

/// `GET …/jobs/ingest/ID`.
pub fn tell(org: &mut Org, id: &str) -> Result<Answer, Refusal> {
    Ok(Answer::ok(find(org, id)?.told_whole()))
}

/// `PUT …/jobs/ingest/ID/batches`.
pub fn upload(org: &mut Org, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let job = find(org, id)?;
    if job.head.state != State::Open {
        let message =
            format!("InvalidJobState : Job is not open: {} is in state {}", job.head.id, job.head.state.name());
        return Err(wrong_state(message));
    }
    if job.upload.is_some() {
        let message = format!(
            "InvalidBatch : Found multiple contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current \
             Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
            job.head.id
        );
        return Err(Refusal::call(400, "INVALIDBATCH", message));
    }
    if call.raw.len() > LARGEST {
        return Err(Refusal::call(400, "EXCEEDEDQUOTA", "The size of the upload exceeds 150 MB once it is base64"));
    }
    job.upload = Some(call.raw.clone());
    Ok(Answer::bare(201))
}

/// `PATCH …/jobs/ingest/ID`: close or abort.
pub fn turn(org: &mut Org, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let wanted = call.json()?.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
    let stamp = org.records.stamp();
    let job = find(org, id)?;
    match (wanted.as_str(), job.head.state) {
        ("UploadComplete", State::Open) => {
            if job.upload.is_none() {
                let message = "InvalidJobState : The job has no data: upload it before you close the job";
                return Err(wrong_state(message));
            }
            job.head.turn(State::UploadComplete, stamp);
            let id = job.head.id.clone();
            org.jobs.queued.push(id);
        }
        ("Aborted", state) if !state.is_final() => job.head.turn(State::Aborted, stamp),
        ("Aborted", State::JobComplete) => return Err(wrong_state("Aborting already Completed Job not allowed")),
        ("UploadComplete" | "Aborted", state) => {
            let message = format!("InvalidJobState : The state cannot be changed from {} to {wanted}", state.name());
            return Err(wrong_state(message));
        }
        _ => return Err(unreadable("state", &json!(wanted))),
    }
    let job = find(org, id)?;
    let mut told = job.told();
    told.shift_remove("lineEnding");
    told.shift_remove("columnDelimiter");
    Ok(Answer::ok(Value::Object(told)))
}

/// `DELETE …/jobs/ingest/ID`.
pub fn delete(org: &mut Org, id: &str) -> Result<Answer, Refusal> {
    let job = find(org, id)?;
    if matches!(job.head.state, State::Open | State::InProgress) {
        let message =
            format!("InvalidJobState : A job in state {} cannot be deleted: abort it first", job.head.state.name());
        return Err(wrong_state(message));
    }
    let id = job.head.id.clone();
    org.jobs.ingest.remove(&id);
    Ok(Answer::empty())
}

/// `GET …/jobs/ingest/ID/successfulResults` and its kin.
pub fn results(org: &mut Org, id: &str, which: &str) -> Result<Answer, Refusal> {
    let job = find(org, id)?;
    if !job.head.state.is_final() {
        let message = format!("InvalidJobState : The job has no results in state {}", job.head.state.name());
        return Err(wrong_state(message));
    }
    let header: Vec<&str> = job.sheet.header.iter().map(String::as_str).collect();
    let own: &[&str] = match which {
        "successfulResults" => &["sf__Id", "sf__Created"],
        "failedResults" => &["sf__Id", "sf__Error"],
        _ => &[],
    };
    let mut lines = Vec::new();
    for at in shuffled(job.sheet.rows.len()) {
        let told = match (which, &job.outcomes[at]) {
            ("successfulResults", Some(Outcome::Done(id, created))) => {
                vec![id.as_str(), if *created { "true" } else { "false" }]
            }
            ("failedResults", Some(Outcome::Refused(id, error))) => vec![id.as_str(), error.as_str()],
            ("unprocessedrecords" | "unprocessedRecords", None) => vec![],
            _ => continue,
        };
        lines.push([told, job.sheet.rows[at].iter().map(String::as_str).collect()].concat());
    }
    let lines = std::iter::once([own, &header].concat()).chain(lines);
    Ok(Answer::text("text/csv", csv::write(job.head.dialect, lines)))
}

/// The places of so many rows in an order that is not theirs, the same every time: a client that joins
/// results by position must fall.
fn shuffled(count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for at in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        places.swap(at, (state >> 33) as usize % (at + 1));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_another_order_and_whole() {
        let mut places = shuffled(10);
        assert_eq!(places, shuffled(10));
        assert_ne!(places, (0..10).collect::<Vec<_>>());
        places.sort_unstable();
        assert_eq!(places, (0..10).collect::<Vec<_>>());
    }
}
