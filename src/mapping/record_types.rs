//! A record type by its developer name: `Business_Customer` instead of an id that differs from org
//! to org.

use serde_json::json;

use super::nearest;
use super::wire::rejection;
use crate::destination::{DestinationError, Wire};
use crate::types::{Field, FieldType, RecordType};

/// Whether this field holds a record's record type.
pub fn is_record_type(field: &Field) -> bool {
    field.kind == FieldType::Reference && field.reference_to.iter().any(|parent| parent == "RecordType")
}

/// The record type that a text names: by developer name, by id, or by label where only one has it.
/// Case and the spaces around it do not matter.
pub fn named<'a>(types: &'a [RecordType], text: &str) -> Option<&'a RecordType> {
    let text = text.trim();
    let same = |other: &str| other.eq_ignore_ascii_case(text);
    let by_label = || {
        let mut found = types.iter().filter(|one| same(&one.label));
        found.next().filter(|_| found.next().is_none())
    };
    types
        .iter()
        .find(|one| same(&one.developer_name))
        // Ids of 15 characters tell case apart; 18 repeat those 15.
        .or_else(|| types.iter().find(|one| is_id(text) && one.id.get(..15) == text.get(..15)))
        .or_else(by_label)
}

/// Whether a text has the form of a record type's id.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.starts_with("012") && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The record type's id as it is sent.
pub(super) fn to_wire(text: &str, field: &Field, types: &[RecordType]) -> Result<Wire, DestinationError> {
    let text = text.trim();
    match named(types, text) {
        Some(one) if one.available || one.master => Ok(json!(one.id)),
        Some(one) => Err(rejection(
            "RECORD_TYPE_NOT_AVAILABLE",
            field,
            format!("{}: this user may not give the record type `{}`", field.name, one.developer_name),
            Some("Ask an administrator to assign the record type to this user's profile or permission set."),
        )),
        // One that this user's describe does not list: Salesforce decides.
        None if is_id(text) => Ok(json!(text)),
        None => {
            let names: Vec<&str> =
                types.iter().filter(|one| !one.master).map(|one| one.developer_name.as_str()).collect();
            let near = nearest(text, names.iter().copied());
            Err(DestinationError {
                hint: Some(match near {
                    Some(near) => format!("Did you mean `{near}`? A map transform gives another name to a value."),
                    None if names.is_empty() => "The object has no record types: cut this line.".to_owned(),
                    None => {
                        "Use one of these developer names; a map transform gives another name to a value.".to_owned()
                    }
                }),
                ..rejection(
                    "UNKNOWN_RECORD_TYPE",
                    field,
                    format!(
                        "{}: there is no record type `{text}` (there are: {})",
                        field.name,
                        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                    ),
                    None,
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Vec<RecordType> {
        let one = |id: &str, name: &str, label: &str, available| RecordType {
            id: id.to_owned(),
            developer_name: name.to_owned(),
            label: label.to_owned(),
            active: true,
            available,
            default: false,
            master: name == "Master",
        };
        vec![
            one("012000000000001AAA", "Business_Customer", "Business customer", true),
            one("012000000000002AAA", "Reseller", "Partner", true),
            one("012000000000003AAA", "Secret", "Secret", false),
            one("012000000000000AAA", "Master", "Master", true),
        ]
    }

    fn field() -> Field {
        let mut field = Field::new("RecordTypeId", FieldType::Reference, 18);
        field.reference_to = vec!["RecordType".to_owned()];
        field
    }

    #[test]
    fn names_ids_and_labels_find_it() {
        for text in
            ["Business_Customer", " business_customer ", "012000000000001AAA", "012000000000001", "Business customer"]
        {
            assert_eq!(to_wire(text, &field(), &types()).unwrap(), json!("012000000000001AAA"), "{text}");
        }
        assert_eq!(to_wire("012000000000009AAA", &field(), &types()).unwrap(), json!("012000000000009AAA"));
        assert_eq!(to_wire("Master", &field(), &types()).unwrap(), json!("012000000000000AAA"));
    }

    #[test]
    fn what_is_not_there_is_rejected_with_the_list() {
        let error = to_wire("Resseler", &field(), &types()).unwrap_err();
        assert_eq!(error.code, "UNKNOWN_RECORD_TYPE");
        assert!(error.message.contains("Business_Customer, Reseller, Secret"), "{error}");
        assert!(error.hint.unwrap().contains("`Reseller`"));
        assert_eq!(to_wire("Secret", &field(), &types()).unwrap_err().code, "RECORD_TYPE_NOT_AVAILABLE");
    }
}
