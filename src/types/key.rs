//! What identifies a row of a model from one run to the next.

use std::borrow::Cow;
use std::fmt;

use super::{Column, Value};

/// The values of a model's key columns, in the model's order, as canonical text.
///
/// Two rows are the same row when these are equal. Text is taken as it is (keys are compared
/// exactly); numbers without trailing zeros, so that `7` and `7.00` are one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(Vec<(String, String)>);

impl RowKey {
    /// A key from its canonical text, which these columns made.
    pub fn from_canonical(names: &[String], canonical: &str) -> Self {
        let values: Vec<String> = match names {
            [_] => vec![canonical.to_owned()],
            _ => serde_json::from_str(canonical).unwrap_or_default(),
        };
        let values = values.into_iter().chain(std::iter::repeat(String::new()));
        Self(names.iter().cloned().zip(values).collect())
    }

    /// A key from stored `(column, value)` pairs.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Column names and values.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// `{"CUSTOMER_ID":"17"}`, the form of the `key` in `--json`.
    pub fn to_json(&self) -> serde_json::Value {
        self.0
            .iter()
            .map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// One text that is equal exactly when the keys are, for storage.
    pub fn canonical(&self) -> String {
        if let [(_, only)] = self.0.as_slice() {
            return only.clone();
        }
        serde_json::to_string(&self.0.iter().map(|(_, value)| value).collect::<Vec<_>>()).unwrap_or_default()
    }
}

/// The key columns of a model, found once in a query's result.
#[derive(Debug)]
pub struct KeyColumns {
    columns: Vec<(String, Option<usize>)>,
}

impl KeyColumns {
    /// Finds them. One that does not exist counts as NULL in every row.
    pub fn new(names: &[String], schema: &[Column]) -> Self {
        let place = |name: &String| (name.clone(), schema.iter().position(|column| column.name == *name));
        Self { columns: names.iter().map(place).collect() }
    }

    fn texts<'a>(&'a self, row: &'a [Value]) -> impl Iterator<Item = (&'a String, Option<Cow<'a, str>>)> {
        self.columns.iter().map(|(name, at)| (name, at.and_then(|at| text(&row[at]))))
    }

    /// Appends [`RowKey::canonical`] of a row to `room`; false, and nothing, when a part is NULL.
    pub fn write_canonical(&self, row: &[Value], room: &mut String) -> bool {
        if let [(_, only)] = self.columns.as_slice() {
            let found = only.and_then(|at| text(&row[at]));
            room.push_str(found.as_deref().unwrap_or_default());
            return found.is_some();
        }
        let Some(values) = self.texts(row).map(|(_, text)| text).collect::<Option<Vec<_>>>() else { return false };
        room.push_str(&serde_json::to_string(&values).unwrap_or_default());
        true
    }

    /// The key of a row; NULL reads as nothing.
    pub fn key(&self, row: &[Value]) -> RowKey {
        RowKey(self.texts(row).map(|(name, text)| (name.clone(), text.unwrap_or_default().into_owned())).collect())
    }
}

/// A value as a part of a key; NULL is none.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::Number(n) => Some(n.normalized().to_string().into()),
        Value::Text(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

/// The values with commas between them, for people.
impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (_, value)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{ColumnType, Decimal};

    fn columns(names: &[&str]) -> (Vec<String>, Vec<Column>) {
        let column =
            |name: &&str| Column { name: (*name).into(), kind: ColumnType::Text { length: 9 }, nullable: true };
        (names.iter().map(|name| (*name).to_owned()).collect(), names.iter().map(column).collect())
    }

    #[test]
    fn numbers_lose_trailing_zeros_and_null_is_no_key() {
        let (names, schema) = columns(&["A"]);
        let key = KeyColumns::new(&names, &schema);
        let mut room = String::new();
        assert!(key.write_canonical(&[Value::Number(Decimal::new(700, 2))], &mut room));
        assert_eq!(room, "7");
        assert!(!key.write_canonical(&[Value::Null], &mut room));
        assert_eq!(key.key(&[Value::Null]).pairs()[0].1, "");
    }

    proptest! {
        #[test]
        fn a_key_is_one_text_and_comes_back_from_it(values in prop::collection::vec("\\PC{0,8}", 1..4)) {
            let (names, schema) = columns(&["A", "B", "C"][..values.len()]);
            let row: Vec<Value> = values.iter().map(|text| Value::from(text.as_str())).collect();
            let columns = KeyColumns::new(&names, &schema);
            let key = columns.key(&row);
            let mut room = String::new();
            prop_assert!(columns.write_canonical(&row, &mut room));
            prop_assert_eq!(&room, &key.canonical());
            prop_assert_eq!(RowKey::from_canonical(&names, &room), key);
        }
    }
}
