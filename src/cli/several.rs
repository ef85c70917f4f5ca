//! A model as a whole: one query, and all its mappings that are on, one after the other.

use std::str::FromStr;

use tokio_util::sync::CancellationToken;

use super::plan::{lint, narrate, print_plan};
use super::run::{Consent, apply, print};
use super::{confirm, report};
use crate::config::{MappingId, is_slug};
use crate::engine::{Engine, EngineError, PlanOptions};
use crate::store::RunId;

/// What a plan or a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Every mapping of a model that is on.
    Model(String),
    /// One mapping.
    Mapping(MappingId),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_slug(text) { Ok(Self::Model(text.to_owned())) } else { text.parse().map(Self::Mapping) }
    }
}

/// Plans all of a model's mappings and prints each plan; the exit code is the worst.
pub(super) async fn plan(
    engine: &Engine,
    model: &str,
    options: PlanOptions,
    json: bool,
    cancel: CancellationToken,
) -> Result<u8, EngineError> {
    let mut worst = Worst::default();
    for (id, made) in make(engine, model, options, json, cancel).await? {
        worst.add(match made.and_then(|run| print_plan(engine, run, json, true)) {
            Ok(code) => code,
            Err(error) => failed(&id, &error, json)?,
        });
    }
    Ok(worst.0)
}

/// Plans and runs all of a model's mappings; each has an outcome of its own.
pub(super) async fn run(
    engine: &Engine,
    model: &str,
    options: PlanOptions,
    consent: Consent,
    json: bool,
    cancel: CancellationToken,
) -> Result<u8, EngineError> {
    let mut worst = Worst::default();
    for (id, made) in make(engine, model, options, json, cancel.clone()).await? {
        let went = match made {
            Ok(_) if cancel.is_cancelled() => Err(EngineError::stopped()),
            Ok(plan) => {
                note!("{id}: plan {plan}");
                apply(engine, plan, consent, cancel.clone()).await
            }
            Err(error) => Err(error),
        };
        worst.add(match went {
            Ok(Some(summary)) => print(engine, &summary, json, true)?,
            Ok(None) => {
                note!("{id}: nothing was written");
                confirm::REFUSED
            }
            Err(error) => failed(&id, &error, json)?,
        });
    }
    Ok(worst.0)
}

type Made = Vec<(MappingId, Result<RunId, EngineError>)>;

/// One query, and a plan for each mapping that is on.
async fn make(
    engine: &Engine,
    model: &str,
    options: PlanOptions,
    json: bool,
    cancel: CancellationToken,
) -> Result<Made, EngineError> {
    let known = engine.workspace().model_and_problems(model);
    if let Ok((model, _)) = &known {
        lint(&model.sql);
        for named in model.mappings.iter().filter(|named| !named.mapping.enabled) {
            note!("{}/{} is switched off (enabled = false): left out", model.slug, named.slug);
        }
    }
    engine.plan_model(model, options, narrate(), cancel).await.map_err(|error| {
        let error = match &known {
            Ok((model, _)) => report::with_excerpt(model.sql.trim(), error),
            Err(_) => error,
        };
        // Whoever reads lines gets the error there too; a broken pipe changes nothing.
        let _ = if json { report::json_error(&error) } else { Ok(()) };
        error
    })
}

/// Tells why one mapping did not go on, and gives its exit code.
fn failed(id: &MappingId, error: &EngineError, json: bool) -> Result<u8, EngineError> {
    note!("{id}:");
    report::error(error);
    if json {
        report::json_error_of(&id.to_string(), error)?;
    }
    Ok(error.exit_code())
}

/// The worst of several exit codes: stopped, then could not run, then wrong, then not reached, then
/// rows that are left.
#[derive(Debug, Default)]
pub(super) struct Worst(pub(super) u8);

impl Worst {
    pub(super) fn add(&mut self, code: u8) {
        let rank = |code: u8| [0, 3, 4, 2, 1, 130].iter().position(|known| *known == code).unwrap_or(4);
        if rank(code) > rank(self.0) {
            self.0 = code;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_slash_is_a_model() {
        assert_eq!("customers".parse(), Ok(Target::Model("customers".into())));
        assert!(matches!("customers/contacts".parse(), Ok(Target::Mapping(_))));
        assert!("a/b/c".parse::<Target>().is_err());
    }

    #[test]
    fn the_worst_code_wins() {
        for (codes, wanted) in [(&[0, 3, 0][..], 3), (&[3, 4], 4), (&[2, 1, 3], 1), (&[0, 130, 1], 130), (&[], 0)] {
            let mut worst = Worst::default();
            codes.iter().for_each(|code| worst.add(*code));
            assert_eq!(worst.0, wanted, "{codes:?}");
        }
    }
}
