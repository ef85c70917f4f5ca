//! The record types of Contact, and which picklist values each lets through.

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::ids;
use super::places;
use super::records::Body;
use super::schema::{Field, Kind, Object};

/// The record type that stands for none.
pub const MASTER: &str = "012000000000000AAA";

/// A record type.
#[derive(Debug)]
pub struct RecordType {
    /// Its API name.
    pub developer_name: &'static str,
    /// What people read.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Values of `Tier__c` that it offers.
    tiers: &'static [&'static str],
}

/// The record types of Contact, in the order of their ids.
pub const OF_CONTACT: [RecordType; 2] = [
    RecordType {
        developer_name: "Business",
        name: "Business",
        description: "Somebody at a company",
        tiers: &["Silver", "Gold", "Platinum"],
    },
    RecordType {
        developer_name: "Private",
        name: "Private Person",
        description: "Somebody who buys for themselves",
        tiers: &["Bronze", "Silver"],
    },
];

/// The id of the nth record type.
pub fn id(nth: usize) -> String {
    ids::make("012", u64::try_from(nth).unwrap_or(0) + 1)
}

fn of(record_type: &str) -> Option<&'static RecordType> {
    (0..OF_CONTACT.len()).find(|&nth| id(nth) == record_type).map(|nth| &OF_CONTACT[nth])
}

/// The record types that an object has, with their ids.
pub fn of_object(object: &Object) -> impl Iterator<Item = (String, &'static RecordType)> {
    let count = if object.name == "Contact" { OF_CONTACT.len() } else { 0 };
    (0..count).map(|nth| (id(nth), &OF_CONTACT[nth]))
}

/// The values of a picklist field that a record type offers.
pub fn values<'f>(record_type: &str, field: &'f Field) -> Vec<&'f str> {
    let offered = of(record_type).filter(|_| field.name == "Tier__c").map(|it| it.tiers);
    let all = field.picklist.iter().map(String::as_str);
    all.filter(|value| offered.is_none_or(|offered| offered.contains(value))).collect()
}

/// A value that the record's type does not offer.
pub fn refused(object: &Object, body: &Body) -> Option<Refusal> {
    let record_type = body.get("RecordTypeId").and_then(Value::as_str)?;
    let field = object.field("Tier__c")?;
    let value = body.get(&field.name).and_then(Value::as_str)?;
    if values(record_type, field).contains(&value) {
        return None;
    }
    let message = format!("{}: bad value for restricted picklist field: {value}", field.label);
    Some(Refusal::row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &[&field.name]))
}

/// `recordTypeInfos` of a describe; `base` is the object's address.
pub fn infos(object: &Object, base: &str) -> Vec<Value> {
    let info = |id: &str, name: &str, developer_name: &str, master: bool| {
        json!({
            "active": true,
            "available": true,
            "defaultRecordTypeMapping": master,
            "developerName": developer_name,
            "master": master,
            "name": name,
            "recordTypeId": id,
            "urls": { "layout": format!("{base}/describe/layouts/{id}") },
        })
    };
    of_object(object)
        .map(|(id, it)| info(&id, it.name, it.developer_name, false))
        .chain([info(MASTER, "Master", "Master", true)])
        .collect()
}

/// `GET …/ui-api/object-info/Contact/picklist-values/ID[/FIELD]`.
pub fn picklist_values(
    object: &Object,
    version: &str,
    record_type: &str,
    field: Option<&str>,
) -> Result<Value, Refusal> {
    let id = ids::parse(record_type).filter(|id| id == MASTER || of_object(object).any(|(known, _)| known == *id));
    let id = id.ok_or_else(|| Refusal::call(404, "NOT_FOUND", "The requested resource does not exist"))?;
    let base = format!("/services/data/{version}/ui-api/object-info/{}/picklist-values/{id}", object.name);
    let of_field = |field: &Field| {
        let (controllers, valid_for) = places::dependency(field);
        let values: Vec<Value> = values(&id, field)
            .into_iter()
            .map(|value| {
                json!({
                    "attributes": null,
                    "label": places::label(field, value),
                    "validFor": valid_for(value),
                    "value": value,
                })
            })
            .collect();
        json!({
            "controllerValues": controllers,
            "defaultValue": null,
            "eTag": "9cbf2fc3e9d7ff2a0c2a6a5a4b5a2f1e",
            "url": format!("{base}/{}", field.name),
            "values": values,
        })
    };
    if let Some(name) = field {
        let field = object.field(name).filter(|field| field.kind == Kind::Picklist).ok_or_else(Refusal::not_found)?;
        return Ok(of_field(field));
    }
    let fields: Map<String, Value> = object
        .fields
        .iter()
        .filter(|field| field.kind == Kind::Picklist)
        .map(|field| (field.name.clone(), of_field(field)))
        .collect();
    Ok(json!({ "eTag": "ff4d1c2b0a9e8f7d6c5b4a3928170615", "picklistFieldValues": fields }))
}
