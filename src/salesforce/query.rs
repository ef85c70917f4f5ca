//! Running queries: pages, many at once, records out of rows.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::client::Client;
use super::composite;
use super::errors::{Effect, bad_answer, refused_here};
use super::soql::{self, Encoding, Select, Soql, Term};
use crate::destination::{Api, DestinationError, FieldIn, Payload, Record};
use crate::types::{Field, FieldType, ObjectDescribe, Value};

/// Bytes that address and header may have together; Salesforce takes 16,384, the rest is for the
/// headers that other programs on the way add.
const REQUEST_BYTES: usize = 15_500;
/// The longest query that Salesforce takes, in characters.
const QUERY_CHARS: usize = 100_000;
/// Queries in flight. They lock nothing and are quick; an org takes 25 slow calls at once.
const CONCURRENT: usize = 8;
/// Ids in one retrieve call.
const RETRIEVE_IDS: usize = 2_000;

/// One row of an answer, `attributes` included.
pub(crate) type Row = Map<String, Json>;

/// One page of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) total_size: Option<usize>,
    pub(super) done: bool,
    #[serde(default)]
    pub(super) next_records_url: Option<String>,
    #[serde(default)]
    pub(super) records: Vec<Row>,
}

/// All rows of a query, following the pages.
pub(crate) async fn run(client: &Client, soql: &Soql) -> Result<Vec<Row>, DestinationError> {
    let path = path(client, soql, Encoding::Address)?;
    follow(client, read_page(client, &path).await?).await
}

/// All rows of these queries, packed into as few calls as they fit.
async fn run_packed(client: &Client, queries: Vec<Soql>) -> Result<Vec<Row>, DestinationError> {
    // What looks like a reference to another part's answer would be replaced.
    let (odd, queries): (Vec<Soql>, Vec<Soql>) =
        queries.into_iter().partition(|soql| composite::has_reference(soql.as_str()));
    let paths: Vec<String> =
        queries.iter().map(|soql| path(client, soql, Encoding::Embedded)).collect::<Result<_, _>>()?;
    let calls = paths.chunks(composite::PARTS).map(<[String]>::to_vec);
    let answers: Vec<Vec<Vec<u8>>> = stream::iter(calls)
        .map(|paths| async move { composite::read(client, &paths).await })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    let mut rows = Vec::new();
    for body in answers.iter().flatten() {
        rows.append(&mut follow(client, page(body)?).await?);
    }
    for soql in &odd {
        rows.append(&mut run(client, soql).await?);
    }
    Ok(rows)
}

fn path(client: &Client, soql: &Soql, encoding: Encoding) -> Result<String, DestinationError> {
    let encoded = soql.encoded(encoding);
    let path = client.data_path(&format!("/query/?q={encoded}"));
    if path.len() > REQUEST_BYTES || soql.as_str().chars().count() > QUERY_CHARS {
        return Err(refused_here(
            "QUERY_TOO_LONG",
            format!("The query takes {} bytes; {REQUEST_BYTES} fit into one call.", path.len()),
            "Select fewer fields or compare with fewer values.",
        ));
    }
    Ok(path)
}

/// The rows of a page and of those after it.
async fn follow(client: &Client, mut page: Page) -> Result<Vec<Row>, DestinationError> {
    let total = page.total_size;
    let mut rows = std::mem::take(&mut page.records);
    while !page.done {
        let next = page.next_records_url.as_deref().filter(|next| next.starts_with("/services/data/"));
        let Some(next) = next else {
            return Err(bad_answer(Effect::Read, "A query's answer is not the last page, but names no next one."));
        };
        page = read_page(client, next).await?;
        rows.append(&mut page.records);
    }
    match total {
        Some(total) if total != rows.len() => {
            Err(bad_answer(Effect::Read, format!("A query announced {total} rows, but {} came.", rows.len())))
        }
        _ => Ok(rows),
    }
}

async fn read_page(client: &Client, path: &str) -> Result<Page, DestinationError> {
    page(&client.get(path).await?)
}

/// Reads one page.
pub(super) fn page(body: &[u8]) -> Result<Page, DestinationError> {
    serde_json::from_slice(body)
        .map_err(|error| bad_answer(Effect::Read, format!("A query's answer cannot be read: {error}")))
}

/// Records of `object` that match any of `any_of`; see [`crate::destination::Destination::find`].
pub(crate) async fn find(
    client: &Client,
    object: &ObjectDescribe,
    fields: &[String],
    any_of: &[FieldIn],
    api: Api,
) -> Result<Vec<Record>, DestinationError> {
    let select = Select::new(object, fields)?;
    let terms = terms(object, any_of)?;
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    // A long access token takes from the same allowance as the address.
    let session = client.session().await?;
    let taken = client.data_path("/query/?q=").len() + session.authorization.len();
    let encoding = if api == Api::Collections { Encoding::Address } else { Encoding::Embedded };
    let queries = select.any_of(&terms, REQUEST_BYTES.saturating_sub(taken), encoding);
    let rows = match api {
        Api::Bulk | Api::Composite if queries.len() > 1 => run_packed(client, queries).await?,
        _ => {
            let answers: Vec<Vec<Row>> = stream::iter(queries)
                .map(|soql| async move { run(client, &soql).await })
                .buffered(CONCURRENT)
                .try_collect()
                .await?;
            answers.into_iter().flatten().collect()
        }
    };
    let mut seen = HashSet::new();
    let mut records = Vec::new();
    for row in rows {
        let record = record(object, fields, row)?;
        if seen.insert(record.id.clone()) {
            records.push(record);
        }
    }
    Ok(records)
}

