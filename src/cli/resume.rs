//! `gondola resume RUN`

use super::{confirm, live, report};
use crate::engine::{Engine, EngineError};
use crate::store::RunId;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A run's number; `gondola runs` lists them.
    run: RunId,
    /// Go on in a process of its own, which outlives this terminal.
    #[arg(long)]
    detach: bool,
    /// JSON lines, as `run` prints them.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    go(arguments, engine).await.inspect_err(|error| {
        if arguments.json {
            // A closed stdout changes nothing any more.
            let _ = report::json_error(error);
        }
    })
}

async fn go(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let (run, json) = (arguments.run, arguments.json);
    if engine.unpause(run)? {
        let now = engine.look(run)?;
        if json {
            report::line(&now.to_json().to_string())?;
        } else {
            report::line(&format!("run {run} goes on; follow it with: gondola attach {run}"))?;
        }
        return Ok(0);
    }
    if arguments.detach {
        let pid = engine.resume_detached(run).await?;
        return super::run::print_started(engine, run, pid, json);
    }
    let (progress, line) = live::Live::start();
    let ended = engine.resume(run, progress, confirm::cancel_on_interrupt()).await;
    line.end();
    super::run::print(engine, &ended?, json, false)
}
