//! Writing with sObject Collections: up to 200 rows a call, each with a result of its own.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::client::Client;
use super::errors::{ApiError, Effect, bad_answer, refused_here, row_error};
use super::soql::{check_identifier, is_id};
use crate::destination::{DestinationError, Refusal, RowResult, WriteKind, WriteOptions, WriteRow};

/// Rows that one call takes.
pub(crate) const ROWS: usize = 200;

/// The answer's entry for one row; the entries come in the order of the rows.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: Option<String>,
    success: bool,
    #[serde(default)]
    errors: Vec<ApiError>,
}

/// A Collections request, as a call of its own or as a part of a Composite call.
#[derive(Debug)]
pub(crate) struct Request {
    /// HTTP method.
    pub method: Method,
    /// From `/services/data/` on.
    pub path: String,
    /// JSON body; deletes have none.
    pub body: Option<Json>,
}

impl Request {
    /// Checks the rows and makes the request.
    pub(crate) fn new(
        client: &Client,
        kind: WriteKind,
        object: &str,
        rows: &[WriteRow],
    ) -> Result<Self, DestinationError> {
        check_identifier("an object", object)?;
        check_rows(kind, rows)?;
        let path = client.data_path("/composite/sobjects");
        Ok(match kind {
            WriteKind::Create => Self { method: Method::POST, path, body: Some(body(object, rows)) },
            WriteKind::Update => Self { method: Method::PATCH, path, body: Some(body(object, rows)) },
            WriteKind::Delete => {
                let ids: Vec<&str> = rows.iter().filter_map(|row| row.id.as_deref()).collect();
                let path = format!("{path}?ids={}&allOrNone=false", ids.join(","));
                Self { method: Method::DELETE, path, body: None }
            }
        })
    }
}

/// The headers of a write. Left alone, Salesforce assigns owners by rule, and says of a duplicate
/// rule only that it fired.
pub(crate) fn headers(options: WriteOptions) -> [(&'static str, &'static str); 2] {
    let duplicates = if options.allow_duplicates {
        "allowSave=true; includeRecordDetails=true"
    } else {
        "allowSave=false; includeRecordDetails=true"
    };
    let assign = if options.auto_assign { "TRUE" } else { "FALSE" };
    [("sforce-duplicate-rule-header", duplicates), ("sforce-auto-assign", assign)]
}

/// Writes `rows` in one call that is never repeated by itself.
pub(crate) async fn write(
    client: &Client,
    kind: WriteKind,
    object: &str,
    rows: &[WriteRow],
    options: WriteOptions,
) -> Result<Vec<RowResult>, Refusal> {
    let request = Request::new(client, kind, object, rows)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let body = client.write(request.method, &request.path, request.body.as_ref(), &headers(options)).await?;
    Ok(results(&body, rows.len())?)
}

/// What Salesforce would refuse for the whole call, or misread, is refused here first.
fn check_rows(kind: WriteKind, rows: &[WriteRow]) -> Result<(), DestinationError> {
    let fault =
        |message: String| Err(refused_here("INVALID_REQUEST", message, "This is a fault of this program: report it."));
    if rows.len() > ROWS {
        return fault(format!("{} rows in one call; {ROWS} fit.", rows.len()));
    }
    for row in rows {
        match (kind, row.id.as_deref()) {
            (WriteKind::Create, Some(id)) => return fault(format!("A new record cannot have the id {id}.")),
            (WriteKind::Update | WriteKind::Delete, None) => return fault("A record to change has no id.".to_owned()),
            (_, Some(id)) if !is_id(id) => {
                return Err(refused_here(
                    "MALFORMED_ID",
                    format!("{id:?} is not a record id."),
                    "An id has 15 or 18 letters and digits.",
                ));
            }
            _ => {}
        }
        for name in row.fields.keys() {
            check_identifier("a field", name)?;
            if name.eq_ignore_ascii_case("attributes") || name.eq_ignore_ascii_case("id") {
                return fault(format!("{name} cannot be set as a field."));
            }
        }
    }
    Ok(())
}

fn body(object: &str, rows: &[WriteRow]) -> Json {
    let records: Vec<Json> = rows
        .iter()
        .map(|row| {
            let mut record = Map::new();
            record.insert("attributes".to_owned(), json!({ "type": object }));
            if let Some(id) = &row.id {
                record.insert("id".to_owned(), Json::from(id.as_str()));
            }
            record.extend(row.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
            Json::Object(record)
        })
        .collect();
    json!({ "allOrNone": false, "records": records })
}

/// One result a row, by position; any other number says that the call's end is not known.
pub(crate) fn results(body: &[u8], sent: usize) -> Result<Vec<RowResult>, DestinationError> {
    let entries: Vec<Entry> = serde_json::from_slice(body)
        .map_err(|error| bad_answer(Effect::Write, format!("The answer to a write cannot be read: {error}")))?;
    if entries.len() != sent {
        let message = format!("{sent} rows were sent, but {} results came back.", entries.len());
        return Err(bad_answer(Effect::Write, message));
    }
    Ok(entries
        .into_iter()
        .map(|entry| match entry {
            Entry { success: true, id: Some(id), .. } => RowResult::Ok(id),
            Entry { success: true, id: None, .. } => {
                RowResult::Err(bad_answer(Effect::Write, "Salesforce reports success, but names no record."))
            }
            Entry { errors, .. } => RowResult::Err(row_error(&errors)),
        })
        .collect())
}
