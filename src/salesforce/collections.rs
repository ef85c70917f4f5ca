//! Writing with sObject Collections: up to 200 rows a call, each with a result of its own.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::client::Client;
use super::errors::{ApiError, Effect, bad_answer, refused_here, row_error};
use super::soql::{check_identifier, is_id};
use crate::destination::{DestinationError, RowResult, WriteKind, WriteRow};

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

/// Writes `rows` in one call that is never repeated by itself.
pub(crate) async fn write(
    client: &Client,
    kind: WriteKind,
    object: &str,
    rows: &[WriteRow],
) -> Result<Vec<RowResult>, DestinationError> {
    check_identifier("an object", object)?;
    check_rows(kind, rows)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let path = client.data_path("/composite/sobjects");
    let body = match kind {
        WriteKind::Create => client.write(Method::POST, &path, Some(&body(object, rows))).await?,
        WriteKind::Update => client.write(Method::PATCH, &path, Some(&body(object, rows))).await?,
        WriteKind::Delete => {
            let ids: Vec<&str> = rows.iter().filter_map(|row| row.id.as_deref()).collect();
            let path = format!("{path}?ids={}&allOrNone=false", ids.join(","));
            client.write(Method::DELETE, &path, None).await?
        }
    };
    results(&body, rows.len())
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
fn results(body: &[u8], sent: usize) -> Result<Vec<RowResult>, DestinationError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::ErrorKind;
    use crate::salesforce::stub::fixture;

    #[test]
    fn recorded_writes_of_a_real_org_are_understood() {
        let Some(exchanges) = fixture("accounts_collections_soql.json") else { return };
        let (mut good, mut refused) = (0, 0);
        for exchange in &exchanges {
            if !exchange["path"].as_str().unwrap().contains("/composite/sobjects") {
                continue;
            }
            let body = exchange["response"].to_string();
            let sent = exchange["response"].as_array().unwrap().len();
            for result in results(body.as_bytes(), sent).unwrap() {
                match result {
                    RowResult::Ok(id) => {
                        assert!(is_id(&id));
                        good += 1;
                    }
                    RowResult::Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Data, "{error}");
                        assert!(!error.message.is_empty() && error.hint.is_some());
                        refused += 1;
                    }
                }
            }
        }
        assert!(good > 0 && refused > 0, "{good} good, {refused} refused");
    }
}
