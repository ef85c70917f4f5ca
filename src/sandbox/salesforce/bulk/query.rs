//! Query jobs: the rows of a SOQL query as CSV, page by page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::errors::Refusal;
use super::super::org::Org;
use super::super::table;
use super::csv;
use super::job::{Head, State, dialect, unreadable, wrong_state};
use super::{job_id, page};

/// Rows in a page when the client does not say.
const PAGE: usize = 100_000;

/// A query job.
#[derive(Debug)]
pub struct QueryJob {
    head: Head,
    soql: String,
    deleted: bool,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl QueryJob {
    fn told_whole(&self) -> Value {
        let mut body = self.head.told();
        for (key, value) in [
            ("jobType", json!("V2Query")),
            ("numberRecordsProcessed", json!(self.head.processed)),
            ("retries", json!(0)),
            ("totalProcessingTime", json!(self.head.took)),
            ("isPkChunkingSupported", json!(false)),
        ] {
            body.insert(key.to_owned(), value);
        }
        if let Some(error) = &self.head.error {
            body.insert("errorMessage".to_owned(), json!(error));
        }
        Value::Object(body)
    }
}

fn find<'a>(org: &'a mut Org, id: &str) -> Result<&'a mut QueryJob, Refusal> {
    org.jobs.queries.get_mut(&job_id(id)?).ok_or_else(Refusal::not_found)
}

/// `POST …/jobs/query`.
pub fn create(org: &mut Org, call: &Call, version: &str) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let body = body.as_object().ok_or_else(|| unreadable("the body", body))?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "query" => "query",
        "queryAll" => "queryAll",
        other => return Err(unreadable("operation", &json!(other))),
    };
    let dialect = dialect(body)?;
    let soql = text("query").to_owned();
    let deleted = operation == "queryAll";
    // A query that cannot run is refused at once.
    let object = table::check(&org.records, &soql, deleted)?;
    let id = org.jobs.next_id();
    let stamp = org.records.stamp();
    let head = Head {
        id: id.clone(),
        object: object.name.clone(),
        operation,
        version: version.to_owned(),
        created: stamp.clone(),
        modified: stamp,
        state: State::UploadComplete,
        dialect,
        processed: 0,
        took: 0,
        error: None,
    };
    let job = QueryJob { head, soql, deleted, header: Vec::new(), rows: Vec::new() };
    let told = Value::Object(job.head.told());
    org.jobs.queries.insert(id.clone(), job);
    org.jobs.queued.push(id);
    Ok(Answer::ok(told))
}

/// `GET …/jobs/query`.
pub fn list(org: &Org, call: &Call, version: &str) -> Result<Answer, Refusal> {
    let all: Vec<Value> = org
        .jobs
        .queries
        .values()
        .map(|job| {
            let mut told = job.head.told();
            told.insert("jobType".to_owned(), json!("V2Query"));
            Value::Object(told)
        })
        .collect();
    Ok(page(all, call, version, "query"))
}

/// `GET …/jobs/query/ID`.
pub fn tell(org: &mut Org, id: &str) -> Result<Answer, Refusal> {
    Ok(Answer::ok(find(org, id)?.told_whole()))
}

/// `PATCH …/jobs/query/ID`: abort.
pub fn abort(org: &mut Org, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let wanted = call.json()?.get("state").cloned().unwrap_or(Value::Null);
    if wanted != json!("Aborted") {
        return Err(unreadable("state", &wanted));
    }
    let stamp = org.records.stamp();
    let job = find(org, id)?;
    if job.head.state.is_final() {
        return Err(wrong_state("Aborting already Completed Job not allowed"));
    }
    job.head.turn(State::Aborted, stamp);
    Ok(Answer::ok(Value::Object(job.head.told())))
}

/// `DELETE …/jobs/query/ID`.
pub fn delete(org: &mut Org, id: &str) -> Result<Answer, Refusal> {
    let job = find(org, id)?;
    if !job.head.state.is_final() {
        let message =
            format!("InvalidJobState : A job in state {} cannot be deleted: abort it first", job.head.state.name());
        return Err(wrong_state(message));
    }
    let id = job.head.id.clone();
    org.jobs.queries.remove(&id);
    Ok(Answer::empty())
}

/// Runs the query of a job that still waits.
pub fn run(org: &mut Org, id: &str) {
    let begun = std::time::Instant::now();
    let stamp = org.records.stamp();
    let Some(job) = org.jobs.queries.get_mut(id).filter(|job| job.head.state == State::UploadComplete) else { return };
    match table::read(&org.records, &job.soql, job.deleted) {
        Ok((header, rows)) => {
            job.head.processed = rows.len();
            (job.header, job.rows) = (header, rows);
            job.head.turn(State::JobComplete, stamp);
        }
        Err(refusal) => {
            job.head.error = Some(format!("{} : {}", refusal.code, refusal.message));
            job.head.turn(State::Failed, stamp);
        }
    }
    job.head.took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
}

/// `GET …/jobs/query/ID/results?maxRecords=…&locator=…`.
pub fn results(org: &mut Org, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let job = find(org, id)?;
    if job.head.state != State::JobComplete {
        let message = format!("InvalidJobState : The job has no results in state {}", job.head.state.name());
        return Err(wrong_state(message));
    }
    let start = match call.parameter("locator").filter(|text| !text.is_empty() && *text != "null") {
        None => 0,
        Some(locator) => STANDARD_NO_PAD
            .decode(locator)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.parse().ok())
            .filter(|start| *start < job.rows.len())
            .ok_or_else(|| Refusal::call(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?,
    };
    let most = match call.parameter("maxRecords") {
        None => PAGE,
        Some(text) => text.parse().ok().filter(|most| *most > 0).ok_or_else(|| {
            Refusal::call(400, "INVALID_QUERY_LOCATOR", format!("maxRecords is not a number above 0: {text}"))
        })?,
    };
    let end = job.rows.len().min(start.saturating_add(most));
    let lines = std::iter::once(&job.header).chain(&job.rows[start..end]);
    let text = csv::write(job.head.dialect, lines.map(|line| line.iter().map(String::as_str).collect()));
    let locator = if end < job.rows.len() { STANDARD_NO_PAD.encode(end.to_string()) } else { "null".to_owned() };
    Ok(Answer::text("text/csv", text)
        .with_header("Sforce-Locator", locator)
        .with_header("Sforce-NumberOfRecords", (end - start).to_string()))
}
