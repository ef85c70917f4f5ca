//! `gondola runs [MODEL/MAPPING]`

use super::report;
use crate::config::MappingId;
use crate::engine::{Engine, EngineError, Phase, Progress, RunSummary};
use crate::store::RunStatus;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only runs of this mapping.
    mapping: Option<MappingId>,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let name = arguments.mapping.as_ref().map(ToString::to_string);
    let runs = engine.store().runs(name.as_deref(), arguments.limit)?;
    let mut table =
        report::table(&["RUN", "MAPPING", "STARTED", "STATUS", "CREATED", "UPDATED", "DELETED", "SKIPPED", "LEFT"]);
    for run in runs {
        let now = run.status.is_active().then(|| engine.look(run.id)).transpose()?;
        let live = now.as_ref().and_then(|now| now.progress);
        let summary = now.as_ref().map_or_else(|| RunSummary::from(run), |now| now.summary.clone());
        if arguments.json {
            let mut body = now.map_or_else(|| summary.to_json(), |now| now.to_json());
            body["started_at"] = summary.started_at.clone().into();
            body["finished_at"] = summary.finished_at.clone().into();
            // Here the stored word: a plan that was never applied is not a run that succeeded.
            body["status"] = summary.status.as_str().into();
            report::line(&body.to_string())?;
            continue;
        }
        let (actions, outcomes) = (summary.books.actions, summary.books.outcomes);
        let left = actions.hold + actions.reject + outcomes.failed + outcomes.unprocessed;
        table.add_row([
            summary.run.to_string(),
            summary.mapping,
            summary.started_at.get(..19).unwrap_or_default().replace('T', " "),
            live.map_or_else(|| summary.status.to_string(), |live| status_of(summary.status, &live)),
            outcomes.created.to_string(),
            outcomes.updated.to_string(),
            outcomes.deleted.to_string(),
            actions.skip.to_string(),
            left.to_string(),
        ]);
    }
    if !arguments.json {
        if table.row_count() == 0 {
            note!("no run yet");
        } else {
            report::print_table(&table)?;
        }
    }
    Ok(0)
}

/// A run that is going, in a word or two.
fn status_of(status: RunStatus, live: &Progress) -> String {
    let part = live.total.filter(|total| *total > 0).map(|total| format!(" {}%", live.done * 100 / total));
    let word = match live.phase {
        Phase::Paused | Phase::Pausing => "paused",
        Phase::Stopping => "stopping",
        Phase::WaitingForCalls => "waiting for calls",
        _ => status.as_str(),
    };
    format!("{word}{}", part.unwrap_or_default())
}
