//! `gondola pause RUN`

use std::time::Duration;

use super::report;
use crate::engine::{Engine, EngineError, Phase};
use crate::store::RunId;

/// How long it is waited for: a call takes seconds, a Bulk job may take an hour.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A run's number; `gondola runs` lists them.
    run: RunId,
    /// The run's summary as JSON; `live` says how far it is.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let run = arguments.run;
    engine.pause(run).inspect_err(|error| {
        if arguments.json {
            // A closed stdout changes nothing any more.
            let _ = report::json_error(error);
        }
    })?;
    let now = engine.wait_for_pause(run, PATIENCE).await?;
    if arguments.json {
        report::line(&now.to_json().to_string())?;
        return Ok(0);
    }
    report::line(&match now.progress {
        None => format!("run {run} has ended before it could pause"),
        Some(progress) if progress.phase == Phase::Paused => {
            format!("run {run} is paused; `gondola resume {run}` lets it go on")
        }
        Some(_) => format!("run {run} pauses after what is under way; `gondola resume {run}` lets it go on"),
    })?;
    Ok(0)
}
