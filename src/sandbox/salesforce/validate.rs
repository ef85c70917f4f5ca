//! What a client sends, read field by field and held against the field's type and limits.

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::ids;
use super::records::Records;
use super::schema::{Field, Kind, Object};
use super::time;

/// What a record would get: canonical field names, `Null` clears.
pub type Changes = Map<String, Value>;

/// Reads what a client sends for one record (its `attributes` and id already taken away).
pub fn read(
    records: &Records,
    object: &Object,
    incoming: &Map<String, Value>,
    create: bool,
) -> Result<Changes, Vec<Refusal>> {
    let mut changes = Changes::new();
    let mut closed = Vec::new();
    let mut refused = Vec::new();
    for (name, value) in incoming {
        if name == "attributes" {
            continue;
        }
        let (field, value) = match object.field(name) {
            Some(field) => (field, value.clone()),
            None => match (object.relationship(name), value) {
                (Some(field), Value::Object(parent)) => (field, parent_id(records, field, parent).map_err(one)?),
                _ => return Err(one(no_such_column(object, name))),
            },
        };
        let writable = if create { field.createable } else { field.updateable };
        if !writable || !records.setup.may_write(object, field) {
            closed.push(field.name.as_str());
            continue;
        }
        let value = read_value(field, &value).map_err(one)?;
        if value.is_null() && field.kind == Kind::Boolean {
            let message = format!("{}: value not of required type: ", field.label);
            refused.push(Refusal::row("INVALID_TYPE_ON_FIELD_IN_RECORD", message, &[&field.name]));
        } else {
            refused.extend(check(records, field, &value).map_err(one)?);
        }
        changes.insert(field.name.clone(), value);
    }
    if !closed.is_empty() {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it \
             is read/write for your profile or permission set.",
            closed.join(", ")
        );
        return Err(one(Refusal::row("INVALID_FIELD_FOR_INSERT_UPDATE", message, &closed)));
    }
    let missing: Vec<&str> = object
        .fields
        .iter()
        .filter(|field| {
            let sent = changes.get(&field.name);
            let lacking = if create { sent.is_none_or(Value::is_null) } else { sent.is_some_and(Value::is_null) };
            lacking && (field.required() || (!field.nillable && !create && field.kind != Kind::Boolean))
        })
        .map(|field| field.name.as_str())
        .collect();
    if !missing.is_empty() {
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        refused.insert(0, Refusal::row("REQUIRED_FIELD_MISSING", message, &missing));
    }
    if refused.is_empty() { Ok(changes) } else { Err(refused) }
}

fn one(refusal: Refusal) -> Vec<Refusal> {
    vec![refusal]
}

/// A field that the object does not have.
pub fn no_such_column(object: &Object, name: &str) -> Refusal {
    let message = format!("No such column '{name}' on sobject of type {}", object.name);
    Refusal { fields: Some(Vec::new()), ..Refusal::call(400, "INVALID_FIELD", message) }
}

/// A value of the field's type, as the store keeps it: text trimmed, blank text null.
fn read_value(field: &Field, value: &Value) -> Result<Value, Refusal> {
    let kind = field.kind;
    let unreadable = || Refusal::unreadable(if kind == Kind::DateTime { "datetime" } else { kind.wire_name() }, value);
    Ok(match (kind, value) {
        (_, Value::Null) => Value::Null,
        (kind, Value::String(text)) if kind.is_text() || kind.is_id() => match text.trim() {
            "" => Value::Null,
            text => json!(text),
        },
        (Kind::Boolean, Value::Bool(flag)) => json!(flag),
        (Kind::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => return Err(unreadable()),
        },
        (kind, Value::Number(number)) if kind.is_number() => {
            read_number(field, number.as_f64().ok_or_else(unreadable)?).ok_or_else(unreadable)?
        }
        (kind, Value::String(text)) if kind.is_number() => {
            let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
            read_number(field, number.ok_or_else(unreadable)?).ok_or_else(unreadable)?
        }
        (Kind::Date, Value::String(text)) => json!(time::read_date(text).ok_or_else(unreadable)?.to_string()),
        (Kind::DateTime, Value::String(text)) => json!(time::read_datetime(text).ok_or_else(unreadable)?),
        _ => return Err(unreadable()),
    })
}

/// Rounds to the field's scale; `None` when a whole number is wanted and this is none.
fn read_number(field: &Field, number: f64) -> Option<Value> {
    if field.kind == Kind::Int {
        return (number.fract() == 0.0 && number.abs() < 9e18).then(|| json!(number as i64));
    }
    let factor = 10_f64.powi(i32::try_from(field.scale).unwrap_or(0));
    let rounded = (number * factor).round() / factor;
    Some(json!(if rounded.is_finite() { rounded } else { number }))
}

