//! When two values are the same to the destination.

use std::collections::BTreeSet;

use super::times::parse_time;
use crate::destination::Wire;
use crate::types::{Field, FieldType, MASTER_RECORD_TYPE, Value};

/// Text as the destination compares it: without the spaces around it, whatever its case.
pub fn comparable_text(value: &Value) -> String {
    match value {
        Value::Number(n) => n.normalized().to_string(),
        other => other.to_string().trim().to_lowercase(),
    }
}

/// Whether the destination already has what would be sent: texts without trailing spaces, numbers
/// rounded to the field's scale, instants as instants, ids by their first 15 characters, several
/// picklist values in any order.
pub fn wire_equal(field: &Field, old: &Wire, new: &Wire) -> bool {
    if old == new {
        return true;
    }
    match (old, new) {
        // A record without a record type has the master one.
        (Wire::Null, Wire::String(id)) | (Wire::String(id), Wire::Null) if field.kind == FieldType::Reference => {
            id.trim().is_empty() || id.get(..15) == MASTER_RECORD_TYPE.get(..15)
        }
        (Wire::Null, Wire::String(text)) | (Wire::String(text), Wire::Null) => text.trim().is_empty(),
        (Wire::String(old), Wire::String(new)) => texts_equal(field, old, new),
        (Wire::Number(old), Wire::Number(new)) => match (old.as_f64(), new.as_f64()) {
            (Some(old), Some(new)) => {
                let unit = 10f64.powi(i32::try_from(field.scale).unwrap_or(0));
                (old - new).abs() * unit < 0.5 && ((old * unit).round() - (new * unit).round()).abs() < 0.5
            }
            _ => false,
        },
        // A checkbox that was never set reads as false.
        (Wire::Null, Wire::Bool(new)) => !new,
        _ => false,
    }
}

fn texts_equal(field: &Field, old: &str, new: &str) -> bool {
    match field.kind {
        FieldType::DateTime => match (instant(old), instant(new)) {
            (Some(old), Some(new)) => old == new,
            _ => false,
        },
        FieldType::Time => match (parse_time(old), parse_time(new)) {
            (Some(old), Some(new)) => old == new,
            _ => false,
        },
        FieldType::Reference | FieldType::Id => match (old.get(..15), new.get(..15)) {
            (Some(old), Some(new)) => old == new,
            _ => false,
        },
        // Salesforce stores emails in lower case.
        FieldType::Email => old.trim().to_lowercase() == new.trim().to_lowercase(),
        FieldType::MultiPicklist => parts(old) == parts(new),
        // Line ends come back in the other form.
        FieldType::TextArea => old.trim().replace("\r\n", "\n") == new.trim().replace("\r\n", "\n"),
        _ => old.trim() == new.trim(),
    }
}

fn parts(text: &str) -> BTreeSet<&str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Reads `2024-01-31T10:00:00.000+0000` (as Salesforce prints) and `…Z` (as we send).
fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_to_the_destination_is_equal() {
        let at = Field::new("At__c", FieldType::DateTime, 0);
        assert!(wire_equal(&at, &json!("2024-01-31T10:00:00.000+0000"), &json!("2024-01-31T10:00:00.000Z")));
        let text = Field::new("Title", FieldType::String, 80);
        assert!(wire_equal(&text, &json!("VP"), &json!("VP  ")));
        assert!(!wire_equal(&text, &json!("VP"), &json!("vp")));
        assert!(wire_equal(&Field::new("V", FieldType::Currency, 0), &json!(10.0), &json!(10)));
        assert!(!wire_equal(&Field::new("V", FieldType::Currency, 0), &json!(10.0), &json!(10.01)));
        assert!(wire_equal(&Field::new("E", FieldType::Email, 80), &json!("a@b.io"), &json!("A@b.io")));
        assert!(wire_equal(&Field::new("M", FieldType::MultiPicklist, 80), &json!("A;B"), &json!("B; A")));
        assert!(!wire_equal(&Field::new("M", FieldType::MultiPicklist, 80), &json!("A;B"), &json!("A")));
        assert!(wire_equal(&Field::new("T", FieldType::Time, 0), &json!("10:00:00.000Z"), &json!("10:00:00Z")));
        assert!(wire_equal(&Field::new("D", FieldType::TextArea, 80), &json!("a\r\nb"), &json!("a\nb")));
        let reference = Field::new("RecordTypeId", FieldType::Reference, 18);
        assert!(wire_equal(&reference, &Wire::Null, &json!("012000000000000AAA")));
        assert!(wire_equal(&reference, &json!("001000000000001"), &json!("001000000000001AAA")));
        assert!(!wire_equal(&reference, &json!("short"), &json!("other")));
    }
}
