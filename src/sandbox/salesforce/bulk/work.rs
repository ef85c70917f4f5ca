//! The work on a job: an upload read, then its rows saved chunk by chunk.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::super::Salesforce;
use super::super::call::RowFault;
use super::super::errors::Refusal;
use super::super::ids;
use super::super::org::Org;
use super::super::save::{self, Refusals, Saving};
use super::super::schema::{Kind, Object};
use super::csv;
use super::ingest::{Ingest, Operation, Outcome};
use super::job::State;
use super::query;
use crate::sandbox::fault::{Action, Fault};

/// Rows that are saved before other calls get their turn.
const CHUNK: usize = 200;
/// How long a job waits at least until somebody takes it up.
const PICKED_UP_AFTER: Duration = Duration::from_millis(5);

/// Works on the job to its end.
pub async fn run(salesforce: Salesforce, id: String) {
    tokio::time::sleep(salesforce.latency.max(PICKED_UP_AFTER)).await;
    let is_query = salesforce.org().jobs.queries.contains_key(&id);
    if is_query {
        let _ = tokio::task::spawn_blocking(move || query::run(&mut salesforce.org(), &id)).await;
        return;
    }
    let fault = salesforce.faults.fire_job();
    if !begin(&salesforce, &id) {
        return;
    }
    if let Some(fault) = fault.as_ref().filter(|fault| fault.action == Action::JobDelay) {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(1_000))).await;
    }
    let _ = tokio::task::spawn_blocking(move || work(&salesforce, &id, fault.as_ref())).await;
}

/// Takes the job up, if it still waits.
fn begin(salesforce: &Salesforce, id: &str) -> bool {
    let mut org = salesforce.org();
    let stamp = org.records.stamp();
    match org.jobs.ingest.get_mut(id) {
        Some(job) if job.head.state == State::UploadComplete => {
            job.head.turn(State::InProgress, stamp);
            true
        }
        _ => false,
    }
}

/// The job, if nobody aborted or deleted it meanwhile.
fn going<'a>(org: &'a mut Org, id: &str) -> Option<&'a mut Ingest> {
    org.jobs.ingest.get_mut(id).filter(|job| job.head.state == State::InProgress)
}

fn work(salesforce: &Salesforce, id: &str, fault: Option<&Fault>) {
    let begun = Instant::now();
    let Some((upload, dialect)) =
        going(&mut salesforce.org(), id).map(|job| (job.upload.clone().unwrap_or_default(), job.head.dialect))
    else {
        return;
    };
    let sheet = std::str::from_utf8(&upload)
        .map_err(|_| "ClientInputError : The CSV is not UTF-8".to_owned())
        .and_then(|text| csv::read(text, dialect));
    let rows = {
        let mut org = salesforce.org();
        let stamp = org.records.stamp();
        let Some(job) = going(&mut org, id) else { return };
        match sheet.and_then(|sheet| check_header(job, &sheet.header).map(|()| sheet)) {
            Ok(sheet) => {
                job.outcomes = vec![None; sheet.rows.len()];
                job.sheet = sheet;
                job.upload = None;
                job.sheet.rows.len()
            }
            Err(error) => {
                job.head.error = Some(error);
                job.head.turn(State::Failed, stamp);
                return;
            }
        }
    };
    let action = fault.map(|fault| fault.action);
    let row_fault = fault.filter(|fault| fault.action == Action::RowError).map(RowFault::new).unwrap_or_default();
    let stop_at = match (action, fault) {
        (Some(Action::JobFailed | Action::JobAborted), Some(fault)) => fault.rows.unwrap_or(0).min(rows),
        _ => rows,
    };
    let left_out = |at: usize| {
        action == Some(Action::Unprocessed) && (at + 1).is_multiple_of(fault.and_then(|fault| fault.every).unwrap_or(2))
    };
    let mut start = 0;
    while start < stop_at {
        let end = stop_at.min(start + CHUNK);
        let places: Vec<usize> = (start..end).filter(|at| !left_out(*at)).collect();
        let mut org = salesforce.org();
        if going(&mut org, id).is_none() {
            return;
        }
        chunk(&mut org, id, &places, &row_fault);
        if let Some(job) = going(&mut org, id) {
            job.head.took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        }
        drop(org);
        // The lock is not a fair one: calls that wait get it now.
        std::thread::sleep(Duration::from_millis(1));
        start = end;
    }
    let mut org = salesforce.org();
    let stamp = org.records.stamp();
    let Some(job) = going(&mut org, id) else { return };
    match action {
        Some(Action::JobFailed) => {
            let message = fault.and_then(|fault| fault.message.clone());
            job.head.error =
                Some(message.unwrap_or_else(|| "InternalServerError : Retried more than ten times".to_owned()));
            job.head.turn(State::Failed, stamp);
        }
        Some(Action::JobAborted) => job.head.turn(State::Aborted, stamp),
        _ => job.head.turn(State::JobComplete, stamp),
    }
}

