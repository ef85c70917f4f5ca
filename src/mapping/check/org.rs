//! What this org's ways mean for a mapping: person accounts, record types, states and countries.

use super::{Checker, Place, Severity};
use crate::mapping::model::Source;
use crate::mapping::{persons, places, record_types};
use crate::types::Field;

impl Checker<'_> {
    /// Whether the mapping's records are person accounts.
    pub(super) fn are_persons(&self) -> bool {
        persons::are_persons(self.object, |name| self.mapping.link_to(name).is_some())
    }

    pub(super) fn persons(&mut self) {
        if !persons::has_persons(self.object) {
            return;
        }
        if self.object.name == "Contact" {
            self.add(
                Severity::Warning,
                Place::Mapping,
                "This org has person accounts, whose contacts are written through Account.".into(),
                Some("Rows that find such a contact are held; give persons a mapping onto Account.".into()),
            );
            return;
        }
        if !self.are_persons() {
            return;
        }
        if let Some(at) = self.mapping.links.iter().position(|link| link.field.eq_ignore_ascii_case("Name")) {
            let message = "Name of a person account is made of FirstName and LastName.".to_owned();
            self.error(Place::Link(at), message, Some("Cut this line, or those of the person.".into()));
        }
        let typed = self
            .mapping
            .links
            .iter()
            .any(|link| self.object.field(&link.field).is_some_and(record_types::is_record_type));
        if self.creates() && !typed {
            self.add(
                Severity::Warning,
                Place::Mapping,
                "What is created gets this user's default record type, which must be one of person accounts.".into(),
                Some("Set RecordTypeId to a person record type, by its developer name.".into()),
            );
        }
    }

    /// A state without a line to its country.
    pub(super) fn states(&mut self) {
        let creates = self.creates();
        let alone: Vec<(String, String)> = places::places(self.object)
            .into_iter()
            .filter(|place| {
                let (state, country) = place.sets(|name| self.mapping.link_to(name).is_some());
                creates && state && !country && !place.has_default()
            })
            .map(|place| (place.state_code.name.clone(), place.country_code.name.clone()))
            .collect();
        for (state, country) in alone {
            self.add(
                Severity::Warning,
                Place::Field(country.clone()),
                format!(
                    "{state} needs its country, and no line leads to {country}: new records with a state are rejected."
                ),
                Some("Draw a line to it, or give a constant.".into()),
            );
        }
    }

    /// A constant that its field will refuse is known before any row is read.
    pub(super) fn constant(&mut self, at: usize, field: &Field) {
        let link = &self.mapping.links[at];
        let (Source::Constant(text), None) = (&link.source, &link.lookup) else { return };
        let value = crate::types::Value::Text(text.clone());
        let changed = link.transforms.iter().try_fold(value, |value, step| step.apply(value));
        let made = match changed {
            Ok(value) if record_types::is_record_type(field) => {
                record_types::to_wire(&value.to_string(), field, &self.object.record_types)
            }
            Ok(value) => super::super::wire::to_wire(&value, field, link.too_long == super::super::TooLong::Truncate),
            // Said for each row, with the value.
            Err(_) => return,
        };
        if let Err(error) = made {
            self.error(Place::Link(at), format!("{}.", error.message.trim_end_matches('.')), error.hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;
    use crate::mapping::{Link, Mapping, Operation};
    use crate::types::{FieldType, ObjectDescribe, PicklistValue, RecordType};

    fn record_type() -> Field {
        Field { reference_to: vec!["RecordType".into()], ..Field::new("RecordTypeId", FieldType::Reference, 18) }
    }

    fn account() -> ObjectDescribe {
        let name = Field { nillable: false, ..Field::new("Name", FieldType::String, 255) };
        let is_person =
            Field { createable: false, updateable: false, ..Field::new("IsPersonAccount", FieldType::Boolean, 0) };
        let mut object = ObjectDescribe::new(
            "Account",
            vec![
                name,
                Field::new("LastName", FieldType::String, 80),
                Field::new("PersonEmail", FieldType::Email, 80),
                is_person,
                record_type(),
            ],
        );
        object.record_types = vec![RecordType {
            id: "012000000000001AAA".into(),
            developer_name: "PersonAccount".into(),
            label: "Person".into(),
            active: true,
            available: true,
            default: false,
            master: false,
        }];
        object
    }

    fn constant(text: &str, field: &str) -> Link {
        Link { source: Source::Constant(text.into()), ..Link::new("", field) }
    }

    fn messages(object: &ObjectDescribe, links: Vec<Link>) -> String {
        let mut mapping = Mapping::new("sales", object.name.clone());
        mapping.operation = Operation::Create;
        mapping.links = links;
        check(&mapping, &[], object, &[]).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_person_account_is_written_with_its_persons_fields() {
        let good = vec![constant("Ito", "LastName"), constant("personaccount", "RecordTypeId")];
        assert_eq!(messages(&account(), good), "");
        let untyped = messages(&account(), vec![constant("Ito", "LastName")]);
        assert!(untyped.contains("default record type") && !untyped.contains("Name is required"), "{untyped}");
        let both = messages(&account(), vec![constant("Ito", "LastName"), constant("Ito Ltd", "Name")]);
        assert!(both.contains("Name of a person account is made of FirstName and LastName"), "{both}");
        let contact = ObjectDescribe { name: "Contact".into(), ..account() };
        assert!(messages(&contact, vec![constant("Ito", "Name")]).contains("written through Account"));
    }

    #[test]
    fn a_constant_that_will_be_refused_is_known_at_once() {
        let found = messages(&account(), vec![constant("Ito", "LastName"), constant("PersonAcount", "RecordTypeId")]);
        assert!(found.contains("no record type `PersonAcount`") && found.contains("`PersonAccount`?"), "{found}");
        let found = messages(&account(), vec![constant("Ito", "LastName"), constant("x", "PersonEmail")]);
        assert!(found.contains("`x` is not an email address"), "{found}");
    }

    #[test]
    fn a_state_without_a_line_to_its_country_is_pointed_out() {
        let codes = |name: &str| Field {
            picklist: vec![PicklistValue::new("CA", "x")],
            ..Field::new(name, FieldType::Picklist, 10)
        };
        let object = ObjectDescribe::new("Contact", vec![codes("MailingStateCode"), codes("MailingCountryCode")]);
        let found = messages(&object, vec![constant("CA", "MailingStateCode")]);
        assert!(found.contains("no line leads to MailingCountryCode"), "{found}");
        let both = vec![constant("CA", "MailingStateCode"), constant("CA", "MailingCountryCode")];
        assert_eq!(messages(&object, both), "");
    }

    #[test]
    fn what_this_user_may_not_do_names_the_next_step() {
        let secret = Field { createable: false, updateable: false, ..Field::new("Title", FieldType::String, 80) };
        let number = Field {
            auto_number: true,
            createable: false,
            updateable: false,
            ..Field::new("No__c", FieldType::String, 30)
        };
        let mut object =
            ObjectDescribe::new("Contact", vec![secret, number, Field::new("Home__c", FieldType::Location, 0)]);
        object.createable = false;
        let found = messages(&object, vec![constant("x", "Title"), constant("1", "No__c"), constant("1", "Home__c")]);
        for part in [
            "no Create permission on Contact. Ask an administrator for Create on Contact; `gondola grants sales` prints it.",
            "Title cannot be written: it is read-only for this user. Cut this line. Ask an administrator for Edit on Contact.Title",
            "No__c cannot be written: Salesforce numbers it.",
            "Lead lines to Home__Latitude__s and Home__Longitude__s.",
        ] {
            assert!(found.contains(part), "{part} in\n{found}");
        }
    }
}
