//! `gondola describe CONNECTION OBJECT`

use super::report;
use crate::engine::{Engine, EngineError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A Salesforce connection's name.
    connection: String,
    /// An object's API name, such as Contact.
    object: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let object = engine.describe(&arguments.connection, &arguments.object).await?;
    if arguments.json {
        let text = serde_json::to_string(&*object).map_err(|error| EngineError::failed(error.to_string()))?;
        report::line(&text)?;
        return Ok(0);
    }
    let mut table = report::table(&["FIELD", "TYPE", "LABEL", "MARKS"]);
    for field in &object.fields {
        let kind = if field.length > 0 { format!("{}({})", field.kind, field.length) } else { field.kind.to_string() };
        let marks: Vec<&str> = [
            (field.is_required(), "required"),
            (!field.is_writable(), "read-only"),
            (field.is_writable() && !field.updateable, "create-only"),
            (field.external_id, "external id"),
            (field.id_lookup, "id lookup"),
            (field.unique, "unique"),
            (field.restricted_picklist, "restricted"),
        ]
        .iter()
        .filter_map(|(is, word)| is.then_some(*word))
        .collect();
        table.add_row([field.name.clone(), kind, report::shown(&field.label), marks.join(", ")]);
    }
    report::print_table(&table)?;
    note!("{} fields", object.fields.len());
    Ok(0)
}
