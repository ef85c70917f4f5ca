//! Which records a row may mean, among those that a look-up brought.

use std::collections::{BTreeSet, HashMap};

use crate::destination::{FieldIn, Record, Wire};
use crate::mapping::{MatchMode, RecordMatcher, comparable_text};
use crate::types::{Column, Value};

/// The match values of one row, in the order of the matcher's terms; `None` is blank.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchValues(pub Vec<Option<Value>>);

impl MatchValues {
    /// Takes them from a row. A column that does not exist counts as blank.
    pub fn of(matcher: &RecordMatcher, schema: &[Column], row: &[Value]) -> Self {
        let value = |name: &str| schema.iter().position(|column| column.name == name).map(|at| row[at].clone());
        Self(matcher.terms.iter().map(|term| value(&term.column).filter(|value| !value.is_blank())).collect())
    }

    /// Whether these can identify a record: all of them, or with `any` at least one, is not blank.
    pub fn can_match(&self, mode: MatchMode) -> bool {
        match mode {
            MatchMode::All => !self.0.is_empty() && self.0.iter().all(Option::is_some),
            MatchMode::Any => self.0.iter().any(Option::is_some),
        }
    }

    /// One text that is equal exactly for rows that mean the same record under `all`.
    pub fn signature(&self) -> String {
        let folded: Vec<String> =
            self.0.iter().map(|value| value.as_ref().map_or_else(String::new, comparable_text)).collect();
        serde_json::to_string(&folded).unwrap_or_default()
    }
}

/// The records of a look-up, found again by what they were looked up by.
#[derive(Debug)]
pub struct Candidates<'a> {
    matcher: &'a RecordMatcher,
    records: &'a [Record],
    by_value: HashMap<(usize, String), Vec<usize>>,
}

impl<'a> Candidates<'a> {
    /// The comparisons that bring every record that one of these rows may mean. With `all`, the
    /// first term is enough: the others are compared here.
    pub fn look_up<'v>(matcher: &RecordMatcher, rows: impl Iterator<Item = &'v MatchValues>) -> Vec<FieldIn> {
        let used = match matcher.mode {
            MatchMode::All => 1.min(matcher.terms.len()),
            MatchMode::Any => matcher.terms.len(),
        };
        let mut wanted: Vec<FieldIn> = matcher.terms[..used]
            .iter()
            .map(|term| FieldIn { field: term.field.clone(), values: Vec::new() })
            .collect();
        let mut seen = BTreeSet::new();
        for row in rows.filter(|row| row.can_match(matcher.mode)) {
            for (at, field) in wanted.iter_mut().enumerate() {
                if let Some(value) = &row.0[at]
                    && seen.insert((at, comparable_text(value)))
                {
                    field.values.push(value.clone());
                }
            }
        }
        wanted.retain(|field| !field.values.is_empty());
        wanted
    }

    /// The fields that such a look-up compares.
    pub fn first_fields(matcher: &RecordMatcher) -> Vec<String> {
        let used = if matcher.mode == MatchMode::All { 1 } else { matcher.terms.len() };
        matcher.terms.iter().take(used).map(|term| term.field.clone()).collect()
    }

    /// Makes the records of such a look-up findable. Each must carry the matcher's fields.
    pub fn new(matcher: &'a RecordMatcher, records: &'a [Record]) -> Self {
        let mut by_value: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            for (term, wanted) in matcher.terms.iter().enumerate() {
                if let Some(text) = record.fields.get(&wanted.field).and_then(folded) {
                    by_value.entry((term, text)).or_default().push(at);
                }
            }
        }
        Self { matcher, records, by_value }
    }

    /// The records that this row may mean, each once.
    pub fn of(&self, row: &MatchValues) -> Vec<&'a Record> {
        if !row.can_match(self.matcher.mode) {
            return Vec::new();
        }
        let found = |term: usize| -> BTreeSet<usize> {
            row.0[term]
                .as_ref()
                .and_then(|value| self.by_value.get(&(term, comparable_text(value))))
                .map(|found| found.iter().copied().collect())
                .unwrap_or_default()
        };
        let sets = (0..self.matcher.terms.len()).map(found);
        let hits = match self.matcher.mode {
            MatchMode::All => sets.reduce(|all, set| &all & &set),
            MatchMode::Any => sets.reduce(|all, set| &all | &set),
        };
        hits.into_iter().flatten().map(|at| &self.records[at]).collect()
    }
}

