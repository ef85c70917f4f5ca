//! One row and its candidates: what is to be done, field by field.

use serde::{Deserialize, Serialize};

use super::Action;
use crate::destination::{DestinationError, ErrorKind, Payload, Record, Wire};
use crate::mapping::{MatchMode, Operation, Sources, is_person_contact, is_required, refused_place, wire_equal};
use crate::types::ObjectDescribe;

/// One field of a plan: what the record has and what it would get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// API name.
    pub field: String,
    /// What the record has; null for a create.
    pub old: Wire,
    /// What it would get.
    pub new: Wire,
    /// What the source says, where that is not what is sent: a parent's number, a record type's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What a run knows of the mapping when it decides.
#[derive(Debug)]
pub struct Rules<'a> {
    /// The mapping's operation.
    pub operation: Operation,
    /// How match terms combine; `None` when there are no terms.
    pub matching: Option<MatchMode>,
    /// The object.
    pub object: &'a ObjectDescribe,
    /// Fields that are written only where the record has nothing.
    pub only_if_empty: &'a [String],
    /// Whether the records are person accounts.
    pub persons: bool,
    /// Whether states and countries are picklists, so that a state needs its country.
    pub has_places: bool,
}

/// What is known of a row when it is decided about.
#[derive(Debug, Clone, Copy)]
pub struct RowFacts<'a> {
    /// What it would set, parents included.
    pub payload: &'a Payload,
    /// What the source says where that is not what is sent.
    pub sources: &'a Sources,
    /// Why it cannot be sent.
    pub rejections: &'a [DestinationError],
    /// Whether its match values can identify a record at all.
    pub can_match: bool,
}

/// What is to be done for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The action.
    pub action: Action,
    /// The record, when there is exactly one.
    pub record: Option<String>,
    /// Its `SystemModstamp` as it was read.
    pub modstamp: Option<String>,
    /// What would be written; empty for anything but a create or an update.
    pub fields: Vec<FieldChange>,
    /// Why it is held or rejected, or why it is skipped without a record.
    pub reason: Option<DestinationError>,
    /// All candidates of a held row.
    pub candidates: Vec<String>,
    /// The parent record that a write of this one locks too (contacts lock their account).
    pub parent: Option<String>,
    /// Whether the destination is known to have what the row says, so that the snapshot may advance.
    pub settled: bool,
}

/// What was reviewed about a row, where something changed since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What was to be done.
    pub action: Action,
    /// With which record.
    pub id: Option<String>,
    /// What would have been written.
    pub fields: Vec<FieldChange>,
}

impl Decision {
    pub(super) fn new(action: Action) -> Self {
        Self {
            action,
            record: None,
            modstamp: None,
            fields: Vec::new(),
            reason: None,
            candidates: Vec::new(),
            parent: None,
            settled: false,
        }
    }

    /// A row that a person must decide about.
    pub fn hold(code: &str, message: String, hint: &str) -> Self {
        Self { reason: Some(reason(code, message, Vec::new(), Some(hint))), ..Self::new(Action::Hold) }
    }

    /// A row that would surely fail.
    pub fn reject(error: DestinationError) -> Self {
        Self { reason: Some(error), ..Self::new(Action::Reject) }
    }
}

pub(super) fn reason(code: &str, message: String, fields: Vec<String>, hint: Option<&str>) -> DestinationError {
    DestinationError { kind: ErrorKind::Data, code: code.to_owned(), message, fields, hint: hint.map(str::to_owned) }
}

