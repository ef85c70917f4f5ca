//! `gondola plan MODEL/MAPPING` and `gondola plan MODEL`

use tokio::sync::watch;

use super::several::{self, Target};
use super::{confirm, report};
use crate::config::MappingId;
use crate::engine::{Engine, EngineError, Phase, PlanOptions, Progress, ProgressSender};
use crate::sql;
use crate::store::{RowFilter, RunId};

/// Rows that are printed from the store together.
const PAGE: usize = 500;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which mapping, such as customers/contacts; or a model, for all its mappings that are on.
    #[arg(value_name = "MODEL[/MAPPING]")]
    target: Target,
    #[command(flatten)]
    rows: RowArguments,
    /// JSON lines: a `row` for each row with an action, then a `summary`.
    #[arg(long)]
    json: bool,
}

/// Which rows a plan covers; the same for `plan` and `run`.
#[derive(Debug, clap::Args)]
pub(super) struct RowArguments {
    /// Act on rows that did not change, too.
    #[arg(long)]
    full: bool,
    /// Only the row with this key; may be repeated.
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Only the first N rows of the query.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl RowArguments {
    pub(super) fn options(self) -> PlanOptions {
        PlanOptions { full: self.full, keys: self.keys, limit: self.limit }
    }
}

pub(super) async fn run(arguments: Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let cancel = confirm::cancel_on_interrupt();
    let mapping = match &arguments.target {
        Target::Mapping(mapping) => mapping,
        Target::Model(model) => {
            return several::plan(engine, model, arguments.rows.options(), arguments.json, cancel).await;
        }
    };
    let made = make(engine, mapping, arguments.rows.options(), cancel).await;
    let run = match made {
        Ok(run) => run,
        Err(error) => {
            if arguments.json {
                report::json_error(&error)?;
            }
            return Err(error);
        }
    };
    print_plan(engine, run, arguments.json, false)
}

/// Prints a plan's rows and its summary, and says how it is applied; rows `named` carry the mapping.
pub(super) fn print_plan(engine: &Engine, run: RunId, json: bool, named: bool) -> Result<u8, EngineError> {
    let summary = engine.summary(run)?;
    let mapping = &summary.mapping;
    print_rows_of(engine, run, &RowFilter::All, json, false, named.then_some(mapping.as_str()))?;
    if json {
        report::line(&summary.to_json().to_string())?;
    } else {
        report::line(&report::summary_text(&summary))?;
        let more = if summary.mass_delete.is_some() { " --allow-mass-delete" } else { "" };
        note!("Apply it as it is: gondola run {mapping} --plan {run}{more}");
    }
    if let Some(mass) = report::mass_delete_text(&summary) {
        note!("ATTENTION: {mass}. Nothing is written without --allow-mass-delete.");
    }
    Ok(summary.exit_code())
}

/// Makes a plan with narration on stderr; an SQL error shows its place.
pub(super) async fn make(
    engine: &Engine,
    mapping: &MappingId,
    options: PlanOptions,
    cancel: tokio_util::sync::CancellationToken,
) -> Result<RunId, EngineError> {
    let progress = narrate();
    if let Ok((model, definition)) = engine.workspace().mapping(mapping) {
        lint(&model.sql);
        if !definition.enabled {
            note!("note: {mapping} is switched off (enabled = false); it is planned because you named it");
        }
    }
    engine.plan(mapping, options, progress, cancel).await.map_err(|error| match engine.workspace().mapping(mapping) {
        Ok((model, _)) => report::with_excerpt(model.sql.trim(), error),
        Err(_) => error,
    })
}

/// Tells what looks wrong in a query.
pub(super) fn lint(sql: &str) {
    for remark in sql::lint(sql) {
        note!("note: model.sql: {} {}", remark.message, remark.hint);
    }
}

/// A place for progress whose phases are told on stderr.
pub(super) fn narrate() -> ProgressSender {
    let (progress, mut changes) = watch::channel(Progress::default());
    tokio::spawn(async move {
        let mut told = None;
        while changes.changed().await.is_ok() {
            let phase = changes.borrow_and_update().phase;
            if told != Some(phase) && phase != Phase::Done {
                note!("{} …", phase.words());
                told = Some(phase);
            }
        }
    });
    progress
}

/// Prints rows of a run page by page.
pub(super) fn print_rows(
    engine: &Engine,
    run: RunId,
    filter: &RowFilter,
    json: bool,
    with_outcome: bool,
) -> Result<(), EngineError> {
    print_rows_of(engine, run, filter, json, with_outcome, None)
}

/// The same; in JSON each row carries the name of its mapping.
pub(super) fn print_rows_of(
    engine: &Engine,
    run: RunId,
    filter: &RowFilter,
    json: bool,
    with_outcome: bool,
    mapping: Option<&str>,
) -> Result<(), EngineError> {
    let mut after = None;
    loop {
        let page = engine.store().rows_after(run, filter, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.position);
        for row in page.iter().filter(|row| row.action.is_some()) {
            if json {
                let mut event = report::row_json(row, with_outcome);
                if let Some(mapping) = mapping {
                    event["mapping"] = mapping.into();
                }
                report::line(&event.to_string())?;
            } else {
                report::line(&report::row_text(row))?;
            }
        }
    }
}
