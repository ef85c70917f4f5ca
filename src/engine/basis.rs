//! What a mapping's snapshot is true of: noticed when it changes, forgotten on request.

use super::{Engine, EngineError};
use crate::config::{MappingId, Model};
use crate::mapping::{Mapping, Operation};
use crate::store::{Basis, RunId, RunRecord};

impl Engine {
    /// What a snapshot of this mapping would be true of now.
    pub(super) fn basis(&self, model: &Model, mapping: &Mapping) -> Result<Basis, EngineError> {
        let connections = self.workspace.connections()?;
        let source = connections.snowflake.get(&model.connection).map_or_else(String::new, |source| {
            // The name of the connection may change as long as it leads to the same place.
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            [source.account.clone(), part(&source.database), part(&source.schema)].join("/").to_lowercase()
        });
        Ok(Basis {
            key: model.key.clone(),
            source,
            object: mapping.object.clone(),
            operation: mapping.operation,
            matcher: mapping.matcher.clone(),
        })
    }

    /// A snapshot whose keys or hashes mean something else now would make a silent full resync: it
    /// is refused, and what changed is said.
    pub(super) fn refuse_other_basis(&self, name: &str, now: &Basis, snapshot_rows: u64) -> Result<(), EngineError> {
        let Some(before) = self.store.basis_of(name)?.filter(|_| snapshot_rows > 0) else { return Ok(()) };
        let changed = changes(&before, now);
        if changed.is_empty() {
            return Ok(());
        }
        Err(EngineError::configuration(format!(
            "{name}: {}.\n  Its snapshot ({snapshot_rows} rows) is not true of that: every row would count as added",
            changed.join("; ")
        ))
        .with_hint(format!(
            "Put it back, or start anew: `gondola reset {name}` forgets the snapshot, no record and no run."
        )))
    }

    /// Refuses a plan that was made for another key, object or operation than the snapshot is true of
    /// by now.
    pub(super) fn refuse_outdated(&self, planned: &RunRecord) -> Result<(), EngineError> {
        let Some(basis) = &planned.basis else { return Ok(()) };
        let known = self.store.snapshot_size(&planned.mapping)?;
        let Some(now) = self.store.basis_of(&planned.mapping)?.filter(|_| known > 0) else { return Ok(()) };
        let changed = changes(basis, &now);
        if changed.is_empty() {
            return Ok(());
        }
        Err(EngineError::configuration(format!(
            "plan {} of {} is outdated: since it was made, {}",
            planned.id,
            planned.mapping,
            changed.join("; ")
        ))
        .with_hint("Make a new plan."))
    }

    /// Refuses a plan that would take away most of what is known, unless a person said that it is meant.
    pub(super) fn refuse_mass_delete(&self, planned: &RunRecord) -> Result<(), EngineError> {
        let Some(mass) = planned.mass_delete.filter(|_| !planned.mass_delete_allowed) else { return Ok(()) };
        let what = match planned.definition.on_removed {
            crate::mapping::OnRemoved::Clear => "clear",
            _ => "delete",
        };
        Err(EngineError {
            code: Some("MASS_DELETE".to_owned()),
            ..EngineError::configuration(format!(
                "plan {} would {what} {} of the {} records that {} knows: the query no longer returns their rows",
                planned.id, mass.rows, mass.of, planned.mapping
            ))
            .with_hint(format!(
                "Look at it: `gondola show {0}`. If it is meant: `gondola run {1} --plan {0} --allow-mass-delete`.",
                planned.id, planned.mapping
            ))
        })
    }

    /// Writes down that a person has said that a plan's many deletes are meant.
    pub fn allow_mass_delete(&self, plan: RunId) -> Result<(), EngineError> {
        Ok(self.store.allow_mass_delete(plan)?)
    }

    /// Forgets a mapping's snapshot and says how many rows it had. Its runs stay, and so does every
    /// record; the next plan counts every row as added and looks each one up.
    pub fn reset(&self, id: &MappingId) -> Result<u64, EngineError> {
        let name = id.to_string();
        self.refuse_busy(&name)?;
        Ok(self.store.forget_snapshot(&name)?)
    }

    /// How many rows a mapping's snapshot has; refuses a mapping that neither a file nor a run knows.
    pub fn snapshot_size(&self, id: &MappingId) -> Result<u64, EngineError> {
        let name = id.to_string();
        if self.store.runs(Some(&name), 1)?.is_empty() {
            self.workspace.mapping(id)?;
        }
        Ok(self.store.snapshot_size(&name)?)
    }

    /// What a person should know before a plan is applied as it was reviewed.
    pub fn plan_remarks(&self, plan: RunId) -> Result<Vec<String>, EngineError> {
        let Some(planned) = self.store.run(plan)? else { return Ok(Vec::new()) };
        let Ok(id) = planned.mapping.parse::<MappingId>() else { return Ok(Vec::new()) };
        let mut remarks = Vec::new();
        let say = |what: &str| format!("{what} since plan {plan} was made; it is applied as it was reviewed");
        match self.workspace.mapping(&id) {
            Err(_) => remarks.push(say("the mapping's file was removed or cannot be read")),
            Ok((model, mapping)) => {
                if !same_definition(&mapping, &planned.definition) {
                    remarks.push(say("the mapping's file has changed"));
                }
                let now = self.basis(&model, &planned.definition)?;
                if planned.basis.as_ref().is_some_and(|basis| (&basis.key, &basis.source) != (&now.key, &now.source)) {
                    remarks.push(say("the model's key or connection has changed"));
                }
            }
        }
        Ok(remarks)
    }
}

/// Whether two mappings say the same; case does not tell names of objects and fields apart.
fn same_definition(one: &Mapping, other: &Mapping) -> bool {
    let folded = |mapping: &Mapping| {
        let mut mapping = mapping.clone();
        mapping.object = mapping.object.to_lowercase();
        mapping.links.iter_mut().for_each(|link| link.field = link.field.to_lowercase());
        mapping.matcher.terms.iter_mut().for_each(|term| term.field = term.field.to_lowercase());
        mapping
    };
    folded(one) == folded(other)
}

/// What tells two of them apart, in words. Another matcher keeps keys and hashes true.
fn changes(before: &Basis, now: &Basis) -> Vec<String> {
    let list = |key: &[String]| key.join(", ");
    let word = |operation: Operation| format!("{operation:?}").to_lowercase();
    let mut changed = Vec::new();
    let mut tell = |what: &str, before: String, now: String| {
        if before != now {
            changed.push(format!("{what} was {before} and is {now}"));
        }
    };
    tell("the model's key", list(&before.key), list(&now.key));
    tell("the query's place (account/database/schema)", before.source.clone(), now.source.clone());
    tell("the object", before.object.clone(), now.object.clone());
    tell("the operation", word(before.operation), word(now.operation));
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::RecordMatcher;

    #[test]
    fn each_change_is_named_and_another_matcher_is_none() {
        let before = Basis {
            key: vec!["ID".into()],
            source: "acme/crm/public".into(),
            object: "Contact".into(),
            operation: Operation::Upsert,
            matcher: RecordMatcher::default(),
        };
        assert!(changes(&before, &before).is_empty());
        let now = Basis {
            key: vec!["ID".into(), "DAY".into()],
            operation: Operation::Delete,
            matcher: RecordMatcher { mode: crate::mapping::MatchMode::Any, terms: vec![] },
            ..before.clone()
        };
        assert_eq!(
            changes(&before, &now),
            ["the model's key was ID and is ID, DAY", "the operation was upsert and is delete"]
        );
    }
}
