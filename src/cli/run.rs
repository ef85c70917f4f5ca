//! `gondola run MODEL/MAPPING` and `gondola run MODEL`

use tokio_util::sync::CancellationToken;

use super::plan::{RowArguments, make, narrate, print_rows_of};
use super::several::{self, Target};
use super::{confirm, report};
use crate::config::MappingId;
use crate::engine::{Engine, EngineError, PlanOptions, RunSummary};
use crate::store::{RowFilter, RunId};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which mapping, such as customers/contacts; or a model, for all its mappings that are on.
    #[arg(value_name = "MODEL[/MAPPING]")]
    target: Target,
    #[command(flatten)]
    rows: RowArguments,
    /// Do not ask before writing.
    #[arg(long)]
    yes: bool,
    /// Apply this plan as it was reviewed; rows that changed in Salesforce since are held.
    #[arg(long, value_name = "ID", conflicts_with_all = ["full", "keys", "limit"])]
    plan: Option<RunId>,
    /// It is meant that most of the records go whose rows the query no longer returns.
    #[arg(long)]
    allow_mass_delete: bool,
    /// Let it go on in a process of its own, which outlives this terminal; prints the run's number.
    #[arg(long)]
    detach: bool,
    /// JSON lines: a `row` for each row with an action, then a `summary`.
    #[arg(long)]
    json: bool,
}

/// What has been said about writing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    pub(super) yes: bool,
    pub(super) allow_mass_delete: bool,
}

pub(super) async fn run(arguments: Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let json = arguments.json;
    let cancel = confirm::cancel_on_interrupt();
    let consent = Consent { yes: arguments.yes, allow_mass_delete: arguments.allow_mass_delete };
    let went = match (&arguments.target, arguments.plan) {
        (Target::Model(model), _) if arguments.detach => {
            Err(EngineError::configuration(format!("--detach starts one run, and {model} is a model"))
                .with_hint(format!("Name the mapping: `gondola run {model}/MAPPING --detach`.")))
        }
        (Target::Mapping(mapping), plan) if arguments.detach => {
            let options = arguments.rows.options();
            let started = detach(engine, mapping, plan, options, consent, cancel).await;
            return match started {
                Ok(Some((run, pid))) => print_started(engine, run, pid, json),
                Ok(None) => {
                    note!("nothing was written");
                    Ok(confirm::REFUSED)
                }
                Err(error) => {
                    if json {
                        report::json_error(&error)?;
                    }
                    Err(error)
                }
            };
        }
        (Target::Model(model), None) => {
            return several::run(engine, model, arguments.rows.options(), consent, json, cancel).await;
        }
        (Target::Model(model), Some(plan)) => {
            Err(EngineError::configuration(format!("plan {plan} is of one mapping, and {model} is a model"))
                .with_hint(format!("Name the mapping: `gondola run {model}/MAPPING --plan {plan}`.")))
        }
        (Target::Mapping(mapping), Some(plan)) => reviewed(engine, mapping, plan, consent, cancel).await.map(Some),
        (Target::Mapping(mapping), None) => {
            match make(engine, mapping, arguments.rows.options(), cancel.clone()).await {
                Ok(plan) => apply(engine, plan, consent, cancel).await,
                Err(error) => Err(error),
            }
        }
    };
    match went {
        Ok(Some(summary)) => print(engine, &summary, json, false),
        Ok(None) => {
            note!("nothing was written");
            Ok(confirm::REFUSED)
        }
        Err(error) => {
            if json {
                report::json_error(&error)?;
            }
            Err(error)
        }
    }
}

/// Prints that a run goes on by itself, and how to see it.
pub(super) fn print_started(engine: &Engine, run: RunId, pid: u32, json: bool) -> Result<u8, EngineError> {
    let mapping = engine.summary(run)?.mapping;
    if json {
        let body = serde_json::json!({
            "event": "started", "run": run, "mapping": mapping, "process": pid, "attach": format!("gondola attach {run}"),
        });
        report::line(&body.to_string())?;
    } else {
        report::line(&format!("run {run} of {mapping} goes on by itself (process {pid})"))?;
        report::line(&format!("follow it with: gondola attach {run}"))?;
    }
    if let Some(warning) = engine.logout_warning() {
        note!("note: {}", warning.detail);
        warning.hint.iter().for_each(|hint| note!("  {hint}"));
    }
    Ok(0)
}

