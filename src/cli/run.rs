//! `gondola run MODEL/MAPPING`

use super::plan::{RowArguments, make, narrate, print_rows};
use super::{confirm, report};
use crate::config::MappingId;
use crate::engine::{Engine, EngineError, RunSummary};
use crate::store::{RowFilter, RunId};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which mapping, such as customers/contacts.
    mapping: MappingId,
    #[command(flatten)]
    rows: RowArguments,
    /// Do not ask before writing.
    #[arg(long)]
    yes: bool,
    /// Apply this plan as it was reviewed; rows that changed in Salesforce since are held.
    #[arg(long, value_name = "ID", conflicts_with_all = ["full", "keys", "limit"])]
    plan: Option<RunId>,
    /// JSON lines: a `row` for each row with an action, then a `summary`.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let json = arguments.json;
    match go(arguments, engine).await {
        Ok(Some(summary)) => {
            print_rows(engine, summary.run, &RowFilter::All, json, true)?;
            if json {
                report::line(&summary.to_json().to_string())?;
            } else {
                report::line(&report::summary_text(&summary))?;
            }
            Ok(summary.exit_code())
        }
        Ok(None) => {
            note!("nothing was written");
            Ok(130)
        }
        Err(error) => {
            if json {
                report::json_error(&error)?;
            }
            Err(error)
        }
    }
}

/// The run's end, or `None` when the person said no.
async fn go(arguments: Arguments, engine: &Engine) -> Result<Option<RunSummary>, EngineError> {
    let cancel = confirm::cancel_on_interrupt();
    if let Some(plan) = arguments.plan {
        let summary = engine.summary(plan)?;
        if summary.mapping != arguments.mapping.to_string() {
            return Err(EngineError::configuration(format!(
                "plan {plan} is of {}, not of {}",
                summary.mapping, arguments.mapping
            )));
        }
        return engine.run(plan, true, narrate(), cancel).await.map(Some);
    }
    let plan = make(engine, &arguments.mapping, arguments.rows.options(), cancel.clone()).await?;
    let mut asked = false;
    if !arguments.yes {
        let summary = engine.summary(plan)?;
        note!("{}", report::summary_text(&summary));
        if summary.books.actions.writes() > 0 {
            if !confirm::ask(&format!("Write to {} ({})?", summary.org.name, summary.org.instance_url))? {
                return Ok(None);
            }
            asked = true;
        }
    }
    // Whoever was asked may have thought for an hour: look again.
    engine.run(plan, asked, narrate(), cancel).await.map(Some)
}
