//! Rows that the query no longer returns: what is done with their records, and when that is so much
//! that a person has to say that it is meant.

use serde::{Deserialize, Serialize};

use super::decide::{Decision, FieldChange, parent, person_account, reason};
use super::{Action, PARENT_FIELD};
use crate::destination::{Record, Wire};
use crate::mapping::{OnRemoved, is_person_contact};
use crate::types::{FieldType, ObjectDescribe};

/// From so many rows on, taking away more than half of what is known wants a person's word.
const FEW_ROWS: u64 = 10;

/// A plan that takes away more records of removed rows than is likely meant: a query that broke, a
/// table that was loaded half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassDelete {
    /// Records that would be deleted or cleared.
    pub rows: u64,
    /// Rows that were known before.
    pub of: u64,
}

impl MassDelete {
    /// More than ten, and more than half of what is known.
    pub fn of(rows: u64, known: u64) -> Option<Self> {
        (rows > FEW_ROWS && rows.saturating_mul(2) > known).then_some(Self { rows, of: known })
    }
}

/// What a run knows of the mapping when it decides about removed rows.
#[derive(Debug)]
pub struct RemovedRules<'a> {
    /// What the mapping says.
    pub on_removed: OnRemoved,
    /// The object.
    pub object: &'a ObjectDescribe,
    /// The fields that are emptied by [`OnRemoved::Clear`]; see [`clearable`].
    pub clears: &'a [String],
}

/// Whether a field can be emptied for a removed row at all.
pub fn clearable(object: &ObjectDescribe, name: &str) -> bool {
    object.field(name).is_some_and(|field| {
        // A parent is part of who the record belongs to, and a checkbox has no empty state.
        field.updateable && field.nillable && field.kind != FieldType::Boolean && field.name != PARENT_FIELD
    })
}

/// How the records of a removed row were looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// By the record's id, or by values that find one.
    Known,
    /// By nothing: an older version kept neither.
    None,
}

/// Decides about a removed row and the records that it may mean.
pub fn decide_removed(rules: &RemovedRules<'_>, trace: Trace, records: &[&Record]) -> Decision {
    if rules.on_removed == OnRemoved::Ignore {
        let told =
            reason("REMOVED_IGNORED", "the query no longer returns it; the record stays".to_owned(), vec![], None);
        return Decision { reason: Some(told), settled: true, ..Decision::new(Action::Skip) };
    }
    match records {
        [] if trace == Trace::None => Decision::hold(
            "REMOVED_WITHOUT_TRACE",
            "the query no longer returns it, and neither its record nor what finds it is known".to_owned(),
            "Delete it in Salesforce by hand; with on_removed = \"ignore\" such rows are forgotten.",
        ),
        [] => Decision {
            reason: Some(reason("RECORD_GONE", "its record is gone already".to_owned(), vec![], None)),
            settled: true,
            ..Decision::new(Action::Skip)
        },
        [one] if is_person_contact(rules.object, &one.fields) => person_account(one),
        [one] => {
            let found = Decision {
                record: Some(one.id.clone()),
                modstamp: one.modstamp.clone(),
                parent: parent(one),
                ..Decision::new(Action::Delete)
            };
            if rules.on_removed == OnRemoved::Clear { clear(rules, one, found) } else { found }
        }
        several => {
            let ids: Vec<String> = several.iter().map(|record| record.id.clone()).collect();
            Decision {
                candidates: ids.clone(),
                ..Decision::hold(
                    "SEVERAL_RECORDS_MATCH",
                    format!("the query no longer returns it, and {} records match: {}", ids.len(), ids.join(", ")),
                    "Delete the right one in Salesforce, or merge them.",
                )
            }
        }
    }
}

fn clear(rules: &RemovedRules<'_>, record: &Record, found: Decision) -> Decision {
    let old = |name: &String| record.fields.get(name).cloned().unwrap_or(Wire::Null);
    let fields: Vec<FieldChange> = rules
        .clears
        .iter()
        .map(|name| FieldChange { field: name.clone(), old: old(name), new: Wire::Null, source: None })
        .filter(|change| !change.old.is_null())
        .collect();
    if fields.is_empty() {
        let told = reason("ALREADY_CLEAR", "the fields to empty are empty already".to_owned(), vec![], None);
        return Decision { action: Action::Skip, reason: Some(told), settled: true, ..found };
    }
    Decision { action: Action::Update, fields, ..found }
}

