//! `gondola connections`

use serde_json::json;

use super::report;
use crate::engine::{Engine, EngineError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let connections = engine.workspace().connections()?;
    let file = engine.workspace().folders().connections();
    let mut table = report::table(&["NAME", "SERVICE", "ADDRESS", "USER", "SIGN-IN"]);
    let mut rows: Vec<[String; 5]> = Vec::new();
    for (name, one) in &connections.snowflake {
        let address = one.host.clone().unwrap_or_else(|| one.account.clone());
        rows.push([name.clone(), "snowflake".into(), address, one.user.clone(), one.auth().to_string()]);
    }
    for (name, one) in &connections.salesforce {
        let address = one.login_url.clone().or_else(|| one.instance_url.clone()).unwrap_or_default();
        let user = one.username.clone().unwrap_or_default();
        rows.push([name.clone(), "salesforce".into(), address, user, one.auth().to_string()]);
    }
    if rows.is_empty() && !arguments.json {
        note!("No connection yet. Write {} (the README shows how), or try `gondola demo`.", file.display());
    }
    for row in rows {
        if arguments.json {
            let [name, service, address, user, auth] = row;
            report::line(
                &json!({"name": name, "service": service, "address": address, "user": user, "auth": auth}).to_string(),
            )?;
        } else {
            table.add_row(row);
        }
    }
    if !arguments.json && table.row_count() > 0 {
        report::print_table(&table)?;
    }
    Ok(0)
}
