//! A value as the destination's API takes it, by the field's type; and when two such values are
//! the same to the destination.

use jiff::civil;
use serde_json::{Number, json};

use crate::destination::{DestinationError, ErrorKind, Wire};
use crate::types::{Decimal, Field, FieldType, Value};

/// The last day that Salesforce stores (dates run from 1700-01-01 to 4000-12-31).
const LAST_DAY: civil::Date = civil::date(4000, 12, 31);
const FIRST_DAY: civil::Date = civil::date(1700, 1, 1);

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
        FieldType::Boolean => boolean(value, field),
        FieldType::Int | FieldType::Long => number(value, field, true),
        FieldType::Double | FieldType::Currency | FieldType::Percent => number(value, field, false),
        FieldType::Date => date(value, field),
        FieldType::DateTime => date_time(value, field),
        FieldType::Time => match value {
            Value::Time(time) => Ok(json!(format!("{}Z", time.strftime("%H:%M:%S%.3f")))),
            Value::Text(text) if text.trim().parse::<civil::Time>().is_ok() => Ok(json!(text.trim())),
            other => Err(unreadable(other, field, "a time")),
        },
        FieldType::Reference | FieldType::Id => reference(value, field),
        FieldType::Picklist if field.restricted_picklist => picklist(value, field),
        _ => text(value, field, truncate),
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

fn text(value: &Value, field: &Field, truncate: bool) -> Result<Wire, DestinationError> {
    let mut text = value.to_string();
    if field.kind == FieldType::Email {
        // Salesforce stores it without the spaces around it.
        text = text.trim().to_owned();
        if !is_email(&text) {
            return Err(rejection(
                "INVALID_EMAIL_ADDRESS",
                field,
                format!("{}: `{}` is not an email address", field.name, short(&text)),
                Some("Correct it in the source, or leave such rows out of the query."),
            ));
        }
    }
    let length = text.chars().count();
    if field.length > 0 && length > field.length as usize {
        if !truncate {
            return Err(rejection(
                "STRING_TOO_LONG",
                field,
                format!("{}: {length} characters, {} fit (`{}`)", field.name, field.length, short(&text)),
                Some("Set too_long = \"truncate\" on this link, or shorten it in the query."),
            ));
        }
        text = text.chars().take(field.length as usize).collect();
    }
    Ok(json!(text))
}

/// Whether Salesforce would take this as an email address: one `@`, a local part, a dotted domain
/// whose labels are letters, digits and hyphens, no white space.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn picklist(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let text = value.to_string();
    let wanted = text.trim();
    let active = || field.picklist.iter().filter(|entry| entry.active);
    if let Some(entry) = active().find(|entry| entry.value == wanted) {
        return Ok(json!(entry.value));
    }
    let near = active().max_by(|a, b| {
        strsim::jaro_winkler(&a.value.to_lowercase(), &wanted.to_lowercase())
            .total_cmp(&strsim::jaro_winkler(&b.value.to_lowercase(), &wanted.to_lowercase()))
    });
    Err(DestinationError {
        hint: near.map(|entry| format!("The nearest value is `{}`: add a map transform to this link.", entry.value)),
        ..rejection(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            field,
            format!("{}: `{}` is not in the restricted picklist", field.name, short(wanted)),
            None,
        )
    })
}

fn boolean(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    match value {
        Value::Bool(b) => Ok(json!(b)),
        Value::Number(n) if n.normalized() == Decimal::new(1, 0) => Ok(json!(true)),
        Value::Number(n) if n.unscaled == 0 => Ok(json!(false)),
        Value::Text(text) => match text.trim().to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "on" => Ok(json!(true)),
            "false" | "f" | "no" | "n" | "0" | "off" => Ok(json!(false)),
            _ => Err(unreadable(value, field, "true or false")),
        },
        other => Err(unreadable(other, field, "true or false")),
    }
}

