//! sObject Collections: up to 200 records a call, each with its own result, in order.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::ids;
use super::org::Org;
use super::rows::{key_field, saving};
use super::save::{self, Refusals};
use super::schema::{Object, Schema};
use super::shape;

/// Records that one call takes.
const MOST: usize = 200;
/// Records that one retrieve takes.
const MOST_READ: usize = 2_000;

/// One record of a call.
struct Row<'a> {
    object: &'static Object,
    fields: &'a Map<String, Value>,
}

/// `POST …/composite/sobjects`.
pub fn create(org: &mut Org, call: &Call, version: &str) -> Result<Answer, Refusal> {
    let (rows, all_or_none) = rows(org.records.schema, call)?;
    each(org, call, rows.len(), all_or_none, |org, at| {
        let row = rows[at].as_ref().map_err(|refusal| vec![refusal.clone()])?;
        let id = save::create(&mut org.records, row.object, row.fields, saving(call, version))?;
        Ok((id, None))
    })
}

/// `PATCH …/composite/sobjects`.
pub fn update(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let (rows, all_or_none) = rows(org.records.schema, call)?;
    each(org, call, rows.len(), all_or_none, |org, at| {
        let row = rows[at].as_ref().map_err(|refusal| vec![refusal.clone()])?;
        let (id, fields) = without(row.fields, "Id");
        let Some(id) = id.as_ref().and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            let message = "Id not specified in an update call";
            return Err(vec![Refusal::row("MISSING_ARGUMENT", message, &["Id"])]);
        };
        save::update(&mut org.records, row.object, id, &fields)?;
        Ok((ids::parse(id).unwrap_or_default(), None))
    })
}

/// `PATCH …/composite/sobjects/Contact/External_Id__c`.
pub fn upsert(org: &mut Org, call: &Call, version: &str, object: &str, key: &str) -> Result<Answer, Refusal> {
    let object = org.records.schema.object(object).ok_or_else(Refusal::not_found)?;
    let key = key_field(object, key)?;
    let (rows, all_or_none) = rows(org.records.schema, call)?;
    each(org, call, rows.len(), all_or_none, |org, at| {
        let row = rows[at].as_ref().map_err(|refusal| vec![refusal.clone()])?;
        if row.object.name != object.name {
            let message = format!("The type {} is not that of the upsert", row.object.name);
            return Err(vec![Refusal::row("INVALID_TYPE", message, &[])]);
        }
        let (value, fields) = without(row.fields, &key.name);
        let value = value.unwrap_or(Value::Null);
        let (id, created) = save::upsert(&mut org.records, object, key, &value, &fields, saving(call, version))?;
        Ok((id, Some(created)))
    })
}

/// `DELETE …/composite/sobjects?ids=a,b`.
pub fn delete(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let wanted: Vec<&str> = call.parameter("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    if wanted.is_empty() {
        return Err(Refusal::call(400, "MISSING_ARGUMENT", "The ids parameter is required"));
    }
    limit(wanted.len(), MOST)?;
    let all_or_none = call.parameter("allOrNone").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    each(org, call, wanted.len(), all_or_none, |org, at| {
        let id = wanted[at];
        let Some(object) = ids::parse(id).and_then(|id| org.records.schema.object_of_id(&id)) else {
            let message = format!("malformed id {id}");
            return Err(vec![Refusal::row("MALFORMED_ID", message, &[])]);
        };
        save::delete(&mut org.records, object, id)?;
        Ok((ids::parse(id).unwrap_or_default(), None))
    })
}