/// The keys under which a scan's record is found again: one for each term that is not blank.
pub fn record_keys(matcher: &RecordMatcher, record: &Record) -> Vec<String> {
    let terms = matcher.terms.iter().enumerate();
    terms.filter_map(|(at, term)| Some(key(at, &record.fields.get(&term.field).and_then(folded)?))).collect()
}

/// The keys under which a row looks for its records. With `all`, the first term is enough.
pub fn row_keys(matcher: &RecordMatcher, row: &MatchValues) -> Vec<String> {
    if !row.can_match(matcher.mode) {
        return Vec::new();
    }
    let used = if matcher.mode == MatchMode::All { 1 } else { row.0.len() };
    let values = row.0.iter().take(used).enumerate();
    values.filter_map(|(at, value)| Some(key(at, &comparable_text(value.as_ref()?)))).collect()
}

fn key(term: usize, folded: &str) -> String {
    format!("{term}:{folded}")
}

/// A record's value as it is compared; blank is nothing.
fn folded(wire: &Wire) -> Option<String> {
    let text = match wire {
        Wire::Null => return None,
        Wire::String(text) => text.trim().to_lowercase(),
        // 7 and 7.0 are one number.
        Wire::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::MatchTerm;
    use serde_json::json;

    fn matcher(mode: MatchMode, terms: &[(&str, &str)]) -> RecordMatcher {
        let terms = terms
            .iter()
            .map(|(column, field)| MatchTerm { column: (*column).into(), field: (*field).into() })
            .collect();
        RecordMatcher { mode, terms }
    }

    fn record(id: &str, email: &str, last: &str) -> Record {
        let fields = [("Email".to_owned(), json!(email)), ("LastName".to_owned(), json!(last))].into();
        Record { id: id.into(), fields, modstamp: None }
    }

    fn row(values: &[&str]) -> MatchValues {
        MatchValues(values.iter().map(|v| Some(Value::from(*v)).filter(|v| !v.is_blank())).collect())
    }

    #[test]
    fn case_and_spaces_do_not_matter_and_blank_never_matches() {
        let matcher = matcher(MatchMode::All, &[("EMAIL", "Email")]);
        let records = [record("1", "dana@acme.io", "A"), record("2", "", "B")];
        let candidates = Candidates::new(&matcher, &records);
        assert_eq!(candidates.of(&row(&["DANA@Acme.io  "])).len(), 1);
        assert!(candidates.of(&row(&["  "])).is_empty());
        assert!(Candidates::look_up(&matcher, [&row(&[""])].into_iter()).is_empty());
    }

    #[test]
    fn all_needs_every_term_and_any_one() {
        let terms = [("EMAIL", "Email"), ("LAST", "LastName")];
        let records = [record("1", "a@x.io", "Ito"), record("2", "a@x.io", "Roy"), record("3", "b@x.io", "Roy")];
        let all = matcher(MatchMode::All, &terms);
        let ids = |found: Vec<&Record>| found.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(Candidates::new(&all, &records).of(&row(&["a@x.io", "roy"]))), ["2"]);
        let any = matcher(MatchMode::Any, &terms);
        assert_eq!(ids(Candidates::new(&any, &records).of(&row(&["a@x.io", "roy"]))), ["1", "2", "3"]);
    }

    #[test]
    fn a_row_looks_under_the_keys_of_its_records() {
        let terms = [("EMAIL", "Email"), ("LAST", "LastName")];
        let held = record("1", "Dana@Acme.io", "Ito");
        for (mode, sought) in [(MatchMode::All, ["dana@acme.io ", "Roy"]), (MatchMode::Any, ["x@x.io", "ITO"])] {
            let matcher = matcher(mode, &terms);
            let keys = record_keys(&matcher, &held);
            assert!(row_keys(&matcher, &row(&sought)).iter().any(|key| keys.contains(key)), "{mode:?}");
        }
        assert!(row_keys(&matcher(MatchMode::All, &terms), &row(&["a@x.io", ""])).is_empty());
    }

    #[test]
    fn each_value_is_looked_up_once() {
        let matcher = matcher(MatchMode::All, &[("EMAIL", "Email")]);
        let rows = [row(&["a@x.io"]), row(&["A@x.io "])];
        assert_eq!(Candidates::look_up(&matcher, rows.iter())[0].values.len(), 1);
    }
}
