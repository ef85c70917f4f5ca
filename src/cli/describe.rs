//! `gondola describe CONNECTION [OBJECT]`

use serde_json::json;

use super::report;
use crate::engine::{Aged, Engine, EngineError, Freshness, age_words};
use crate::types::{Field, ObjectDescribe};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A Salesforce connection's name.
    connection: String,
    /// An object's API name, such as Contact; without it, the objects that can be written are listed.
    object: Option<String>,
    /// Ask Salesforce now; else what is known is shown, with its age.
    #[arg(long)]
    refresh: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let freshness = if arguments.refresh { Freshness::Now } else { Freshness::Any };
    match &arguments.object {
        Some(object) => {
            let described = engine.describe(&arguments.connection, object, freshness).await?;
            if arguments.json { object_json(&described)? } else { object_text(&described)? }
        }
        None => objects(arguments, engine, freshness).await?,
    }
    Ok(0)
}

async fn objects(arguments: &Arguments, engine: &Engine, freshness: Freshness) -> Result<(), EngineError> {
    let listed = engine.objects(&arguments.connection, freshness).await?;
    let objects: Vec<_> = listed.value.iter().filter(|object| object.is_writable()).collect();
    if arguments.json {
        return report::line(&json!({"objects": objects, "checked_at": listed.checked_at.to_string()}).to_string());
    }
    let mut table = report::table(&["OBJECT", "LABEL", "MAY"]);
    for object in &objects {
        let may = [(object.createable, "create"), (object.updateable, "update"), (object.deletable, "delete")];
        let may: Vec<&str> = may.iter().filter_map(|(may, word)| may.then_some(*word)).collect();
        table.add_row([object.name.clone(), report::shown(&object.label), may.join(", ")]);
    }
    report::print_table(&table)?;
    note!("{} objects that this user may write, as of {}", objects.len(), age_words(listed.age()));
    Ok(())
}

fn object_json(described: &Aged<ObjectDescribe>) -> Result<(), EngineError> {
    let mut body = serde_json::to_value(&described.value).map_err(|error| EngineError::failed(error.to_string()))?;
    body["checked_at"] = json!(described.checked_at.to_string());
    body["read_at"] = json!(described.read_at.to_string());
    report::line(&body.to_string())
}

fn object_text(described: &Aged<ObjectDescribe>) -> Result<(), EngineError> {
    let object = &described.value;
    let mut table = report::table(&["FIELD", "TYPE", "LABEL", "MARKS"]);
    for field in &object.fields {
        table.add_row([field.name.clone(), kind(field), report::shown(&field.label), marks(field)]);
    }
    report::print_table(&table)?;
    let types: Vec<&str> =
        object.record_types.iter().filter(|one| !one.master).map(|one| one.developer_name.as_str()).collect();
    if !types.is_empty() {
        note!("record types: {}", types.join(", "));
    }
    note!("{} fields, as of {}", object.fields.len(), age_words(described.age()));
    Ok(())
}

/// Type and length; for a reference what it refers to.
fn kind(field: &Field) -> String {
    if !field.reference_to.is_empty() {
        return format!("reference({})", field.reference_to.join(", "));
    }
    if field.length > 0 { format!("{}({})", field.kind, field.length) } else { field.kind.to_string() }
}

fn marks(field: &Field) -> String {
    let marks: Vec<&str> = [
        (field.is_required(), "required"),
        (field.calculated, "computed"),
        (field.auto_number, "numbered"),
        (!field.is_writable() && !field.calculated && !field.auto_number, "read-only"),
        (field.is_writable() && !field.updateable, "create-only"),
        (field.external_id, "external id"),
        (field.id_lookup, "id lookup"),
        (field.unique, "unique"),
        (field.restricted_picklist, "restricted"),
    ]
    .iter()
    .filter_map(|(is, word)| is.then_some(*word))
    .collect();
    marks.join(", ")
}