/// A removed row whose record another row of the query means: the record stays. With `settled`, that
/// row owns it, and the removed one is forgotten; without, a person has to decide about that row first.
pub fn keep_removed(settled: bool) -> Decision {
    if settled {
        let told =
            reason("RECORD_KEPT", "another row of the query means its record, which stays".to_owned(), vec![], None);
        return Decision { reason: Some(told), settled: true, ..Decision::new(Action::Skip) };
    }
    Decision::hold(
        "RECORD_KEPT",
        "another row of the query may mean its record, and that row is not written".to_owned(),
        "See to that row first: it is held or rejected, or this mapping does not send it.",
    )
}

/// A removed row whose record an earlier removed row takes away.
pub fn removed_twice() -> Decision {
    let told = reason("REMOVED_TWICE", "another removed row takes the same record".to_owned(), vec![], None);
    Decision { reason: Some(told), settled: true, ..Decision::new(Action::Skip) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::types::Field;

    fn object() -> ObjectDescribe {
        let name = Field { nillable: false, ..Field::new("LastName", FieldType::String, 80) };
        let fields = vec![
            name,
            Field::new("Email", FieldType::Email, 80),
            Field::new("Phone", FieldType::Phone, 40),
            Field::new("HasOptedOutOfEmail", FieldType::Boolean, 0),
        ];
        ObjectDescribe::new("Contact", fields)
    }

    fn record(id: &str, phone: Wire) -> Record {
        let fields = [("LastName", json!("Ito")), ("Email", json!("a@x.io")), ("Phone", phone)];
        Record {
            id: id.into(),
            fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
            modstamp: Some("then".into()),
        }
    }

    fn decided(on_removed: OnRemoved, trace: Trace, records: &[&Record]) -> Decision {
        let clears = ["Phone".to_owned()];
        decide_removed(&RemovedRules { on_removed, object: &object(), clears: &clears }, trace, records)
    }

    #[test]
    fn one_record_goes_none_is_gone_already_and_several_are_held() {
        let one = record("1", Wire::Null);
        let gone = decided(OnRemoved::Delete, Trace::Known, &[&one]);
        assert_eq!((gone.action, gone.record.as_deref()), (Action::Delete, Some("1")));
        let already = decided(OnRemoved::Delete, Trace::Known, &[]);
        assert_eq!((already.action, already.settled), (Action::Skip, true));
        assert_eq!(decided(OnRemoved::Delete, Trace::None, &[]).action, Action::Hold);
        assert_eq!(decided(OnRemoved::Delete, Trace::Known, &[&one, &record("2", Wire::Null)]).action, Action::Hold);
        assert_eq!(decided(OnRemoved::Ignore, Trace::Known, &[&one]).action, Action::Skip);
    }

    #[test]
    fn clear_empties_what_can_be_emptied() {
        let cleared = decided(OnRemoved::Clear, Trace::Known, &[&record("1", json!("+1"))]);
        assert_eq!((cleared.action, cleared.fields.len()), (Action::Update, 1));
        assert_eq!((&cleared.fields[0].old, &cleared.fields[0].new), (&json!("+1"), &Wire::Null));
        let nothing = decided(OnRemoved::Clear, Trace::Known, &[&record("1", Wire::Null)]);
        assert_eq!((nothing.action, nothing.settled), (Action::Skip, true));
        let object = object();
        for (name, can) in [("Phone", true), ("LastName", false), ("HasOptedOutOfEmail", false), ("Nope", false)] {
            assert_eq!(clearable(&object, name), can, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_mass_delete_is_more_than_ten_and_more_than_half(rows in 0u64..1_000, known in 0u64..1_000) {
            prop_assert_eq!(MassDelete::of(rows, known).is_some(), rows > 10 && rows * 2 > known);
        }
    }
}