/// Whether the columns are fields, and enough of them.
fn check_header(job: &Ingest, header: &[String]) -> Result<(), String> {
    let not_found = |name: &str| format!("InvalidBatch : Field name not found : {name}");
    let mut seen = HashSet::new();
    for name in header {
        if !seen.insert(name.to_lowercase()) {
            return Err(format!("InvalidBatch : Duplicate column found : {name}"));
        }
        let known = job.object.field(name).is_some() || parent(job.object, name).is_some();
        let only_id = matches!(job.operation, Operation::Delete | Operation::HardDelete);
        if !known || (only_id && !name.eq_ignore_ascii_case("Id")) {
            return Err(not_found(name));
        }
    }
    let needed = match job.operation {
        Operation::Insert => None,
        Operation::Upsert => job.key.as_deref(),
        _ => Some("Id"),
    };
    match needed {
        Some(name) if !seen.contains(&name.to_lowercase()) => Err(not_found(name)),
        _ => Ok(()),
    }
}

/// `Account.External_Id__c` taken apart: the reference, its relationship, and the parent's field.
fn parent<'a>(object: &'static Object, column: &'a str) -> Option<(&'static str, &'a str, &'a str)> {
    let (relationship, field) = column.split_once('.')?;
    let reference = object.relationship(relationship)?;
    Some((reference.name.as_str(), relationship, field))
}

/// A row as REST would send it: empty cells are left out, `#N/A` is null.
fn fields(object: &'static Object, header: &[String], row: &[String]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, text) in header.iter().zip(row).filter(|(_, text)| !text.is_empty()) {
        let value = if text == "#N/A" { Value::Null } else { json!(text) };
        if let Some((reference, relationship, field)) = parent(object, name) {
            if value.is_null() {
                fields.insert(reference.to_owned(), value);
            } else {
                fields.insert(relationship.to_owned(), json!({ field: value }));
            }
            continue;
        }
        let flag = object.field(name).filter(|field| field.kind == Kind::Boolean).and_then(|_| read_flag(text));
        fields.insert(name.clone(), flag.map_or(value, Value::Bool));
    }
    fields
}

