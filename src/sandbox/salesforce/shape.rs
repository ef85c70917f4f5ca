//! Records as they are answered.

use serde_json::{Map, Value, json};

use super::records::Body;
use super::schema::{Field, Kind, Object};

/// The value of a field, blanks and compound fields filled in.
pub fn value(object: &Object, field: &Field, body: &Body) -> Value {
    match field.kind {
        Kind::Address => address(object, field, body),
        Kind::Boolean => body.get(&field.name).cloned().unwrap_or(json!(false)),
        _ => body.get(&field.name).cloned().unwrap_or(Value::Null),
    }
}

fn address(object: &Object, field: &Field, body: &Body) -> Value {
    let prefix = field.name.strip_suffix("Address").unwrap_or_default();
    let mut parts = Map::new();
    let codes = object.field(&format!("{prefix}CountryCode")).is_some();
    for part in [
        "City",
        "Country",
        "CountryCode",
        "GeocodeAccuracy",
        "Latitude",
        "Longitude",
        "PostalCode",
        "State",
        "StateCode",
        "Street",
    ] {
        if !codes && matches!(part, "CountryCode" | "StateCode") {
            continue;
        }
        let value = object.field(&format!("{prefix}{part}")).and_then(|field| body.get(&field.name));
        let mut key = part.to_owned();
        key[..1].make_ascii_lowercase();
        parts.insert(key, value.cloned().unwrap_or(Value::Null));
    }
    if parts.values().all(Value::is_null) { Value::Null } else { Value::Object(parts) }
}

/// A record's `attributes`.
pub fn attributes(object: &Object, version: &str, body: &Body) -> Value {
    let id = body.get("Id").and_then(Value::as_str).unwrap_or_default();
    json!({ "type": object.name, "url": format!("/services/data/{version}/sobjects/{}/{id}", object.name) })
}

/// A record with these fields.
pub fn record<'f>(object: &Object, version: &str, body: &Body, fields: impl IntoIterator<Item = &'f Field>) -> Value {
    let mut record = Map::new();
    record.insert("attributes".to_owned(), attributes(object, version, body));
    for field in fields {
        record.insert(field.name.clone(), value(object, field, body));
    }
    Value::Object(record)
}
