//! Running queries, and handing the answer out page by page.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::ids;
use super::records::{self, Body, Records};
use super::schema::{Field, Kind, Schema};
use super::shape;
use super::soql::compile::{Column, Plan, Shape, compile};

/// Rows in a page when the client does not say.
const PAGE: usize = 2_000;
/// Answers that are kept for `nextRecordsUrl`.
const KEPT: usize = 100;

/// Answers that have more pages.
#[derive(Debug, Default)]
pub struct Cursors {
    made: u64,
    open: VecDeque<(String, Arc<Found>)>,
}

/// All rows of an answer, as stored.
#[derive(Debug)]
struct Found {
    plan: Plan,
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
    /// By subquery, the answer for each row.
    children: Vec<(String, Vec<Found>)>,
}

/// Answers a query.
pub fn run(
    records: &Records,
    schema: &'static Schema,
    cursors: &mut Cursors,
    version: &str,
    text: &str,
    deleted: bool,
    page: Option<usize>,
) -> Result<Value, Refusal> {
    let mut plan = compile(schema, text, deleted)?;
    match std::mem::replace(&mut plan.shape, Shape::Count) {
        Shape::Count => {
            let count = records.number(&plan.sql, &plan.values)?;
            Ok(json!({ "totalSize": count, "done": true, "records": [] }))
        }
        Shape::Groups(grouping) => {
            let rows: Vec<Vec<Option<Body>>> = records
                .bodies(&plan.sql, &plan.values)?
                .into_iter()
                .map(|row| row.into_iter().map(|body| body.as_deref().map(records::parse)).collect())
                .collect();
            let groups = grouping.run(&plan.sources, &rows);
            if groups.len() > PAGE {
                let message =
                    "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
                return Err(Refusal::call(400, "EXCEEDED_ID_LIMIT", message));
            }
            Ok(json!({ "totalSize": groups.len(), "done": true, "records": groups }))
        }
        Shape::Rows(columns) => {
            let found = Arc::new(find(records, plan, columns)?);
            let size = page_size(page);
            if found.rows.len() <= size {
                return Ok(found.page(version, "", 0, size));
            }
            cursors.made += 1;
            let id = ids::make("01g", cursors.made);
            cursors.open.push_back((id.clone(), Arc::clone(&found)));
            if cursors.open.len() > KEPT {
                cursors.open.pop_front();
            }
            Ok(found.page(version, &id, 0, size))
        }
    }
}

/// Gets all rows, and for each of them those of the subqueries.
fn find(records: &Records, mut plan: Plan, columns: Vec<Column>) -> Result<Found, Refusal> {
    let rows = records.bodies(&plan.sql, &plan.values)?;
    let mut children = Vec::new();
    for child in std::mem::take(&mut plan.children) {
        let mut answers = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = row[0].as_deref().map(records::parse).and_then(|body| body.get("Id").cloned());
            let mut plan = child.plan.clone();
            if let (Some(Value::String(id)), Some(place)) = (id, plan.values.first_mut()) {
                *place = rusqlite::types::Value::Text(id);
            }
            let Shape::Rows(columns) = std::mem::replace(&mut plan.shape, Shape::Count) else { continue };
            answers.push(find(records, plan, columns)?);
        }
        children.push((child.name, answers));
    }
    Ok(Found { plan, columns, rows, children })
}

