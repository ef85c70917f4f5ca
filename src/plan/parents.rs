//! Parents of references: which record a value means, remembered for as long as memory is bounded.

use std::collections::HashMap;

use crate::destination::{Record, Wire};
use crate::types::{Decimal, Field, FieldType, Value};

/// Distinct values that are remembered before the older half is forgotten.
const REMEMBERED: usize = 100_000;

/// The records that one value means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// No record has it.
    None,
    /// This record (its id).
    One(String),
    /// These records; a person must decide.
    Several(Vec<String>),
}

/// What is known of the values of one field of one parent object.
///
/// Values are compared as the destination does: without the spaces around them, whatever their case
/// (unless the field tells case apart), numbers as numbers.
#[derive(Debug)]
pub struct Parents {
    field: Field,
    recent: HashMap<String, Parent>,
    older: HashMap<String, Parent>,
    half: usize,
}

impl Parents {
    /// Nothing is known yet.
    pub fn of(field: Field) -> Self {
        Self { field, recent: HashMap::new(), older: HashMap::new(), half: REMEMBERED / 2 }
    }

    /// The field that values are compared with.
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// Those of a batch's values that must be asked for, each once. Every other value of the batch
    /// is known until the next call.
    pub fn unknown<'v>(&mut self, batch: impl Iterator<Item = &'v str>) -> Vec<Value> {
        if self.recent.len() >= self.half {
            self.older = std::mem::take(&mut self.recent);
        }
        let mut asked: HashMap<String, &str> = HashMap::new();
        for text in batch {
            let folded = fold(&self.field, text);
            if folded.is_empty() || self.recent.contains_key(&folded) {
                continue;
            }
            match self.older.remove(&folded) {
                Some(known) => drop(self.recent.insert(folded, known)),
                None => drop(asked.entry(folded).or_insert(text)),
            }
        }
        let mut values: Vec<Value> = asked.values().map(|text| Value::from(*text)).collect();
        // The same plan asks the same queries.
        values.sort_by_key(ToString::to_string);
        values
    }

    /// Takes what a look-up of `asked` brought; each record must carry the field.
    pub fn learn(&mut self, asked: &[Value], records: &[Record]) {
        for value in asked {
            self.recent.insert(fold(&self.field, &value.to_string()), Parent::None);
        }
        for record in records {
            let Some(text) = record.fields.get(&self.field.name).and_then(text) else { continue };
            // A record that nobody asked for is no reason to grow.
            let Some(known) = self.recent.get_mut(&fold(&self.field, &text)) else { continue };
            match known {
                Parent::None => *known = Parent::One(record.id.clone()),
                Parent::One(id) if *id == record.id => {}
                Parent::One(id) => *known = Parent::Several(vec![std::mem::take(id), record.id.clone()]),
                Parent::Several(ids) if ids.contains(&record.id) => {}
                Parent::Several(ids) => ids.push(record.id.clone()),
            }
        }
    }

    /// What a value means, once it was learned.
    pub fn get(&self, value: &str) -> &Parent {
        self.recent.get(&fold(&self.field, value)).unwrap_or(&Parent::None)
    }
}

/// A record's value as text; blank is nothing.
fn text(wire: &Wire) -> Option<String> {
    match wire {
        Wire::Null => None,
        Wire::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A value as it is compared.
fn fold(field: &Field, text: &str) -> String {
    let text = text.trim();
    match field.kind {
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => text
            .parse::<Decimal>()
            .map(|number| number.normalized().to_string())
            .or_else(|_| text.parse::<f64>().map(|number| number.to_string()))
            .unwrap_or_else(|_| text.to_owned()),
        _ if field.case_sensitive => text.to_owned(),
        _ => text.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(id: &str, value: Wire) -> Record {
        Record { id: id.into(), fields: [("Key__c".to_owned(), value)].into(), modstamp: None }
    }

    fn texts(values: &[Value]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_value_is_asked_for_once_and_several_are_named() {
        let mut parents = Parents::of(Field::new("Key__c", FieldType::String, 40));
        let asked = parents.unknown(["Acme", " ACME ", "Beta", "", "Gone"].into_iter());
        assert_eq!(texts(&asked), ["Acme", "Beta", "Gone"]);
        let records = [
            record("1", json!("acme")),
            record("2", json!("BETA ")),
            record("3", json!("Beta")),
            record("9", json!("x")),
        ];
        parents.learn(&asked, &records);
        assert_eq!(parents.get(" aCme"), &Parent::One("1".into()));
        assert_eq!(parents.get("beta"), &Parent::Several(vec!["2".into(), "3".into()]));
        assert_eq!(parents.get("Gone"), &Parent::None);
        assert!(parents.unknown(["acme", "gone", "beta"].into_iter()).is_empty());
    }

    #[test]
    fn numbers_are_numbers_and_case_counts_where_the_field_says_so() {
        let mut numbers = Parents::of(Field::new("Key__c", FieldType::Double, 0));
        let asked = numbers.unknown(["7.50", "7.5", "8"].into_iter());
        assert_eq!(asked.len(), 2);
        numbers.learn(&asked, &[record("1", json!(7.5)), record("2", json!(8.0))]);
        assert_eq!(numbers.get("7.500"), &Parent::One("1".into()));
        assert_eq!(numbers.get("8"), &Parent::One("2".into()));
        let exact = Field { case_sensitive: true, ..Field::new("Key__c", FieldType::String, 40) };
        let mut exact = Parents::of(exact);
        assert_eq!(exact.unknown(["a", "A"].into_iter()).len(), 2);
    }

    #[test]
    fn memory_is_bounded_and_a_batch_never_loses_its_own() {
        let mut parents = Parents { half: 10, ..Parents::of(Field::new("Key__c", FieldType::String, 40)) };
        for batch in 0..20 {
            let batch: Vec<String> = (batch * 6..batch * 6 + 8).map(|n| n.to_string()).collect();
            let asked = parents.unknown(batch.iter().map(String::as_str));
            let found: Vec<Record> =
                asked.iter().map(|value| record(&value.to_string(), json!(value.to_string()))).collect();
            parents.learn(&asked, &found);
            assert!(batch.iter().all(|text| *parents.get(text) == Parent::One(text.clone())));
            assert!(parents.recent.len() + parents.older.len() <= 10 + 2 * 8);
        }
    }
}
