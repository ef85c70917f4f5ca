//! What joins a job's results to its rows: the record's id, or for new records the values that
//! the mapping finds records by. Never the place in a file.

use crate::destination::{Wire, WriteKind, WriteRow};
use crate::mapping::RecordMatcher;
use crate::types::{FieldType, ObjectDescribe};

/// How the rows of one job are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JoinKey {
    /// By the record's id.
    Id,
    /// By the values of these fields; true for numbers.
    Fields(Vec<(String, bool)>),
}

impl JoinKey {
    /// The key of an operation; `None` when nothing identifies a new record.
    pub(super) fn new(kind: WriteKind, matcher: &RecordMatcher, object: &ObjectDescribe) -> Option<Self> {
        if kind != WriteKind::Create {
            return Some(Self::Id);
        }
        let fields: Vec<(String, bool)> = matcher
            .terms
            .iter()
            .filter_map(|term| object.field(&term.field))
            .map(|field| (field.name.clone(), is_number(&field.kind)))
            .collect();
        (!fields.is_empty()).then_some(Self::Fields(fields))
    }

    /// The key of a row as it is sent; `None` when nothing identifies it.
    pub(super) fn sent(&self, row: &WriteRow) -> Option<String> {
        match self {
            Self::Id => row.id.clone(),
            Self::Fields(fields) => key(fields, |name| match row.fields.get(name)? {
                Wire::Null => None,
                Wire::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }),
        }
    }

    /// The key of a row as it comes back.
    pub(super) fn returned<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        match self {
            Self::Id => value("Id").map(str::to_owned),
            Self::Fields(fields) => key(fields, |name| value(name).map(str::to_owned)),
        }
    }
}

fn is_number(kind: &FieldType) -> bool {
    matches!(kind, FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent)
}

/// Salesforce trims texts, may change their case, and writes numbers in its own way.
fn key(fields: &[(String, bool)], value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let folded: Vec<String> = fields
        .iter()
        .map(|(name, is_number)| {
            let text = value(name).unwrap_or_default();
            let text = text.trim();
            match text.parse::<f64>() {
                Ok(number) if *is_number => number.to_string(),
                _ => text.to_lowercase(),
            }
        })
        .collect();
    if folded.iter().all(String::is_empty) {
        return None;
    }
    serde_json::to_string(&folded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{MatchMode, MatchTerm};
    use crate::types::Field;
    use serde_json::json;

    #[test]
    fn what_comes_back_changed_is_recognised() {
        let object = ObjectDescribe::new(
            "Contact",
            vec![Field::new("Email", FieldType::Email, 80), Field::new("Number__c", FieldType::Double, 0)],
        );
        let terms = [("E", "Email"), ("N", "Number__c")]
            .map(|(column, field)| MatchTerm { column: column.into(), field: field.into() });
        let matcher = RecordMatcher { mode: MatchMode::All, terms: terms.to_vec() };
        let join = JoinKey::new(WriteKind::Create, &matcher, &object).unwrap();
        let fields = [("Email".to_owned(), json!("Dana@Acme.io ")), ("Number__c".to_owned(), json!(7))];
        let sent = join.sent(&WriteRow { id: None, fields: fields.into() });
        let returned = |name: &str| Some(if name == "Email" { "dana@acme.io" } else { "7.0" });
        assert_eq!(sent, join.returned(returned));
        assert!(sent.is_some());
        assert_eq!(join.sent(&WriteRow { id: None, fields: [].into() }), None, "blank identifies nobody");
        assert_eq!(JoinKey::new(WriteKind::Create, &RecordMatcher::default(), &object), None);
    }
}
