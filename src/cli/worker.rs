//! `gondola worker RUN`: the process that applies a plan on its own. Not for people: the program
//! starts it, tells it what to do on standard input, and reads one line of answer.

use std::io::{BufRead, Write};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{confirm, logging};
use crate::engine::{Engine, EngineError, Orders, Progress, WorkerReply};
use crate::store::RunId;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run whose plan is applied.
    run: RunId,
}

/// The first thing that this process does: away from the terminal and from whoever started it.
pub(super) fn leave_terminal() {
    // It fails for the leader of a process group, which is then not tied to the starter's either.
    let _ = rustix::process::setsid();
}

pub(super) async fn run(arguments: &Arguments) -> Result<u8, EngineError> {
    outlive_hangups();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| EngineError::failed(error.to_string()))?;
    let went = serve(arguments.run, &line).await;
    if let Err(error) = &went {
        // Read by whoever started it, unless the lease was taken long ago: then it is in the log.
        reply(&WorkerReply::from(error));
        tracing::error!(run = arguments.run.0, %error, "the worker ends");
    }
    went
}

async fn serve(run: RunId, line: &str) -> Result<u8, EngineError> {
    let orders = Orders::read(line)?;
    let folders = orders.folders();
    let _log = logging::start(&folders);
    let engine = Engine::open(folders)?;
    let cancel = confirm::cancel_on_interrupt();
    let progress = watch::Sender::new(Progress::default());
    let ended = engine
        .clone()
        .work(run, orders, progress, cancel, || {
            reply(&WorkerReply::Taken);
            tracing::info!(run = run.0, pid = std::process::id(), "the worker begins");
        })
        .await;
    engine.close().await;
    let summary = ended?;
    tracing::info!(run = run.0, status = summary.status.as_str(), "the worker has done its run");
    Ok(summary.exit_code())
}

/// One line of answer; after it nothing is said there any more.
fn reply(reply: &WorkerReply) {
    let Ok(text) = serde_json::to_string(reply) else { return };
    // Whoever asked may be gone: the run goes on all the same.
    let _ = writeln!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush());
    if let Ok(nowhere) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nowhere);
        let _ = rustix::stdio::dup2_stdout(&nowhere);
    }
}

/// A terminal that is closed sends SIGHUP to some; this process is not among those who end by it.
fn outlive_hangups() {
    if let Ok(mut hangups) = signal(SignalKind::hangup()) {
        tokio::spawn(async move { while hangups.recv().await.is_some() {} });
    }
}
