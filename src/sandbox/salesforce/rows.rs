//! One record a call: read, create, change, delete, and upsert by a key.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::org::Org;
use super::save::{self, Refusals, Saving};
use super::schema::{Field, Object};
use super::{ids, shape, validate};

/// How a call wants its records saved.
pub fn saving<'a>(call: &Call, version: &'a str) -> Saving<'a> {
    Saving { version, allow_duplicates: call.allow_duplicates, duplicate_details: call.duplicate_details }
}

/// The field by which an upsert may look records up.
pub fn key_field<'o>(object: &'o Object, name: &str) -> Result<&'o Field, Refusal> {
    let field = object.field(name).ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Refusal::call(404, "NOT_FOUND", message)
    })?;
    if field.is_key() {
        return Ok(field);
    }
    let message = format!(
        "Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {}",
        object.name
    );
    Err(Refusal::call(400, "INVALID_FIELD", message))
}

/// `POST …/sobjects/Contact`.
pub fn create(org: &mut Org, call: &Call, version: &str, object: &Object) -> Result<Answer, Refusals> {
    let fields = fields(call)?;
    let id = org.transaction(|org| match call.row_fault.take() {
        Some(refusal) => Err(Failed(vec![refusal])),
        None => Ok(save::create(&mut org.records, object, fields, saving(call, version))?),
    });
    let id = id.map_err(|failed: Failed| failed.0)?;
    let location = format!("/services/data/{version}/sobjects/{}/{id}", object.name);
    Ok(Answer::status(201, json!({ "id": id, "success": true, "errors": [] })).with_header("Location", location))
}

/// `GET …/sobjects/Contact/ID`.
pub fn read(org: &mut Org, call: &Call, version: &str, object: &Object, id: &str) -> Result<Answer, Refusals> {
    let gone = || vec![Refusal::not_found()];
    let Some(id) = ids::parse(id) else {
        let message = format!("Provided external ID field does not exist or is not accessible: {id}");
        return Err(vec![Refusal::call(404, "NOT_FOUND", message)]);
    };
    let body = org.records.get(object, &id).map_err(|error| vec![error.into()])?.ok_or_else(gone)?;
    if body.get("IsDeleted") == Some(&json!(true)) {
        return Err(gone());
    }
    let record = match call.parameter("fields").filter(|names| !names.is_empty()) {
        None => shape::record(object, version, &body, &object.fields),
        Some(names) => {
            let fields: Result<Vec<&Field>, Refusal> = names
                .split(',')
                .map(|name| {
                    let name = name.trim();
                    object.field(name).ok_or_else(|| validate::no_such_column(object, name))
                })
                .collect();
            shape::record(object, version, &body, fields.map_err(|refusal| vec![refusal])?)
        }
    };
    Ok(Answer::ok(record))
}

/// `PATCH …/sobjects/Contact/ID`.
pub fn update(org: &mut Org, call: &Call, object: &Object, id: &str) -> Result<Answer, Refusals> {
    let fields = fields(call)?;
    if fields.keys().any(|key| key.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(vec![Refusal::row("INVALID_FIELD", message, &["Id"])]);
    }
    let done = org.transaction(|org| match call.row_fault.take() {
        Some(refusal) => Err(Failed(vec![refusal])),
        None => Ok(save::update(&mut org.records, object, id, fields)?),
    });
    done.map_err(|failed| missing(failed.0))?;
    Ok(Answer::empty())
}

/// `DELETE …/sobjects/Contact/ID`.
pub fn delete(org: &mut Org, object: &Object, id: &str) -> Result<Answer, Refusals> {
    let done = org.transaction(|org| Ok(save::delete(&mut org.records, object, id)?));
    done.map_err(|failed: Failed| missing(failed.0))?;
    Ok(Answer::empty())
}

/// Everything at `…/sobjects/Contact/External_Id__c/VALUE`.
pub fn by_key(
    org: &mut Org,
    call: &Call,
    version: &str,
    object: &Object,
    key: &str,
    value: &str,
) -> Result<Answer, Refusals> {
    let key = key_field(object, key).map_err(|refusal| vec![refusal])?;
    let found = match ids::parse(value) {
        Some(id) if key.name == "Id" => vec![id],
        _ => org.records.find(object, key, &json!(value)).map_err(|error| vec![error.into()])?,
    };
    if found.len() > 1 {
        let urls: Vec<String> =
            found.iter().map(|id| format!("/services/data/{version}/sobjects/{}/{id}", object.name)).collect();
        return Ok(Answer::status(300, json!(urls)));
    }
    match (call.method.as_str(), found.first()) {
        ("GET", Some(id)) => read(org, call, version, object, id),
        ("DELETE", Some(id)) => delete(org, object, id),
        ("GET" | "DELETE", None) => Err(vec![Refusal::not_found()]),
        ("PATCH", _) => {
            let fields = fields(call)?;
            if fields.keys().any(|name| name.eq_ignore_ascii_case(&key.name)) {
                let message = format!("The {} field should not be specified in the sobject data.", key.name);
                return Err(vec![Refusal::row("INVALID_FIELD", message, &[&key.name])]);
            }
            let value = json!(value);
            let done = org.transaction(|org| match call.row_fault.take() {
                Some(refusal) => Err(Failed(vec![refusal])),
                None => Ok(save::upsert(&mut org.records, object, key, &value, fields, saving(call, version))?),
            });
            let (id, created) = done.map_err(|failed: Failed| missing(failed.0))?;
            let body = json!({ "id": id, "success": true, "errors": [], "created": created });
            Ok(Answer::status(if created { 201 } else { 200 }, body))
        }
        (method, _) => Err(vec![Refusal::method(method, "HEAD,GET,PATCH,DELETE")]),
    }
}

/// A failed transaction's refusals.
struct Failed(Refusals);

impl From<Refusals> for Failed {
    fn from(refusals: Refusals) -> Self {
        Self(refusals)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self(vec![error.into()])
    }
}

/// An id in the address that leads nowhere is a missing resource, not a bad reference.
fn missing(mut refusals: Refusals) -> Refusals {
    for refusal in &mut refusals {
        let leads_nowhere = refusal.code == "INVALID_CROSS_REFERENCE_KEY" && refusal.fields == Some(Vec::new());
        if leads_nowhere && refusal.message == "invalid cross reference id" && refusal.status == 400 {
            refusal.status = 404;
        }
    }
    refusals
}

fn fields(call: &Call) -> Result<&Map<String, Value>, Refusals> {
    let body = call.json().map_err(|refusal| vec![refusal])?;
    body.as_object().ok_or_else(|| {
        let message = "The HTTP entity body must be a JSON object";
        vec![Refusal::call(400, "JSON_PARSER_ERROR", message)]
    })
}