/// Prints how a run went; rows `named` carry the mapping.
pub(super) fn print(engine: &Engine, summary: &RunSummary, json: bool, named: bool) -> Result<u8, EngineError> {
    print_rows_of(engine, summary.run, &RowFilter::All, json, true, named.then_some(summary.mapping.as_str()))?;
    if json {
        report::line(&summary.to_json().to_string())?;
    } else {
        report::line(&report::summary_text(summary))?;
    }
    Ok(summary.exit_code())
}

/// Applies a plan that was reviewed before.
async fn reviewed(
    engine: &Engine,
    mapping: &MappingId,
    plan: RunId,
    consent: Consent,
    cancel: CancellationToken,
) -> Result<RunSummary, EngineError> {
    check_reviewed(engine, mapping, plan, consent)?;
    engine.run(plan, true, narrate(), cancel).await
}

/// A reviewed plan must be of this mapping; what is worth knowing of it is told.
fn check_reviewed(engine: &Engine, mapping: &MappingId, plan: RunId, consent: Consent) -> Result<(), EngineError> {
    let summary = engine.summary(plan)?;
    if summary.mapping != mapping.to_string() {
        return Err(EngineError::configuration(format!("plan {plan} is of {}, not of {mapping}", summary.mapping)));
    }
    for remark in engine.plan_remarks(plan)? {
        note!("note: {remark}");
    }
    if consent.allow_mass_delete {
        engine.allow_mass_delete(plan)?;
    }
    Ok(())
}

/// Starts a run in a process of its own: its number and the process, or `None` when a person said no.
async fn detach(
    engine: &Engine,
    mapping: &MappingId,
    plan: Option<RunId>,
    options: PlanOptions,
    consent: Consent,
    cancel: CancellationToken,
) -> Result<Option<(RunId, u32)>, EngineError> {
    let (plan, recheck) = match plan {
        Some(plan) => {
            check_reviewed(engine, mapping, plan, consent)?;
            (plan, true)
        }
        None => {
            let plan = make(engine, mapping, options, cancel).await?;
            let Some(asked) = agreed(engine, plan, consent)? else { return Ok(None) };
            (plan, asked)
        }
    };
    Ok(Some((plan, engine.start_detached(plan, recheck).await?)))
}

/// Applies a plan that was just made, once a person agrees; `None` when they do not.
pub(super) async fn apply(
    engine: &Engine,
    plan: RunId,
    consent: Consent,
    cancel: CancellationToken,
) -> Result<Option<RunSummary>, EngineError> {
    let Some(asked) = agreed(engine, plan, consent)? else { return Ok(None) };
    engine.run(plan, asked, narrate(), cancel).await.map(Some)
}

/// Whether a person was asked before writing, and so may have thought for an hour: then it is looked
/// again. `None` when they said no.
fn agreed(engine: &Engine, plan: RunId, consent: Consent) -> Result<Option<bool>, EngineError> {
    let mut asked = false;
    if consent.allow_mass_delete {
        engine.allow_mass_delete(plan)?;
    }
    if !consent.yes {
        let summary = engine.summary(plan)?;
        note!("{}", report::summary_text(&summary));
        if summary.books.actions.writes() > 0 {
            let mass = report::mass_delete_text(&summary).map_or_else(String::new, |mass| format!("{mass}. "));
            let org = &summary.org;
            let agreed = if org.is_production() {
                confirm::ask_name(&format!("{mass}{} ({}) is PRODUCTION", org.name, org.instance_url), &org.name)?
            } else {
                confirm::ask(&format!("{mass}Write to {} ({})?", org.name, org.instance_url))?
            };
            if !agreed {
                return Ok(None);
            }
            // The question named the number.
            engine.allow_mass_delete(plan)?;
            asked = true;
        }
    }
    Ok(Some(asked))
}