fn number(value: &Value, field: &Field, whole: bool) -> Result<Wire, DestinationError> {
    let what = if whole { "a whole number" } else { "a number" };
    let decimal = match value {
        Value::Number(n) => *n,
        Value::Text(text) => text.parse().map_err(|_| unreadable(value, field, what))?,
        Value::Float(x) if x.is_finite() => {
            return Number::from_f64(*x).map(Wire::Number).ok_or_else(|| unreadable(value, field, what));
        }
        other => return Err(unreadable(other, field, what)),
    }
    .normalized();
    if decimal.scale == 0
        && let Ok(n) = i64::try_from(decimal.unscaled)
    {
        return Ok(json!(n));
    }
    if whole {
        return Err(unreadable(value, field, what));
    }
    // JSON numbers are read as doubles: refuse what a double cannot hold rather than change a digit.
    let double = decimal.to_f64();
    match double.to_string().parse::<Decimal>() {
        Ok(back) if back.normalized() == decimal => {
            Number::from_f64(double).map(Wire::Number).ok_or_else(|| unreadable(value, field, what))
        }
        _ => Err(rejection(
            "NUMBER_OUTSIDE_VALID_RANGE",
            field,
            format!("{}: {decimal} has more digits than a JSON number keeps", field.name),
            Some("Round it in the query."),
        )),
    }
}

fn date(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let date = match value {
        Value::Date(date) => *date,
        // A wall clock's day needs no zone; an instant's day does, so those are refused.
        Value::TimestampNtz(wall) => wall.date(),
        Value::Text(text) => {
            text.trim().parse::<civil::Date>().map_err(|_| unreadable(value, field, "a date such as 2024-01-31"))?
        }
        other => return Err(unreadable(other, field, "a date")),
    };
    in_range(date, field)?;
    Ok(json!(date.to_string()))
}

fn in_range(date: civil::Date, field: &Field) -> Result<(), DestinationError> {
    if (FIRST_DAY..=LAST_DAY).contains(&date) {
        return Ok(());
    }
    Err(rejection(
        "DATE_OUT_OF_RANGE",
        field,
        format!("{}: {date} is outside 1700-01-01 … 4000-12-31, all that Salesforce stores", field.name),
        Some("Turn such a date into NULL in the query."),
    ))
}

fn date_time(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let utc = match value {
        Value::TimestampLtz(utc) | Value::TimestampTz { utc, .. } => *utc,
        Value::TimestampNtz(_) => {
            return Err(rejection(
                "ZONE_NEEDED",
                field,
                format!("{}: a timestamp without a zone could be any of 24 instants", field.name),
                Some("Add the transform \"zone:Europe/Berlin\" (your zone) to this link."),
            ));
        }
        Value::Text(text) => {
            let instant: jiff::Timestamp = text
                .trim()
                .parse()
                .map_err(|_| unreadable(value, field, "a date and time with a zone, such as 2024-01-31T10:00:00Z"))?;
            jiff::tz::TimeZone::UTC.to_datetime(instant)
        }
        other => return Err(unreadable(other, field, "a date and time")),
    };
    in_range(utc.date(), field)?;
    Ok(json!(utc.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()))
}

fn reference(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let text = value.to_string();
    let id = text.trim();
    if matches!(id.len(), 15 | 18) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(json!(id));
    }
    Err(unreadable(value, field, "a record id of 15 or 18 characters"))
}

/// Text as the destination compares it: without the spaces around it, whatever its case.
pub fn comparable_text(value: &Value) -> String {
    match value {
        Value::Number(n) => n.normalized().to_string(),
        other => other.to_string().trim().to_lowercase(),
    }
}

/// Whether the destination already has what would be sent: texts without trailing spaces, numbers
/// rounded to the field's scale, instants as instants, ids by their first 15 characters.
pub fn wire_equal(field: &Field, old: &Wire, new: &Wire) -> bool {
    if old == new {
        return true;
    }
    match (old, new) {
        (Wire::Null, Wire::String(text)) | (Wire::String(text), Wire::Null) => text.trim().is_empty(),
        (Wire::String(old), Wire::String(new)) => match field.kind {
            FieldType::DateTime => match (instant(old), instant(new)) {
                (Some(old), Some(new)) => old == new,
                _ => false,
            },
            FieldType::Time => old.trim_end_matches('Z') == new.trim_end_matches('Z'),
            FieldType::Reference | FieldType::Id => old.get(..15) == new.get(..15),
            // Salesforce stores emails in lower case.
            FieldType::Email => old.trim().to_lowercase() == new.trim().to_lowercase(),
            _ => old.trim() == new.trim(),
        },
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

/// Reads `2024-01-31T10:00:00.000+0000` (as Salesforce prints) and `…Z` (as we send).
fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
