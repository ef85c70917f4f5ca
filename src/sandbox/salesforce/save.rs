//! Creating, changing and deleting one record.

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::org::USER_ID;
use super::records::{Body, Records};
use super::schema::{Field, Kind, Object};
use super::validate::{self, Changes};
use super::{ids, locks, places, record_types, rules};

/// Why a record was not saved; never empty.
pub type Refusals = Vec<Refusal>;

/// How a client wants its records saved.
#[derive(Debug, Clone, Copy)]
pub struct Saving<'a> {
    /// `v65.0`.
    pub version: &'a str,
    /// Save in spite of the duplicate rule, where it only alerts.
    pub allow_duplicates: bool,
    /// Tell the fields of the duplicates, not only their ids.
    pub duplicate_details: bool,
}

fn one(refusal: Refusal) -> Refusals {
    vec![refusal]
}

fn stored(error: rusqlite::Error) -> Refusals {
    one(error.into())
}

/// Creates a record; gives its id.
pub fn create(
    records: &mut Records,
    object: &Object,
    incoming: &Map<String, Value>,
    saving: Saving<'_>,
) -> Result<String, Refusals> {
    creatable(records, object)?;
    if incoming.keys().any(|key| key.eq_ignore_ascii_case("Id")) {
        let message = "cannot specify Id in an insert call";
        return Err(one(Refusal::row("INVALID_FIELD_FOR_INSERT_UPDATE", message, &["Id"])));
    }
    let stamp = records.stamp();
    let body = new_body(records, object, incoming, &stamp)?;
    unlocked(records, object, &body)?;
    if let Some(refusal) = rules::validate(records, object, &body) {
        return Err(one(refusal));
    }
    if let Some(refusal) = rules::duplicates(records, object, saving, &body).map_err(one)? {
        return Err(one(refusal));
    }
    offered(object, &body)?;
    unique(records, object, &body)?;
    records.insert(object, &body).map_err(stored)?;
    Ok(id_of(&body))
}

/// Creates a record of the past, without regard to rules; `None` when a field is not sound.
pub fn create_at(
    records: &Records,
    object: &Object,
    incoming: &Map<String, Value>,
    stamp: &str,
) -> Result<Option<String>, rusqlite::Error> {
    let Ok(body) = new_body(records, object, incoming, stamp) else { return Ok(None) };
    records.insert(object, &body)?;
    Ok(Some(id_of(&body)))
}

fn id_of(body: &Body) -> String {
    body.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A new record with everything that the platform fills in.
fn new_body(records: &Records, object: &Object, incoming: &Map<String, Value>, stamp: &str) -> Result<Body, Refusals> {
    let changes = validate::read(records, object, incoming, true)?;
    let mut body = Body::new();
    let id = records.next_id(object).map_err(stored)?;
    body.insert("Id".to_owned(), json!(id));
    for field in &object.fields {
        let value = field.default_value();
        if !value.is_null() {
            body.insert(field.name.clone(), value);
        }
    }
    body.insert("CreatedDate".to_owned(), json!(stamp));
    body.insert("CreatedById".to_owned(), json!(USER_ID));
    body.insert("PhotoUrl".to_owned(), json!(format!("/services/images/photo/{id}")));
    apply(object, &mut body, changes).map_err(one)?;
    finish(object, &mut body, stamp);
    Ok(body)
}

/// Changes a record.
pub fn update(records: &mut Records, object: &Object, id: &str, incoming: &Map<String, Value>) -> Result<(), Refusals> {
    writable(object)?;
    let mut body = existing(records, object, id)?;
    let changes = validate::read(records, object, incoming, false)?;
    unlocked(records, object, &body)?;
    apply(object, &mut body, changes).map_err(one)?;
    unlocked(records, object, &body)?;
    let stamp = records.stamp();
    finish(object, &mut body, &stamp);
    if let Some(refusal) = rules::validate(records, object, &body) {
        return Err(one(refusal));
    }
    offered(object, &body)?;
    unique(records, object, &body)?;
    records.replace(object, &id_of(&body), &body).map_err(stored)
}

/// Puts a record into the bin.
pub fn delete(records: &mut Records, object: &Object, id: &str) -> Result<(), Refusals> {
    writable(object)?;
    let mut body = existing(records, object, id)?;
    unlocked(records, object, &body)?;
    body.insert("IsDeleted".to_owned(), json!(true));
    let stamp = records.stamp();
    finish(object, &mut body, &stamp);
    records.replace(object, &id_of(&body), &body).map_err(stored)
}

/// Creates or changes the record whose `key` has this value; gives its id and whether it is new.
///
/// The value is taken out of `incoming` by the caller when it came there.
pub fn upsert(
    records: &mut Records,
    object: &Object,
    key: &Field,
    value: &Value,
    incoming: &Map<String, Value>,
    saving: Saving<'_>,
) -> Result<(String, bool), Refusals> {
    writable(object)?;
    if key.kind == Kind::Id {
        return match value.as_str() {
            None | Some("") => Ok((create(records, object, incoming, saving)?, true)),
            Some(id) => {
                update(records, object, id, incoming)?;
                Ok((ids::parse(id).unwrap_or_default(), false))
            }
        };
    }
    let blank = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    if blank {
        let message = format!("{} not specified", key.name);
        return Err(one(Refusal::row("MISSING_ARGUMENT", message, &[&key.name])));
    }
    let sought = value.as_str().map_or_else(|| value.clone(), |text| json!(text.trim()));
    let found = records.find(object, key, &sought).map_err(stored)?;
    match found.as_slice() {
        [] => {
            let mut incoming = incoming.clone();
            incoming.insert(key.name.clone(), value.clone());
            Ok((create(records, object, &incoming, saving)?, true))
        }
        [id] => {
            update(records, object, id, incoming)?;
            Ok((id.clone(), false))
        }
        _ => {
            let refusal = Refusal::row("DUPLICATE_EXTERNAL_ID", validate::several(key, &found), &[&key.name]);
            Err(one(Refusal { status: 300, ..refusal }))
        }
    }
}

/// The record, which must exist and not be deleted.
pub fn existing(records: &Records, object: &Object, id: &str) -> Result<Body, Refusals> {
    let Some(id) = ids::parse(id).filter(|id| id.starts_with(&object.prefix)) else {
        let message = format!("{} ID: id value of incorrect type: {id}", object.label);
        return Err(one(Refusal::row("MALFORMED_ID", message, &["Id"])));
    };
    match records.get(object, &id).map_err(stored)? {
        None => Err(one(Refusal::row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]))),
        Some(body) if body.get("IsDeleted") == Some(&json!(true)) => Err(one(Refusal::deleted())),
        Some(body) => Ok(body),
    }
}

