//! What an administrator has set up: one validation rule, and one duplicate rule.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::records::{Body, Records, fold};
use super::schema::Object;
use super::shape;

/// The validation rule: a platinum contact has a phone number.
pub fn validate(object: &Object, body: &Body) -> Option<Refusal> {
    let platinum = object.name == "Contact" && body.get("Tier__c") == Some(&json!("Platinum"));
    (platinum && !body.contains_key("Phone")).then(|| {
        let message = "A platinum contact needs a phone number.";
        Refusal::row("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, &["Phone"])
    })
}

/// The duplicate rule: no second contact of one last name and email.
pub fn duplicates(records: &Records, object: &Object, version: &str, body: &Body) -> Result<Option<Refusal>, Refusal> {
    let (Some(email), Some(name), "Contact") = (body.get("Email"), body.get("LastName"), object.name.as_str()) else {
        return Ok(None);
    };
    let Some(field) = object.field("Email") else { return Ok(None) };
    let same_name = |other: &Value| match (other.as_str(), name.as_str()) {
        (Some(other), Some(name)) => fold(other) == fold(name),
        _ => false,
    };
    let mut matches = Vec::new();
    for id in records.find(object, field, email)? {
        let Some(other) = records.get(object, &id)? else { continue };
        if other.get("LastName").is_some_and(same_name) {
            matches.push(json!({
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": { "attributes": shape::attributes(object, version, &other), "Id": id },
            }));
        }
    }
    if matches.is_empty() {
        return Ok(None);
    }
    let message = "You're creating a duplicate record. We recommend you use an existing record instead.";
    let mut refusal = Refusal::row("DUPLICATES_DETECTED", message, &[]);
    refusal.duplicate = Some(Box::new(json!({
        "allowSave": true,
        "duplicateRule": "Contact_Same_Name_And_Email",
        "duplicateRuleEntityType": "Contact",
        "errorMessage": message,
        "matchResults": [{
            "entityType": "Contact",
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "rule": "Contact_Same_Name_And_Email",
            "size": matches.len(),
            "success": true,
            "matchRecords": matches,
        }],
    })));
    Ok(Some(refusal))
}