/// Answers `query?q=…&columns=true`: what the columns are, without any rows. The `sf` CLI asks so.
pub fn columns(schema: &'static Schema, text: &str) -> Result<Value, Refusal> {
    let plan = compile(schema, text, false)?;
    let entity = plan.sources[0].object;
    let described = match &plan.shape {
        Shape::Rows(columns) => columns.iter().map(|column| (column.field.name.clone(), Some(*column))).collect(),
        Shape::Groups(grouping) => grouping.columns(),
        Shape::Count => Vec::new(),
    };
    let described: Vec<Value> = described
        .into_iter()
        .map(|(name, column)| {
            let kind = column.map(|column| column.field.kind);
            let parents = column.map(|column| plan.sources[column.source].path.clone()).unwrap_or_default();
            let described = json!({
                "aggregate": column.is_none(),
                "apexType": kind.map_or("Double", |kind| if kind.is_text() { "String" } else { kind.wire_name() }),
                "booleanType": kind == Some(Kind::Boolean),
                "columnName": name,
                "custom": name.ends_with("__c"),
                "displayName": name,
                "foreignKeyName": null,
                "insertable": column.is_some_and(|column| column.field.createable),
                "joinColumns": [],
                "numberType": kind.is_none_or(Kind::is_number),
                "textType": kind.is_some_and(Kind::is_text),
                "updatable": column.is_some_and(|column| column.field.updateable),
            });
            // A parent's field is a column joined to one that stands for the parent.
            parents.into_iter().rev().fold(described, |inner, parent| {
                json!({
                    "aggregate": true, "apexType": null, "booleanType": false, "columnName": parent, "custom": false,
                    "displayName": parent, "foreignKeyName": null, "insertable": false, "joinColumns": [inner],
                    "numberType": false, "textType": false, "updatable": false,
                })
            })
        })
        .collect();
    let id_selected = described.iter().any(|column| column["columnName"] == "Id");
    Ok(json!({
        "columnMetadata": described,
        "entityName": entity.name,
        "groupBy": matches!(plan.shape, Shape::Groups(_)),
        "idSelected": id_selected,
        "keyPrefix": entity.prefix,
    }))
}

/// Answers the next page; `locator` is `01g…-2000`.
pub fn more(cursors: &Cursors, version: &str, locator: &str, page: Option<usize>) -> Result<Value, Refusal> {
    let invalid = || Refusal::call(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, start) = locator.split_once('-').ok_or_else(invalid)?;
    let start: usize = start.parse().map_err(|_| invalid())?;
    let (_, found) = cursors.open.iter().find(|(known, _)| known == id).ok_or_else(invalid)?;
    if start >= found.rows.len() { Err(invalid()) } else { Ok(found.page(version, id, start, page_size(page))) }
}

fn page_size(asked: Option<usize>) -> usize {
    asked.unwrap_or(PAGE).clamp(200, PAGE)
}

impl Found {
    fn page(&self, version: &str, id: &str, start: usize, size: usize) -> Value {
        let end = self.rows.len().min(start.saturating_add(size));
        let records: Vec<Value> = (start..end).map(|at| self.record(version, at)).collect();
        let mut body = Map::new();
        body.insert("totalSize".to_owned(), json!(self.rows.len()));
        body.insert("done".to_owned(), json!(end == self.rows.len()));
        if end < self.rows.len() {
            body.insert("nextRecordsUrl".to_owned(), json!(format!("/services/data/{version}/query/{id}-{end}")));
        }
        body.insert("records".to_owned(), Value::Array(records));
        Value::Object(body)
    }

    fn record(&self, version: &str, at: usize) -> Value {
        let bodies: Vec<Option<Body>> = self.rows[at].iter().map(|body| body.as_deref().map(records::parse)).collect();
        let sources = &self.plan.sources;
        let mut record = Map::new();
        if let Some(body) = &bodies[0] {
            record.insert("attributes".to_owned(), shape::attributes(sources[0].object, version, body));
        }
        for column in &self.columns {
            self.insert(&mut record, version, &bodies, 0, *column);
        }
        for (name, answers) in &self.children {
            let answer = answers.get(at).filter(|answer| !answer.rows.is_empty());
            let told = answer.map_or(Value::Null, |answer| answer.page(version, "", 0, usize::MAX));
            record.insert(name.clone(), told);
        }
        Value::Object(record)
    }

    /// Puts a value where its path says; a parent that is missing is null as a whole.
    fn insert(
        &self,
        into: &mut Map<String, Value>,
        version: &str,
        bodies: &[Option<Body>],
        depth: usize,
        column: Column,
    ) {
        let target = &self.plan.sources[column.source];
        let Some(relationship) = target.path.get(depth) else {
            let field: &Field = column.field;
            if let Some(body) = &bodies[column.source] {
                into.insert(field.name.clone(), shape::value(target.object, field, body));
            }
            return;
        };
        let parent = self.plan.sources.iter().position(|source| source.path == target.path[..=depth]);
        let Some((object, body)) = parent.and_then(|at| Some((self.plan.sources[at].object, bodies[at].as_ref()?)))
        else {
            into.insert(relationship.clone(), Value::Null);
            return;
        };
        let child = into
            .entry(relationship.clone())
            .or_insert_with(|| json!({ "attributes": shape::attributes(object, version, body) }));
        if let Value::Object(child) = child {
            self.insert(child, version, bodies, depth + 1, column);
        }
    }
}
