//! Person accounts: an account that is a person, whose contact Salesforce keeps for itself. Such a
//! contact is written through its account: `LastName`, `PersonEmail`, `Tier__pc`.

use crate::destination::Payload;
use crate::types::{Field, ObjectDescribe};

/// The field that says whether an account, or the account of a contact, is a person.
pub const IS_PERSON: &str = "IsPersonAccount";

/// Whether the org has person accounts, as this object shows it.
pub fn has_persons(object: &ObjectDescribe) -> bool {
    matches!(object.name.as_str(), "Account" | "Contact") && object.field(IS_PERSON).is_some()
}

/// Whether a field belongs to persons alone.
fn is_of_a_person(name: &str) -> bool {
    matches!(name, "FirstName" | "LastName" | "MiddleName" | "Salutation" | "Suffix")
        || name.starts_with("Person")
        || name.ends_with("__pc")
}

/// Whether records with these fields are persons; `is_set` says whether a field gets a value.
pub fn are_persons(object: &ObjectDescribe, is_set: impl Fn(&str) -> bool) -> bool {
    object.name == "Account"
        && has_persons(object)
        && object.fields.iter().any(|field| is_of_a_person(&field.name) && is_set(&field.name))
}

/// Whether a create fails without this field: a person has a last name, and a name of its own making.
pub fn is_required(field: &Field, of_persons: bool) -> bool {
    match (of_persons, field.name.as_str()) {
        (true, "Name") => false,
        (true, "LastName") => true,
        _ => field.is_required(),
    }
}

/// Whether a record that was read is the contact of a person account.
pub fn is_person_contact(object: &ObjectDescribe, record: &Payload) -> bool {
    object.name == "Contact" && record.get(IS_PERSON).and_then(serde_json::Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::FieldType;

    #[test]
    fn a_person_needs_a_last_name_and_makes_its_own_name() {
        let name = Field { nillable: false, ..Field::new("Name", FieldType::String, 255) };
        let fields = ["LastName", "PersonEmail", IS_PERSON].map(|name| Field::new(name, FieldType::String, 80));
        let account = ObjectDescribe::new("Account", std::iter::once(name).chain(fields).collect());
        assert!(are_persons(&account, |name| name == "PersonEmail"));
        assert!(!are_persons(&account, |name| name == "Name"));
        let needed = |persons| -> Vec<&str> {
            account.fields.iter().filter(|field| is_required(field, persons)).map(|field| field.name.as_str()).collect()
        };
        assert_eq!((needed(true), needed(false)), (vec!["LastName"], vec!["Name"]));
    }
}
