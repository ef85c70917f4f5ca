//! `gondola stop RUN`

use super::attach::follow;
use super::report;
use crate::engine::{Engine, EngineError};
use crate::store::RunId;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A run's number; `gondola runs` lists them.
    run: RunId,
    /// The run's summary as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let run = arguments.run;
    engine.stop(run).inspect_err(|error| {
        if arguments.json {
            // A closed stdout changes nothing any more.
            let _ = report::json_error(error);
        }
    })?;
    note!("run {run} ends after the calls that are under way; a Bulk job is aborted");
    let code = follow(engine, run, arguments.json, false).await?;
    // It was to be stopped, and it was.
    Ok(if code == 130 && engine.summary(run)?.finished_at.is_some() { 0 } else { code })
}
