//! States and countries of an org that keeps them as picklists: a label (`MailingState`) with a code
//! beside it (`MailingStateCode`), and no state without its country.

use crate::destination::{DestinationError, Payload, Wire};
use crate::mapping::wire::rejection;
use crate::types::{Field, FieldType, ObjectDescribe, PicklistValue};

/// The state and the country of one address of an object.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `MailingStateCode`.
    pub state_code: &'a Field,
    /// `MailingState`.
    pub state: Option<&'a Field>,
    /// `MailingCountryCode`.
    pub country_code: &'a Field,
    /// `MailingCountry`.
    pub country: Option<&'a Field>,
}

/// The addresses of an object whose states and countries are picklists; none in other orgs.
pub fn places(object: &ObjectDescribe) -> Vec<Place<'_>> {
    object
        .fields
        .iter()
        .filter(|field| !field.custom && field.kind == FieldType::Picklist)
        .filter_map(|state_code| {
            let which = state_code.name.strip_suffix("StateCode")?;
            let country_code = object.field(&format!("{which}CountryCode"))?;
            Some(Place {
                state_code,
                state: object.field(&format!("{which}State")),
                country_code,
                country: object.field(&format!("{which}Country")),
            })
        })
        .collect()
}

/// The picklist of codes beside a label field, where it is one.
pub(super) fn codes_beside<'a>(object: &'a ObjectDescribe, field: &Field) -> Option<&'a [PicklistValue]> {
    places(object).into_iter().find_map(|place| {
        let is = |label: Option<&Field>| label.is_some_and(|label| label.name == field.name);
        match (is(place.state), is(place.country)) {
            (true, _) => Some(place.state_code.picklist.as_slice()),
            (_, true) => Some(place.country_code.picklist.as_slice()),
            _ => None,
        }
    })
}

impl Place<'_> {
    /// The fields of the state and of the country, codes first.
    fn fields(&self) -> [[Option<&Field>; 2]; 2] {
        [[Some(self.state_code), self.state], [Some(self.country_code), self.country]]
    }

    /// Whether one of the state's fields is set, and whether one of the country's is.
    pub fn sets(&self, is_set: impl Fn(&str) -> bool) -> (bool, bool) {
        let [state, country] = self.fields().map(|pair| pair.into_iter().flatten().any(|field| is_set(&field.name)));
        (state, country)
    }

    /// Whether Salesforce fills in a country where none is given.
    pub fn has_default(&self) -> bool {
        self.country_code.picklist.iter().any(|entry| entry.default)
    }
}

/// Why Salesforce would refuse the state of a row: no country beside it, or another country's.
///
/// `record` is what the record has, `None` for a create; a country that was not read is not judged.
pub fn refused(object: &ObjectDescribe, payload: &Payload, record: Option<&Payload>) -> Option<DestinationError> {
    places(object).into_iter().find_map(|place| {
        let [state, country] = place.fields();
        let sent = |pair: [Option<&Field>; 2]| {
            let found = pair.into_iter().flatten().find_map(|field| Some((field.name.clone(), payload.get(&field.name)?)));
            found.filter(|(_, wire)| !wire.is_null())
        };
        let (state_name, state_text) = sent(state)?;
        let known = |field: Option<&Field>| {
            let name = &field?.name;
            payload.get(name).or_else(|| record?.get(name)).filter(|wire| !wire.is_null())
        };
        let is_told = |field: &Field| payload.contains_key(&field.name) || record.is_some_and(|of| of.contains_key(&field.name));
        let country_known = country.into_iter().find_map(known);
        if country_known.is_none() {
            let unread = record.is_some() && !country.into_iter().flatten().any(is_told);
            if unread || (record.is_none() && place.has_default()) {
                return None;
            }
            return Some(rejection(
                "FIELD_INTEGRITY_EXCEPTION",
                place.state_code,
                format!("{state_name}: `{}` has no country beside it", shown(state_text)),
                Some("Draw a line to the country, or fill it in the source: Salesforce takes no state without its country."),
            ));
        }
        let code = payload.get(&place.state_code.name)?.as_str()?;
        let country = known(Some(place.country_code))?.as_str()?;
        let at = place.country_code.picklist.iter().position(|entry| entry.value == country)?;
        let meant = || place.state_code.picklist.iter().filter(|entry| entry.value == code && !entry.valid_for.is_empty());
        let belongs = meant().any(|entry| entry.valid_for.iter().any(|place| usize::from(*place) == at));
        (meant().next().is_some() && !belongs).then(|| {
            rejection(
                "FIELD_INTEGRITY_EXCEPTION",
                place.state_code,
                format!("{}: `{code}` is no state of `{country}`", place.state_code.name),
                Some("Correct the state or the country in the source."),
            )
        })
    })
}

fn shown(wire: &Wire) -> String {
    wire.as_str().map_or_else(|| wire.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(default: bool) -> ObjectDescribe {
        let picklist = |name: &str, picklist| Field { picklist, ..Field::new(name, FieldType::Picklist, 10) };
        let in_country = |value: &str, label: &str, place| PicklistValue {
            valid_for: vec![place],
            ..PicklistValue::new(value, label)
        };
        let usa = PicklistValue { default, ..PicklistValue::new("US", "United States") };
        ObjectDescribe::new(
            "Contact",
            vec![
                Field::new("MailingState", FieldType::String, 80),
                Field::new("MailingCountry", FieldType::String, 80),
                picklist("MailingStateCode", vec![in_country("CA", "California", 0), in_country("BY", "Bayern", 1)]),
                picklist("MailingCountryCode", vec![usa, PicklistValue::new("DE", "Germany")]),
            ],
        )
    }

    fn payload(pairs: &[(&str, Wire)]) -> Payload {
        pairs.iter().map(|(name, wire)| ((*name).to_owned(), wire.clone())).collect()
    }

    #[test]
    fn a_state_needs_its_country() {
        let alone = payload(&[("MailingStateCode", json!("CA"))]);
        let error = refused(&object(false), &alone, None).unwrap();
        assert!(error.message.contains("`CA` has no country beside it"), "{error}");
        assert_eq!(refused(&object(true), &alone, None), None, "the org fills it in");
        let both = payload(&[("MailingState", json!("California")), ("MailingCountry", json!("United States"))]);
        assert_eq!(refused(&object(false), &both, None), None);
        // An update keeps the record's country; one that was not read is not judged.
        assert_eq!(refused(&object(false), &alone, Some(&payload(&[("MailingCountryCode", json!("US"))]))), None);
        assert_eq!(refused(&object(false), &alone, Some(&payload(&[]))), None);
        assert!(refused(&object(false), &alone, Some(&payload(&[("MailingCountryCode", Wire::Null)]))).is_some());
    }

    #[test]
    fn a_state_belongs_to_its_country() {
        let wrong = payload(&[("MailingStateCode", json!("CA")), ("MailingCountryCode", json!("DE"))]);
        assert!(refused(&object(false), &wrong, None).unwrap().message.contains("`CA` is no state of `DE`"));
        let right = payload(&[("MailingStateCode", json!("BY")), ("MailingCountryCode", json!("DE"))]);
        assert_eq!(refused(&object(false), &right, None), None);
    }

    #[test]
    fn other_orgs_have_no_codes() {
        let plain = ObjectDescribe::new("Contact", vec![Field::new("MailingState", FieldType::String, 80)]);
        assert!(places(&plain).is_empty());
        assert!(codes_beside(&plain, &plain.fields[0]).is_none());
        let coded = object(false);
        assert_eq!(codes_beside(&coded, &coded.fields[1]).unwrap()[1].value, "DE");
    }
}
