//! `gondola attach RUN`

use super::live::Live;
use super::plan::print_rows;
use super::{confirm, report};
use crate::engine::{Engine, EngineError, ErrorClass};
use crate::store::{RowFilter, RunId};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A run's number; `gondola runs` lists them.
    run: RunId,
    /// JSON lines, as `run` prints them: a `row` for each row with an action, then a `summary`.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    // An end is what `stop` is for: a signal here ends the looking.
    follow(engine, arguments.run, arguments.json, true).await.inspect_err(|error| {
        if arguments.json {
            // A closed stdout changes nothing any more.
            let _ = report::json_error(error);
        }
    })
}

/// Follows a run to its end and prints how it went; the exit code is the run's.
pub(super) async fn follow(engine: &Engine, run: RunId, json: bool, rows: bool) -> Result<u8, EngineError> {
    let now = engine.look(run)?;
    if now.pid.is_none() && now.summary.finished_at.is_none() {
        return Err(EngineError::configuration(format!("run {run} is a plan that was not applied"))
            .with_hint(format!("`gondola run {} --plan {run}` does it.", now.summary.mapping)));
    }
    let (progress, live) = Live::start();
    let detach = tokio_util::sync::CancellationToken::new();
    let asked = detach.clone();
    let signal = tokio::spawn(async move {
        confirm::stop_signal().await;
        asked.cancel();
    });
    let followed = engine.follow(run, progress, detach).await;
    live.end();
    signal.abort();
    let summary = match followed {
        Ok(summary) => summary,
        Err(error) if error.class == ErrorClass::Stopped => {
            note!("run {run} goes on. `gondola attach {run}` follows it again, `gondola stop {run}` ends it.");
            return Ok(130);
        }
        Err(error) => return Err(error),
    };
    if json {
        if rows {
            print_rows(engine, run, &RowFilter::All, true, true)?;
        }
        report::line(&summary.to_json().to_string())?;
    } else {
        report::line(&report::summary_text(&summary))?;
        if summary.has_leftovers() {
            note!("Its rows: gondola show {run}");
        }
    }
    Ok(summary.exit_code())
}