/// Limits of the field. An outer error ends the record's reading.
fn check(records: &Records, field: &Field, value: &Value) -> Result<Option<Refusal>, Refusal> {
    let name = field.name.as_str();
    let label = &field.label;
    let row = |code: &str, message: String| Some(Refusal::row(code, message, &[name]));
    Ok(match value {
        Value::String(text) if field.kind.is_text() => {
            if text.chars().count() > field.length {
                let message = format!("{label}: data value too large: {text} (max length={})", field.length);
                row("STRING_TOO_LONG", message)
            } else if field.kind == Kind::Email && !is_email(text) {
                row("INVALID_EMAIL_ADDRESS", format!("{label}: invalid email address: {text}"))
            } else if field.restricted && !field.picklist.contains(text) {
                let message = format!("{label}: bad value for restricted picklist field: {text}");
                row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
            } else {
                None
            }
        }
        Value::String(text) if field.kind == Kind::Reference => reference(records, field, text)?,
        Value::String(text) if matches!(field.kind, Kind::Date | Kind::DateTime) => {
            let year: i32 = text.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
            if (1700..=4000).contains(&year) {
                None
            } else {
                row("FIELD_INTEGRITY_EXCEPTION", format!("{label}: invalid date: {text}"))
            }
        }
        Value::Number(number) => {
            let digits = if field.kind == Kind::Int { field.digits } else { field.precision - field.scale };
            let limit = 10_f64.powi(i32::try_from(digits).unwrap_or(18));
            if number.as_f64().is_some_and(|number| number.abs() >= limit) {
                let message = format!("{label}: value outside of valid range on numeric field: {number}");
                row("NUMBER_OUTSIDE_VALID_RANGE", message)
            } else {
                None
            }
        }
        _ => None,
    })
}

fn reference(records: &Records, field: &Field, text: &str) -> Result<Option<Refusal>, Refusal> {
    let wrong = |code: &str| {
        let message = format!("{}: id value of incorrect type: {text}", field.label);
        Refusal::row(code, message, &[&field.name])
    };
    let Some(id) = ids::parse(text) else { return Ok(Some(wrong("MALFORMED_ID"))) };
    let Some(parent) = field.reference_to.as_deref().and_then(|name| records.schema.object(name)) else {
        return Ok(Some(Refusal::row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[])));
    };
    if !id.starts_with(&parent.prefix) {
        return Ok(Some(wrong("FIELD_INTEGRITY_EXCEPTION")));
    }
    Ok(match records.get(parent, &id)? {
        None => Some(Refusal::row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[])),
        Some(body) if body.get("IsDeleted") == Some(&json!(true)) => Some(Refusal::deleted()),
        Some(_) => None,
    })
}

/// The id of a parent that is named by an external id: `"Account": {"External_Id__c": "A1"}`.
fn parent_id(records: &Records, field: &Field, named: &Map<String, Value>) -> Result<Value, Refusal> {
    let parent =
        field.reference_to.as_deref().and_then(|name| records.schema.object(name)).ok_or_else(Refusal::not_found)?;
    let mut keys = named.iter().filter(|(key, _)| *key != "attributes");
    let (Some((key, value)), None) = (keys.next(), keys.next()) else {
        let message = "A parent must be named by exactly one external id field";
        return Err(Refusal::row("INVALID_FIELD", message, &[]));
    };
    let Some(key) = parent.field(key).filter(|key| key.is_key()) else {
        return Err(no_such_column(parent, key));
    };
    let wanted = value.as_str().unwrap_or_default();
    let found = records.find(parent, key, value)?;
    match found.as_slice() {
        [id] => Ok(json!(id)),
        [] => {
            let message = format!(
                "Foreign key external ID: {} not found for field {} in entity {}",
                wanted.to_lowercase(),
                key.name,
                parent.name
            );
            Err(Refusal::row("INVALID_FIELD", message, &[]))
        }
        _ => Err(Refusal::row("DUPLICATE_EXTERNAL_ID", several(key, &found), &[])),
    }
}

/// The text about a key that several records have.
pub fn several(key: &Field, found: &[String]) -> String {
    format!("{}: more than one record found for external id field: [{}]", key.name, found.join(", "))
}

/// Whether Salesforce takes it for an email address: dotted domain, plain characters, no stray dots.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let local = !local.is_empty()
        && local.len() <= 64
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom));
    let labels: Vec<&str> = domain.split('.').collect();
    let domain = labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    local && domain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses() {
        for good in ["a@b.co", "o'brien+x@mail.example.com", "A.B@EXAMPLE.COM", "x_y@exa-mple.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "badone", "a@b", "a b@c.de", "a@b..de", ".a@b.de", "a@-b.de", "a@b.de, c@d.ef", "a@@b.de", "é@b.de"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
