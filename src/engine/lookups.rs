//! Parents by a field's value: `AccountId` by the account's own number, resolved in the plan so that
//! every reference is seen before it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::EngineError;
use crate::destination::{Api, Destination, DestinationError, ErrorKind, FieldIn, Payload, Wire};
use crate::mapping::{Mapping, Missing, check_match_value};
use crate::plan::{Decision, Parent, Parents};
use crate::store::StagedRow;
use crate::types::{Field, ObjectDescribe, Value};

/// The lookups of one mapping, and the parents that are known.
#[derive(Debug)]
pub(super) struct Lookups {
    targets: Vec<Target>,
    links: Vec<LookupLink>,
}

/// One field of one parent object; links that look there share what is known.
#[derive(Debug)]
struct Target {
    object: ObjectDescribe,
    parents: Parents,
}

/// One link with a lookup.
#[derive(Debug)]
struct LookupLink {
    /// The reference.
    field: Field,
    /// Which target.
    target: usize,
    missing: Missing,
}

/// What the lookups of one row came to.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The references to set.
    pub(super) parents: Payload,
    /// Why the row cannot be sent.
    pub(super) rejections: Vec<DestinationError>,
    /// Why a person must decide.
    pub(super) hold: Option<Decision>,
}

impl Lookups {
    /// Those of a mapping. `parents` are the describes of the objects that it names.
    pub(super) fn new(
        mapping: &Mapping,
        object: &ObjectDescribe,
        parents: &[ObjectDescribe],
    ) -> Result<Self, EngineError> {
        let mut lookups = Self { targets: Vec::new(), links: Vec::new() };
        for link in &mapping.links {
            let (Some(lookup), Some(field)) = (&link.lookup, object.field(&link.field)) else { continue };
            let unknown = || {
                EngineError::configuration(format!(
                    "{}: the lookup by {}.{} cannot be made: no such field",
                    field.name, lookup.object, lookup.field
                ))
            };
            let parent =
                parents.iter().find(|one| one.name.eq_ignore_ascii_case(&lookup.object)).ok_or_else(unknown)?;
            let by = parent.field(&lookup.field).ok_or_else(unknown)?;
            let known = lookups
                .targets
                .iter()
                .position(|target| target.object.name == parent.name && target.parents.field().name == by.name);
            let target = known.unwrap_or_else(|| {
                lookups.targets.push(Target { object: parent.clone(), parents: Parents::of(by.clone()) });
                lookups.targets.len() - 1
            });
            lookups.links.push(LookupLink { field: field.clone(), target, missing: lookup.missing });
        }
        Ok(lookups)
    }

    /// Whether there is nothing to look up.
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Finds the parents of these rows, asking once for each distinct value that is not known yet;
    /// answers for each row, in order.
    pub(super) async fn resolve(
        &mut self,
        destination: &Arc<dyn Destination>,
        rows: &[&StagedRow],
        api: Api,
    ) -> Result<Vec<Resolved>, EngineError> {
        for (at, target) in self.targets.iter_mut().enumerate() {
            let field = target.parents.field().clone();
            let links = self.links.iter().filter(|link| link.target == at);
            let values = links
                .flat_map(|link| rows.iter().filter_map(|row| row.sources.get(&link.field.name)))
                .map(String::as_str)
                // One that cannot be compared would spoil the look-up of all the others.
                .filter(|text| check_match_value(&Value::from(*text), &field).is_ok());
            let asked = target.parents.unknown(values);
            if asked.is_empty() {
                continue;
            }
            let any_of = [FieldIn { field: field.name.clone(), values: asked.clone() }];
            let records = destination.find(&target.object, &[field.name], &any_of, api).await?;
            target.parents.learn(&asked, &records);
        }
        Ok(rows.iter().map(|row| self.resolved(row)).collect())
    }

    fn resolved(&self, row: &StagedRow) -> Resolved {
        let mut resolved = Resolved::default();
        for link in &self.links {
            let name = &link.field.name;
            let Some(text) = row.sources.get(name) else { continue };
            let target = &self.targets[link.target];
            let by = target.parents.field();
            if let Err(error) = check_match_value(&Value::from(text.as_str()), by) {
                resolved.rejections.push(DestinationError {
                    message: format!("{name}: looked up by {}.{}", target.object.name, error.message),
                    fields: vec![name.clone()],
                    ..error
                });
                continue;
            }
            match (target.parents.get(text), link.missing) {
                (Parent::One(id), _) => drop(resolved.parents.insert(name.clone(), Wire::String(id.clone()))),
                (Parent::None, Missing::Null) => drop(resolved.parents.insert(name.clone(), Wire::Null)),
                (Parent::None, Missing::Reject) => resolved.rejections.push(not_found(link, target, text)),
                (Parent::Several(ids), _) => {
                    resolved.hold.get_or_insert_with(|| ambiguous(link, target, text, ids));
                }
            }
        }
        resolved
    }
}

fn not_found(link: &LookupLink, target: &Target, text: &str) -> DestinationError {
    let (parent, by) = (&target.object.name, &target.parents.field().name);
    DestinationError {
        kind: ErrorKind::Data,
        code: "LOOKUP_NOT_FOUND".to_owned(),
        message: format!("{}: no {parent} has {by} = `{text}`", link.field.name),
        fields: vec![link.field.name.clone()],
        hint: Some(format!(
            "Create the {parent} first (a mapping of its own), or set missing = \"null\" on this lookup."
        )),
    }
}

fn ambiguous(link: &LookupLink, target: &Target, text: &str, ids: &[String]) -> Decision {
    let (parent, by) = (&target.object.name, &target.parents.field().name);
    let mut held = Decision::hold(
        "LOOKUP_AMBIGUOUS",
        format!("{}: {} records of {parent} have {by} = `{text}`: {}", link.field.name, ids.len(), ids.join(", ")),
        "Merge them in Salesforce, or look up by a field that is unique.",
    );
    held.candidates = ids.to_vec();
    if let Some(reason) = &mut held.reason {
        reason.fields = vec![link.field.name.clone()];
    }
    held
}

/// The objects that a mapping's lookups name, each once, as the destination spells them. One that
/// its field does not refer to is left out: the checks say so.
pub(super) fn parent_names(mapping: &Mapping, object: &ObjectDescribe) -> BTreeSet<String> {
    mapping
        .links
        .iter()
        .filter_map(|link| {
            let lookup = link.lookup.as_ref()?;
            let parents = &object.field(&link.field)?.reference_to;
            parents.iter().find(|parent| parent.eq_ignore_ascii_case(&lookup.object)).cloned()
        })
        .collect()
}
