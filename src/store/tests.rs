//! The snapshot through a run: what is confirmed is known, what is removed is forgotten.

use serde_json::json;

use super::*;
use crate::destination::{OrgInfo, Payload};
use crate::mapping::{Mapping, MatchMode, MatchTerm, Operation, RecordMatcher, Sources};
use crate::plan::{Action, Change, Decision, MatchValues, Outcome};
use crate::types::{RowKey, Value};

const NAME: &str = "customers/contacts";

fn basis(field: &str) -> Basis {
    let terms = vec![MatchTerm { column: "EMAIL".into(), field: field.into() }];
    Basis {
        key: vec!["ID".into()],
        source: "acme/crm/public".into(),
        object: "Contact".into(),
        operation: Operation::Upsert,
        matcher: RecordMatcher { mode: MatchMode::All, terms },
    }
}

fn begin(store: &Store) -> RunId {
    let (org, definition) = (OrgInfo::default(), Mapping::new("sales", "Contact"));
    let new = NewRun {
        mapping_name: NAME,
        definition: &definition,
        org: &org,
        full: false,
        partial: false,
        basis: &basis("Email"),
        snapshot_rows: 0,
    };
    store.begin_run(&new).unwrap().unwrap()
}

fn row(position: u64, key: &str, change: Change) -> StagedRow {
    StagedRow {
        position,
        key: RowKey::from_pairs(vec![("ID".into(), key.into())]),
        has_key: true,
        change,
        hash: u128::from(position) + 1,
        payload: Payload::from([("Phone".to_owned(), json!("1"))]),
        sources: Sources::new(),
        rejections: Vec::new(),
        match_values: MatchValues(vec![Some(Value::Text(format!("{key}@x.io")))]),
        known_record: None,
    }
}

/// Three rows, created and known.
fn known() -> Store {
    let store = Store::in_memory().unwrap();
    let run = begin(&store);
    store.stage(run, ["a", "b", "c"].iter().zip(0..).map(|(key, at)| row(at, key, Change::Added))).unwrap();
    let create = Decision { action: Action::Create, reason: None, ..Decision::hold("", String::new(), "") };
    store.decide(run, &[0, 1, 2].map(|at| (at, create.clone()))).unwrap();
    let created = [0, 1].map(|at| (at, Outcome::Created, Some(format!("00{at}")), None));
    store.settle(run, None, &created).unwrap();
    store.settle(run, None, &[(2, Outcome::Failed, None, None)]).unwrap();
    store.finish_run(run, RunStatus::Partial, None).unwrap();
    store
}

fn rows(store: &Store) -> Vec<SnapshotRow> {
    store.snapshot_rows(NAME, None, 100, |_| true).unwrap().0
}

#[test]
fn only_what_was_confirmed_is_known_with_its_record_and_its_match_values() {
    let store = known();
    let known = store.compare(NAME, &[("a", 1), ("b", 9), ("c", 3)]).unwrap();
    assert_eq!(
        known.iter().map(|known| known.map(|known| known.same)).collect::<Vec<_>>(),
        [Some(true), Some(false), None]
    );
    assert_eq!(store.snapshot_size(NAME).unwrap(), 2);
    let row = &rows(&store)[0];
    assert_eq!((row.key.as_str(), row.record_id.as_deref(), row.hash), ("a", Some("000"), 1));
    assert_eq!(row.match_values, Some(MatchValues(vec![Some(Value::from("a@x.io"))])));
}

#[test]
fn a_removed_row_is_forgotten_when_its_record_is_gone_and_only_then() {
    let store = known();
    let run = begin(&store);
    store.stage(run, [row(0, "a", Change::Removed), row(1, "b", Change::Removed)]).unwrap();
    let delete = Decision { action: Action::Delete, reason: None, ..Decision::hold("", String::new(), "") };
    store.decide(run, &[0, 1].map(|at| (at, delete.clone()))).unwrap();
    assert_eq!(store.count_removed_writes(run).unwrap(), 2);
    // One is gone already, one fails.
    store.settle(run, None, &[(0, Outcome::Unchanged, None, None), (1, Outcome::Failed, None, None)]).unwrap();
    assert_eq!(rows(&store).iter().map(|row| row.key.clone()).collect::<Vec<_>>(), ["b"]);
    let mut books = crate::plan::Books::default();
    store.count_words(run, &mut books).unwrap();
    assert_eq!((books.actions.delete, books.actions.skip, books.outcomes.unchanged), (1, 1, 1));
}

#[test]
fn pages_of_the_snapshot_name_where_to_go_on() {
    let store = known();
    let (first, next) = store.snapshot_rows(NAME, None, 1, |_| true).unwrap();
    let (second, end) = store.snapshot_rows(NAME, next.as_deref(), 10, |_| true).unwrap();
    assert_eq!((first[0].key.as_str(), second[0].key.as_str(), end), ("a", "b", None));
    let wanted = second[0].number;
    assert_eq!(store.snapshot_rows(NAME, None, 10, |number| number == wanted).unwrap().0, second);
}

#[test]
fn another_matcher_forgets_its_values_and_a_reset_forgets_all() {
    let store = known();
    store.set_basis(NAME, &basis("Email")).unwrap();
    store.set_basis(NAME, &basis("Email")).unwrap();
    assert!(rows(&store).iter().all(|row| row.match_values.is_some()));
    store.set_basis(NAME, &basis("Number__c")).unwrap();
    assert!(rows(&store).iter().all(|row| row.match_values.is_none() && row.record_id.is_some()));
    assert_eq!(store.basis_of(NAME).unwrap(), Some(basis("Number__c")));
    assert_eq!(store.forget_snapshot(NAME).unwrap(), 2);
    assert_eq!((store.snapshot_size(NAME).unwrap(), store.basis_of(NAME).unwrap()), (0, None));
    assert_eq!(store.runs(Some(NAME), 9).unwrap().len(), 1, "its runs stay");
}

#[test]
fn a_new_key_that_comes_twice_is_no_identity() {
    let store = Store::in_memory().unwrap();
    let run = begin(&store);
    store.stage(run, [row(0, "a", Change::Added), row(1, "b", Change::Added)]).unwrap();
    store.stage(run, [row(2, "a", Change::Added)]).unwrap();
    assert_eq!(store.mark_added_twice(run).unwrap(), 2);
    let changes: Vec<Change> = store.rows(run, &RowFilter::All, 0, 9).unwrap().iter().map(|row| row.change).collect();
    assert_eq!(changes, [Change::Invalid, Change::Added, Change::Invalid]);
    // The first of them may come a third time, in a later chunk.
    assert_eq!(store.mark_repeated(run, "a").unwrap(), Some(Change::Invalid));
    assert_eq!(store.mark_repeated(run, "b").unwrap(), Some(Change::Added));
    assert_eq!(store.mark_repeated(run, "nobody").unwrap(), None);
}
