//! Query results as the rows and columns of a Bulk query's CSV.

use serde_json::Value;

use super::errors::Refusal;
use super::records::{self, Records};
use super::schema::{Kind, Object};
use super::shape;
use super::soql::compile::{Column, Plan, Shape, compile};

/// Names of the columns, and the rows.
pub type Table = (Vec<String>, Vec<Vec<String>>);

/// The object that a query is about, once it is known that it can be answered as CSV.
pub fn check(records: &Records, soql: &str, deleted: bool) -> Result<&'static Object, Refusal> {
    let (plan, _) = plan(records, soql, deleted)?;
    Ok(plan.sources[0].object)
}

fn plan(records: &Records, soql: &str, deleted: bool) -> Result<(Plan, Vec<Column>), Refusal> {
    let mut plan = compile(records.schema, soql, deleted)?;
    let Shape::Rows(columns) = std::mem::replace(&mut plan.shape, Shape::Count) else {
        let message = "Aggregate Relationships not supported in Bulk Query";
        return Err(Refusal::call(400, "FUNCTIONALITY_NOT_ENABLED", message));
    };
    if !plan.children.is_empty() {
        let message = "Nested queries not supported in Bulk Query";
        return Err(Refusal::call(400, "FUNCTIONALITY_NOT_ENABLED", message));
    }
    if columns.iter().any(|column| column.field.kind == Kind::Address) {
        let message = "Selecting compound data not supported in Bulk Query";
        return Err(Refusal::call(400, "FUNCTIONALITY_NOT_ENABLED", message));
    }
    Ok((plan, columns))
}

/// Runs a query.
pub fn read(records: &Records, soql: &str, deleted: bool) -> Result<Table, Refusal> {
    let (plan, columns) = plan(records, soql, deleted)?;
    let header = columns
        .iter()
        .map(|column| {
            let path = &plan.sources[column.source].path;
            path.iter().chain([&column.field.name]).map(String::as_str).collect::<Vec<_>>().join(".")
        })
        .collect();
    let rows = records
        .bodies(&plan.sql, &plan.values)?
        .into_iter()
        .map(|row| {
            let bodies: Vec<_> = row.iter().map(|body| body.as_deref().map(records::parse)).collect();
            columns
                .iter()
                .map(|column| {
                    let object = plan.sources[column.source].object;
                    let body = bodies[column.source].as_ref();
                    body.map_or_else(String::new, |body| cell(column, &shape::value(object, column.field, body)))
                })
                .collect()
        })
        .collect();
    Ok((header, rows))
}

/// A value as text; times end in `Z` here, not in `+0000`.
fn cell(column: &Column, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if column.field.kind == Kind::DateTime => text.replace("+0000", "Z"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
