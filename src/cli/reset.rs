//! `gondola reset MODEL/MAPPING`

use serde_json::json;

use super::{confirm, report};
use crate::config::MappingId;
use crate::engine::{Engine, EngineError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which mapping, such as customers/contacts.
    mapping: MappingId,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    match reset(arguments, engine) {
        Ok(None) => {
            note!("nothing was forgotten");
            Ok(confirm::REFUSED)
        }
        Ok(Some(forgotten)) => {
            let name = arguments.mapping.to_string();
            if arguments.json {
                let body = json!({"event": "summary", "mapping": name, "status": "succeeded", "forgotten": forgotten});
                report::line(&body.to_string())?;
            } else {
                report::line(&format!("{name}: {forgotten} rows forgotten"))?;
                note!("The next plan counts every row as added and looks each one up. Its runs are still there.");
            }
            Ok(0)
        }
        Err(error) => {
            if arguments.json {
                report::json_error(&error)?;
            }
            Err(error)
        }
    }
}

/// How many rows were forgotten, or `None` when the person said no.
fn reset(arguments: &Arguments, engine: &Engine) -> Result<Option<u64>, EngineError> {
    let rows = engine.snapshot_size(&arguments.mapping)?;
    if !arguments.yes {
        let question = format!(
            "Forget the snapshot of {} ({rows} rows)? No record is changed, but removed rows are not noticed any more.",
            arguments.mapping
        );
        if !confirm::ask(&question)? {
            return Ok(None);
        }
    }
    engine.reset(&arguments.mapping).map(Some)
}
