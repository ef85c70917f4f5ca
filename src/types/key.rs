//! What identifies a row of a model from one run to the next.

use std::fmt;

use super::{Column, Value};

/// The values of a model's key columns, in the model's order, as canonical text.
///
/// Two rows are the same row when these are equal. Text is taken as it is (keys are compared
/// exactly); numbers without trailing zeros, so that `7` and `7.00` are one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(Vec<(String, String)>);

impl RowKey {
    /// The key of a row, or the name of the first key column that is missing or NULL.
    pub fn of(key_columns: &[String], schema: &[Column], row: &[Value]) -> Result<Self, String> {
        key_columns
            .iter()
            .map(|name| {
                let value = schema.iter().position(|column| column.name == *name).map_or(&Value::Null, |at| &row[at]);
                match value {
                    Value::Null => Err(name.clone()),
                    Value::Number(n) => Ok((name.clone(), n.normalized().to_string())),
                    other => Ok((name.clone(), other.to_string())),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
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