/// The words that a job takes for true and false.
fn read_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Saves the rows at these places.
fn chunk(org: &mut Org, id: &str, places: &[usize], fault: &RowFault) {
    let Some(job) = org.jobs.ingest.get(id) else { return };
    let (operation, object, version) = (job.operation, job.object, job.head.version.clone());
    let key = job.key.clone();
    let rows: Vec<Map<String, Value>> =
        places.iter().map(|&at| fields(object, &job.sheet.header, &job.sheet.rows[at])).collect();
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut seen = HashSet::new();
    if org.records.begin().is_err() {
        return;
    }
    for mut fields in rows {
        let mut take = |name: &str| {
            let place = fields.keys().find(|it| it.eq_ignore_ascii_case(name)).cloned();
            place.and_then(|place| fields.shift_remove(&place)).unwrap_or(Value::Null)
        };
        let named = match operation {
            Operation::Insert => Value::Null,
            Operation::Upsert => take(key.as_deref().unwrap_or("Id")),
            _ => take("Id"),
        };
        let result = match fault.take() {
            Some(refusal) => Err(vec![refusal]),
            None if named.as_str().is_some_and(|text| !seen.insert(text.to_lowercase())) => {
                Err(vec![twice(operation, named.as_str().unwrap_or_default())])
            }
            None => save_row(org, operation, object, &version, key.as_deref(), &named, &fields),
        };
        let known = if operation == Operation::Upsert && key.as_deref() != Some("Id") { "" } else { "Id" };
        let id = named.as_str().filter(|_| known == "Id").and_then(ids::parse).unwrap_or_default();
        outcomes.push(match result {
            Ok((id, created)) => Outcome::Done(id, created),
            Err(refusals) => Outcome::Refused(id, error_text(&refusals)),
        });
    }
    if org.records.commit().is_err() {
        return;
    }
    if let Some(job) = org.jobs.ingest.get_mut(id) {
        job.head.processed += places.len();
        for (&at, outcome) in places.iter().zip(outcomes) {
            job.outcomes[at] = Some(outcome);
        }
    }
}

fn save_row(
    org: &mut Org,
    operation: Operation,
    object: &'static Object,
    version: &str,
    key: Option<&str>,
    named: &Value,
    fields: &Map<String, Value>,
) -> Result<(String, bool), Refusals> {
    let stored = |error: rusqlite::Error| vec![Refusal::from(error)];
    org.records.begin().map_err(stored)?;
    let saving = Saving { version, allow_duplicates: false, duplicate_details: false };
    let id = named.as_str().unwrap_or_default();
    let result = match operation {
        Operation::Insert => save::create(&mut org.records, object, fields, saving).map(|id| (id, true)),
        Operation::Upsert => match key.and_then(|key| object.field(key)) {
            Some(key) => save::upsert(&mut org.records, object, key, named, fields, saving),
            None => Err(vec![Refusal::not_found()]),
        },
        _ if id.is_empty() => {
            Err(vec![Refusal::row("MISSING_ARGUMENT", "Id not specified in an update call", &["Id"])])
        }
        Operation::Update => {
            save::update(&mut org.records, object, id, fields).map(|()| (ids::parse(id).unwrap_or_default(), false))
        }
        Operation::Delete => {
            save::delete(&mut org.records, object, id).map(|()| (ids::parse(id).unwrap_or_default(), false))
        }
        Operation::HardDelete => {
            let id = ids::parse(id).unwrap_or_else(|| id.to_owned());
            save::delete(&mut org.records, object, &id)
                .and_then(|()| org.records.remove(object, &id).map_err(stored))
                .map(|()| (id, false))
        }
    };
    if result.is_ok() { org.records.commit() } else { org.records.roll_back() }.map_err(stored)?;
    result
}

/// Two rows of one chunk that name the same record.
fn twice(operation: Operation, key: &str) -> Refusal {
    let message = match operation {
        Operation::Upsert => format!("Duplicate external id specified: {key}"),
        _ => format!("duplicate id in list: {key}"),
    };
    Refusal::row(if operation == Operation::Upsert { "DUPLICATE_VALUE" } else { "DUPLICATE_ID" }, message, &[])
}

/// `CODE:text:Field --`, as `sf__Error` tells it.
fn error_text(refusals: &Refusals) -> String {
    let told: Vec<String> = refusals
        .iter()
        .map(|refusal| {
            let fields = refusal.fields.clone().unwrap_or_default().join(",");
            let fields = if fields.is_empty() { fields } else { format!("{fields} ") };
            format!("{}:{}:{fields}--", refusal.code, refusal.message)
        })
        .collect();
    told.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_as_bulk_tells_them() {
        let refusals = vec![
            Refusal::row("INVALID_EMAIL_ADDRESS", "Email: invalid email address: badone", &["Email"]),
            Refusal::row("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", &[]),
        ];
        assert_eq!(
            error_text(&refusals),
            "INVALID_EMAIL_ADDRESS:Email: invalid email address: badone:Email --;\
             UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"
        );
    }
}