fn writable(object: &Object) -> Result<(), Refusals> {
    if object.writable {
        return Ok(());
    }
    let message = format!("entity type {} does not support this operation in the sandbox", object.name);
    Err(one(Refusal::row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[])))
}

fn creatable(records: &Records, object: &Object) -> Result<(), Refusals> {
    if records.setup.may_create(object) {
        return Ok(());
    }
    let message = format!("entity type cannot be inserted: {}", object.label);
    Err(one(Refusal::row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[])))
}

/// Whether nobody else holds the account of this contact.
fn unlocked(records: &Records, object: &Object, body: &Body) -> Result<(), Refusals> {
    let Some(account) = locks::account_of(object, body).filter(|account| records.locked.contains(*account)) else {
        return Ok(());
    };
    let message = format!("unable to obtain exclusive access to this record or 1 records: {account}");
    Err(one(Refusal::row("UNABLE_TO_LOCK_ROW", message, &[])))
}

fn apply(object: &Object, body: &mut Body, changes: Changes) -> Result<(), Refusal> {
    let names: Vec<String> = changes.keys().cloned().collect();
    for (name, value) in changes {
        if value.is_null() {
            body.shift_remove(&name);
        } else if object.field(&name).is_some_and(|field| field.kind.is_id()) {
            let id = value.as_str().and_then(ids::parse);
            body.insert(name, id.map_or(value, Value::String));
        } else {
            body.insert(name, value);
        }
    }
    places::settle(object, body, &|name| names.iter().any(|it| it == name))
}

/// What the platform fills in on every save.
fn finish(object: &Object, body: &mut Body, stamp: &str) {
    body.entry("OwnerId").or_insert_with(|| json!(USER_ID));
    if object.person_name {
        let part = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", part("FirstName"), part("LastName")).trim().to_owned();
        body.insert("Name".to_owned(), json!(name));
    }
    body.insert("LastModifiedDate".to_owned(), json!(stamp));
    body.insert("LastModifiedById".to_owned(), json!(USER_ID));
    body.insert("SystemModstamp".to_owned(), json!(stamp));
}

/// Whether the record's type offers its picklist values.
fn offered(object: &Object, body: &Body) -> Result<(), Refusals> {
    record_types::refused(object, body).map_or(Ok(()), |refusal| Err(one(refusal)))
}

fn unique(records: &Records, object: &Object, body: &Body) -> Result<(), Refusals> {
    for field in object.fields.iter().filter(|field| field.unique) {
        let Some(value) = body.get(&field.name) else { continue };
        let others = records.find(object, field, value).map_err(stored)?;
        if let Some(other) = others.iter().find(|&other| body.get("Id") != Some(&json!(other))) {
            let message = format!("duplicate value found: {} duplicates value on record with id: {other}", field.name);
            return Err(one(Refusal::row("DUPLICATE_VALUE", message, &[])));
        }
    }
    Ok(())
}