/// Decides about a row and the records that it may mean.
pub fn decide(rules: &Rules<'_>, row: RowFacts<'_>, candidates: &[&Record]) -> Decision {
    if rules.operation != Operation::Delete
        && let Some(first) = row.rejections.first()
    {
        return Decision::reject(first.clone());
    }
    if rules.matching.is_some() && !row.can_match {
        return Decision::hold(
            "MATCH_VALUE_EMPTY",
            "the value that finds the record is empty, so it could be created twice".to_owned(),
            "Fill it in the source, match by another field, or leave such rows out of the query.",
        );
    }
    if let ([one], Operation::Update | Operation::Upsert | Operation::Delete) = (candidates, rules.operation)
        && is_person_contact(rules.object, &one.fields)
    {
        return person_account(one);
    }
    match (candidates, rules.operation) {
        ([], Operation::Create | Operation::Upsert) => create(rules, row),
        ([], Operation::Update | Operation::Delete) => Decision {
            reason: Some(reason("NO_RECORD", "no record matches, so there is nothing to do".to_owned(), vec![], None)),
            ..Decision::new(Action::Skip)
        },
        ([one], Operation::Create) => Decision {
            record: Some(one.id.clone()),
            reason: Some(reason(
                "RECORD_EXISTS",
                format!("{} exists, and only creates are wanted", one.id),
                vec![],
                None,
            )),
            settled: true,
            ..Decision::new(Action::Skip)
        },
        ([one], Operation::Update | Operation::Upsert) => update(rules, row, one),
        ([one], Operation::Delete) => {
            let parent = parent(one);
            Decision {
                record: Some(one.id.clone()),
                modstamp: one.modstamp.clone(),
                parent,
                ..Decision::new(Action::Delete)
            }
        }
        (several, _) => {
            let ids: Vec<String> = several.iter().map(|record| record.id.clone()).collect();
            Decision {
                candidates: ids.clone(),
                ..Decision::hold(
                    "SEVERAL_RECORDS_MATCH",
                    format!("{} records match: {}", ids.len(), ids.join(", ")),
                    "Merge them in Salesforce, or match by a field that is unique.",
                )
            }
        }
    }
}

/// The field whose record Salesforce locks together with this one.
pub const PARENT_FIELD: &str = "AccountId";

/// A contact that belongs to a person account is never written as a contact.
pub(super) fn person_account(record: &Record) -> Decision {
    Decision {
        candidates: vec![record.id.clone()],
        ..Decision::hold(
            "PERSON_ACCOUNT",
            format!("{} is the contact of a person account, which is written through its account", record.id),
            "Give persons a mapping onto Account (PersonEmail, LastName, …), or leave them out of the query.",
        )
    }
}

pub(super) fn parent(record: &Record) -> Option<String> {
    record.fields.get(PARENT_FIELD).and_then(Wire::as_str).map(str::to_owned)
}

fn create(rules: &Rules<'_>, row: RowFacts<'_>) -> Decision {
    let payload = row.payload;
    if rules.has_places
        && let Some(refused) = refused_place(rules.object, payload, None)
    {
        return Decision::reject(refused);
    }
    let missing: Vec<String> = rules
        .object
        .fields
        .iter()
        .filter(|field| is_required(field, rules.persons) && payload.get(&field.name).is_none_or(Wire::is_null))
        .map(|field| field.name.clone())
        .collect();
    if !missing.is_empty() {
        return Decision::reject(reason(
            "REQUIRED_FIELD_MISSING",
            format!("Required fields are missing: [{}]", missing.join(", ")),
            missing,
            Some("Fill it in the source, or add the transform \"default:…\" to its line."),
        ));
    }
    let fields = payload
        .iter()
        .filter(|(name, new)| !new.is_null() && rules.object.field(name).is_some_and(|field| field.createable))
        .map(|(name, new)| FieldChange {
            field: name.clone(),
            old: Wire::Null,
            new: new.clone(),
            source: row.sources.get(name).cloned(),
        })
        .collect();
    Decision { fields, ..Decision::new(Action::Create) }
}