/// Each value once, blanks left out.
fn terms<'a>(object: &'a ObjectDescribe, any_of: &[FieldIn]) -> Result<Vec<Term<'a>>, DestinationError> {
    let mut seen = HashSet::new();
    let mut terms = Vec::new();
    for comparison in any_of {
        let field = soql::known_field(object, &comparison.field)?;
        for value in comparison.values.iter().filter(|value| !value.is_blank() && can_be_in(field, value)) {
            // Addresses are compared without case: the same one in other case need not be asked twice.
            let term = match value {
                Value::Text(text) if field.kind == FieldType::Email => {
                    Term::new(object, &field.name, &Value::Text(text.to_ascii_lowercase()))?
                }
                other => Term::new(object, &field.name, other)?,
            };
            if seen.insert((field.name.as_str(), term.literal().to_owned())) {
                terms.push(term);
            }
        }
    }
    Ok(terms)
}

/// Whether a record could hold the value: no field has longer text than fits, and Salesforce keeps
/// dates from 1700 to 4000 only (the year 9999 is a usual "valid for ever" elsewhere).
fn can_be_in(field: &Field, value: &Value) -> bool {
    let year = match value {
        Value::Date(date) => Some(date.year()),
        Value::TimestampNtz(time) | Value::TimestampLtz(time) | Value::TimestampTz { utc: time, .. } => {
            Some(time.year())
        }
        _ => None,
    };
    if year.is_some_and(|year| !(1_700..=4_000).contains(&year)) {
        return false;
    }
    match value {
        Value::Text(text) if field.kind.is_text() && field.length > 0 => {
            text.trim().chars().count() <= field.length as usize
        }
        _ => true,
    }
}

/// The records with these ids (`POST …/composite/sobjects/X`); those that are gone are left out.
pub(crate) async fn retrieve(
    client: &Client,
    object: &ObjectDescribe,
    fields: &[String],
    ids: &[String],
) -> Result<Vec<Record>, DestinationError> {
    soql::check_identifier("an object", &object.name)?;
    let names = soql::read_fields(object, fields)?;
    if let Some(bad) = ids.iter().find(|id| !soql::is_id(id)) {
        return Err(refused_here(
            "MALFORMED_ID",
            format!("{bad:?} is not a record id."),
            "An id has 15 or 18 letters and digits.",
        ));
    }
    let mut known = HashSet::new();
    let ids: Vec<&String> = ids.iter().filter(|id| known.insert(id.as_str())).collect();
    let path = client.data_path(&format!("/composite/sobjects/{}", object.name));
    let calls: Vec<Json> = ids.chunks(RETRIEVE_IDS).map(|ids| json!({ "ids": ids, "fields": names })).collect();
    let path = path.as_str();
    let answers: Vec<Vec<u8>> = stream::iter(calls)
        .map(|body| async move { client.post_read(path, &body).await })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    let mut records = Vec::with_capacity(ids.len());
    for (body, asked) in answers.iter().zip(ids.chunks(RETRIEVE_IDS)) {
        let rows: Vec<Option<Row>> = serde_json::from_slice(body)
            .map_err(|error| bad_answer(Effect::Read, format!("A retrieve's answer cannot be read: {error}")))?;
        if rows.len() != asked.len() {
            let message = format!("{} records were asked for by id, but {} places came back.", asked.len(), rows.len());
            return Err(bad_answer(Effect::Read, message));
        }
        for row in rows.into_iter().flatten() {
            records.push(record(object, fields, row)?);
        }
    }
    Ok(records)
}

/// A record out of a row, its fields under the names that were asked for.
pub(crate) fn record(object: &ObjectDescribe, fields: &[String], mut row: Row) -> Result<Record, DestinationError> {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    let Some(id) = text(row.get("Id")) else {
        return Err(bad_answer(Effect::Read, format!("A {} came without its Id.", object.name)));
    };
    let modstamp = text(row.get("SystemModstamp"));
    let mut found = Payload::new();
    for name in fields {
        let spelled = &soql::known_field(object, name)?.name;
        // Once taken out, a field that was asked for twice is copied from its first name.
        let value = row.remove(spelled).or_else(|| {
            found.iter().find(|(asked, _)| asked.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        });
        if let Some(value) = value {
            found.insert(name.clone(), value);
        }
    }
    Ok(Record { id, fields: found, modstamp })
}
