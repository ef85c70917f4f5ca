//! A reviewed row, looked at again before it is written: whether what was reviewed is still what
//! would happen, and what changed where it is not.

use super::{Action, Decision, FieldChange, Planned};
use crate::destination::Wire;

/// What becomes of a reviewed row.
#[derive(Debug, Clone, PartialEq)]
pub enum Review {
    /// It is the same write: it goes on.
    Same,
    /// Something changed: this is done instead, never the write that was reviewed.
    Changed(Box<Decision>),
}

/// Compares what was reviewed with what would be decided now. `modstamp` is the record's as the plan
/// read it.
///
/// What somebody else has done in the meantime is skipped; any other change is held, with what
/// changed, because nobody has reviewed it.
pub fn review(then: &Planned, modstamp: Option<&str>, now: &Decision) -> Review {
    let same_record = now.record == then.id;
    let same_write = now.action == then.action && now.fields == then.fields && same_record;
    // A delete has no fields that could tell that somebody cares for the record again.
    let touched = then.action == Action::Delete && now.modstamp.as_deref() != modstamp;
    if same_write && !touched {
        return Review::Same;
    }
    let what = what_changed(then, now, same_write && touched);
    if now.action == Action::Skip {
        let mut skipped = now.clone();
        if skipped.reason.is_none() {
            let message = format!("nothing is left to do: {what}");
            skipped.reason = Decision::hold("CHANGED_SINCE_PLAN", message, "").reason.map(|mut reason| {
                reason.hint = None;
                reason
            });
        }
        return Review::Changed(Box::new(skipped));
    }
    let mut candidates = now.candidates.clone();
    candidates.extend(now.record.clone().filter(|id| candidates.is_empty() && !same_record && !id.is_empty()));
    Review::Changed(Box::new(Decision {
        record: now.record.clone(),
        modstamp: now.modstamp.clone(),
        fields: now.fields.clone(),
        candidates,
        ..Decision::hold(
            "CHANGED_SINCE_PLAN",
            format!("Salesforce changed since the plan was made: {what}"),
            "Make a new plan and review it.",
        )
    }))
}

/// In words: the record, the action, or field by field what the record has now.
fn what_changed(then: &Planned, now: &Decision, touched: bool) -> String {
    if touched {
        return "somebody changed the record that was to be deleted".to_owned();
    }
    if now.action != then.action {
        let why = now.reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", reason.message));
        return format!("it was to {}, and now it would {}{why}", then.action, verb(now.action));
    }
    if now.record != then.id {
        let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".to_owned());
        return format!("it was about the record {}, and now it is about {}", id(&then.id), id(&now.record));
    }
    let old = |fields: &[FieldChange], name: &str| fields.iter().find(|change| change.field == name).cloned();
    let mut changed: Vec<String> = Vec::new();
    for change in &then.fields {
        match old(&now.fields, &change.field) {
            None => changed.push(format!("{} is `{}` already", change.field, shown(&change.new))),
            Some(other) if other.old != change.old => {
                changed.push(format!("{} was `{}` and is `{}`", change.field, shown(&change.old), shown(&other.old)));
            }
            Some(other) if other.new != change.new => {
                changed.push(format!(
                    "{} would be `{}`, not `{}`",
                    change.field,
                    shown(&other.new),
                    shown(&change.new)
                ));
            }
            Some(_) => {}
        }
    }
    for change in now.fields.iter().filter(|change| old(&then.fields, &change.field).is_none()) {
        changed.push(format!("{} is `{}` now", change.field, shown(&change.old)));
    }
    changed.join(", ")
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Hold => "be held",
        Action::Reject => "be rejected",
        Action::Skip => "be skipped",
        other => other.as_str(),
    }
}

fn shown(wire: &Wire) -> String {
    match wire {
        Wire::Null => String::new(),
        Wire::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(field: &str, old: &str, new: &str) -> FieldChange {
        FieldChange { field: field.into(), old: json!(old), new: json!(new), source: None }
    }

    fn planned(action: Action, fields: Vec<FieldChange>) -> Planned {
        Planned { action, id: Some("003".into()), fields }
    }

    fn now(action: Action, fields: Vec<FieldChange>) -> Decision {
        Decision {
            action,
            record: Some("003".into()),
            modstamp: Some("later".into()),
            fields,
            reason: None,
            candidates: Vec::new(),
            parent: None,
            settled: false,
        }
    }

    fn message(review: Review) -> (Action, String) {
        let Review::Changed(decision) = review else { panic!("the same") };
        (decision.action, decision.reason.unwrap().message)
    }

    #[test]
    fn the_same_write_goes_on_though_the_record_was_touched() {
        let fields = vec![change("Phone", "1", "2")];
        let same = review(&planned(Action::Update, fields.clone()), Some("then"), &now(Action::Update, fields));
        assert_eq!(same, Review::Same);
    }

    #[test]
    fn another_value_is_held_with_what_it_was_and_is() {
        let then = planned(Action::Update, vec![change("Phone", "1", "2"), change("Title", "a", "b")]);
        let held = review(&then, None, &now(Action::Update, vec![change("Phone", "9", "2")]));
        let (action, text) = message(held);
        assert_eq!(action, Action::Hold);
        assert!(text.ends_with("Phone was `1` and is `9`, Title is `b` already"), "{text}");
    }

    #[test]
    fn what_is_done_already_is_skipped() {
        let then = planned(Action::Update, vec![change("Phone", "1", "2")]);
        let (action, text) = message(review(&then, None, &now(Action::Skip, vec![])));
        assert_eq!(action, Action::Skip);
        assert!(text.contains("it was to update, and now it would be skipped"), "{text}");
    }

    #[test]
    fn a_record_that_somebody_touched_is_not_deleted() {
        let then = planned(Action::Delete, vec![]);
        assert_eq!(review(&then, Some("later"), &now(Action::Delete, vec![])), Review::Same);
        let (action, text) = message(review(&then, Some("then"), &now(Action::Delete, vec![])));
        assert_eq!(action, Action::Hold);
        assert!(text.contains("somebody changed the record"), "{text}");
    }
}
