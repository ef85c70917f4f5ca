//! A run as it goes on, on one line of the terminal; phase by phase where stderr is a file.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::plan::narrate;
use super::report;
use crate::engine::{Phase, Progress, ProgressSender};

/// Between two looks of the line.
const PACE: Duration = Duration::from_millis(250);

/// The line, while it is kept up to date.
pub(super) struct Live {
    line: Option<JoinHandle<()>>,
}

impl Live {
    /// A place for progress, and the line that shows it.
    pub(super) fn start() -> (ProgressSender, Self) {
        if !std::io::stderr().is_terminal() {
            return (narrate(), Self { line: None });
        }
        let (progress, mut changes) = watch::channel(Progress::default());
        let line = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let text = words(&changes.borrow_and_update());
                // A terminal that is gone is no reason to stop.
                let _ = write!(std::io::stderr(), "\r\x1b[K{text}").and_then(|()| std::io::stderr().flush());
                tokio::time::sleep(PACE).await;
            }
        });
        (progress, Self { line: Some(line) })
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        if let Some(line) = self.line {
            line.abort();
            let _ = write!(std::io::stderr(), "\r\x1b[K").and_then(|()| std::io::stderr().flush());
        }
    }
}

/// How far a run is, in the width of a small terminal.
pub(super) fn words(progress: &Progress) -> String {
    let mut text = progress.run.map(|run| format!("run {run}: ")).unwrap_or_default();
    text += progress.phase.words();
    if progress.phase == Phase::Preparing {
        return text;
    }
    text += &match progress.total {
        Some(total) => format!("  {} of {} rows", progress.done, total),
        None => format!("  {} rows", progress.done),
    };
    if let Some(rate) = progress.rate {
        text += &format!("  {rate:.0}/s");
    }
    if let Some(left) = progress.seconds_left() {
        text += &if left < 90.0 { format!("  {left:.0} s left") } else { format!("  {:.0} min left", left / 60.0) };
    }
    text += &format!("  {} calls", progress.api_calls);
    report::shown(&text).chars().take(78).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    #[test]
    fn the_line_says_how_far_and_how_long() {
        let progress = Progress {
            run: Some(RunId(12)),
            phase: Phase::Writing,
            done: 3_200,
            total: Some(20_000),
            rate: Some(400.0),
            api_calls: 21,
            ..Progress::default()
        };
        assert_eq!(words(&progress), "run 12: writing  3200 of 20000 rows  400/s  42 s left  21 calls");
        assert_eq!(words(&Progress { phase: Phase::Preparing, ..progress }), "run 12: preparing");
    }
}
