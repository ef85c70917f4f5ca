//! What is wrong with a `lookup`: the field, the parent object, the parent's field.

use super::{Checker, Place, Severity, nearest};
use crate::types::{Field, FieldType, ObjectDescribe};

impl Checker<'_> {
    /// Checks the lookup of this link, which leads to `field`.
    pub(super) fn lookup(&mut self, at: usize, field: &Field) {
        let place = Place::Link(at);
        let Some(lookup) = self.mapping.links[at].lookup.clone() else { return };
        if field.kind != FieldType::Reference || field.reference_to.is_empty() {
            let references: Vec<&str> = self
                .object
                .fields
                .iter()
                .filter(|other| other.reference_to.iter().any(|to| to.eq_ignore_ascii_case(&lookup.object)))
                .filter(|other| other.is_writable())
                .map(|other| other.name.as_str())
                .take(3)
                .collect();
            let hint = if references.is_empty() {
                "Cut the lookup.".to_owned()
            } else {
                format!("Cut the lookup, or lead the line to {}.", references.join(" or "))
            };
            self.error(place, format!("{} ({}) refers to no record.", field.name, field.kind), Some(hint));
            return;
        }
        if !field.reference_to.iter().any(|to| to.eq_ignore_ascii_case(&lookup.object)) {
            let hint = nearest(&lookup.object, field.reference_to.iter().map(String::as_str))
                .or(field.reference_to.first().map(String::as_str))
                .map(|near| format!("Did you mean `{near}`?"));
            let message =
                format!("{} refers to {}, not to `{}`.", field.name, field.reference_to.join(" or "), lookup.object);
            self.error(place, message, hint);
            return;
        }
        let parent = self.parents.iter().find(|parent| parent.name.eq_ignore_ascii_case(&lookup.object));
        if let Some(parent) = parent {
            self.parent_field(place, parent, &lookup.field);
        }
    }

    fn parent_field(&mut self, place: Place, parent: &ObjectDescribe, name: &str) {
        let Some(field) = parent.field(name) else {
            let hint = nearest(name, parent.fields.iter().map(|field| field.name.as_str()))
                .map(|near| format!("Did you mean `{near}`?"));
            self.error(place, format!("{} has no field `{name}` that this user sees.", parent.name), hint);
            return;
        };
        let label = format!("{}.{}", parent.name, field.name);
        if field.kind == FieldType::Id {
            let hint = "Cut the lookup: an id is sent as it is.";
            self.error(place, format!("A lookup by {label} finds what is there already."), Some(hint.into()));
        } else if !field.filterable || !is_comparable(field) {
            let hint = match better(parent).as_slice() {
                [] => "Use a field with text or numbers that queries may filter on.".to_owned(),
                fields => format!("Use one of: {}.", fields.join(", ")),
            };
            self.error(place, format!("Salesforce cannot search by {label} ({}).", field.kind), Some(hint));
        } else if !field.unique {
            let hint = match better(parent).into_iter().filter(|name| *name != field.name).collect::<Vec<_>>() {
                fields if fields.is_empty() || field.external_id => {
                    "A row whose value several records have is held.".to_owned()
                }
                fields => format!("A row whose value several records have is held. Unique: {}.", fields.join(", ")),
            };
            self.add(Severity::Warning, place, format!("{label} need not be unique."), Some(hint));
        }
    }
}

/// Whether a value of text or numbers can be compared with it.
fn is_comparable(field: &Field) -> bool {
    let number = matches!(
        field.kind,
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent
    );
    number || (field.kind.is_text() && !matches!(field.kind, FieldType::MultiPicklist | FieldType::EncryptedString))
}

/// The fields of a parent that are made to find it by.
fn better(parent: &ObjectDescribe) -> Vec<&str> {
    parent
        .fields
        .iter()
        .filter(|field| (field.unique || field.external_id) && field.filterable && is_comparable(field))
        .map(|field| field.name.as_str())
        .take(4)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::model::{Link, Lookup, Mapping, MatchTerm, Missing};
    use super::super::check;
    use super::*;
    use crate::types::{Column, ColumnType};

    fn contact() -> ObjectDescribe {
        let reference = |name: &str, to: &[&str]| Field {
            reference_to: to.iter().map(|name| (*name).to_owned()).collect(),
            ..Field::new(name, FieldType::Reference, 18)
        };
        ObjectDescribe::new(
            "Contact",
            vec![
                Field::new("Email", FieldType::Email, 80),
                reference("AccountId", &["Account"]),
                reference("OwnerId", &["Group", "User"]),
            ],
        )
    }

    fn account() -> ObjectDescribe {
        let key = Field { unique: true, external_id: true, ..Field::new("External_Id__c", FieldType::String, 40) };
        let long = Field { filterable: false, ..Field::new("Description", FieldType::TextArea, 32_000) };
        let others = [Field::new("Id", FieldType::Id, 18), Field::new("Name", FieldType::String, 255)];
        ObjectDescribe::new("Account", [key, long].into_iter().chain(others).collect())
    }

    fn found(field: &str, object: &str, by: &str) -> Vec<(Severity, String)> {
        let lookup = Lookup { object: object.into(), field: by.into(), missing: Missing::Reject };
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.matcher.terms = vec![MatchTerm { column: "KEY".into(), field: "Email".into() }];
        mapping.links = vec![Link::new("KEY", "Email"), Link { lookup: Some(lookup), ..Link::new("KEY", field) }];
        let columns = [Column { name: "KEY".into(), kind: ColumnType::Text { length: 80 }, nullable: true }];
        check(&mapping, &columns, &contact(), &[account()])
            .iter()
            .filter(|finding| finding.place == Place::Link(1))
            .map(|finding| (finding.severity, finding.to_string()))
            .collect()
    }

    #[test]
    fn each_fault_of_a_lookup_is_named_with_its_remedy() {
        assert_eq!(found("AccountId", "account", "external_id__c"), []);
        for (field, object, by, severity, part) in [
            (
                "Email",
                "Account",
                "Name",
                Severity::Error,
                "refers to no record. Cut the lookup, or lead the line to AccountId.",
            ),
            (
                "AccountId",
                "Acount",
                "Name",
                Severity::Error,
                "refers to Account, not to `Acount`. Did you mean `Account`?",
            ),
            ("OwnerId", "Account", "Name", Severity::Error, "OwnerId refers to Group or User, not to `Account`."),
            ("AccountId", "Account", "Externl_Id__c", Severity::Error, "Did you mean `External_Id__c`?"),
            (
                "AccountId",
                "Account",
                "Description",
                Severity::Error,
                "cannot search by Account.Description (textarea). Use one of: External_Id__c.",
            ),
            ("AccountId", "Account", "Id", Severity::Error, "an id is sent as it is"),
            ("AccountId", "Account", "Name", Severity::Warning, "Account.Name need not be unique."),
        ] {
            let all = found(field, object, by);
            assert!(all.iter().any(|(how, text)| *how == severity && text.contains(part)), "{part}: {all:?}");
        }
        // Only what can be known is checked: the describe of User is not here.
        assert_eq!(found("OwnerId", "User", "Nonsense"), []);
    }
}
