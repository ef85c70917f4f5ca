//! Picklist values: by API name, or by label or in other case where that means one value only.

use std::collections::BTreeSet;

use serde_json::json;

use super::{rejection, short};
use crate::destination::{DestinationError, Wire};
use crate::mapping::nearest;
use crate::types::{Field, PicklistValue, Value};

/// One value of a picklist that a text means.
fn meant<'a>(text: &str, picklist: &'a [PicklistValue]) -> Option<&'a str> {
    let active = || picklist.iter().filter(|entry| entry.active);
    let same = |other: &str| other.trim().to_lowercase() == text.to_lowercase();
    let only = |found: BTreeSet<&'a str>| (found.len() == 1).then(|| found.into_iter().next()).flatten();
    active()
        .find(|entry| entry.value == text)
        .map(|entry| entry.value.as_str())
        .or_else(|| only(active().filter(|entry| same(&entry.value)).map(|entry| entry.value.as_str()).collect()))
        .or_else(|| only(active().filter(|entry| same(&entry.label)).map(|entry| entry.value.as_str()).collect()))
}

/// The value as it is sent. One that the list does not have is refused by a restricted picklist and
/// taken as it is by another.
pub(super) fn picklist(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let text = value.to_string();
    one(text.trim(), field).map(|value| json!(value))
}

fn one(text: &str, field: &Field) -> Result<String, DestinationError> {
    if let Some(value) = meant(text, &field.picklist) {
        return Ok(value.to_owned());
    }
    if !field.restricted_picklist {
        return super::text::fitting(text, field);
    }
    let active = || field.picklist.iter().filter(|entry| entry.active).map(|entry| entry.value.as_str());
    let hint = match nearest(text, active()) {
        Some(near) => format!("The nearest value is `{near}`: add a map transform to this link."),
        None => {
            let some: Vec<&str> = active().take(12).collect();
            let more = active().count().saturating_sub(some.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("It takes {}{more}: add a map transform to this link.", some.join(", "))
        }
    };
    Err(DestinationError {
        hint: Some(hint),
        ..rejection(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            field,
            format!("{}: `{}` is not in the restricted picklist", field.name, short(text)),
            None,
        )
    })
}

/// Several values with semicolons between them (`A;B`), or a JSON array of texts; each once.
pub(super) fn several(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let text = value.to_string();
    let parts: Vec<String> = match (value, serde_json::from_str::<Vec<String>>(text.trim())) {
        (Value::Json(_) | Value::Text(_), Ok(parts)) => parts,
        _ => text.split(';').map(str::to_owned).collect(),
    };
    let mut values: Vec<String> = Vec::new();
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let value = one(part, field)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if values.is_empty() {
        return Ok(Wire::Null);
    }
    super::text::fitting(&values.join(";"), field).map(|text| json!(text))
}

/// What a field takes by label where a picklist of codes stands beside it (`MailingState` beside
/// `MailingStateCode`): the label, for a label in other case or a code that means one place only.
/// Anything else passes: an org may have given a place another name for this purpose.
pub(crate) fn label_of(text: &str, codes: &[PicklistValue]) -> Option<String> {
    let text = text.trim();
    let active = || codes.iter().filter(|entry| entry.active);
    let same = |other: &str| other.trim().to_lowercase() == text.to_lowercase();
    let only =
        |found: BTreeSet<&str>| (found.len() == 1).then(|| found.into_iter().next().map(str::to_owned)).flatten();
    only(active().filter(|entry| same(&entry.label)).map(|entry| entry.label.as_str()).collect())
        .or_else(|| only(active().filter(|entry| same(&entry.value)).map(|entry| entry.label.as_str()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::FieldType;

    fn field(kind: FieldType, restricted_picklist: bool) -> Field {
        let picklist = vec![
            PicklistValue::new("CA", "California"),
            PicklistValue::new("WA", "Washington"),
            PicklistValue::new("WA", "Western Australia"),
            PicklistValue { active: false, ..PicklistValue::new("XX", "Gone") },
            PicklistValue::new("a1", "Twin"),
            PicklistValue::new("a2", "Twin"),
        ];
        Field { restricted_picklist, picklist, ..Field::new("StateCode", kind, 20) }
    }

    #[test]
    fn a_label_or_other_case_means_its_value_when_only_one_has_it() {
        let field = field(FieldType::Picklist, true);
        for (text, value) in [("CA", "CA"), (" ca ", "CA"), ("california", "CA"), ("Western Australia", "WA")] {
            assert_eq!(picklist(&Value::from(text), &field).unwrap(), json!(value), "{text}");
        }
        for text in ["Gone", "XX", "Twin", "Nowhere"] {
            let error = picklist(&Value::from(text), &field).unwrap_err();
            assert_eq!(error.code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "{text}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn an_open_picklist_takes_new_values_that_fit() {
        let field = field(FieldType::Picklist, false);
        assert_eq!(picklist(&Value::from("New"), &field).unwrap(), json!("New"));
        assert_eq!(picklist(&Value::from("california"), &field).unwrap(), json!("CA"));
        assert_eq!(picklist(&Value::from("x".repeat(21).as_str()), &field).unwrap_err().code, "STRING_TOO_LONG");
    }

    #[test]
    fn several_values_are_read_as_a_list_or_with_semicolons() {
        let field = field(FieldType::MultiPicklist, true);
        assert_eq!(several(&Value::from("wa; California;CA;"), &field).unwrap(), json!("WA;CA"));
        assert_eq!(several(&Value::Json(r#"["CA", "a1"]"#.into()), &field).unwrap(), json!("CA;a1"));
        assert_eq!(several(&Value::from(" ; "), &field).unwrap(), Wire::Null);
        assert!(several(&Value::from("CA;Nowhere"), &field).unwrap_err().message.contains("`Nowhere`"));
    }

    #[test]
    fn a_place_by_its_code_becomes_its_label() {
        let codes = field(FieldType::Picklist, true).picklist;
        assert_eq!(label_of("ca", &codes).as_deref(), Some("California"));
        assert_eq!(label_of("CALIFORNIA", &codes).as_deref(), Some("California"));
        assert_eq!(label_of("WA", &codes), None, "two places have this code");
    }
}
