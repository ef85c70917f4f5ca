//! A value as the destination's API takes it, by the field's type; and when two such values are
//! the same to the destination.

mod equal;
mod numbers;
mod picklists;
mod text;
mod times;

use crate::destination::{DestinationError, ErrorKind, Wire};
use crate::types::{Field, FieldType, Value};

pub use equal::{comparable_text, wire_equal};
pub(super) use picklists::label_of;
pub use text::is_email;

/// Why a value cannot be sent: the row is rejected and nothing is sent for it.
pub(super) fn rejection(code: &str, field: &Field, message: String, hint: Option<&str>) -> DestinationError {
    DestinationError {
        kind: ErrorKind::Data,
        code: code.to_owned(),
        message,
        fields: vec![field.name.clone()],
        hint: hint.map(str::to_owned),
    }
}

/// The wire form of a value that is not NULL. Blank text is `null`: Salesforce stores nothing for it.
pub(super) fn to_wire(value: &Value, field: &Field, truncate: bool) -> Result<Wire, DestinationError> {
    if value.is_blank() {
        return Ok(Wire::Null);
    }
    match &field.kind {
        FieldType::Boolean => numbers::boolean(value, field),
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            numbers::number(value, field)
        }
        FieldType::Date => times::date(value, field),
        FieldType::DateTime => times::date_time(value, field),
        FieldType::Time => times::time(value, field),
        FieldType::Reference | FieldType::Id => text::reference(value, field),
        FieldType::Picklist => picklists::picklist(value, field),
        FieldType::MultiPicklist => picklists::several(value, field),
        FieldType::Address | FieldType::Location | FieldType::Base64 => Err(rejection(
            "TYPE_CANNOT_BE_SENT",
            field,
            format!("{}: {}", field.name, not_sent(&field.kind).unwrap_or("it cannot be sent")),
            Some("Cut this line."),
        )),
        FieldType::String
        | FieldType::TextArea
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Combobox
        | FieldType::EncryptedString
        | FieldType::AnyType
        | FieldType::Other(_) => text::text(value, field, truncate),
    }
}

/// Why a type cannot be sent at all.
pub(super) fn not_sent(kind: &FieldType) -> Option<&'static str> {
    match kind {
        FieldType::Address => Some("an address cannot be sent as a whole"),
        FieldType::Location => Some("a geolocation cannot be sent as a whole"),
        FieldType::Base64 => Some("the content of a file cannot be sent"),
        _ => None,
    }
}

/// Whether a value can be compared with this field at all. Text can always be; a row whose value is
/// no number cannot be looked up in a number field, and must not spoil the look-up of others.
pub fn check_match_value(value: &Value, field: &Field) -> Result<(), DestinationError> {
    if field.kind.is_text() { Ok(()) } else { to_wire(value, field, false).map(drop) }
}

fn unreadable(value: &Value, field: &Field, what: &str) -> DestinationError {
    rejection(
        "UNREADABLE_VALUE",
        field,
        format!("{}: `{}` is not {what}", field.name, short(&value.to_string())),
        Some("Add a transform to this link, or change the query."),
    )
}

fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::types::Decimal;

    #[test]
    fn emails_are_checked_and_trimmed() {
        let email = Field::new("Email", FieldType::Email, 80);
        assert_eq!(to_wire(&Value::from(" o'brien@acme.io "), &email, false).unwrap(), json!("o'brien@acme.io"));
        for bad in ["not-an-email", "a@b@c.io", "a@b", "a b@c.io", ".a@c.io"] {
            assert_eq!(to_wire(&Value::from(bad), &email, false).unwrap_err().code, "INVALID_EMAIL_ADDRESS", "{bad}");
        }
    }

    #[test]
    fn long_text_is_rejected_or_cut() {
        let title = Field::new("Title", FieldType::String, 128);
        let long = Value::Text("x".repeat(300));
        assert_eq!(to_wire(&long, &title, false).unwrap_err().code, "STRING_TOO_LONG");
        assert_eq!(to_wire(&long, &title, true).unwrap(), json!("x".repeat(128)));
    }

    #[test]
    fn numbers_keep_their_digits_or_are_refused() {
        let money = Field::new("Value__c", FieldType::Currency, 0);
        assert_eq!(to_wire(&Value::Number(Decimal::new(2250, 2)), &money, false).unwrap(), json!(22.5));
        assert_eq!(to_wire(&Value::Number(Decimal::new(700, 2)), &money, false).unwrap(), json!(7));
        let digits = Value::Number(Decimal::new(123_456_789_012_345_678_901, 2));
        assert_eq!(to_wire(&digits, &money, false).unwrap_err().code, "NUMBER_OUTSIDE_VALID_RANGE");
    }

    #[test]
    fn dates_do_not_shift_and_instants_need_a_zone() {
        let day = Field::new("Birthdate", FieldType::Date, 0);
        assert_eq!(to_wire(&Value::Date(civil::date(1970, 1, 1)), &day, false).unwrap(), json!("1970-01-01"));
        assert_eq!(
            to_wire(&Value::Date(civil::date(9999, 12, 31)), &day, false).unwrap_err().code,
            "DATE_OUT_OF_RANGE"
        );
        let at = Field::new("At__c", FieldType::DateTime, 0);
        let wall = civil::date(2024, 1, 31).at(10, 0, 0, 0);
        assert_eq!(to_wire(&Value::TimestampNtz(wall), &at, false).unwrap_err().code, "ZONE_NEEDED");
        assert_eq!(to_wire(&Value::TimestampLtz(wall), &at, false).unwrap(), json!("2024-01-31T10:00:00.000Z"));
    }

    /// Every type that a describe can name.
    fn kinds() -> Vec<FieldType> {
        use FieldType as T;
        vec![
            T::String,
            T::TextArea,
            T::Email,
            T::Phone,
            T::Url,
            T::Picklist,
            T::MultiPicklist,
            T::Combobox,
            T::Boolean,
            T::Int,
            T::Long,
            T::Double,
            T::Currency,
            T::Percent,
            T::Date,
            T::DateTime,
            T::Time,
            T::Reference,
            T::EncryptedString,
            T::Id,
            T::AnyType,
            T::Other("hologram".into()),
            T::Address,
            T::Location,
            T::Base64,
        ]
    }

    fn values() -> impl Strategy<Value = Value> {
        let date = (1i16..9999, 1i8..13, 1i8..29).prop_map(|(year, month, day)| civil::date(year, month, day));
        let time = (0i8..24, 0i8..60, 0i8..60).prop_map(|(hour, minute, second)| civil::time(hour, minute, second, 0));
        let at = (date.clone(), time.clone()).prop_map(|(date, time)| date.to_datetime(time));
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (any::<i64>(), 0u8..20).prop_map(|(n, scale)| Value::Number(Decimal::new(i128::from(n), scale))),
            any::<f64>().prop_map(Value::Float),
            "\\PC{0,40}".prop_map(Value::Text),
            "[0-9.:;TZ+-]{0,20}".prop_map(Value::Text),
            date.prop_map(Value::Date),
            time.prop_map(Value::Time),
            at.clone().prop_map(Value::TimestampNtz),
            at.prop_map(Value::TimestampLtz),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Binary),
            "\\[\"[a-z]{0,4}\"\\]".prop_map(Value::Json),
        ]
    }

    proptest! {
        #[test]
        fn every_value_is_sent_as_plain_json_or_refused_by_name(value in values(), kind in prop::sample::select(kinds())) {
            let field = Field::new("F__c", kind, 20);
            match to_wire(&value, &field, false) {
                Ok(wire) => {
                    prop_assert!(!wire.is_array() && !wire.is_object());
                    prop_assert!(wire_equal(&field, &wire, &wire));
                    if let Some(text) = wire.as_str() {
                        prop_assert!(!field.kind.is_text() || text.chars().count() <= 20);
                    }
                }
                Err(error) => prop_assert!(error.fields == ["F__c"] && error.message.starts_with("F__c")),
            }
        }

        #[test]
        fn whole_numbers_and_their_texts_arrive_alike(n in -99_999_999_i64..99_999_999) {
            let field = Field { precision: 9, scale: 0, ..Field::new("N__c", FieldType::Int, 0) };
            let from_number = to_wire(&Value::Number(Decimal::new(i128::from(n), 0)), &field, false).unwrap();
            prop_assert_eq!(&from_number, &json!(n));
            prop_assert_eq!(to_wire(&Value::Text(n.to_string()), &field, false).unwrap(), from_number);
        }

        #[test]
        fn a_number_keeps_its_digits(n in -9_999_999_999_999_i64..9_999_999_999_999, scale in 0u8..6) {
            let field = Field::new("N__c", FieldType::Double, 0);
            let decimal = Decimal::new(i128::from(n), scale);
            let wire = to_wire(&Value::Number(decimal), &field, false).unwrap();
            prop_assert_eq!(wire.to_string().trim_end_matches(".0").parse::<Decimal>().unwrap().normalized(), decimal.normalized());
        }

        #[test]
        fn a_day_stays_the_day(year in 1700i16..4001, month in 1i8..13, day in 1i8..29) {
            let date = civil::date(year, month, day);
            let field = Field::new("D__c", FieldType::Date, 0);
            prop_assert_eq!(to_wire(&Value::Date(date), &field, false).unwrap(), json!(date.to_string()));
            prop_assert_eq!(to_wire(&Value::TimestampNtz(date.at(23, 59, 59, 0)), &field, false).unwrap(), json!(date.to_string()));
        }
    }

    #[test]
    fn what_has_no_plain_form_is_refused_by_name() {
        for kind in [FieldType::Address, FieldType::Location, FieldType::Base64] {
            let error = to_wire(&Value::from("x"), &Field::new("F__c", kind, 0), false).unwrap_err();
            assert_eq!(error.code, "TYPE_CANNOT_BE_SENT");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let places = Field { precision: 18, scale: 15, ..Field::new("Where__Latitude__s", FieldType::Double, 0) };
        assert!(to_wire(&Value::from("52.52"), &places, false).is_ok());
        let small = Field { precision: 5, scale: 2, ..Field::new("N__c", FieldType::Percent, 0) };
        let staff = Field { precision: 8, scale: 0, ..Field::new("NumberOfEmployees", FieldType::Int, 0) };
        for (field, text) in [(&places, "91"), (&small, "1000"), (&staff, "100000000"), (&staff, "1.5")] {
            assert!(to_wire(&Value::from(text), field, false).is_err(), "{text}");
        }
        assert_eq!(to_wire(&Value::from("999.99"), &small, false).unwrap(), json!(999.99));
    }

    #[test]
    fn times_are_written_in_full() {
        let field = Field::new("Opens__c", FieldType::Time, 0);
        for text in ["09:30", "09:30:00", "09:30:00.000Z"] {
            assert_eq!(to_wire(&Value::from(text), &field, false).unwrap(), json!("09:30:00.000Z"), "{text}");
        }
        assert!(to_wire(&Value::from("half past nine"), &field, false).is_err());
    }
}
