//! Whether the signed-in user may do what each mapping wants: object rights and field security.

use super::{CheckState, Checklist};
use crate::config::{Catalog, MappingId};
use crate::mapping::{Mapping, Operation};
use crate::salesforce::ObjectSecurity;

/// A mapping with its name.
pub(super) type Mapped<'a> = (MappingId, &'a Mapping);

/// The mappings onto a connection, in the order of their names.
pub(super) fn of<'a>(catalog: &'a Catalog, connection: &str) -> Vec<Mapped<'a>> {
    let all = catalog.models.iter().flat_map(|model| {
        model
            .mappings
            .iter()
            .map(|named| (MappingId { model: model.slug.clone(), mapping: named.slug.clone() }, &named.mapping))
    });
    all.filter(|(_, mapping)| mapping.connection == connection).collect()
}

/// One line for a mapping.
pub(super) fn check(
    connection: &str,
    id: &MappingId,
    mapping: &Mapping,
    security: &ObjectSecurity,
    list: &mut Checklist,
) {
    let name = format!("fields of {id}");
    let refused = refusals(mapping, security);
    if refused.is_empty() {
        let words = match mapping.links.len() {
            1 => "1 field may be written".to_owned(),
            count => format!("{count} fields may be written"),
        };
        return list.tell(&name, CheckState::Ok, words, None);
    }
    let hint = format!("Give the user what `gondola grants {connection}` prints, or change the mapping.");
    list.tell(&name, CheckState::Failed, refused.join("; "), Some(hint));
}

/// What the user may not do, in words.
fn refusals(mapping: &Mapping, object: &ObjectSecurity) -> Vec<String> {
    let mut refused = Vec::new();
    let creates = matches!(mapping.operation, Operation::Create | Operation::Upsert);
    let updates = matches!(mapping.operation, Operation::Update | Operation::Upsert);
    for (needed, may, verb) in [
        (creates, object.createable, "create"),
        (updates, object.updateable, "change"),
        (mapping.operation == Operation::Delete, object.deletable, "delete"),
    ] {
        if needed && !may {
            refused.push(format!("this user may not {verb} {} records", object.name));
        }
    }
    if mapping.operation == Operation::Delete {
        return refused;
    }
    for link in &mapping.links {
        let name = &link.field;
        match object.field(name) {
            None => refused.push(format!("{name} does not exist or is hidden from this user")),
            Some(field) if creates && object.createable && !field.createable => refused.push(if field.updateable {
                format!("{name} cannot be set when a record is created")
            } else {
                format!("{name} is read-only for this user")
            }),
            Some(field) if mapping.operation == Operation::Update && object.updateable && !field.updateable => {
                refused.push(format!("{name} cannot be changed"));
            }
            // An upsert sets such a field once and leaves it alone afterwards.
            Some(_) => {}
        }
    }
    for term in &mapping.matcher.terms {
        match object.field(&term.field) {
            None if mapping.link_to(&term.field).is_none() => {
                refused.push(format!("{} (a matcher) does not exist or is hidden from this user", term.field));
            }
            Some(field) if !field.filterable => refused.push(format!("{} cannot be searched", term.field)),
            _ => {}
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Link, MatchTerm};
    use crate::salesforce::FieldSecurity;

    fn field(name: &str, createable: bool, updateable: bool) -> FieldSecurity {
        FieldSecurity {
            name: name.to_owned(),
            custom: false,
            permissionable: true,
            createable,
            updateable,
            filterable: name != "Description",
        }
    }

    fn contact() -> ObjectSecurity {
        ObjectSecurity {
            name: "Contact".to_owned(),
            createable: true,
            updateable: true,
            deletable: false,
            fields: vec![
                field("LastName", true, true),
                field("Title", false, false),
                field("Once__c", true, false),
                field("Description", true, true),
            ],
        }
    }

    fn mapping(operation: Operation, fields: &[&str], matcher: &str) -> Mapping {
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.operation = operation;
        mapping.links = fields.iter().map(|field| Link::new("X", *field)).collect();
        mapping.matcher.terms = vec![MatchTerm { column: "X".into(), field: matcher.into() }];
        mapping
    }

    #[test]
    fn each_field_is_held_against_what_the_user_may() {
        let refused =
            |operation, fields: &[&str], matcher| refusals(&mapping(operation, fields, matcher), &contact()).join("; ");
        assert_eq!(refused(Operation::Upsert, &["lastname", "Once__c"], "LastName"), "");
        assert_eq!(refused(Operation::Update, &["Once__c"], "LastName"), "Once__c cannot be changed");
        let all = refused(Operation::Upsert, &["Title", "Tier__c"], "Description");
        for part in ["Title is read-only", "Tier__c does not exist or is hidden", "Description cannot be searched"] {
            assert!(all.contains(part), "{all}");
        }
        assert_eq!(refused(Operation::Delete, &[], "LastName"), "this user may not delete Contact records");
        assert!(refused(Operation::Update, &[], "Ext__c").contains("Ext__c (a matcher)"));
    }
}
