//! `gondola check [NAME]`

use serde_json::json;
use tokio::sync::mpsc;

use super::report;
use crate::engine::{CheckLine, CheckState, Engine, EngineError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A connection's name; all of them when left out.
    name: Option<String>,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let names: Vec<String> = if let Some(name) = &arguments.name {
        vec![name.clone()]
    } else {
        let connections = engine.workspace().connections()?;
        let mut names: Vec<String> =
            connections.snowflake.into_keys().chain(connections.salesforce.into_keys()).collect();
        names.sort();
        names.dedup();
        names
    };
    if names.is_empty() {
        let file = engine.workspace().folders().connections();
        return Err(EngineError::configuration(format!("{}: there is no connection yet", file.display()))
            .with_hint("Write one there (the README shows how), or try `gondola demo`."));
    }
    let mut all_well = true;
    for name in names {
        if !arguments.json {
            report::line(&name)?;
        }
        let (report, mut lines) = mpsc::unbounded_channel();
        let (well, ()) = tokio::join!(engine.check(&name, report), async {
            while let Some(line) = lines.recv().await {
                if line.state != CheckState::Running {
                    // A closed stdout ends the command at its next line of data.
                    let _ = print(&name, &line, arguments.json);
                }
            }
        });
        all_well &= well?;
    }
    if let Some(line) = engine.logout_warning() {
        if !arguments.json {
            report::line("this machine")?;
        }
        print("", &line, arguments.json)?;
    }
    Ok(if all_well { 0 } else { 4 })
}

fn print(connection: &str, line: &CheckLine, as_json: bool) -> Result<(), EngineError> {
    let word = match line.state {
        CheckState::Running => "…",
        CheckState::Ok => "ok",
        CheckState::Warning => "warning",
        CheckState::Failed => "failed",
    };
    if as_json {
        let body = json!({"connection": (!connection.is_empty()).then_some(connection), "check": line.name, "state": word, "detail": line.detail, "hint": line.hint});
        return report::line(&body.to_string());
    }
    report::line(&format!("  {word:<8} {:<22} {}", line.name, report::shown(&line.detail)))?;
    line.hint.iter().try_for_each(|hint| report::line(&format!("           {hint}")))
}