fn update(rules: &Rules<'_>, row: RowFacts<'_>, record: &Record) -> Decision {
    let mut fields = Vec::new();
    for (name, new) in row.payload {
        let Some(field) = rules.object.field(name).filter(|field| field.updateable) else { continue };
        let old = record.fields.get(&field.name).unwrap_or(&Wire::Null);
        let is_empty = old.is_null() || old.as_str().is_some_and(|text| text.trim().is_empty());
        if wire_equal(field, old, new) || (rules.only_if_empty.contains(&field.name) && !is_empty) {
            continue;
        }
        if new.is_null() && field.is_required() {
            return Decision {
                record: Some(record.id.clone()),
                ..Decision::reject(reason(
                    "REQUIRED_FIELD_MISSING",
                    format!("{} is required and cannot be emptied", field.name),
                    vec![field.name.clone()],
                    Some("Fill it in the source, or set null = \"keep\" on its line."),
                ))
            };
        }
        let source = row.sources.get(name).cloned();
        fields.push(FieldChange { field: field.name.clone(), old: old.clone(), new: new.clone(), source });
    }
    if rules.has_places {
        let changed: Payload = fields.iter().map(|change| (change.field.clone(), change.new.clone())).collect();
        if let Some(refused) = refused_place(rules.object, &changed, Some(&record.fields)) {
            return Decision { record: Some(record.id.clone()), ..Decision::reject(refused) };
        }
    }
    let action = if fields.is_empty() { Action::Skip } else { Action::Update };
    Decision {
        record: Some(record.id.clone()),
        modstamp: record.modstamp.clone(),
        parent: parent(record),
        settled: fields.is_empty(),
        fields,
        ..Decision::new(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Field, FieldType};
    use serde_json::json;

    fn object() -> ObjectDescribe {
        let last_name = Field { nillable: false, ..Field::new("LastName", FieldType::String, 80) };
        let others = [("Email", FieldType::Email), ("Phone", FieldType::Phone)];
        let others = others.map(|(name, kind)| Field::new(name, kind, 80));
        ObjectDescribe::new("Contact", std::iter::once(last_name).chain(others).collect())
    }

    fn payload(pairs: &[(&str, Wire)]) -> Payload {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn record(phone: Wire) -> Record {
        let fields = payload(&[("LastName", json!("Ito")), ("Email", json!("a@x.io")), ("Phone", phone)]);
        Record { id: "003".into(), fields, modstamp: Some("then".into()) }
    }

    fn decided(operation: Operation, payload: &Payload, candidates: &[&Record]) -> Decision {
        let object = object();
        let only_if_empty = ["Phone".to_owned()];
        let rules = Rules {
            operation,
            matching: Some(MatchMode::All),
            object: &object,
            only_if_empty: &only_if_empty,
            persons: false,
            has_places: false,
        };
        let row = RowFacts { payload, sources: &Sources::new(), rejections: &[], can_match: true };
        decide(&rules, row, candidates)
    }

    #[test]
    fn none_one_and_several() {
        let row = payload(&[("LastName", json!("Roy")), ("Email", json!("A@x.io"))]);
        assert_eq!(decided(Operation::Upsert, &row, &[]).action, Action::Create);
        assert_eq!(decided(Operation::Update, &row, &[]).action, Action::Skip);
        let there = record(Wire::Null);
        let update = decided(Operation::Upsert, &row, &[&there]);
        assert_eq!(update.action, Action::Update);
        let change = FieldChange { field: "LastName".into(), old: json!("Ito"), new: json!("Roy"), source: None };
        assert_eq!(update.fields, [change]);
        assert_eq!(decided(Operation::Create, &row, &[&there]).action, Action::Skip);
        let held = decided(Operation::Upsert, &row, &[&there, &there]);
        assert_eq!((held.action, held.candidates.len()), (Action::Hold, 2));
    }

    #[test]
    fn the_contact_of_a_person_account_is_held() {
        let row = payload(&[("LastName", json!("Roy"))]);
        let mut there = record(Wire::Null);
        there.fields.insert("IsPersonAccount".to_owned(), json!(true));
        for operation in [Operation::Upsert, Operation::Update, Operation::Delete] {
            let held = decided(operation, &row, &[&there]);
            assert_eq!((held.action, held.reason.unwrap().code.as_str()), (Action::Hold, "PERSON_ACCOUNT"));
        }
        assert_eq!(decided(Operation::Create, &row, &[&there]).action, Action::Skip);
    }

    #[test]
    fn only_if_empty_leaves_what_is_there() {
        let row = payload(&[("LastName", json!("Ito")), ("Phone", json!("1"))]);
        assert_eq!(decided(Operation::Upsert, &row, &[&record(json!("2"))]).action, Action::Skip);
        assert_eq!(decided(Operation::Upsert, &row, &[&record(Wire::Null)]).action, Action::Update);
    }

    #[test]
    fn a_required_field_is_asked_for_before_anything_is_sent() {
        let rejected = decided(Operation::Upsert, &payload(&[("LastName", Wire::Null)]), &[]);
        assert_eq!(rejected.action, Action::Reject);
        assert_eq!(rejected.reason.unwrap().message, "Required fields are missing: [LastName]");
        let there = record(Wire::Null);
        let emptied = decided(Operation::Upsert, &payload(&[("LastName", Wire::Null)]), &[&there]);
        assert_eq!(emptied.action, Action::Reject);
    }
}