/// `POST …/composite/sobjects/Contact` and its GET: null for what is not there.
pub fn retrieve(org: &mut Org, call: &Call, version: &str, object: &str) -> Result<Answer, Refusal> {
    let object = org.records.schema.object(object).ok_or_else(Refusal::not_found)?;
    let (wanted, fields) = if call.method == "GET" {
        let list = |name: &str| {
            let text = call.parameter(name).unwrap_or_default();
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        (list("ids"), list("fields"))
    } else {
        let body = call.json()?;
        let list = |name: &str| -> Vec<String> {
            let all = body.get(name).and_then(Value::as_array);
            all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        (list("ids"), list("fields"))
    };
    if wanted.is_empty() || fields.is_empty() {
        return Err(Refusal::call(400, "MISSING_ARGUMENT", "The ids and fields parameters are required"));
    }
    if wanted.len() > MOST_READ {
        let message = format!("record limit reached. cannot submit more than {MOST_READ} records in this call");
        return Err(Refusal::call(400, "EXCEEDED_ID_LIMIT", message));
    }
    let fields: Result<Vec<_>, Refusal> = fields
        .iter()
        .map(|name| object.field(name).ok_or_else(|| super::validate::no_such_column(object, name)))
        .collect();
    let fields = fields?;
    let mut records = Vec::with_capacity(wanted.len());
    for id in &wanted {
        let Some(id) = ids::parse(id) else {
            return Err(Refusal::call(400, "MALFORMED_ID", format!("malformed id {id}")));
        };
        let body = org.records.get(object, &id)?.filter(|body| body.get("IsDeleted") != Some(&json!(true)));
        records.push(body.map_or(Value::Null, |body| shape::record(object, version, &body, fields.iter().copied())));
    }
    Ok(Answer::ok(Value::Array(records)))
}

fn limit(rows: usize, most: usize) -> Result<(), Refusal> {
    if rows <= most {
        return Ok(());
    }
    let message = format!("record limit reached. cannot submit more than {most} records in this call");
    Err(Refusal::call(400, "EXCEEDED_ID_LIMIT", message))
}

/// The records of a call. A record of an unknown type is that record's error.
fn rows<'a>(schema: &'static Schema, call: &'a Call) -> Result<(Vec<Result<Row<'a>, Refusal>>, bool), Refusal> {
    let body = call.json()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let Some(records) = body.get("records").and_then(Value::as_array) else {
        return Err(Refusal::call(400, "JSON_PARSER_ERROR", "The request must have a list of records"));
    };
    limit(records.len(), MOST)?;
    let rows = records
        .iter()
        .map(|record| {
            let fields = record
                .as_object()
                .ok_or_else(|| Refusal::call(400, "JSON_PARSER_ERROR", "Each record must be an object"))?;
            let Some(kind) = record.pointer("/attributes/type").and_then(Value::as_str) else {
                let message = "Include a type in the attributes of each record";
                return Err(Refusal::call(400, "INVALID_TYPE", message));
            };
            Ok(schema
                .object(kind)
                .map(|object| Row { object, fields })
                .ok_or_else(|| Refusal::row("INVALID_TYPE", format!("sObject type '{kind}' is not supported."), &[])))
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    Ok((rows, all_or_none))
}

/// A record's fields apart from one, which is given beside them.
fn without(fields: &Map<String, Value>, name: &str) -> (Option<Value>, Map<String, Value>) {
    let mut rest = fields.clone();
    let key = rest.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
    let value = key.and_then(|key| rest.shift_remove(&key));
    (value, rest)
}

/// Works on each record in order; with `all_or_none` one failure undoes them all.
fn each(
    org: &mut Org,
    call: &Call,
    count: usize,
    all_or_none: bool,
    mut work: impl FnMut(&mut Org, usize) -> Result<(String, Option<bool>), Refusals>,
) -> Result<Answer, Refusal> {
    org.records.begin()?;
    let mut results = Vec::with_capacity(count);
    for at in 0..count {
        org.records.begin()?;
        let result = match call.row_fault.take() {
            Some(refusal) => Err(vec![refusal]),
            None => work(org, at),
        };
        if result.is_ok() {
            org.records.commit()?;
        } else {
            org.records.roll_back()?;
        }
        results.push(result);
    }
    if all_or_none && results.iter().any(Result::is_err) {
        org.records.roll_back()?;
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            *result = Err(vec![Refusal::rolled_back()]);
        }
    } else {
        org.records.commit()?;
    }
    let bodies: Vec<Value> = results
        .into_iter()
        .map(|result| match result {
            Ok((id, None)) => json!({ "id": id, "success": true, "errors": [] }),
            Ok((id, Some(created))) => json!({ "id": id, "success": true, "errors": [], "created": created }),
            Err(refusals) => json!({
                "success": false,
                "errors": refusals.iter().map(Refusal::collections).collect::<Vec<_>>(),
            }),
        })
        .collect();
    Ok(Answer::ok(Value::Array(bodies)))
}
