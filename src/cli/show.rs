//! `gondola show RUN`

use clap::ValueEnum;

use super::plan::print_rows;
use super::report;
use crate::engine::{Engine, EngineError};
use crate::plan::{Action, Outcome};
use crate::store::{RowFilter, RunId};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A run's number; `gondola runs` lists them.
    run: RunId,
    /// Which rows.
    #[arg(long, value_enum, default_value_t = Rows::All)]
    rows: Rows,
    /// How they are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format jsonl.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    Failed,
    Held,
    Rejected,
    Unprocessed,
    Skipped,
    Written,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Jsonl,
}

pub(super) fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let summary = engine.summary(arguments.run)?;
    let filter = match arguments.rows {
        Rows::Failed => RowFilter::Outcome(Outcome::Failed),
        Rows::Unprocessed => RowFilter::Outcome(Outcome::Unprocessed),
        Rows::Held => RowFilter::Action(Action::Hold),
        Rows::Rejected => RowFilter::Action(Action::Reject),
        Rows::Skipped => RowFilter::Action(Action::Skip),
        Rows::Written => RowFilter::Arrived,
        Rows::All => RowFilter::All,
    };
    let json = arguments.json || arguments.format == Format::Jsonl;
    print_rows(engine, arguments.run, &filter, json, summary.finished_at.is_some())?;
    if json {
        report::line(&summary.to_json().to_string())?;
    } else {
        report::line(&report::summary_text(&summary))?;
    }
    Ok(0)
}
