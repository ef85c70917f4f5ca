//! `gondola grants NAME`

use serde_json::json;

use super::report;
use crate::engine::{Engine, EngineError, Grants, PermissionSet, WarehouseGrants};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A connection's name.
    name: String,
    /// One JSON object a service.
    #[arg(long)]
    json: bool,
    /// The permission set as metadata (XML), for `sf project deploy start`.
    #[arg(long, conflicts_with = "json")]
    metadata: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let name = &arguments.name;
    let mut printed = false;
    for grants in engine.grants(name).await? {
        match grants {
            Grants::Snowflake(_) if arguments.metadata => continue,
            Grants::Snowflake(grants) if arguments.json => {
                let mut body = json!({"connection": name, "service": "snowflake"});
                merge(&mut body, &grants)?;
                report::line(&body.to_string())?;
            }
            Grants::Salesforce(set) if arguments.json => {
                let mut body = json!({"connection": name, "service": "salesforce"});
                merge(&mut body, &set)?;
                report::line(&body.to_string())?;
            }
            Grants::Snowflake(grants) => statements(name, &grants)?,
            Grants::Salesforce(set) if arguments.metadata => {
                explain(name, &set);
                note!("Save it as force-app/main/default/permissionsets/{}.permissionset-meta.xml.", set.name);
                report::line(set.metadata().trim_end())?;
            }
            Grants::Salesforce(set) => permission_set(name, &set)?,
        }
        printed = true;
    }
    if printed {
        return Ok(0);
    }
    Err(EngineError::configuration(format!("[snowflake.{name}] has no metadata to print"))
        .with_hint("--metadata is for Salesforce connections."))
}

fn merge(body: &mut serde_json::Value, grants: &impl serde::Serialize) -> Result<(), EngineError> {
    let more = serde_json::to_value(grants).map_err(|error| EngineError::failed(error.to_string()))?;
    if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    Ok(())
}

/// SQL that can be run as it is; what is not SQL stands in comments.
fn statements(name: &str, grants: &WarehouseGrants) -> Result<(), EngineError> {
    if grants.models.is_empty() {
        note!("No model reads from [snowflake.{name}] yet.");
    } else {
        report::line(&format!("-- What [snowflake.{name}] needs for {}.", grants.models.join(", ")))?;
    }
    if !grants.role_is_set {
        report::line(&format!("-- The connection names no role: {} stands for one that you make.", grants.role))?;
    }
    for table in &grants.unresolved {
        let table = report::shown(table);
        report::line(&format!("-- {table}: set database and schema on the connection, or name them in the query."))?;
    }
    grants.statements.iter().try_for_each(|statement| report::line(&format!("{};", report::shown(statement))))?;
    if grants.statements.iter().any(|statement| statement.starts_with("GRANT SELECT")) {
        report::line("-- For a view, write ON VIEW in place of ON TABLE.")?;
    }
    Ok(())
}

fn explain(name: &str, set: &PermissionSet) {
    if set.mappings.is_empty() {
        note!("No mapping leads to [salesforce.{name}] yet.");
    }
    if let Some(why) = &set.not_compared {
        note!("The org could not be asked what is there already. {}", report::shown(why));
    }
}

fn permission_set(name: &str, set: &PermissionSet) -> Result<(), EngineError> {
    explain(name, set);
    report::line(&format!("Permission set {} for the user of [salesforce.{name}]", set.name))?;
    if !set.mappings.is_empty() {
        report::line(&format!("needed by {}", set.mappings.join(", ")))?;
    }
    report::line("")?;
    let mut table = report::table(&["KIND", "NAME", "RIGHTS", "NOW"]);
    let now = |has: Option<bool>| match has {
        Some(true) => "there",
        Some(false) => "MISSING",
        None => "",
    };
    let enabled = if set.not_compared.is_some() { None } else { Some(true) };
    table.add_row(["system", "API Enabled", "", now(enabled)]);
    for grant in &set.objects {
        let rights = [(grant.read, "read"), (grant.create, "create"), (grant.edit, "edit"), (grant.delete, "delete")];
        let rights: Vec<&str> = rights.iter().filter_map(|(is, word)| is.then_some(*word)).collect();
        table.add_row(["object", &report::shown(&grant.object), &rights.join(", "), now(grant.has)]);
    }
    for grant in &set.fields {
        let rights = if grant.edit { "read, edit" } else { "read" };
        let field = format!("{}.{}", report::shown(&grant.object), report::shown(&grant.field));
        table.add_row(["field", &field, rights, now(grant.has)]);
    }
    report::print_table(&table)?;
    if !set.without_permission.is_empty() {
        report::line("")?;
        report::line(&format!("These go with the object: {}", set.without_permission.join(", ")))?;
    }
    Ok(())
}
